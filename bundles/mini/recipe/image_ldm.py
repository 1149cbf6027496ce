"""Trains the image latent-diffusion model on the pictures alone; frozen afterwards.

    python image_ldm.py vae  --painted N --work DIR [--seconds 360 | --steps N]
    python image_ldm.py unet --painted N --work DIR [--seconds 480 | --steps N]

`unet` trains with the diffusion loss and, on nearly clean latents, with a linear head that reads the scene's attributes
from the pooled values of the decoder's self-attention: those pooled values are the synapse's global path, and without
the head a UNet this small has no reason to spread the picture's mood over them. `vae` has such a reader too: what it does
not find in the latents cannot be heard later. Both readers are thrown away. The scenes that are painted have no music. Where
the work folder has `vae_start.pt` or `image_start.pt` (see `start.py`), training goes on from those weights.
"""

from __future__ import annotations

import argparse
import multiprocessing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import synapse
from augment import shrink, vary
from nets import ImageModel, image_vae
from picture import PICTURE_STREAM, paint
from precision import autocast, layout
from scene import HOURS, PLACES, WEATHERS, sample_scene
from schedule import Schedule
from trainer import Budget, Trainer, load_average

HEAD_SHARE = 0.4  # of every batch is nearly clean and trains the head
HEAD_MOST_T = 60
MOODS = 2  # of the attributes: valence and arousal
TARGETS = MOODS + len(HOURS) + len(WEATHERS) + len(PLACES)
PAINTED_SEED = 1000  # of scenes that are painted and have no music
PAINTED_AT_ONCE = 500  # by one process


def paint_pictures(begin: int, end: int) -> tuple[Tensor, Tensor]:
    """Pictures uint8 (n, 3, 64, 64) of scenes of the training split that have no music, and their attributes."""
    pictures, attributes = [], []
    for index in range(begin, end):
        scene = sample_scene(np.random.default_rng([0, PAINTED_SEED, index]))
        picture = paint(scene, np.random.default_rng([0, PAINTED_SEED, index, PICTURE_STREAM]))
        pictures.append(shrink(torch.from_numpy(picture).permute(2, 0, 1)[None]))
        attributes.append(scene_attributes(scene.to_dict()))
    return torch.cat(pictures), torch.tensor(attributes)


def paint_varied(begin: int, end: int, looks: int) -> tuple[Tensor, Tensor]:
    """What `paint_pictures` paints, varied in as many ways as there are `looks`."""
    torch.set_num_threads(1)
    pictures, attributes = paint_pictures(begin, end)
    generator = torch.Generator().manual_seed(begin)
    return torch.cat([vary(pictures, generator) for _ in range(looks)]), attributes.repeat(looks, 1)


def paint_many(count: int, looks: int, processes: int) -> tuple[Tensor, Tensor]:
    """Varied pictures and their attributes, painted by several processes."""
    edges = [*range(0, count, PAINTED_AT_ONCE), count]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        # As numpy: a tensor would travel as a file descriptor, of which there are too few.
        parts = pool.starmap(_paint_arrays, [(begin, end, looks) for begin, end in zip(edges[:-1], edges[1:])])
    return tuple(torch.from_numpy(np.concatenate(each)) for each in zip(*parts))


def painted(work: Path, count: int, looks: int, processes: int) -> tuple[Tensor, Tensor]:
    """What `paint_many` paints, kept for the other stage."""
    kept = work / f"painted_{count}_{looks}.pt"
    if not kept.exists():
        torch.save(paint_many(count, looks, processes), kept)
    return torch.load(kept, weights_only=True)


def _paint_arrays(begin: int, end: int, looks: int) -> tuple[np.ndarray, ...]:
    return tuple(each.numpy() for each in paint_varied(begin, end, looks))


def scene_attributes(scene: dict) -> list[float]:
    """Valence and arousal in -1..1, then hour, weather and place as ones among zeros."""
    one_of = lambda name, names: [float(scene[name] == each) for each in names]
    mood = [2 * scene["valence"] - 1, 2 * scene["arousal"] - 1]
    return mood + one_of("hour", HOURS) + one_of("weather", WEATHERS) + one_of("place", PLACES)


def signed(pictures: Tensor) -> Tensor:
    """Pictures uint8 as -1..1."""
    return pictures.float() / 127.5 - 1


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


