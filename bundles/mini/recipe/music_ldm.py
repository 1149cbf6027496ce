"""Trains the music latent-diffusion model: text encoder, music UNet and the synapse's alphas.

    python music_ldm.py --data DIR [DIR3] --held-out DIR --work DIR [--seconds 4200 | --steps N] [--device cuda --follow N]

Each folder given as data has clips of one metre; a batch comes from one of them, as often as its share of the clips.
Where the work folder has a `start.pt` (see `start.py`) training goes on from those weights.

The image model is frozen; a sample's picture is its DDIM-inverted latents at the grid timestep nearest to the music's,
as in the engine. Pictures, words or both are left out at random, so that guidance and "no picture" are defined.
Where DIR/work has no inverted pictures yet, it trains on words alone and can be resumed with pictures later.

With --follow it waits until there are N triplets, and takes in those that others make while it trains.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

import synapse
import tokens
from codec import load_codec
from denoising import Denoising
from image_ldm import TARGETS, load_image_model
from inversion import STEPS, inversion_of
from nets import LATENT_CHANNELS, ROWS, TEXT_TOKENS, TRIPLE_WINDOW, WINDOW, ImageModel, MusicModel, pooled_width
from precision import layout
from schedule import UNWALKED
from score import BARS
from shards import shards, wait_for
from trainer import Budget, Trainer
from training_set import Growing, Reader, Triplets

NO_TEXT, NO_PICTURE, NEITHER = 0.20, 0.10, 0.08  # shares of the samples
LOWEST = round((UNWALKED - 0.05) * 1000)  # timestep: the engine's walk ends a little above, and what lies below is never asked for
TRAINED_ON = "trained_on.json"  # in the work folder: how many clips the music has seen, and their hours
EMBEDDING = {"shared.weight": 5.0}


def roll_bars(latents: Tensor, generator: torch.Generator) -> Tensor:
    """Starts the loop at another bar; exact, because everything is circular."""
    return latents.roll(latents.shape[2] // BARS * int(torch.randint(BARS, (1,), generator=generator)), 2)


def conditions(batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which samples of a batch have words and which have a picture, each bool (b,)."""
    luck = torch.rand(batch, generator=generator)
    has_text = luck >= NO_TEXT + NEITHER
    has_picture = (luck >= NEITHER) & ~((luck >= NO_TEXT + NEITHER) & (luck < NO_TEXT + NEITHER + NO_PICTURE))
    return has_text, has_picture


@dataclass(frozen=True)
class Plan:
    """How to train: budget, clips in a batch, rate; dropout, whether to compile the UNet first, and how many times as fast the global path learns."""

    budget: Budget
    batch: int
    rate: float
    dropout: float = 0.0
    compiled: bool = False
    listening: float = 1.0


def start_model(work: Path, plan: Plan, device: torch.device) -> MusicModel:
    """The model to be trained, from `start.pt` where it is there."""
    model, start = MusicModel(plan.dropout), work / "start.pt"
    if start.exists():
        model.load_state_dict(torch.load(start, weights_only=True))
    model.to(device)
    model.unet.to(memory_format=layout(device))
    synapse.blend(model.unet)
    if plan.compiled:
        # Two shapes, 4/4 and 3/4, each compiled for what it is.
        model.unet.compile(dynamic=False)
        warm_up(model, plan.batch, device)
    return model


def warm_up(model: MusicModel, batch: int, device: torch.device) -> None:
    """Have everything compiled, with an untrained picture model; changes nothing."""
    image = ImageModel(TARGETS).to(device).eval().requires_grad_(False)
    ids, yes = torch.zeros(batch, TEXT_TOKENS, dtype=torch.long, device=device), torch.ones(batch, dtype=torch.bool, device=device)
    denoising = Denoising(image, ids[:1], device)
    for columns in (WINDOW, TRIPLE_WINDOW):
        latents = torch.randn(batch, LATENT_CHANNELS, columns, ROWS, device=device)
        some = Triplets(latents, ids, torch.ones(batch, device=device), torch.zeros(batch, STEPS + 1, 4, 16, 16, device=device),
                        torch.zeros(batch, pooled_width(), device=device))
        t = torch.full((batch,), 500, device=device)
        denoising.loss(model, some, t, torch.randn_like(latents), yes, yes)[0].backward()
    model.zero_grad(set_to_none=True)
    for block in synapse.decoder_blocks(model.unet):
        # They hold on to the graph of the last pass, and with it the model could not be copied.
        block.attn2.processor.image = block.attn2.processor.alpha = None
    print("compiled", flush=True)


