"""Trains the music latent-diffusion model on scores: text encoder, denoiser and the synapse's alphas.

    python music_ldm.py --data DIR --sights DIR --held-out DIR --held-out-sights DIR --work DIR [--seconds 4200 | --steps N]

A batch has clips of one length, each length as often as its share of the clips. Where the work folder has a `music_start.pt`
training goes on from those weights. The picture model is frozen, and its keys and values are those of the inversion at the kept
timestep nearest to the music's. Pictures, words or both are left out at random, so that guidance and "no picture" are defined; some
parts, bars or instruments are given, so that they can be.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

import tokens
from chain import chances
from composer.score import METRES
from dit import Rolls
from latents import ScoreLatents
from music_model import Batch, Denoising, Known, MusicModel, dit_config, draw_known, position_planes
from schedule import UNWALKED
from score_set import Album, ScoreSet
from trainer import Budget, Trainer

NO_TEXT, NO_PICTURE, NEITHER = 0.15, 0.12, 0.08  # shares of the samples
LOWEST = round(UNWALKED * 1000)  # timestep: the engine's walk ends about there, and what lies below is never asked for
TRAINED_ON = "trained_on.json"  # in the work folder: how many clips the music has seen
EMBEDDING = {"shared.weight": 3.0}


def conditions(batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which samples of a batch have words and which have a picture, each bool (b,)."""
    luck = torch.rand(batch, generator=generator)
    has_text = luck >= NO_TEXT + NEITHER
    has_picture = (luck >= NEITHER) & ~((luck >= NO_TEXT + NEITHER) & (luck < NO_TEXT + NEITHER + NO_PICTURE))
    return has_text, has_picture


