"""Writes the DDIM inversion of every picture on the sampler's grid, which the music's training reads, beside each shard that lacks it.

    python inversion.py --data DIR... --work DIR --held-out DIR... [--follow]

Pictures to train on are varied before (`augment.py`). With --follow it goes on with shards that appear.
"""

from __future__ import annotations

import argparse
import os
import time
import zlib
from pathlib import Path

import torch
from torch import Tensor

import synapse
from augment import shrink, vary
from image_ldm import encode, load_image_model, read_pictures
from precision import autocast
from schedule import Schedule
from shards import read_shard, shards

STEPS = 20  # as the sampler's default


def inversion_of(shard: Path) -> Path:
    """Where the inverted pictures of a shard are kept."""
    return shard.with_suffix(".pictures.pt")


def views(shard: Path, varied: bool) -> Tensor | None:
    """Every picture of a shard's items, uint8 (n, v, 3, 64, 64), the first of them varied or as it is; None where there are none."""
    arrays, _ = read_shard(shard)
    if "pictures" not in arrays:
        return None
    first = shrink(torch.from_numpy(arrays["pictures"]).permute(0, 3, 1, 2))
    if not varied:
        return first[:, None]
    found = vary(first, torch.Generator().manual_seed(zlib.crc32(shard.name.encode())))[:, None]
    return torch.cat([found, torch.from_numpy(arrays["views"])], 1) if "views" in arrays else found


class Inverter:
    """Writes what the music's training reads of a shard's pictures beside the shard."""

    def __init__(self, work: Path, device: torch.device) -> None:
        self.device, self.schedule = device, Schedule(device)
        self.vae, self.model, self.scale = load_image_model(work, device)
        self.taps = synapse.capture(self.model.unet)

    def shard(self, shard: Path, varied: bool) -> bool:
        """Write the paths f16 (n, v, steps + 1, 4, 16, 16) and the pooled clean values f32 (n, v, p); False where nothing is painted."""
        pictures = views(shard, varied)
        if pictures is None:
            return False
        paths, pooled = self.invert(pictures.flatten(0, 1))
        out = inversion_of(shard)
        partial = out.with_suffix(".partial")
        torch.save(dict(paths=paths.unflatten(0, pictures.shape[:2]), pooled=pooled.unflatten(0, pictures.shape[:2])), partial)
        os.replace(partial, out)
        return True

    @torch.no_grad()
    def invert(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Paths f16 (n, steps + 1, 4, 16, 16) and pooled clean values f32 (n, p) of uint8 pictures."""
        paths, pooled = [], []
        for x in pictures.split(64 if self.device.type == "cpu" else 1024):
            z = encode(self.vae, x.to(self.device)) * self.scale
            with autocast(self.device):
                self.model(z, torch.zeros(len(z), dtype=torch.long, device=self.device))
                pooled.append(synapse.pooled_values(self.taps).cpu())
                path = self.schedule.invert(lambda x, t: self.model(x, t).float(), z, STEPS)
            paths.append(torch.stack(path, 1).half().cpu())
        return torch.cat(paths), torch.cat(pooled)


def invert_all(inverter: Inverter, folders: list[Path], varied: bool) -> int:
    """Invert the pictures of all painted shards that lack it; returns how many did."""
    return sum(inverter.shard(path, varied) for path in shards(folders) if not inversion_of(path).exists())


def attribute_fit(paths: list[Path]) -> str:
    """How well a held-out linear fit reads valence and arousal from the pooled values."""
    x = torch.cat([torch.load(inversion_of(path), weights_only=True)["pooled"][:, 0] for path in paths]).double()
    x = torch.cat([(x - x.mean(0)) / (x.std(0) + 1e-6), torch.ones(len(x), 1, dtype=torch.double)], 1)
    y, half = read_pictures(paths)[1][:, :2].double(), len(x) // 2
    eye = torch.eye(x.shape[1], dtype=torch.double) * 10
    w = torch.linalg.solve(x[:half].T @ x[:half] + eye, x[:half].T @ y[:half])
    rest = y[half:]
    r2 = 1 - (x[half:] @ w - rest).square().sum(0) / (rest - rest.mean(0)).square().sum(0)
    return f"R2 of valence {r2[0]:.3f}, of arousal {r2[1]:.3f}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=[])
    parser.add_argument("--held-out", type=Path, nargs="+", default=[])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--follow", action="store_true", help="go on with shards that appear, until stopped")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    inverter = Inverter(options.work, options.device)
    invert_all(inverter, options.held_out, varied=False)
    while invert_all(inverter, options.data, varied=True) or options.follow:
        time.sleep(1)
    for folder in (*options.data, *options.held_out):
        print(folder.name, attribute_fit([path for path in shards([folder]) if inversion_of(path).exists()]), flush=True)


if __name__ == "__main__":
    main()
