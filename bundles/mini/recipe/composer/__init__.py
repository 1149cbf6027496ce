"""The composer of scores: four bars of film music that loop, in eight parts, for a style and a mood.

`compose(Brief(style="heroic brass", valence=0.8, energy=0.9), rng)` gives a `Score`; `composer.midi` plays it.
"""

from .brief import Brief
from .compose import compose
from .score import PARTS, Chord, Note, Score
from .styles import STYLES

__all__ = ["PARTS", "STYLES", "Brief", "Chord", "Note", "Score", "compose"]