@dataclass
class Data:
    """Sets of both lengths with their pictures; `norm` is mean and spread of the pooled values."""

    sets: list[ScoreSet]
    album: Album
    norm: tuple[Tensor, Tensor]

    @staticmethod
    def load(folder: Path, sights: Path, work: Path) -> "Data":
        """Read it."""
        sets, album = [ScoreSet.load(path) for path in (folder / "64", folder / "48") if path.exists()], Album(sights)
        return Data(sets, album, read_norm(work, album))

    def __len__(self) -> int:
        return sum(map(len, self.sets))

    def choose(self, generator: torch.Generator) -> ScoreSet:
        """One of the sets, as often as its share of the clips."""
        return self.sets[int(torch.multinomial(torch.tensor([float(len(each)) for each in self.sets]), 1, generator=generator))]

    def batch(self, some: ScoreSet, index: Tensor, generator: torch.Generator | None = None) -> Batch:
        """The given scores; the loop begins at any bar and any of the captions is read, given a generator."""
        latents, caption = some.latents(index), torch.zeros_like(index)
        if generator is not None:
            caption = torch.randint(some.ids.shape[1], index.shape, generator=generator)
            latents = latents.roll(latents.shape[1] // 4 * int(torch.randint(4, (1,), generator=generator)), 1)
        metres = list(METRES)
        planes = torch.stack([PLANES[metres[int(m)]] for m in some.fact("metre")[index]])
        sight = some.sight[index]
        pooled = (self.album.pooled[sight] - self.norm[0]) / self.norm[1]
        return Batch(latents, some.ids[index, caption].long(), some.fact("seconds_per_beat")[index], planes, pooled,
                     lambda step: self.album.rows(sight, step))


PLANES = {name: position_planes(name) for name in METRES}


def fit_rolls(rolls: Rolls, latents: ScoreLatents, data: Data) -> None:
    """Set what the denoiser knows of rolls, from the latents and a few thousand scores."""
    for r, part in enumerate(latents.parts.values()):
        getattr(rolls, f"basis{r}").copy_(torch.from_numpy(part.basis))
    rolls.mean.copy_(torch.from_numpy(np.concatenate([part.mean for part in latents.parts.values()])))
    tokens = torch.cat([torch.from_numpy(some.tokens[:2000].astype(np.float32)).flatten(0, 1) for some in data.sets])
    rolls.variance.copy_(rolls.rest(tokens).var(0).clamp(min=1e-4))
    rolls.chance.copy_(chances_of(rolls, data))
    roll = rolls.mean + rolls.turned(tokens)
    is_on = roll > 0.5
    loud = (roll * is_on).sum(0) / is_on.sum(0).clamp(min=1)
    rolls.on.copy_(torch.where(rolls.is_onset & (is_on.sum(0) > 0), loud, torch.where(rolls.is_onset, 0.85, 1.0)))


def chances_of(rolls: Rolls, data: Data) -> Tensor:
    """What pitches do after silence and after what sounds, by the loops of the set that has most of them."""
    some = max(data.sets, key=len)
    bits = torch.cat([rolls.mean + rolls.turned(some.latents(index)) > 0.5 for index in torch.arange(min(len(some), 4000)).split(500)])
    begins = bits[..., rolls.onsets]
    found = chances(begins, begins.index_copy(-1, rolls.sustained, bits[..., rolls.sustains]))
    return found


def train(model: MusicModel, data: Data, held_out: Data, denoising: Denoising, work: Path, budget: Budget, batch: int, rate: float) -> None:
    """The training loop, with a validation loss on fixed noise."""
    generator, config = torch.Generator().manual_seed(3), model.dit.config

    def loss(model) -> tuple[Tensor, dict]:
        chosen = data.choose(generator)
        some = data.batch(chosen, torch.randint(len(chosen), (batch,), generator=generator), generator)
        t = denoising.schedule.timesteps(batch, generator, LOWEST)
        has_text, has_picture = conditions(batch, generator)
        eps = torch.randn(some.latents.shape, generator=generator)
        known = draw_known(batch, some.latents.shape[1], config, generator)
        found = denoising.loss(model, some, t, eps, has_text, has_picture, known)
        return found.pop("loss"), found

    def probe(model) -> dict:
        fixed, some = torch.Generator().manual_seed(1), held_out.sets[0]
        n = min(128, len(some))
        held, yes = held_out.batch(some, torch.arange(n)), torch.ones(n, dtype=torch.bool)
        t = (LOWEST + (torch.arange(n) + 0.5) / n * (1000 - LOWEST)).long()
        found = denoising.loss(model, held, t, torch.randn(held.latents.shape, generator=fixed), yes, yes)
        return dict(**{f"unseen_{name}": value for name, value in found.items()}, alpha=[round(a, 3) for a in torch.sigmoid(model.alpha).tolist()])

    Trainer(model, work / "music.pt", budget, rate=rate, warmup=60, decay=0.995, faster=EMBEDDING, matrices="dit.blocks.").run(loss, every=50, probe=probe)
    (work / TRAINED_ON).write_text(json.dumps(dict(clips=len(data))))


def read_norm(work: Path, album: Album) -> tuple[Tensor, Tensor]:
    """Mean and spread of the pictures' pooled values: those of the weights that training starts from, else measured."""
    kept = work / "pooled_norm.pt"
    if not kept.exists():
        torch.save(dict(mean=album.pooled.mean(0), std=album.pooled.std(0) + 1e-3), kept)
    norm = torch.load(kept, weights_only=True)
    return norm["mean"], norm["std"]


def start_model(work: Path, latents: ScoreLatents) -> MusicModel:
    """The model to be trained, from `music_start.pt` where that is there."""
    model, start = MusicModel(dit_config(latents)), work / "music_start.pt"
    if start.exists():
        missing = model.load_state_dict(torch.load(start, weights_only=True), strict=False).missing_keys
        print(f"begun from {start.name}; {len(missing)} tensors begin anew", flush=True)
    return model


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sights", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--held-out-sights", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=4200)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1.6e-3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    work = options.work
    latents = ScoreLatents.load(work / "latents.npz")
    model = start_model(work, latents)
    data, held_out = Data.load(options.data, options.sights, work), Data.load(options.held_out, options.held_out_sights, work)
    fit_rolls(model.dit.rolls, latents, data)
    empty = tokens.encode(Tokenizer.from_file(str(work / "tokenizer.json")), [""])
    size = sum(parameter.numel() for parameter in model.dit.parameters())
    print(f"{len(data)} scores, {len(held_out)} held out, {size / 1e6:.2f} M parameters", flush=True)
    train(model, data, held_out, Denoising(empty), work, Budget(options.seconds, options.steps), options.batch, options.rate)


if __name__ == "__main__":
    main()
