"""Trains the image latent-diffusion model on the pictures alone; frozen afterwards.

    python image_ldm.py vae    --data DIR... --work DIR [--painted N] [--seconds 360 | --steps N]
    python image_ldm.py unet   --data DIR... --work DIR [--painted N] [--seconds 480 | --steps N]
    python image_ldm.py invert --data DIR... --work DIR --held-out DIR...

`unet` trains with the diffusion loss and, on nearly clean latents, with a linear head that reads the scene's attributes
from the pooled values of the decoder's self-attention: those pooled values are the synapse's global path, and without
the head a UNet this small has no reason to spread the picture's mood over them. `vae` has such a reader too: what it does
not find in the latents cannot be heard later. Both readers are thrown away. A picture costs milliseconds where its music
costs a fifth of a second, so `--painted` scenes without music may be added. Where the work folder has `vae_start.pt` or
`image_start.pt` (see `start.py`), training goes on from those weights.
`invert` writes the DDIM inversion of every picture on the sampler's grid, which the music's training reads, beside each
shard that lacks it; pictures to train on are varied before (`augment.py`).
"""

from __future__ import annotations

import argparse
import os
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import synapse
from augment import augment
from nets import IMAGE_SIZE, ImageModel, image_vae
from picture import PICTURE_STREAM, paint
from scene import HOURS, PLACES, WEATHERS, sample_scene
from schedule import Schedule
from shards import read_shard, shards
from trainer import Budget, Trainer, load_average

STEPS = 20  # of the inversion, as the sampler's default
HEAD_SHARE = 0.4  # of every batch is nearly clean and trains the head
HEAD_MOST_T = 60
MOODS = 2  # of the attributes: valence and arousal
TARGETS = MOODS + len(HOURS) + len(WEATHERS) + len(PLACES)
PAINTED_SEED = 1000  # of scenes that are painted and have no music


def read_pictures(paths: list[Path]) -> tuple[Tensor, Tensor]:
    """Pictures uint8 (n, 3, 64, 64) and their attributes f32 (n, targets) of those shards that are painted."""
    pictures, attributes = [], []
    for path in paths:
        arrays, metas = read_shard(path)
        if "pictures" in arrays:
            pictures.append(shrink(torch.from_numpy(arrays["pictures"]).permute(0, 3, 1, 2)))
            attributes += [scene_attributes(meta["scene"]) for meta in metas]
    return torch.cat(pictures), torch.tensor(attributes)


def paint_pictures(count: int) -> tuple[Tensor, Tensor]:
    """Pictures uint8 (count, 3, 64, 64) of scenes of the training split that have no music, and their attributes."""
    pictures, attributes = [], []
    for index in range(count):
        scene = sample_scene(np.random.default_rng([0, PAINTED_SEED, index]))
        picture = paint(scene, np.random.default_rng([0, PAINTED_SEED, index, PICTURE_STREAM]))
        pictures.append(shrink(torch.from_numpy(picture).permute(2, 0, 1)[None]))
        attributes.append(scene_attributes(scene.to_dict()))
    return torch.cat(pictures), torch.tensor(attributes)


def shrink(pictures: Tensor) -> Tensor:
    """Painted pictures uint8 (n, 3, s, s) at the model's size."""
    small = F.interpolate(pictures.float(), size=IMAGE_SIZE, mode="bilinear", antialias=True)
    return small.round().clamp(0, 255).to(torch.uint8)


def scene_attributes(scene: dict) -> list[float]:
    """Valence and arousal in -1..1, then hour, weather and place as ones among zeros."""
    one_of = lambda name, names: [float(scene[name] == each) for each in names]
    mood = [2 * scene["valence"] - 1, 2 * scene["arousal"] - 1]
    return mood + one_of("hour", HOURS) + one_of("weather", WEATHERS) + one_of("place", PLACES)


def batch_of(pictures: Tensor, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random pictures as (size, 3, 64, 64) in -1..1, two in three of them varied, and their indices."""
    index = torch.randint(len(pictures), (size,), generator=generator)
    return vary(pictures[index].float() / 127.5 - 1, generator), index


def vary(x: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (b, 3, 64, 64) in -1..1, two in three of them augmented."""
    varied = torch.rand(len(x), generator=generator) < 2 / 3
    x = x.clone()
    if varied.any():
        x[varied] = augment(x[varied], generator)
    return x


class ReadAutoencoder(nn.Module):
    """The autoencoder, and a small net that reads the scene's attributes from its latents."""

    def __init__(self) -> None:
        super().__init__()
        self.vae = image_vae()
        convolution = lambda inside, outside: nn.Conv2d(inside, outside, 3, stride=2, padding=1)
        self.reader = nn.Sequential(convolution(4, 48), nn.SiLU(), convolution(48, 96), nn.SiLU(), nn.Conv2d(96, 96, 3, padding=1),
                                    nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, TARGETS))