def train(model: MusicModel, data: Growing, held_out: Triplets, denoising: Denoising, work: Path, plan: Plan) -> None:
    """The training loop, with a validation loss on fixed noise."""
    device, batch = denoising.device, plan.batch
    generator, noises = torch.Generator().manual_seed(3), torch.Generator(device).manual_seed(3)

    def loss(model) -> tuple[Tensor, dict]:
        data.take()
        chosen = data.choose(generator)
        some = chosen.batch(torch.randint(len(chosen.latents), (batch,), generator=generator), generator)
        some.latents = roll_bars(some.latents, generator)
        t = denoising.schedule.timesteps(batch, generator, LOWEST).to(device)
        has_text, has_picture = (each.to(device) for each in conditions(batch, generator))
        eps = torch.randn(some.latents.shape, generator=noises, device=device)
        weighted, plain = denoising.loss(model, some, t, eps, has_text, has_picture)
        return weighted, dict(mse=plain)

    def probe(model) -> dict:
        fixed, n = torch.Generator().manual_seed(1), min(64, len(held_out.latents))
        some, yes = held_out.batch(torch.arange(n)), torch.ones(n, dtype=torch.bool, device=device)
        t = (LOWEST + (torch.arange(n) + 0.5) / n * (1000 - LOWEST)).long().to(device)
        eps = torch.randn(some.latents.shape, generator=fixed).to(device)
        value = denoising.loss(model, some, t, eps, yes, yes)[1]
        return dict(held_out=value, clips=sum(data.counts()), alpha=[round(a, 3) for a in torch.sigmoid(model.alpha).tolist()])

    faster = EMBEDDING | {"class_embedding.weight": plan.listening}
    trainer = Trainer(model, work / "music.pt", plan.budget, rate=plan.rate, warmup=200, decay=0.9985, faster=faster)
    trainer.run(loss, probe=probe)
    (work / TRAINED_ON).write_text(json.dumps(dict(clips=sum(data.counts()), hours=round(data.hours(), 2))))


def read_norm(work: Path, folders: list[Path]) -> tuple[Tensor, Tensor] | None:
    """Mean and spread of the pictures' pooled values: those of the weights that training starts from, else measured.

    None where no picture is inverted yet.
    """
    kept, found = work / "pooled_norm.pt", [path for path in map(inversion_of, shards(folders)) if path.exists()]
    if not found:
        return None
    if not kept.exists():
        pooled = torch.cat([torch.load(path, weights_only=True)["pooled"].flatten(0, 1) for path in found])
        torch.save(dict(mean=pooled.mean(0), std=pooled.std(0) + 1e-3), kept)
    norm = torch.load(kept, weights_only=True)
    return norm["mean"], norm["std"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, nargs="+")
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=4200)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--compile", action="store_true", help="compile the UNet first")
    parser.add_argument("--listening", type=float, default=1.0, metavar="TIMES", help="how many times as fast the global path learns: for new pictures")
    parser.add_argument("--follow", type=int, metavar="N", help="wait for N inverted triplets, and take in more while training")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    began, work, device, tokenizer = time.monotonic(), options.work, options.device, Tokenizer.from_file(str(options.work / "tokenizer.json"))
    plan = Plan(Budget(options.seconds, options.steps), options.batch, options.rate, options.dropout, options.compile, options.listening)
    model = start_model(work, plan, device)
    if options.follow:
        wait_for([*options.data, options.held_out], options.follow, lambda path: inversion_of(path).exists())
        plan.budget.seconds -= time.monotonic() - began
    norm = read_norm(work, options.data)
    image = load_image_model(work, device)[1] if norm is not None else None
    reader = Reader(load_codec(work / "codec.pt"), tokenizer, norm, device)
    data, held_out = Growing(options.data, reader, bool(options.follow)), reader.folder(options.held_out)
    print(f"{data.counts()} triplets, {len(held_out.latents)} held out, pictures: {image is not None}", flush=True)
    train(model, data, held_out, Denoising(image, tokens.encode(tokenizer, [""]), device), work, plan)


if __name__ == "__main__":
    main()
