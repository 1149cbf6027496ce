"""Begins a work folder from a bundle that exists, so that its music model can be trained on.

    python start.py --bundle ../ --work DIR

Tokenizer, codec, picture model and the normalisation of its pooled values stay as they are; `music_ldm.py` starts from the
bundle's weights. They are f16 and averaged, and the optimizer's state is not kept: the first steps are a warm-up.
"""

from __future__ import annotations

import argparse
import shutil
import tomllib
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import nets
from codec import PatchCodec


def read(bundle: Path, stage: str) -> dict[str, Tensor]:
    """The tensors of one of a bundle's files, f32."""
    return {name: value.float() for name, value in load_file(bundle / f"{stage}.safetensors").items()}


def under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors below `prefix`, without it."""
    return {name[len(prefix):]: value for name, value in state.items() if name.startswith(prefix)}


def music_model(bundle: Path) -> nets.MusicModel:
    """Text encoder, music UNet and alphas of a bundle."""
    model, text = nets.MusicModel(), read(bundle, "text")
    model.text.load_state_dict({**text, "encoder.embed_tokens.weight": text["shared.weight"]})
    model.unet.load_state_dict(under(read(bundle, "music"), "unet."))
    model.alpha.data = torch.logit(read(bundle, "synapse")["alpha"])
    return model


def image_models(bundle: Path) -> tuple[nn.Module, nets.ImageModel]:
    """The picture encoder (its decoder does not ship) and the image model of a bundle."""
    vae, image, state = nets.image_vae(), nets.ImageModel(), read(bundle, "image")
    vae.load_state_dict(under(state, "vae."), strict=False)
    image.unet.load_state_dict(under(state, "unet."))
    image.null_text.data = state["null_text"]
    return vae, image


def codec(bundle: Path) -> PatchCodec:
    """The mel codec of a bundle."""
    found = PatchCodec()
    found.load_state_dict(read(bundle, "decoder"))
    return found


def image_scale(bundle: Path) -> float:
    """The factor that gives the picture's latents unit variance."""
    return tomllib.loads((bundle / "manifest.toml").read_text())["image"]["vae"]["scaling_factor"]


def begin(bundle: Path, work: Path) -> None:
    """Write the checkpoints of every stage, as if they had just been trained."""
    work.mkdir(parents=True, exist_ok=True)
    vae, image = image_models(bundle)
    synapse = read(bundle, "synapse")
    torch.save(dict(average=vae.state_dict()), work / "vae.pt")
    torch.save(dict(average=image.state_dict()), work / "image_unet.pt")
    torch.save(dict(scale=image_scale(bundle)), work / "image_scale.pt")
    torch.save(dict(mean=synapse["pooled_mean"], std=synapse["pooled_std"]), work / "pooled_norm.pt")
    torch.save(dict(codec=codec(bundle).state_dict()), work / "codec.pt")
    torch.save(music_model(bundle).state_dict(), work / "start.pt")
    shutil.copyfile(bundle / "tokenizer.json", work / "tokenizer.json")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path(__file__).parent.parent)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    begin(options.bundle, options.work)


if __name__ == "__main__":
    main()
