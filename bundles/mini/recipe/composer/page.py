"""Draws a page of piano rolls and spectrograms, one cue of each style.

    python -m composer.page --out DIR [--seed 0] [--energy .7] [--valence .7] [--styles "rock riff,ambient drone"]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from .brief import Brief  # noqa: E402
from .compose import compose  # noqa: E402
from .score import PARTS, Score  # noqa: E402
from .sound import SAMPLE_RATE, Player  # noqa: E402
from .styles import STYLES  # noqa: E402

COLOURS = dict(zip(PARTS, ("#9ab8d8", "#5b3a8c", "#3c8c5b", "#d98c2b", "#c8102e", "#e05fa0", "#20a0a0", "#555555")))
WINDOW, HOP = 2048, 256


def draw_roll(axes, score: Score) -> None:
    """Notes in their parts' colours, brighter the louder; drums beneath."""
    for note in score.notes:
        pitch = note.pitch if note.part != "drums" else 4 + (note.pitch - 27) * 0.42
        loud = note.velocity / 127 * score.dynamics[note.part][note.start]
        axes.barh(pitch, note.length - 0.15, left=note.start, height=1.1, color=COLOURS[note.part], alpha=0.25 + 0.75 * loud)
    for bar in range(1, 4):
        axes.axvline(bar * score.bar, color="k", linewidth=0.4)
    for chord in score.chords:
        axes.text(chord.start + 0.3, 99, chord.name, fontsize=8, va="top")
    axes.set(xlim=(0, score.columns), ylim=(0, 100), yticks=(36, 48, 60, 72, 84))
    axes.tick_params(labelsize=5)
    axes.set_title(f"{score.style}, {score.metre}, {score.bpm} bpm, {score.scale}, v {score.valence:.1f} e {score.energy:.1f}, "
                   f"leads: {score.featured}; " + " ".join(f"{part}{program}" for part, program in score.parts.items()), fontsize=7)


def draw_spectrogram(axes, sound: np.ndarray) -> None:
    """Magnitudes in dB up to 8 kHz, on a logarithmic axis, within 70 dB of the loudest."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP] * np.hanning(WINDOW)
    decibels = 20 * np.log10(np.abs(np.fft.rfft(frames, axis=1)) + 1e-6).T
    hertz = np.geomspace(40, 8000, 160)
    rows = decibels[np.round(hertz * WINDOW / SAMPLE_RATE).astype(int)]
    axes.imshow(rows, origin="lower", aspect="auto", cmap="magma", vmin=rows.max() - 70, vmax=rows.max())
    axes.set(xticks=(), yticks=())


def draw_page(scores: list[Score], path: Path, player: Player) -> None:
    """Write a page of rolls over spectrograms, two or four cues a row."""
    across = 2 if len(scores) <= 4 else 4
    rows = -(-len(scores) // across)
    figure, grid = plt.subplots(2 * rows, across, figsize=(8 * across, 4.6 * rows), squeeze=False,
                                gridspec_kw=dict(height_ratios=[2.6, 1] * rows, hspace=0.18, wspace=0.06))
    for cell, score in enumerate(scores):
        row, column = divmod(cell, across)
        draw_roll(grid[2 * row][column], score)
        draw_spectrogram(grid[2 * row + 1][column], player.play(score))
    figure.savefig(path, dpi=110 if across == 2 else 60, bbox_inches="tight")
    plt.close(figure)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--energy", type=float, help="of all cues; drawn unless said")
    parser.add_argument("--valence", type=float, help="of all cues; drawn unless said")
    parser.add_argument("--metre", default="4/4")
    parser.add_argument("--styles", default=",".join(STYLES), help="names between commas")
    parser.add_argument("--cues", type=int, default=4, help="on a page")
    parser.add_argument("--kind", choices=("png", "jpg"), default="png")
    parser.add_argument("--midi", action="store_true", help="write MIDI files too")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    scores, player = [], Player()
    for index, style in enumerate(options.styles.split(",")):
        rng = np.random.default_rng([options.seed, index])
        drawn = rng.random(2)
        valence, energy = (drawn[i] if asked is None else asked for i, asked in enumerate((options.valence, options.energy)))
        scores.append(compose(Brief(style, float(valence), float(energy), options.metre), rng))
        if options.midi:
            from .midi import to_midi

            to_midi(scores[-1], 2).save(options.out / f"{style.replace(' ', '_')}.mid")
    for first in range(0, len(scores), options.cues):
        draw_page(scores[first:first + options.cues], options.out / f"page_{options.seed}_{first // options.cues}.{options.kind}", player)


if __name__ == "__main__":
    main()