def train_vae(pictures: Tensor, attributes: Tensor, work: Path, budget: Budget, batch: int) -> None:
    """L1 on pixels and on their differences, a little pull towards unit variance, and the reader of attributes."""
    generator = torch.Generator().manual_seed(1)
    coder, start = ReadAutoencoder(), work / "vae_start.pt"
    if start.exists():
        # The decoder is missing there: it does not ship.
        coder.vae.load_state_dict(torch.load(start, weights_only=True), strict=False)
    coder.to(pictures.device, memory_format=layout(pictures.device))

    def loss(model) -> tuple[Tensor, dict]:
        index = torch.randint(len(pictures), (batch,), generator=generator).to(pictures.device)
        x = signed(pictures[index]).contiguous(memory_format=layout(pictures.device))
        with autocast(x.device):
            posterior = model.vae.encode(x).latent_dist
            z = posterior.sample()
            y, guess = model.vae.decode(z).sample.float(), model.reader(z)
        l1 = (y - x).abs().mean()
        edges = (y.diff(dim=-1) - x.diff(dim=-1)).abs().mean() + (y.diff(dim=-2) - x.diff(dim=-2)).abs().mean()
        kl, head = posterior.kl().float().mean() / posterior.mean[0].numel(), attribute_loss(guess, attributes[index])
        return l1 + 0.5 * edges + 1e-3 * kl + 0.1 * head, dict(l1=l1, kl=kl, head=head)

    trainer = Trainer(coder, work / "vae_training.pt", budget, rate=2e-3, decay=0.995)
    torch.save(dict(average=trainer.run(loss, every=50).vae.state_dict()), work / "vae.pt")


@torch.no_grad()
def encode(vae, pictures: Tensor) -> Tensor:
    """Latents (n, 4, 16, 16) of uint8 pictures, not yet scaled."""
    found = []
    for x in pictures.split(32 if pictures.device.type == "cpu" else 1024):
        with autocast(x.device):
            found.append(vae.encode(signed(x)).latent_dist.mode().float())
    return torch.cat(found)


def fit_scale(vae, pictures: Tensor) -> float:
    """The factor that gives the latents unit variance."""
    return 1.0 / encode(vae, pictures[:256]).std().item()


def train_unet(pictures: Tensor, attributes: Tensor, work: Path, budget: Budget, batch: int) -> None:
    """Diffusion on the pictures' latents, with the attribute head on nearly clean ones."""
    device = pictures.device
    vae = load_average(image_vae(), work / "vae.pt").to(device)
    scale = fit_scale(vae, pictures)
    generator, noises, schedule = torch.Generator().manual_seed(2), torch.Generator(device).manual_seed(2), Schedule(device)
    model, start, clean = ImageModel(TARGETS), work / "image_start.pt", int(batch * HEAD_SHARE)
    if start.exists():
        # The head is missing there: it does not ship.
        model.load_state_dict(torch.load(start, weights_only=True), strict=False)
    model.to(device, memory_format=layout(device))
    latents = encode(vae, pictures) * scale

    def loss(model) -> tuple[Tensor, dict]:
        pick = torch.randint(len(latents), (batch,), generator=generator).to(device)
        z, eps = latents[pick], torch.randn(batch, *latents.shape[1:], generator=noises, device=device)
        t = torch.randint(1000, (batch,), generator=generator)
        t[:clean] = torch.randint(HEAD_MOST_T, (clean,), generator=generator)
        t = t.to(device)
        signal, noise = schedule.signal_noise(t)
        with autocast(device):
            v = model(signal * z + noise * eps, t).float()
        taps = [block.attn1.processor for block in synapse.decoder_blocks(model.unet)]
        guess = model.head(synapse.pooled_values(taps)[:clean])
        diffusion = (schedule.loss_weight(t) * (v - (signal * eps - noise * z)).square().mean((1, 2, 3))).mean()
        head = attribute_loss(guess, attributes[pick[:clean]])
        return diffusion + 0.5 * head, dict(diffusion=diffusion, head=head)

    synapse.capture(model.unet)
    trainer = Trainer(model, work / "image_unet.pt", budget, rate=1e-3)
    trainer.run(loss)
    torch.save(dict(scale=scale), work / "image_scale.pt")


def load_image_model(work: Path, device: torch.device | str = "cpu") -> tuple[torch.nn.Module, ImageModel, float]:
    """The frozen VAE, the frozen image model with capturing taps, and the latents' scale."""
    vae = load_average(image_vae(), work / "vae.pt").to(device)
    model = load_average(ImageModel(TARGETS), work / "image_unet.pt").to(device)
    return vae, model, torch.load(work / "image_scale.pt", weights_only=True)["scale"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=("vae", "unet"))
    parser.add_argument("--painted", type=int, required=True, help="scenes to paint")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--looks", type=int, default=1, help="ways in which every painted scene is varied")
    parser.add_argument("--processes", type=int, default=1, help="that paint")
    parser.add_argument("--batch", type=int, help="default: 16 for vae, 32 for unet")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    run(options)


def run(options: argparse.Namespace) -> None:
    """Trains the stage that was asked for."""
    pictures, attributes = (each.to(options.device) for each in painted(options.work, options.painted, options.looks, options.processes))
    print(f"{len(pictures)} pictures", flush=True)
    budget = Budget(options.seconds, options.steps)
    if options.stage == "vae":
        train_vae(pictures, attributes, options.work, budget, options.batch or 16)
    else:
        train_unet(pictures, attributes, options.work, budget, options.batch or 32)


if __name__ == "__main__":
    main()
