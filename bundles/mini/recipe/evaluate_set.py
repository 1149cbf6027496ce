"""The evaluation set: a folder with one line of work per clip, and what the clips are compared with.

`set.jsonl` has one JSON object a line, which `melfusion eval` reads: `id`, `way` (clips of one way are measured together),
`clip` (the number within the way), `bars`, `meter`, `bpm` and `make`: "compose" with `prompt`, `picture` (or null), `key`
(or null) and `seed`, or "score" with `score`, a JSON file of the engine's score, and `seed`. `about` is for the measuring side alone.

Beside it: `pictures/`, `scores/` (the held-out clips' own), `latents.npz` and, once trained, `reader.pt` and `memory.npz`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from caption import CAPTION_STREAM, caption
from composer.score import Score
from composer.scores import make
from composer.told import told
from evaluate_pictures import CAPTIONS, CORNERS, PAIRS, corner_picture, open_real
from evaluate_playing import bars_of, composed, to_engine
from evaluate_wishes import NAMED, wishes
from scene import Scene
from sights import paint_scene

SPLIT, SEED = 1, 1
NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_TONIC = 9  # of A minor, the home of what is minor
BPM = 100  # of everything that is asked for under neutral words
TAKES = 2  # of each caption for a real picture
READER, MEMORY, LATENTS = "reader.pt", "memory.npz", "latents.npz"  # in the folder


def asked_key(index: int, mode: str) -> tuple[str | None, int]:
    """The key that a held-out clip is asked in and its distance from home in semitones, -6..5.

    Every other clip is asked in a key that is not its home, all of them in turn; the others leave the key open.
    """
    if index % 2 == 0:
        return None, 0
    semitones = (index // 2) % 11 + 1
    return f"{NAMES[tonic_of(mode, semitones)]} {mode}", (semitones + 6) % 12 - 6


def tonic_of(mode: str, semitones: int) -> int:
    """Pitch class of a tonic so far above home."""
    return (semitones + (0 if mode == "major" else MINOR_TONIC)) % 12


def swap_partners(valences: list[float]) -> list[int]:
    """For each clip another whose picture is far from its own in valence: the order by valence, shifted by half."""
    order, half = np.argsort(valences), len(valences) // 2
    partners = np.empty(len(valences), int)
    partners[order] = np.roll(order, half)
    return partners.tolist()


def held_out(index: int) -> tuple[Scene, Score, str]:
    """Scene, score and caption of a held-out clip."""
    scene, score = make(SPLIT, SEED, index)
    return scene, score, caption(scene, told(score), np.random.default_rng([SPLIT, SEED, index, CAPTION_STREAM]))


def prepare(out: Path, clips: int, latents: Path) -> int:
    """Writes the whole set; returns the number of lines."""
    for folder in ("pictures", "scores"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(latents, out / LATENTS)
    jobs = [*_held_out(out, clips), *_named(), *_corners(out, clips), *_real_pictures(out)]
    text = "".join(json.dumps(job, ensure_ascii=False) + "\n" for job in jobs)
    (out / "set.jsonl").write_text(text, encoding="utf-8")
    return len(jobs)


def read(folder: Path) -> list[dict]:
    """The lines of a set."""
    return [json.loads(line) for line in (folder / "set.jsonl").read_text(encoding="utf-8").splitlines() if line.strip()]


def _held_out(out: Path, clips: int) -> list[dict]:
    """The held-out clips three ways, and as they were composed."""
    items = [held_out(index) for index in range(clips)]
    partners = swap_partners([scene.valence for scene, _, _ in items])
    for index in range(clips):
        Image.fromarray(paint_scene(SPLIT, SEED, index)).save(out / "pictures" / f"own_{index:03}.png")
    return [job for index, item in enumerate(items) for job in _clip_jobs(out, index, item, partners[index], items[partners[index]][0])]


def _clip_jobs(out: Path, index: int, item: tuple[Scene, Score, str], partner: int, other: Scene) -> list[dict]:
    scene, score, said = item
    key, semitones = asked_key(index, score.mode)
    about = dict(semitones=semitones, mode=score.mode, style=scene.style, cue=score.style, valence=scene.valence, energy=scene.arousal,
                 other_valence=other.valence, other_energy=other.arousal, wishes=[wish.to_list() for wish in wishes(said, composed(score))])
    time = dict(bars=bars_of(score), meter=score.metre, bpm=score.bpm, seed=1000 + index)
    own, swapped = (f"pictures/own_{i:03}.png" for i in (index, partner))
    written = f"scores/{index:03}.json"
    named_key = f"{NAMES[tonic_of(score.mode, semitones)]} {score.mode}"
    (out / written).write_text(json.dumps(to_engine(score, named_key, semitones)), encoding="utf-8")
    made = [
        ("both", dict(make="compose", prompt=said, picture=own, key=key), about),
        ("words", dict(make="compose", prompt=said, picture=None, key=key), about),
        # A key names the mode, and with it the mood of the picture that is no longer there.
        ("swapped", dict(make="compose", prompt=said, picture=swapped, key=None), {**about, "semitones": 0}),
        ("composed", dict(make="score", score=written), about),
    ]
    return [dict(id=f"{way}_{index:03}", way=way, clip=index, **time, **job, about=facts) for way, job, facts in made]


def _named() -> list[dict]:
    """Prompts that name an instrument each."""
    return [dict(id=f"named_{index:03}", way="named", clip=index, make="compose", prompt=named.prompt, picture=None, bars=4, meter="4/4",
                 bpm=named.bpm, key=None, seed=index, about=dict(semitones=0, wishes=[named.wish.to_list()])) for index, named in enumerate(NAMED)]


def _corners(out: Path, clips: int) -> list[dict]:
    """The four corners of the mood under neutral words, with the same seeds."""
    jobs = []
    for name, corner in CORNERS.items():
        for index in range(clips):
            picture = f"pictures/{name}_{index:03}.png"
            corner_picture(corner, index).save(out / picture)
            about = dict(semitones=0, valence=corner[0], energy=corner[1])
            jobs.append(_neutral(name, f"{name}_{index:03}", picture, index, about))
    return jobs


def _real_pictures(out: Path) -> list[dict]:
    """Pairs of real pictures, each under every neutral caption with the same seeds."""
    jobs = []
    for number, pair in enumerate(pair for pair in PAIRS if pair.is_there()):
        for side, real in (("first", pair.first), ("second", pair.second)):
            picture = f"pictures/real_{real.name}.png"
            open_real(real.find()).save(out / picture)
            for take in range(TAKES * len(CAPTIONS)):
                about = dict(pair=number, axis=pair.axis, side=side, name=real.name, semitones=0)
                jobs.append(_neutral("real_pictures", f"real_{number}_{side}_{take}", picture, take, about))
    return jobs


def _neutral(way: str, name: str, picture: str, index: int, about: dict) -> dict:
    return dict(id=name, way=way, clip=index, make="compose", prompt=CAPTIONS[index % len(CAPTIONS)], picture=picture, bars=4, meter="4/4",
                bpm=BPM, key=None, seed=index, about=about)
