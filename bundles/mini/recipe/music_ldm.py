"""Trains the music latent-diffusion model: text encoder, music UNet and the synapse's alphas.

    python music_ldm.py --data DIR [DIR3] --held-out DIR --work DIR [--seconds 4200 | --steps N]

Each folder given as data has clips of one metre; a batch comes from one of them, as often as its share of the clips.
Where the work folder has a `start.pt` (see `start.py`) training goes on from those weights.

The image model is frozen; a sample's picture is its DDIM-inverted latents at the grid timestep nearest to the music's,
as in the engine. Pictures, words or both are left out at random, so that guidance and "no picture" are defined.
Where DIR/work has no inverted pictures yet, it trains on words alone and can be resumed with pictures later.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

import synapse
import tokens
from codec import load_codec
from image_ldm import STEPS, inversion_of, load_image_model
from nets import TRIPLE_WINDOW, WINDOW, ImageModel, MusicModel, position_planes, tempo_features
from schedule import Schedule
from shards import read_shard, shards
from trainer import Budget, Trainer

NO_TEXT, NO_PICTURE, NEITHER = 0.20, 0.10, 0.08  # shares of the samples
BARS = 4  # in a clip
EMBEDDING = {"shared.weight": 5.0}


@dataclass
class Triplets:
    """Latents f16 (n, 16, 64, 16), or 48 columns in three, token ids (n, 64), seconds per grid beat (n,), and the pictures' inversion."""

    latents: Tensor
    ids: Tensor
    beat: Tensor
    paths: Tensor | None  # f16 (n, steps + 1, 4, 16, 16)
    pooled: Tensor | None  # f32 (n, p), normalised

    def batch(self, index: Tensor) -> "Triplets":
        """The given triplets."""
        pick = lambda x: None if x is None else x[index]
        return Triplets(self.latents[index].float(), self.ids[index], self.beat[index], pick(self.paths), pick(self.pooled))


def read_triplets(folder: Path, codec, tokenizer: Tokenizer, norm: tuple[Tensor, Tensor] | None) -> Triplets:
    """All painted triplets of a folder in the order of its shards; their pictures where `norm` is given."""
    latents, captions, beats, paths, pooled = [], [], [], [], []
    for shard in shards([folder]):
        arrays, metas = read_shard(shard)
        if "pictures" not in arrays or (norm is not None and not inversion_of(shard).exists()):
            continue
        with torch.no_grad():
            latents.append(codec.encode(torch.from_numpy(arrays["mels"]).float()).half())
        captions += [meta["caption"] for meta in metas]
        beats += [60 / meta["grid_bpm"] for meta in metas]
        if norm is not None:
            stored = torch.load(inversion_of(shard), weights_only=True)
            paths.append(stored["paths"])
            pooled.append((stored["pooled"] - norm[0]) / norm[1])
    seen = (torch.cat(paths), torch.cat(pooled)) if norm is not None else (None, None)
    return Triplets(torch.cat(latents), tokens.encode(tokenizer, captions), torch.tensor(beats), *seen)


class Denoising:
    """The forward pass of training: words, picture and noisy latents to velocity."""

    def __init__(self, image: ImageModel | None, tokenizer: Tokenizer) -> None:
        self.image, self.schedule = image, Schedule()
        self.image_taps = synapse.capture(image.unet) if image else []
        self.grid = torch.tensor([0, *reversed(Schedule.trailing(STEPS))])
        self.empty = tokens.encode(tokenizer, [""])
        self.planes = {columns: position_planes(columns) for columns in (WINDOW, TRIPLE_WINDOW)}

    def velocity(self, model: MusicModel, x: Tensor, t: Tensor, batch: Triplets, has_text: Tensor, has_picture: Tensor) -> Tensor:
        """Velocity, shaped as `x (b, 16, columns, 16)`, at `t (b,)`; `has_text` and `has_picture (b,)` say what each sample sees."""
        ids = torch.where(has_text[:, None], batch.ids, self.empty)
        text = model.text(ids).last_hidden_state
        taps = [block.attn2.processor for block in synapse.decoder_blocks(model.unet)]
        self._show(model, taps, t, batch, has_picture)
        pooled = torch.zeros(len(x), model.unet.class_embedding.in_features - text.shape[-1] - 32)
        if batch.pooled is not None:
            pooled = batch.pooled * has_picture[:, None]
        vector = torch.cat([pooled, text.float().mean(1), tempo_features(batch.beat)], -1)
        planes = self.planes[x.shape[2]].expand(len(x), -1, -1, -1)
        inputs = torch.cat([x, planes], 1).contiguous(memory_format=torch.channels_last)
        return model.unet(inputs, t, text, class_labels=vector, return_dict=False)[0].float()

    def _show(self, model: MusicModel, taps: list, t: Tensor, batch: Triplets, has_picture: Tensor) -> None:
        if batch.paths is None:
            for tap in taps:
                tap.image = None
            return
        nearest = (t[:, None] - self.grid[None, 1:]).abs().argmin(1) + 1
        with torch.no_grad():
            self.image(batch.paths[torch.arange(len(t)), nearest].float(), self.grid[nearest])
        alpha = torch.sigmoid(model.alpha)
        for tap, seen, a in zip(taps, self.image_taps, alpha):
            tap.image = (synapse.pool(seen.keys), synapse.pool(seen.values))
            tap.alpha = a * has_picture[:, None, None].float()

    def loss(self, model: MusicModel, batch: Triplets, t: Tensor, eps: Tensor, has_text: Tensor, has_picture: Tensor) -> tuple[Tensor, Tensor]:
        """The weighted loss and the plain mean squared error of the velocity."""
        signal, noise = self.schedule.signal_noise(t)
        with torch.autocast("cpu", dtype=torch.bfloat16):
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


