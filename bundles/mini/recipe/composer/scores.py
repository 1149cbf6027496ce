"""Writes scores for the model to learn from, in numbered shards.

    python -m composer.scores --split 0 --seed 1 --count 30000 --out DIR [--metre 3/4]

A shard is gzipped JSON, a line per item: `{"index", "scene", "score"}`, the scene as pictures and captions know it and the score as
`Score.to_dict` gives it. An item depends on (split, seed, index) and the metre alone. What is there is not made again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scene import Scene, sample_scene

from .brief import Brief
from .compose import compose
from .score import METRES, Score
from .styles import STYLES

SHARD = 1000
METRE_SHARES = (0.7, 0.15, 0.15)


def make(split: int, seed: int, index: int, metre: str = "") -> tuple[Scene, Score]:
    """One item: a scene, and a score that suits it."""
    rng = np.random.default_rng([split, seed, index])
    scene = sample_scene(rng)
    return scene, compose(brief_of(scene, rng, metre), rng)


def brief_of(scene: Scene, rng: np.random.Generator, metre: str = "") -> Brief:
    """The brief of a scene: a cue of its style, of one that suits its place where there is any."""
    own = [name for name, style in STYLES.items() if style.family == scene.style]
    fitting = [name for name in own if scene.place in STYLES[name].places]
    names = fitting if fitting and rng.random() < 0.5 else own
    metre = metre or str(rng.choice(list(METRES), p=METRE_SHARES))
    return Brief(names[int(rng.random() * len(names))], scene.valence, scene.arousal, metre, mode=scene.mode)


def write(split: int, seed: int, count: int, out: Path, metre: str = "") -> int:
    """Write the shards that are not there yet; how many scores were made."""
    out.mkdir(parents=True, exist_ok=True)
    made = 0
    for first in range(0, count, SHARD):
        path = out / f"scores_{split}_{seed}_{first // SHARD:04d}.jsonl.gz"
        if path.exists():
            continue
        lines = []
        for index in range(first, min(first + SHARD, count)):
            scene, score = make(split, seed, index, metre)
            lines.append(json.dumps(dict(index=index, scene=scene.to_dict(), score=score.to_dict()), separators=(",", ":")))
        part = path.with_suffix(".part")
        part.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
        part.rename(path)
        made += len(lines)
    return made


def read(path: Path) -> Iterator[tuple[Scene, Score]]:
    """The items of a shard."""
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        item = json.loads(line)
        yield Scene(**item["scene"]), Score.from_dict(item["score"])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", type=int, default=0, help="0 for training, 1 for held out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=SHARD)
    parser.add_argument("--metre", choices=list(METRES), default="", help="of all scores; drawn unless said")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    began = time.process_time()
    made = write(options.split, options.seed, options.count, options.out, options.metre)
    print(f"{made} scores in {time.process_time() - began:.0f} s of one core")


if __name__ == "__main__":
    main()