def attribute_loss(guess: Tensor, attributes: Tensor) -> Tensor:
    """Squared error of the mood, which the music needs most, and as much of all the other attributes together."""
    error = (guess.float() - attributes).square()
    return error[:, :MOODS].mean() + error[:, MOODS:].mean()


def train_vae(pictures: Tensor, attributes: Tensor, work: Path, budget: Budget, batch: int = 16) -> None:
    """L1 on pixels and on their differences, a little pull towards unit variance, and the reader of attributes."""
    generator = torch.Generator().manual_seed(1)
    coder, start = ReadAutoencoder(), work / "vae_start.pt"
    if start.exists():
        # The decoder is missing there: it does not ship.
        coder.vae.load_state_dict(torch.load(start, weights_only=True), strict=False)
    coder.to(memory_format=torch.channels_last)

    def loss(model) -> tuple[Tensor, dict]:
        x, index = batch_of(pictures, batch, generator)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            posterior = model.vae.encode(x).latent_dist
            z = posterior.sample()
            y, guess = model.vae.decode(z).sample.float(), model.reader(z)
        l1 = (y - x).abs().mean()
        edges = (y.diff(dim=-1) - x.diff(dim=-1)).abs().mean() + (y.diff(dim=-2) - x.diff(dim=-2)).abs().mean()
        kl, head = posterior.kl().float().mean() / posterior.mean[0].numel(), attribute_loss(guess, attributes[index])
        return l1 + 0.5 * edges + 1e-3 * kl + 0.1 * head, dict(l1=l1.item(), kl=kl.item(), head=head.item())

    trainer = Trainer(coder, work / "vae_training.pt", budget, rate=2e-3, decay=0.995)
    torch.save(dict(average=trainer.run(loss, every=50).vae.state_dict()), work / "vae.pt")


@torch.no_grad()
def encode(vae, pictures: Tensor, batch: int = 32) -> Tensor:
    """Latents (n, 4, 16, 16) of uint8 pictures, not yet scaled."""
    found = []
    for x in pictures.split(batch):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found.append(vae.encode(x.float() / 127.5 - 1).latent_dist.mode().float())
    return torch.cat(found)


def fit_scale(vae, pictures: Tensor) -> float:
    """The factor that gives the latents unit variance."""
    return 1.0 / encode(vae, pictures[:256]).std().item()


def train_unet(pictures: Tensor, attributes: Tensor, work: Path, budget: Budget, batch: int = 32) -> None:
    """Diffusion on the pictures' latents, with the attribute head on nearly clean ones."""
    vae = load_average(image_vae(), work / "vae.pt")
    scale = fit_scale(vae, pictures)
    generator, schedule = torch.Generator().manual_seed(2), Schedule()
    model, start, clean = ImageModel(TARGETS), work / "image_start.pt", int(batch * HEAD_SHARE)
    if start.exists():
        # The head is missing there: it does not ship.
        model.load_state_dict(torch.load(start, weights_only=True), strict=False)
    model.to(memory_format=torch.channels_last)
    latents, index = _varied_latents(vae, pictures, generator)
    latents *= scale

    def loss(model) -> tuple[Tensor, dict]:
        pick = torch.randint(len(latents), (batch,), generator=generator)
        z, eps = latents[pick], torch.randn(batch, *latents.shape[1:], generator=generator)
        t = torch.randint(1000, (batch,), generator=generator)
        t[:clean] = torch.randint(HEAD_MOST_T, (clean,), generator=generator)
        signal, noise = schedule.signal_noise(t)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            v = model(signal * z + noise * eps, t).float()
        taps = [block.attn1.processor for block in synapse.decoder_blocks(model.unet)]
        guess = model.head(synapse.pooled_values(taps)[:clean])
        diffusion = (schedule.loss_weight(t) * (v - (signal * eps - noise * z)).square().mean((1, 2, 3))).mean()
        head = attribute_loss(guess, attributes[index[pick[:clean]]])
        return diffusion + 0.5 * head, dict(diffusion=diffusion.item(), head=head.item())

    synapse.capture(model.unet)
    trainer = Trainer(model, work / "image_unet.pt", budget, rate=1e-3)
    trainer.run(loss)
    torch.save(dict(scale=scale), work / "image_scale.pt")


