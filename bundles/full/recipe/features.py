"""What the frozen models make of the triplets, kept on disk: the synapse's training then runs the music UNet alone.

    python features.py --bundle DIR --mel-vae FILE --triplets LIST --out DIR [--images DIR --audio DIR] [--steps 10] [--device cuda]

A file per triplet, f16: the music's `latents (c, window, rows)`, the words' `tokens (l, d)`, and per decoder layer the
picture's `keys.N` and `values.N`, both `(steps, l, width)`: those of the image UNet's self-attention along the DDIM inversion,
averaged to as many tokens as the words have. At full size and 60 words that is 1.6 MB a step, so it says what it is going
to need; ten steps are a coarse grid, which training takes the nearest of. What is there is not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from torch import Tensor

import melbench
from bundle import Bundle, mel_encoder
from front_end import FrontEnd
from lent import capture

ABOUT = "about.json"
WIDEST = 4 / 3  # a frame that is wider or higher is cropped to this before it is squeezed to a square, as the engine does


def square(path: Path, size: int) -> Tensor:
    """A picture as the engine looks at it, (1, 3, size, size) in -1..1."""
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    width, height = picture.size
    wide, high = min(width, round(height * WIDEST)), min(height, round(width * WIDEST))
    left, top = (width - wide) // 2, (height - high) // 2
    picture = picture.crop((left, top, left + wide, top + high)).resize((size, size), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1


def averaged(tokens: Tensor, length: int) -> Tensor:
    """Tokens (b, n, c) → (b, length, c), as the bundle's pool of the kind `sequence`."""
    return F.adaptive_avg_pool1d(tokens.transpose(1, 2), length).transpose(1, 2)


@dataclass
class Sight:
    """A picture along its inversion: per timestep, ascending, keys and values (1, n, c) of every decoder layer."""

    timesteps: list[int]
    layers: list[list[tuple[Tensor, Tensor]]]
    inverted: Tensor


class Eye:
    """The frozen image model."""

    def __init__(self, bundle: Bundle, steps: int, device: torch.device) -> None:
        said = bundle.manifest["image"]
        self.encoder, self.size = bundle.picture_encoder().to(device), said["size"]
        self.unet, self.null_text = bundle.unet("image").to(device), bundle.null_text().to(device)
        self.taps, self.scheduler = capture(self.unet), bundle.scheduler("image")
        self.scale = said["vae"].get("scaling_factor", 1.0)
        self.scheduler.set_timesteps(steps)
        self.timesteps = sorted(self.scheduler.timesteps.tolist())

    def latents(self, pixels: Tensor) -> Tensor:
        """Pixels (1, 3, size, size) to latents."""
        return self.encoder.encode(pixels).latent_dist.mode() * self.scale

    @torch.no_grad()
    def look(self, latents: Tensor) -> Sight:
        """DDIM inversion; the model is evaluated where the walk stands, as in the engine."""
        x, here, at, layers = latents, 0, self.scheduler.final_alpha_cumprod, []
        for t in self.timesteps:
            v = self._velocity(x, here, at)
            clean, noise = at.sqrt() * x - (1 - at).sqrt() * v, (1 - at).sqrt() * x + at.sqrt() * v
            at, here = self.scheduler.alphas_cumprod[t], t
            x = at.sqrt() * clean + (1 - at).sqrt() * noise
            layers.append(self._features(x, t))
        return Sight(self.timesteps, layers, x)

    def _velocity(self, x: Tensor, t: int, at: Tensor) -> Tensor:
        said = self.unet(x, t, self.null_text).sample
        if self.scheduler.config.prediction_type == "v_prediction":
            return said
        return (said - (1 - at).sqrt() * x) / at.sqrt()

    def _features(self, x: Tensor, t: int) -> list[tuple[Tensor, Tensor]]:
        self.unet(x, t, self.null_text)
        return [(tap.keys, tap.values) for tap in self.taps]


