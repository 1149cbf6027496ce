"""The triplets that the music learns from, read from shards that may still be growing in number."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

import tokens
from inversion import inversion_of
from shards import read_shard, shards

WORTH_JOINING = 0.1  # share that a set has to grow by before it is joined anew


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
