"""Two small networks that read the mood: one of music, one of pictures.

Both learn from the training split alone, and from nothing that the bundle is made of. The music's reader sees a beat mel in
C major or A minor and tells valence, arousal, style and mode; the 32 numbers before its last layer are the embedding of the
Frechet distance. The picture's reader sees 64 x 64 pixels and tells valence and arousal.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from evaluate_probes import listen
from mel import beat_mel
from precision import autocast
from scene import MODES, STYLES
from shards import read_shard

EMBEDDING = 32
SIDE = 64
MEAN, SPREAD = -5.0, 1.6  # of the log mel, roughly
BATCH, RATE = 32, 2e-3
MOST_NOISE, GAIN = 0.4, 0.3  # in ln units: a reader must not tell a vocoder from a soundfont


class MusicReader(nn.Module):
    """Beat mels (b, frames, 128) to an embedding, and on to valence, arousal, styles and modes."""

    def __init__(self) -> None:
        super().__init__()
        widths = (128, 96, 128, 160)
        self.layers = nn.ModuleList(nn.Conv1d(a, b, 5, stride=2) for a, b in zip(widths, widths[1:]))
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for width in widths[1:])
        self.embed = nn.Sequential(nn.Linear(2 * widths[-1], 96), nn.GELU(), nn.Linear(96, EMBEDDING))
        self.heads = nn.Linear(EMBEDDING, 2 + len(STYLES) + len(MODES))

    def embedding(self, mel: Tensor) -> Tensor:
        """(b, 32)."""
        x = (mel.transpose(1, 2) - MEAN) / SPREAD
        for layer, norm in zip(self.layers, self.norms):
            x = F.gelu(norm(layer(F.pad(x, (2, 2), mode="circular"))))
        return self.embed(torch.cat([x.mean(2), x.std(2)], 1))

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Embedding (b, 32), mood (b, 2), logits of the styles and of the modes."""
        embedding = self.embedding(mel)
        mood, style, mode = self.heads(F.gelu(embedding)).split((2, len(STYLES), len(MODES)), 1)
        return embedding, mood, style, mode


class PictureReader(nn.Module):
    """Pictures (b, 3, 64, 64) in -1..1 to valence and arousal (b, 2)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 96)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip(widths, widths[1:]))
        self.head = nn.Sequential(nn.Linear(2 * widths[-1], 64), nn.GELU(), nn.Linear(64, 2))

    def forward(self, x: Tensor) -> Tensor:
        """Mood (b, 2)."""
        for layer in self.layers:
            x = F.gelu(layer(x))
        return self.head(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))


def shrink(pictures: np.ndarray) -> Tensor:
    """Pictures uint8 (n, h, w, 3) as the reader sees them, (n, 3, 64, 64) in -1..1."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    return F.interpolate(x, size=(SIDE, SIDE), mode="bilinear", antialias=True) / 127.5 - 1


def open_picture(path: Path) -> Tensor:
    """A picture file as the reader sees it, (1, 3, 64, 64)."""
    with Image.open(path) as image:
        return shrink(np.array(image.convert("RGB"))[None])


def train(folders: list[Path], out: Path, seconds: float) -> None:
    """Trains both readers, `seconds` each, on the shards of the training split in `folders`."""
    torch.manual_seed(0)
    shards = [read_shard(path) for folder in folders for path in sorted(folder.glob("shard_0_*.npz"))]
    if not shards:
        raise SystemExit(f"no shards of the training split in {', '.join(map(str, folders))}")
    music, picture = MusicReader(), PictureReader()
    mels = [(arrays["mels"], _targets(metas)) for arrays, metas in shards]
    _fit(music, mels, _music_loss, seconds)
    pictures = [(shrink(arrays["pictures"]).half().numpy(), _targets(metas)) for arrays, metas in shards if "pictures" in arrays]
    _fit(picture, pictures, _picture_loss, seconds)
    about = dict(clips=sum(len(metas) for _, metas in shards), pictures=sum(len(x) for x, _ in pictures))
    torch.save(dict(music=music.state_dict(), picture=picture.state_dict(), about=about), out)