class Ear:
    """The frozen mel encoder and the words' encoder."""

    def __init__(self, bundle: Bundle, mel_vae: Path, device: torch.device) -> None:
        said = bundle.manifest["decoder"]["autoencoder"]
        self.encoder, self.scale = mel_encoder(said, mel_vae).to(device), said.get("scaling_factor", 1.0)
        self.front_end, self.device = FrontEnd.of(bundle.manifest), device
        self.frames = bundle.manifest["music"]["latent"]["window"] * 2 ** (len(said["block_out_channels"]) - 1)
        self.tokenizer, self.text = bundle.text()
        self.text = self.text.to(device)

    @torch.no_grad()
    def hear(self, path: Path) -> Tensor:
        """The beginning of a piece as latents (c, window, rows)."""
        mel = self.front_end.mel(self.front_end.read(path, self.frames)).to(self.device)
        return (self.encoder.encode(mel[None, None]).latent_dist.mode() * self.scale)[0]

    @torch.no_grad()
    def read(self, caption: str) -> Tensor:
        """Words as tokens (l, d)."""
        ids = torch.tensor([self.tokenizer.encode(caption).ids], device=self.device)
        return self.text(ids).last_hidden_state[0]


def features_of(triplet: melbench.Triplet, eye: Eye, ear: Ear, device: torch.device) -> dict[str, Tensor]:
    """All that training reads of a triplet."""
    tokens = ear.read(triplet.caption)
    sight = eye.look(eye.latents(square(triplet.image, eye.size).to(device)))
    found = {"latents": ear.hear(triplet.audio), "tokens": tokens}
    for layer in range(len(sight.layers[0])):
        for kind, name in enumerate(("keys", "values")):
            found[f"{name}.{layer}"] = torch.cat([averaged(step[layer][kind], len(tokens)) for step in sight.layers])
    return {name: value.half().cpu().contiguous() for name, value in found.items()}


def file_of(out: Path, index: int) -> Path:
    """Where a triplet's features are."""
    return out / f"{index:06}.safetensors"


def write(path: Path, tensors: dict[str, Tensor]) -> None:
    """Writes a file that is there whole or not at all."""
    partial = path.with_suffix(".partial")
    save_file(tensors, partial)
    os.replace(partial, path)


def begin(bundle: Bundle, eye: Eye, ear: Ear, out: Path) -> None:
    """Notes what the features depend on; refuses to add to others."""
    about = dict(bundle=bundle.manifest["files"], timesteps=eye.timesteps)
    path = out / ABOUT
    if path.exists() and json.loads(path.read_text()) != about:
        raise SystemExit(f"{out} has features of another bundle or of other steps; choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(about))
    write(out / "empty.safetensors", {"tokens": ear.read("").half().cpu().contiguous()})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--mel-vae", type=Path, required=True, help="Tango's pytorch_model_vae.bin: bundles have no mel encoder")
    parser.add_argument("--triplets", type=Path, required=True, help="JSON lines, or MusicCaps' .csv")
    parser.add_argument("--images", type=Path, help="pictures of a .csv")
    parser.add_argument("--audio", type=Path, help="music of a .csv")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=10, help="timesteps of the pictures' inversion that are kept")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    options = parser.parse_args()
    triplets = melbench.read(options.triplets, options.images, options.audio)
    bundle = Bundle.open(options.bundle)
    eye, ear = Eye(bundle, options.steps, options.device), Ear(bundle, options.mel_vae, options.device)
    begin(bundle, eye, ear, options.out)
    for index, triplet in enumerate(triplets):
        path = file_of(options.out, index)
        if path.exists():
            continue
        write(path, features_of(triplet, eye, ear, options.device))
        if index == 0:
            need, free = path.stat().st_size * len(triplets), shutil.disk_usage(options.out).free
            print(f"{len(triplets)} triplets will take about {need / 1e9:.1f} GB of {free / 1e9:.1f} GB that are free", flush=True)
        if index % 100 == 99:
            print(f"{index + 1} of {len(triplets)}", flush=True)


def read(path: Path) -> dict[str, Tensor]:
    """The features of a triplet, f32."""
    return {name: value.float() for name, value in load_file(path).items()}


if __name__ == "__main__":
    main()
