"""The set that the music learns from: latents of scores, captions, and the picture of each.

    python score_set.py --scores DIR --sights DIR --work DIR --out DIR

Scores of one length go together: OUT/64 and OUT/48 hold `tokens.npy` f16 (n, columns, d), `ids.npy` int16 (n, captions, 64), `facts.npy`
(see `FACTS`) and `sight.npy`, which row of the sights is each one's picture. There may be fewer pictures than scores: a score whose
scene is not painted gets that of the scene of its style with the nearest mood, and its captions tell of that place.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

import tokens
from caption import CAPTION_STREAM, caption
from composer.score import METRES, Score
from composer.scores import read
from composer.styles import STYLES as CUES
from composer.told import told
from latents import ScoreLatents
from scene import STYLES, Scene, sample_scene
from sights import scene_numbers, tokens_of, unpack

CAPTIONS = 4
FACTS = ("seconds_per_beat", "metre", "style", "cue", "valence", "energy", "major")


class Album:
    """The sights of a folder, and whose scenes they are."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("*.pooled.npy"))
        self.pooled = torch.from_numpy(np.concatenate([np.load(path) for path in paths]))
        self.tokens = [np.load(tokens_of(path), mmap_mode="r") for path in paths]
        self.edges = np.cumsum([0, *(len(each) for each in self.tokens)])
        self.scenes = [scene for path, some in zip(paths, self.tokens) for scene in scenes_of(path, len(some))]

    def __len__(self) -> int:
        return len(self.scenes)

    def rows(self, index: Tensor, step: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of every layer for pictures `index (b,)` at the kept timesteps `step (b,)`."""
        shard = np.searchsorted(self.edges, index.numpy(), side="right") - 1
        picked = np.stack([self.tokens[s][i - self.edges[s], k] for s, i, k in zip(shard, index.numpy(), step.numpy())])
        return unpack(torch.from_numpy(picked))

    def match(self, scene: Scene) -> int:
        """The picture of the scene itself, or of that of its style whose mood is nearest."""
        if not hasattr(self, "moods"):
            self.moods = np.array([(each.valence, each.arousal) for each in self.scenes])
            self.styles = np.array([each.style for each in self.scenes])
        apart = np.square(self.moods - (scene.valence, scene.arousal)).sum(1)
        return int(np.where(self.styles == scene.style, apart, np.inf).argmin())


def scenes_of(path: Path, count: int) -> list[Scene]:
    """The scenes of a shard of sights."""
    split, seed, first = scene_numbers(path)
    return [sample_scene(np.random.default_rng([split, seed, first + i])) for i in range(count)]


@dataclass
class ScoreSet:
    """Scores of one length; see the module."""

    tokens: np.ndarray
    ids: Tensor
    facts: Tensor
    sight: Tensor

    @staticmethod
    def load(folder: Path) -> "ScoreSet":
        """The set of a folder."""
        of = lambda name: np.load(folder / f"{name}.npy", mmap_mode="r" if name == "tokens" else None)
        return ScoreSet(of("tokens"), torch.from_numpy(of("ids")), torch.from_numpy(of("facts")), torch.from_numpy(of("sight")))

    def __len__(self) -> int:
        return len(self.sight)

    def latents(self, index: Tensor) -> Tensor:
        """Tokens f32 (b, columns, d)."""
        return torch.from_numpy(self.tokens[index.numpy()].astype(np.float32))

    def fact(self, name: str) -> Tensor:
        """A column of the facts, f32 (n,)."""
        return self.facts[:, FACTS.index(name)]


def facts_of(scene: Scene, score: Score) -> list[float]:
    """The numbers of `FACTS`."""
    return [60 / score.grid_bpm, list(METRES).index(score.metre), STYLES.index(CUES[score.style].family), list(CUES).index(score.style),
            scene.valence, scene.arousal, float(score.mode == "major")]


def write(folder: Path, album: Album, latents: ScoreLatents, tokenizer: Tokenizer, out: Path, captions: int) -> None:
    """Write the sets of the scores of a folder."""
    found: dict[int, dict[str, list]] = {64: {}, 48: {}}
    for path in sorted(folder.glob("scores_*.jsonl.gz")):
        split, seed, shard = map(int, path.name.split(".")[0].split("_")[1:])
        for number, (scene, score) in enumerate(read(path)):
            rng, picture = np.random.default_rng([split, seed, shard * 1000 + number, CAPTION_STREAM]), album.match(scene)
            seen = album.scenes[picture]
            shown, music = replace(scene, place=seen.place, hour=seen.hour, weather=seen.weather), told(score)
            rows = found[score.columns]
            for name, value in dict(tokens=latents.encode(score).astype(np.float16), facts=facts_of(scene, score), sight=picture,
                                    captions=[caption(shown, music, rng) for _ in range(captions)]).items():
                rows.setdefault(name, []).append(value)
    for columns, rows in found.items():
        if rows:
            write_rows(out / str(columns), rows, tokenizer)


def write_rows(out: Path, rows: dict[str, list], tokenizer: Tokenizer) -> None:
    """Write one length's arrays."""
    out.mkdir(parents=True, exist_ok=True)
    said = [each for some in rows["captions"] for each in some]
    np.save(out / "ids.npy", tokens.encode(tokenizer, said).numpy().astype(np.int16).reshape(len(rows["sight"]), -1, tokens.TEXT_TOKENS))
    np.save(out / "facts.npy", np.array(rows["facts"], np.float32))
    np.save(out / "sight.npy", np.array(rows["sight"]))
    np.save(out / "tokens.npy", np.stack(rows["tokens"]))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--sights", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="holds latents.npz and tokenizer.json")
    parser.add_argument("--captions", type=int, default=CAPTIONS, help="of each score")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(options.work / "tokenizer.json"))
    write(options.scores, Album(options.sights), ScoreLatents.load(options.work / "latents.npz"), tokenizer, options.out, options.captions)


if __name__ == "__main__":
    main()