def load(path: Path) -> tuple[MusicReader, PictureReader]:
    """The readers of a file that `train` wrote."""
    stored = torch.load(path, weights_only=True)
    music, picture = MusicReader(), PictureReader()
    music.load_state_dict(stored["music"])
    picture.load_state_dict(stored["picture"])
    return music.eval().requires_grad_(False), picture.eval().requires_grad_(False)


def check(folder: Path) -> str:
    """How well the readers of a set read its held-out clips and pictures."""
    from evaluate_set import read

    music, picture = load(folder / "readers.pt")
    about = [job for job in read(folder) if job["way"] == "both"]
    truth = np.array([[job["about"]["valence"], job["about"]["arousal"]] for job in about])
    mels = [beat_mel(listen(folder / "real" / f"{job['clip']:03}.flac"), beats(job)) for job in about]
    read_music = [music(torch.from_numpy(mel)[None]) for mel in mels]
    mood = np.array([row[1][0].numpy() for row in read_music])
    seen = picture(torch.cat([open_picture(folder / job["picture"]) for job in about])).numpy()
    styles = np.mean([STYLES[int(row[2].argmax())] == job["about"]["style"] for row, job in zip(read_music, about)])
    modes = np.mean([MODES[int(row[3].argmax())] == job["about"]["mode"] for row, job in zip(read_music, about)])
    figures = [("music", r2(mood, truth)), ("pictures", r2(seen, truth))]
    lines = [f"{what}: R2 of valence {v:.2f}, of arousal {a:.2f}" for what, (v, a) in figures]
    return f"{len(about)} held-out clips; {'; '.join(lines)}; style right {styles:.2f}, mode right {modes:.2f}"


def beats(job: dict) -> int:
    """Grid beats of a job's clip: slow music counts its beats double."""
    per_bar = int(job["meter"].split("/")[0])
    return job["bars"] * per_bar * (2 if job["bpm"] < 85 else 1)


def r2(guess: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share of the variance that is explained, per column."""
    return 1 - ((guess - truth) ** 2).sum(0) / ((truth - truth.mean(0)) ** 2).sum(0)


def _targets(metas: list[dict]) -> tuple[Tensor, Tensor, Tensor]:
    """Mood (n, 2), style and mode as numbers (n,)."""
    mood = torch.tensor([[meta["scene"]["valence"], meta["scene"]["arousal"]] for meta in metas])
    one_of = lambda name, names: torch.tensor([names.index(meta[name]) for meta in metas])
    return mood, one_of("style", STYLES), one_of("mode", MODES)


def _fit(model: nn.Module, shards: list, loss_of, seconds: float) -> None:
    """Trains for a time; a batch comes from one shard, whose clips are all of one length."""
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.02)
    rng, began, step, recent = np.random.default_rng(0), time.monotonic(), 0, []
    while (spent := (time.monotonic() - began) / seconds) < 1:
        inputs, targets = shards[int(rng.integers(len(shards)))]
        index = rng.integers(len(inputs), size=BATCH)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50) * (1 - spent)
        with autocast("cpu"):
            loss = loss_of(model, torch.from_numpy(inputs[index]).float(), [target[index] for target in targets], rng)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step, recent = step + 1, [*recent[-199:], loss.item()]
    print(f"{type(model).__name__}: {step} steps, loss {np.mean(recent):.3f}", flush=True)


def _music_loss(model: MusicReader, mel: Tensor, targets: list[Tensor], rng: np.random.Generator) -> Tensor:
    bar = mel.shape[1] // 4
    mel = mel.roll(bar * int(rng.integers(4)), 1) + float(rng.uniform(0, MOST_NOISE)) * torch.randn_like(mel)
    mel = mel + float(rng.normal()) * GAIN
    mood, style, mode = (guess.float() for guess in model(mel)[1:])
    classes = F.cross_entropy(style, targets[1]) + F.cross_entropy(mode, targets[2])
    return 10 * F.mse_loss(mood, targets[0]) + 0.5 * classes


def _picture_loss(model: PictureReader, x: Tensor, targets: list[Tensor], rng: np.random.Generator) -> Tensor:
    x = x.flip(-1) if rng.random() < 0.5 else x
    cast = 1 + 0.06 * torch.randn(len(x), 3, 1, 1)
    return 10 * F.mse_loss(model(((x + 1) * cast - 1).clamp(-1, 1)).float(), targets[0])