def _varied_latents(vae, pictures: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Latents of varied pictures and whose they are, one for each, and two where they are few.

    Made once, because encoding at every step would cost half as much again as the UNet.
    """
    found, indices, count = [], [], max(len(pictures), min(2 * len(pictures), 10_000))
    for _ in range(max(1, count // 64)):
        x, index = batch_of(pictures, 64, generator)
        found.append(encode(vae, ((x + 1) * 127.5)))
        indices.append(index)
    return torch.cat(found), torch.cat(indices)


def load_image_model(work: Path) -> tuple[torch.nn.Module, ImageModel, float]:
    """The frozen VAE, the frozen image model with capturing taps, and the latents' scale."""
    vae = load_average(image_vae(), work / "vae.pt")
    model = ImageModel(TARGETS)
    model = load_average(model, work / "image_unet.pt")
    return vae, model, torch.load(work / "image_scale.pt", weights_only=True)["scale"]


def inversion_of(shard: Path) -> Path:
    """Where the inverted pictures of a shard are kept."""
    return shard.with_suffix(".pictures.pt")


def invert_shard(shard: Path, work: Path, varied: bool) -> None:
    """Write the inversion of a shard's pictures, varied before or as they are; a shard that is not painted is passed over."""
    if "pictures" not in read_shard(shard)[0]:
        return
    pictures, _ = read_pictures([shard])
    if varied:
        x = vary(pictures.float() / 127.5 - 1, torch.Generator().manual_seed(zlib.crc32(shard.name.encode())))
        pictures = ((x + 1) * 127.5).round().to(torch.uint8)
    invert(pictures, work, inversion_of(shard))
    print(inversion_of(shard).name, flush=True)


@torch.no_grad()
def invert(pictures: Tensor, work: Path, out: Path, batch: int = 64) -> None:
    """Write the inversion paths f16 (n, steps + 1, 4, 16, 16) and the pooled clean values f32 (n, p) of uint8 pictures."""
    vae, model, scale = load_image_model(work)
    taps, schedule = synapse.capture(model.unet), Schedule()
    paths, pooled = [], []
    for x in pictures.split(batch):
        z = encode(vae, x) * scale
        with torch.autocast("cpu", dtype=torch.bfloat16):
            model(z, torch.zeros(len(z), dtype=torch.long))
            pooled.append(synapse.pooled_values(taps))
            path = schedule.invert(lambda x, t: model(x, t).float(), z, STEPS)
        paths.append(torch.stack(path, 1).half())
    partial = out.with_suffix(".partial")
    torch.save(dict(paths=torch.cat(paths), pooled=torch.cat(pooled)), partial)
    os.replace(partial, out)


def attribute_fit(paths: list[Path]) -> str:
    """How well a held-out linear fit reads valence and arousal from the pooled values."""
    x = torch.cat([torch.load(inversion_of(path), weights_only=True)["pooled"] for path in paths]).double()
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
    parser.add_argument("stage", choices=("vae", "unet", "invert"))
    parser.add_argument("--data", type=Path, nargs="+", default=[])
    parser.add_argument("--painted", type=int, default=0, help="scenes to paint besides those of the data")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, nargs="+", default=[])
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    budget = Budget(options.seconds, options.steps)
    if options.stage == "invert":
        for path in shards([*options.data, *options.held_out]):
            if not inversion_of(path).exists():
                invert_shard(path, options.work, varied=path.parent in options.data)
        for folder in (*options.data, *options.held_out):
            print(folder.name, attribute_fit([path for path in shards([folder]) if inversion_of(path).exists()]), flush=True)
        return
    if not options.data and not options.painted:
        parser.error("there is nothing to learn from; give --data, --painted or both")
    sets = [read_pictures(shards(options.data))] if options.data else []
    if options.painted:
        sets.append(paint_pictures(options.painted))
    pictures, attributes = (torch.cat(parts) for parts in zip(*sets))
    print(f"{len(pictures)} pictures", flush=True)
    if options.stage == "vae":
        train_vae(pictures, attributes, options.work, budget)
    else:
        train_unet(pictures, attributes, options.work, budget)


if __name__ == "__main__":
    main()
