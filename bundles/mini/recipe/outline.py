"""What a score is composed on, as two rows of the latents: the chord of every column, and the cue's style.

A model that decides them with the notes agrees on them before the notes are decided: the style is one code in every column, a chord one
for a bar or half of one, so that both are plain to see in noise in which a note is not. What a user asks for can be given there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from composer.score import Score
from composer.styles import STYLES

CUES = tuple(STYLES)
CLASSES = 12
BASS = 1.5  # of the chord's tone in the bass; 1 of the others


@dataclass
class Outline:
    """`harmony (2, 12)` are mean and spread of each pitch class, `cues (24, n)` the codes of the styles."""

    harmony: np.ndarray
    cues: np.ndarray

    @property
    def row_channels(self) -> tuple[int, int]:
        """Numbers of the rows of harmony and cue."""
        return CLASSES, self.cues.shape[1]

    @property
    def row_codes(self) -> tuple[int, int]:
        """How many of them are codes."""
        return 0, self.cues.shape[1]

    def encode(self, score: Score) -> np.ndarray:
        """Both rows (columns, n); what a score does not say is 0, the mean."""
        tones = (tones_of(score) - self.harmony[0]) / self.harmony[1] if score.chords else np.zeros((score.columns, CLASSES))
        code = self.cues[CUES.index(score.style)] if score.style in CUES else np.zeros(self.cues.shape[1])
        return np.concatenate([tones, np.tile(code, (score.columns, 1))], 1)

    def cue(self, row: np.ndarray) -> str:
        """The style whose code is nearest to a row's mean."""
        return CUES[int(np.square(row.mean(0) - self.cues).sum(1).argmin())]

    def tones(self, row: np.ndarray) -> np.ndarray:
        """Of a row of harmony (columns, 12) whether each pitch class is of the chord."""
        return row * self.harmony[1] + self.harmony[0] > 0.5


def tones_of(score: Score) -> np.ndarray:
    """Pitch classes (columns, 12) of the chords of a score; a chord may begin before the loop does."""
    found = np.zeros((score.columns, CLASSES))
    for chord in score.chords:
        columns = np.arange(chord.start, chord.end) % score.columns
        found[columns] = 0
        for tone in chord.tones:
            found[columns, tone % CLASSES] = 1
        found[columns, chord.bass % CLASSES] = BASS
    return found


def fit_outline(scores: list[Score], cues: np.ndarray, spread: float) -> Outline:
    """The outline's latents for some scores; all pitch classes are brought to one spread as a whole."""
    tones = np.concatenate([tones_of(score) for score in scores])
    unit = np.sqrt(tones.var(0).mean()) / spread
    return Outline(np.stack([tones.mean(0), np.full(CLASSES, unit)]), cues)
