"""The composer: four bars of loopable music for a scene, in 4/4 or 3/4, in C major or A minor.

What a picture can carry is made strong here. Valence decides mode (with the scene's rare flips), register, the presence
of bells and how bright the programs and the mix are; arousal decides density of steps, drums, articulation and velocity.
Tempo leans to arousal only a little: a composer's host says it, and a model that could read arousal off it would not look.
"""

from __future__ import annotations

import numpy as np

from harmony import chords
from players import Players
from scene import Scene
from score import BARS, Score
from styles import PARTS, STYLES, Style

SLOWEST_BPM, FASTEST_BPM = 60, 140
TEMPO_LEAN = 0.3  # how far arousal decides the tempo


def compose(scene: Scene, rng: np.random.Generator, bar: int = 4) -> Score:
    """Compose four bars of `bar` beats for `scene`; the same generator state gives the same score."""
    style = STYLES[scene.style]
    lean = TEMPO_LEAN * scene.arousal + (1 - TEMPO_LEAN) * rng.random()
    bpm = SLOWEST_BPM + int((FASTEST_BPM + 1 - SLOWEST_BPM) * lean)
    level = int(np.clip(scene.arousal * 3 + 0.25 * rng.normal(), 0, 2))
    score = Score(
        bpm=bpm,
        mode=scene.mode,
        style=scene.style,
        chords=chords(scene.mode, style, bpm >= 85 and bar == 4, bar, rng),
        parts=_choose_parts(scene, style, rng),
        drums_level=level,
        brightness=_brightness(scene, rng),
        space=int(np.clip(style.space + 45 * (0.5 - scene.arousal) + 5 * rng.normal(), 0, 127)),
        beats=BARS * bar,
    )
    players = Players(scene, style, score, rng)
    for part in score.parts:
        getattr(players, part)()
    score.notes = players.humanised()
    return score


def _brightness(scene: Scene, rng: np.random.Generator) -> float:
    """Tilt of the mix, -1..1, mostly from valence."""
    tilt = 1.3 * (scene.valence - 0.5) + 0.5 * (scene.arousal - 0.5) + 0.1 * rng.normal()
    return float(np.clip(tilt, -1, 1))


def _choose_parts(scene: Scene, style: Style, rng: np.random.Generator) -> dict[str, int]:
    """Who plays: the style's chances, with bells for the bright and drums for the lively; never fewer than two."""
    valence, arousal = scene.valence, scene.arousal
    factor = dict(pad=1.25 - 0.6 * arousal, bass=0.85 + 0.25 * arousal, pluck=0.75 + 0.4 * arousal,
                  bell=0.25 + 2.0 * valence**1.5, lead=0.5 + 0.9 * arousal, drums=0.2 + 1.2 * arousal)
    present = [part for part in PARTS if rng.random() < style.chance[part] * factor[part]]
    if sum(part != "drums" for part in present) < 2:
        present += [part for part in ("pad", "pluck") if part not in present]
    kit = int(style.kits[int(rng.integers(len(style.kits)))])
    return {part: kit if part == "drums" else _program(style.programs[part], valence, rng)
            for part in PARTS if part in present}


def _program(programs: tuple[int, ...], valence: float, rng: np.random.Generator) -> int:
    """A program from a list that runs dark to bright, near the scene's valence."""
    place = np.clip(valence + 0.1 * rng.normal(), 0, 0.999)
    return int(programs[int(place * len(programs))])
