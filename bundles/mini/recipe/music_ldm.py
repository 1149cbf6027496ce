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
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

import synapse
import tokens
from codec import load_codec
from image_ldm import STEPS, TARGETS, inversion_of, load_image_model
from nets import (LATENT_CHANNELS, ROWS, TEXT_TOKENS, TRIPLE_WINDOW, WINDOW, ImageModel, MusicModel, pooled_width, position_planes,
                  tempo_features)
from precision import autocast, layout
from schedule import Schedule
from shards import read_shard, shards, wait_for
from trainer import Budget, Trainer

NO_TEXT, NO_PICTURE, NEITHER = 0.20, 0.10, 0.08  # shares of the samples
BARS = 4  # in a clip
WORTH_JOINING = 0.1  # share that a set has to grow by before it is joined anew
TRAINED_ON = "trained_on.json"  # in the work folder: how many clips the music has seen, and their hours
EMBEDDING = {"shared.weight": 5.0}


@dataclass
class Triplets:
    """Latents f16 (n, 16, 64, 16), or 48 columns in three, token ids (n, c, 64) of c captions each, seconds per grid beat (n,), and the pictures' inversion."""

    latents: Tensor
    ids: Tensor
    beat: Tensor
    paths: Tensor | None  # f16 (n, v, steps + 1, 4, 16, 16), of v pictures each
    pooled: Tensor | None  # f32 (n, v, p), normalised

    def batch(self, index: Tensor, generator: torch.Generator | None = None) -> "Triplets":
        """The given triplets, each with one of its pictures and captions: the first, or a random one given a generator."""
        device = self.latents.device
        some = lambda count: torch.zeros_like(index) if generator is None else torch.randint(count, index.shape, generator=generator)
        caption, view = some(self.ids.shape[1]).to(device), some(1 if self.paths is None else self.paths.shape[1]).to(device)
        index = index.to(device)
        pick = lambda x: None if x is None else x[index, view]
        return Triplets(self.latents[index].float(), self.ids[index, caption], self.beat[index], pick(self.paths), pick(self.pooled))

    @staticmethod
    def join(parts: list["Triplets"]) -> "Triplets":
        """All of the parts' triplets."""
        join = lambda name: None if getattr(parts[0], name) is None else torch.cat([getattr(part, name) for part in parts])
        return Triplets(*(join(name) for name in ("latents", "ids", "beat", "paths", "pooled")))


class Reader:
    """Reads shards as triplets; their pictures where `norm`, the mean and spread of the pooled values, is given."""

    def __init__(self, codec, tokenizer: Tokenizer, norm: tuple[Tensor, Tensor] | None, device: torch.device) -> None:
        self.codec, self.tokenizer, self.norm, self.device = codec.to(device), tokenizer, norm, device

    def ready(self, shard: Path) -> bool:
        """Whether all that is needed of a shard is there."""
        return inversion_of(shard).exists() if self.norm is not None else "pictures" in read_shard(shard)[0]

    @torch.no_grad()
    def shard(self, shard: Path) -> Triplets:
        """The triplets of a shard."""
        arrays, metas = read_shard(shard)
        latents = self.codec.encode(torch.from_numpy(arrays["mels"]).float().to(self.device)).half()
        captions = [[meta["caption"], *meta.get("captions", [])] for meta in metas]
        ids = tokens.encode(self.tokenizer, [caption for each in captions for caption in each]).unflatten(0, (len(metas), -1))
        beat = torch.tensor([60 / meta["grid_bpm"] for meta in metas])
        paths = pooled = None
        if self.norm is not None:
            stored = torch.load(inversion_of(shard), weights_only=True)
            paths, pooled = stored["paths"].to(self.device), ((stored["pooled"] - self.norm[0]) / self.norm[1]).to(self.device)
        return Triplets(latents, ids.to(self.device), beat.to(self.device), paths, pooled)

    def folder(self, folder: Path) -> Triplets:
        """All painted triplets of a folder in the order of its shards."""
        return Triplets.join([self.shard(path) for path in shards([folder]) if self.ready(path)])


class Growing:
    """The triplets of some folders, each of one metre, that may grow while they are trained on."""

    def __init__(self, folders: list[Path], reader: Reader, follow: bool) -> None:
        self.folders, self.reader, self.sets, self.found = folders, reader, {}, queue.SimpleQueue()
        self.seen: set[Path] = set()
        self.waiting: dict[Path, list[Triplets]] = {}
        self._look()
        self.take()
        if follow:
            threading.Thread(target=self._follow, daemon=True).start()

    def take(self) -> None:
        """Take in what was found since."""
        while not self.found.empty():
            folder, triplets = self.found.get()
            self.waiting.setdefault(folder, []).append(triplets)
        for folder, parts in self.waiting.items():
            known = [self.sets[folder]] if folder in self.sets else []
            # Joining copies everything, so that it has to be worth it.
            if sum(len(each.latents) for each in parts) > WORTH_JOINING * sum(len(each.latents) for each in known):
                self.sets[folder] = Triplets.join([*known, *parts])
                self.waiting[folder] = []

    def counts(self) -> list[int]:
        """How many clips each folder has."""
        return [len(each.latents) for each in self.sets.values()]

    def hours(self) -> float:
        """How long all of it plays; a column is a quarter of a grid beat."""
        return sum(float(each.beat.sum()) * each.latents.shape[2] / 4 for each in self.sets.values()) / 3600

    def choose(self, generator: torch.Generator) -> Triplets:
        """One of the sets, as often as its share of the clips."""
        return list(self.sets.values())[int(torch.multinomial(torch.tensor(self.counts()).float(), 1, generator=generator))]

    def _look(self) -> None:
        for folder in self.folders:
            for path in shards([folder]):
                if path not in self.seen and self.reader.ready(path):
                    self.seen.add(path)
                    self.found.put((folder, self.reader.shard(path)))

    def _follow(self) -> None:
        while True:
            time.sleep(2)
            self._look()


