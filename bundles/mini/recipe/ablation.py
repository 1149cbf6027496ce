"""Compares ways for the picture to enter the music: music models trained on from the same weights, for as many steps each.

    python ablation.py --data DIR --held-out DIR --work DIR --readers SET/readers.pt --way WAY [--steps 700] [--clips 160]

Writes WORK/ablation/WAY/music.pt and prints a line of JSON: the held-out error of the velocity with the clip's own picture,
with that of another clip and with none, and what the reader of `evaluate.py train` hears in clips that are composed from
held-out words with their own picture and with that of another mood. Clips are made here, by DDIM without rescaled guidance,
and are read as mels: the figures compare ways with each other, not with those of `melfusion eval`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

import evaluate_readers
import synapse
import tokens
from codec import load_codec
from denoising import Denoising
from evaluate_probes import flux
from evaluate_set import swap_partners
from image_ldm import load_image_model
from inversion import STEPS
from music_ldm import Plan, read_norm, start_model, train
from nets import MusicModel
from precision import autocast
from scene import STYLES
from schedule import Schedule
from shards import read_metas, shards
from trainer import Budget, load_average
from training_set import Growing, Reader, Triplets

# Of each way: how tokens enter, and whether the global path is there.
WAYS = {
    "blend and global": ("blend", True),
    "blend": ("blend", False),
    "decoupled and global": ("decoupled", True),
    "decoupled": ("decoupled", False),
    "global": (None, True),
}
GUIDANCE = 1.5  # at every step
AT_ONCE = 16
NOISY = 500  # the picture decides above this timestep, and the velocity is compared there


def join(model: MusicModel, tokens: str | None) -> None:
    """Puts the way's processors on a model."""
    (synapse.decouple if tokens == "decoupled" else synapse.blend)(model.unet)


@torch.no_grad()
def compose(model: MusicModel, denoising: Denoising, batch: Triplets, seed: int) -> Tensor:
    """Latents, shaped as the batch's, that words and pictures of the batch give from noise."""
    n, schedule = len(batch.ids), denoising.schedule
    twice = Triplets(*(None if x is None else torch.cat([x, x]) for x in vars(batch).values()))
    told = torch.arange(2 * n) >= n
    x = torch.randn(batch.latents.shape, generator=torch.Generator().manual_seed(seed))
    walk = Schedule.walked(STEPS)
    for t, following in zip(walk, [*walk[1:], None]):
        with autocast("cpu"):
            plain, guided = denoising.velocity(model, torch.cat([x, x]), torch.full((2 * n,), t), twice, told, told).chunk(2)
        v = plain + GUIDANCE * (guided - plain)
        x = schedule.clean_and_noise(x, v, t)[0] if following is None else schedule.step(x, v, t, following)
    return x


@torch.no_grad()
def velocity_errors(model: MusicModel, denoising: Denoising, held_out: Triplets, others: Tensor) -> dict[str, float]:
    """Mean squared error of the velocity on fixed noise, with the clips' own pictures, with `others`' and with none."""
    count = len(held_out.latents)
    own = held_out.batch(torch.arange(count))
    swapped = replace(own, paths=own.paths[others], pooled=own.pooled[others])
    t = (NOISY + (torch.arange(count) + 0.5) / count * (1000 - NOISY)).long()
    eps = torch.randn(own.latents.shape, generator=torch.Generator().manual_seed(1))
    yes, no = torch.ones(count, dtype=torch.bool), torch.zeros(count, dtype=torch.bool)
    pieces = torch.arange(count).split(AT_ONCE)
    part = lambda batch, i: Triplets(*(x[i] for x in vars(batch).values()))
    mean = lambda batch, seen: float(torch.stack([
        denoising.loss(model, part(batch, i), t[i], eps[i], yes[i], seen[i])[1] * len(i) for i in pieces]).sum() / count)
    return dict(own=mean(own, yes), swapped=mean(swapped, yes), none=mean(own, no))