def train(sets: list[Triplets], held_out: Triplets, denoising: Denoising, work: Path, budget: Budget, batch: int, rate: float) -> None:
    """The training loop, with a validation loss on fixed noise."""
    generator = torch.Generator().manual_seed(3)
    model, start = MusicModel(), work / "start.pt"
    if start.exists():
        model.load_state_dict(torch.load(start, weights_only=True))
    model.unet.to(memory_format=torch.channels_last)
    synapse.blend(model.unet)
    shares = torch.tensor([float(len(each.latents)) for each in sets])

    def loss(model) -> tuple[Tensor, dict]:
        data = sets[int(torch.multinomial(shares, 1, generator=generator))]
        some = data.batch(torch.randint(len(data.latents), (batch,), generator=generator))
        some.latents = roll_bars(some.latents, generator)
        t = denoising.schedule.timesteps(batch, generator)
        has_text, has_picture = conditions(batch, generator)
        eps = torch.randn(some.latents.shape, generator=generator)
        weighted, plain = denoising.loss(model, some, t, eps, has_text, has_picture)
        return weighted, dict(mse=plain.item())

    def probe(model) -> dict:
        fixed, n = torch.Generator().manual_seed(1), min(64, len(held_out.latents))
        some, yes = held_out.batch(torch.arange(n)), torch.ones(n, dtype=torch.bool)
        t, eps = ((torch.arange(n) + 0.5) / n * 1000).long(), torch.randn(some.latents.shape, generator=fixed)
        value = denoising.loss(model, some, t, eps, yes, yes)[1].item()
        return dict(held_out=value, alpha=[round(a, 3) for a in torch.sigmoid(model.alpha).tolist()])

    trainer = Trainer(model, work / "music.pt", budget, rate=rate, warmup=200, decay=0.9985, faster=EMBEDDING)
    trainer.run(loss, probe=probe)


def read_norm(work: Path, folders: list[Path]) -> tuple[Tensor, Tensor] | None:
    """Mean and spread of the pictures' pooled values: those of the weights that training starts from, else measured.

    None where no picture is inverted yet.
    """
    kept, found = work / "pooled_norm.pt", [path for path in map(inversion_of, shards(folders)) if path.exists()]
    if not found:
        return None
    if not kept.exists():
        pooled = torch.cat([torch.load(path, weights_only=True)["pooled"] for path in found])
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
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    work, tokenizer = options.work, Tokenizer.from_file(str(options.work / "tokenizer.json"))
    codec = load_codec(work / "codec.pt")
    norm = read_norm(work, options.data)
    image = load_image_model(work)[1] if norm is not None else None
    sets = [read_triplets(folder, codec, tokenizer, norm) for folder in options.data]
    held_out = read_triplets(options.held_out, codec, tokenizer, norm)
    clips = [len(each.latents) for each in sets]
    print(f"{clips} triplets, {len(held_out.latents)} held out, pictures: {image is not None}", flush=True)
    budget = Budget(options.seconds, options.steps)
    train(sets, held_out, Denoising(image, tokenizer), work, budget, options.batch, options.rate)


if __name__ == "__main__":
    main()
