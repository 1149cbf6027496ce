"""What the recipe of the small bundle lends: its training loop and its taps of the visual synapse."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "mini" / "recipe"))

from synapse import blend, capture  # noqa: E402
from trainer import Budget, Trainer  # noqa: E402

__all__ = ["Budget", "Trainer", "blend", "capture"]
