"""Writes what was learnt: `alpha.safetensors`, and with --out a bundle that has it.

    python ship.py --bundle DIR --work DIR [--out DIR]

`melfusion bundle import --alpha alpha.safetensors` takes the small file, so that it can be given away without weights whose
licence forbids it.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from pathlib import Path

import tomli_w
import torch
from safetensors.torch import save_file
from torch import Tensor

from bundle import Bundle

KEPT_APART = ("reference.safetensors",)  # what PyTorch computed of the old weights


def learnt(work: Path) -> tuple[Tensor, dict[str, Tensor]]:
    """Shares (layers,) and the music UNet's tensors, none where it was not trained; averaged over the last steps."""
    state = torch.load(work / "synapse.pt", map_location="cpu", weights_only=True)["average"]
    unet = {name: value.half().contiguous() for name, value in state.items() if name.startswith("unet.")}
    return state["alpha"].sigmoid(), unet


def write_bundle(bundle: Bundle, shares: Tensor, unet: dict[str, Tensor], out: Path) -> None:
    """The bundle with other shares, and another UNet if there is one."""
    if out.exists():
        raise SystemExit(f"{out} is there; choose another folder, so that nothing is lost")
    shutil.copytree(bundle.folder, out, ignore=shutil.ignore_patterns(*KEPT_APART))
    said = bundle.manifest
    save_file({**bundle.tensors("synapse"), "alpha": shares}, out / said["synapse"]["weights"])
    if unet:
        save_file(unet, out / said["music"]["weights"])
    for name in (said["synapse"]["weights"], said["music"]["weights"]):
        content = (out / name).read_bytes()
        said["files"][name] = dict(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    said["trained_on"] += "; synapse trained with bundles/full/recipe"
    (out / "manifest.toml").write_text(tomli_w.dumps(said))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="folder for the bundle with it")
    options = parser.parse_args()
    shares, unet = learnt(options.work)
    save_file({"alpha": shares.contiguous()}, options.work / "alpha.safetensors")
    print("shares of the picture per decoder layer:", " ".join(f"{share:.3f}" for share in shares.tolist()))
    if options.out is not None:
        write_bundle(Bundle.open(options.bundle), shares, unet, options.out)


if __name__ == "__main__":
    main()