class Denoising:
    """The forward pass of training: words, picture and noisy latents to velocity.

    The picture comes by its tokens and by the global path; one of them can be left out, to see what the other does alone.
    """

    def __init__(self, image: ImageModel | None, empty: Tensor, device: torch.device, by_tokens: bool = True, by_global: bool = True) -> None:
        """`empty (1, 64)` are the ids of no words."""
        self.by_tokens, self.by_global = by_tokens, by_global
        self.image, self.schedule, self.device, self.empty = image, Schedule(device), device, empty.to(device)
        self.image_taps = synapse.capture(image.unet) if image else []
        self.grid = torch.tensor([0, *reversed(Schedule.trailing(STEPS))], device=device)
        self.planes = {columns: position_planes(columns).to(device) for columns in (WINDOW, TRIPLE_WINDOW)}

    def velocity(self, model: MusicModel, x: Tensor, t: Tensor, batch: Triplets, has_text: Tensor, has_picture: Tensor) -> Tensor:
        """Velocity, shaped as `x (b, 16, columns, 16)`, at `t (b,)`; `has_text` and `has_picture (b,)` say what each sample sees."""
        ids = torch.where(has_text[:, None], batch.ids, self.empty)
        text = model.text(ids).last_hidden_state
        taps = [block.attn2.processor for block in synapse.decoder_blocks(model.unet)]
        self._show(model, taps, t, batch, has_picture)
        pooled = torch.zeros(len(x), model.unet.class_embedding.in_features - text.shape[-1] - 32, device=self.device)
        if batch.pooled is not None and self.by_global:
            pooled = batch.pooled * has_picture[:, None]
        vector = torch.cat([pooled, text.float().mean(1), tempo_features(batch.beat)], -1)
        planes = self.planes[x.shape[2]].expand(len(x), -1, -1, -1)
        inputs = torch.cat([x, planes], 1).contiguous(memory_format=layout(x.device))
        return model.unet(inputs, t, text, class_labels=vector, return_dict=False)[0].float()

    def _show(self, model: MusicModel, taps: list, t: Tensor, batch: Triplets, has_picture: Tensor) -> None:
        if batch.paths is None or not self.by_tokens:
            for tap in taps:
                tap.image = None
            return
        nearest = (t[:, None] - self.grid[None, 1:]).abs().argmin(1) + 1
        with torch.no_grad():
            self.image(batch.paths[torch.arange(len(t), device=self.device), nearest].float(), self.grid[nearest])
        alpha = torch.sigmoid(model.alpha)
        for tap, seen, a in zip(taps, self.image_taps, alpha):
            tap.image = (synapse.pool(seen.keys), synapse.pool(seen.values))
            tap.alpha = a * has_picture[:, None, None].float()

    def loss(self, model: MusicModel, batch: Triplets, t: Tensor, eps: Tensor, has_text: Tensor, has_picture: Tensor) -> tuple[Tensor, Tensor]:
        """The weighted loss and the plain mean squared error of the velocity."""
        signal, noise = self.schedule.signal_noise(t)
        with autocast(self.device):
            v = self.velocity(model, signal * batch.latents + noise * eps, t, batch, has_text, has_picture)
        error = (v - (signal * eps - noise * batch.latents)).square().mean((1, 2, 3))
        return (self.schedule.loss_weight(t) * error).mean(), error.mean()


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
    """How to train: budget, clips in a batch, rate, dropout, whether to compile the UNet first, and how much faster the global path learns."""

    budget: Budget
    batch: int
    rate: float
    dropout: float
    compiled: bool
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
        t = denoising.schedule.timesteps(batch, generator).to(device)
        has_text, has_picture = (each.to(device) for each in conditions(batch, generator))
        eps = torch.randn(some.latents.shape, generator=noises, device=device)
        weighted, plain = denoising.loss(model, some, t, eps, has_text, has_picture)
        return weighted, dict(mse=plain)

    def probe(model) -> dict:
        fixed, n = torch.Generator().manual_seed(1), min(64, len(held_out.latents))
        some, yes = held_out.batch(torch.arange(n)), torch.ones(n, dtype=torch.bool, device=device)
        t = ((torch.arange(n) + 0.5) / n * 1000).long().to(device)
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