@torch.no_grad()
def heard(model: MusicModel, denoising: Denoising, batch: Triplets, codec, reader) -> dict[str, np.ndarray]:
    """Mood (n, 2), style and flux of clips composed for a batch."""
    found: dict[str, list] = dict(mood=[], style=[], flux=[])
    for index in torch.arange(len(batch.ids)).split(AT_ONCE):
        latents = compose(model, denoising, Triplets(*(x[index] for x in vars(batch).values())), seed=int(index[0]))
        mels = codec.decode(latents)
        _, mood, style, _ = reader(mels)
        found["mood"] += mood.tolist()
        found["style"] += style.argmax(1).tolist()
        found["flux"] += [flux(mel) for mel in mels.numpy()]
    return {name: np.array(values) for name, values in found.items()}


def measure(model: MusicModel, denoising: Denoising, held_out: Triplets, metas: list[dict], codec, reader, clips: int) -> dict[str, float]:
    """What a way makes of the held-out split: the velocity of all of it, and the sound of its first `clips`."""
    moods = np.array([[meta["scene"]["valence"], meta["scene"]["arousal"]] for meta in metas])
    others = torch.tensor(swap_partners(moods[:, 0].tolist()))
    figures = {f"error_{name}": value for name, value in velocity_errors(model, denoising, held_out, others).items()}
    all_own = held_out.batch(torch.arange(len(metas)))
    own = held_out.batch(torch.arange(clips))
    others, moods, partners = others[:clips], moods[:clips], moods[others[:clips]]
    swapped = replace(own, paths=all_own.paths[others], pooled=all_own.pooled[others])
    styles = np.array([STYLES.index(meta["style"]) for meta in metas[:clips]])
    both = [(heard(model, denoising, own, codec, reader), moods), (heard(model, denoising, swapped, codec, reader), partners)]
    for name, (sound, shown) in zip(("own", "swapped"), both):
        correlation = lambda a, b: float(np.corrcoef(a, b)[0, 1])
        figures |= {f"{name}_valence": correlation(sound["mood"][:, 0], shown[:, 0]), f"{name}_arousal": correlation(sound["mood"][:, 1], shown[:, 1]),
                    f"{name}_flux": correlation(np.log(sound["flux"]), shown[:, 1]), f"{name}_style": float((sound["style"] == styles).mean())}
    valence = both[1][0]["mood"][:, 0]
    nearer = np.abs(valence - partners[:, 0]) < np.abs(valence - moods[:, 0])
    return figures | dict(names_mood=float(nearer.mean()))


def run(options: argparse.Namespace) -> dict[str, float]:
    """Trains the chosen way and measures it."""
    work, (token_path, by_global) = options.work, WAYS[options.way]
    folder = work / "ablation" / options.way.replace(" ", "_")
    plan = Plan(Budget(float("inf"), options.steps), options.batch, options.rate)
    model = start_model(work, plan, torch.device("cpu"))
    join(model, token_path)
    tokenizer, codec = Tokenizer.from_file(str(work / "tokenizer.json")), load_codec(work / "codec.pt")
    reader = Reader(codec, tokenizer, read_norm(work, options.data), torch.device("cpu"))
    data, held_out = Growing(options.data, reader, follow=False), reader.folder(options.held_out)
    denoising = Denoising(load_image_model(work)[1], tokens.encode(tokenizer, [""]), torch.device("cpu"), token_path is not None, by_global)
    train(model, data, held_out, denoising, folder, plan)
    model = MusicModel()
    join(model, token_path)
    model = load_average(model, folder / "music.pt")
    metas = [meta for path in shards([options.held_out]) if reader.ready(path) for meta in read_metas(path)]
    return measure(model, denoising, held_out, metas, codec, evaluate_readers.load(options.readers)[0], options.clips)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, nargs="+")
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--readers", type=Path, required=True)
    parser.add_argument("--way", choices=WAYS, required=True)
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--clips", type=int, default=160, help="of the held-out ones, to be composed")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=4.5e-4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    figures = run(options)
    print(json.dumps(dict(way=options.way, steps=options.steps, **{name: round(value, 4) for name, value in figures.items()})), flush=True)


if __name__ == "__main__":
    main()
