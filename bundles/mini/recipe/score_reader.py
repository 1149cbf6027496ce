"""A reader of scores, which knows nothing of the model: style, mode and mood from score latents.

    python score_reader.py --data DIR --held-out DIR --out reader.pt [--steps 1500]

It reads latents with noise, so that small errors do not decide; trained on the training split.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from composer.styles import STYLES as CUES
from scene import STYLES
from score_set import ScoreSet

WIDTH, NOISE = 160, 0.3


class ScoreReader(nn.Module):
    """Tokens (b, t, n) to logits of family, cue and major, and to valence and energy."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.each, self.near = nn.Linear(tokens, WIDTH), nn.Linear(5 * WIDTH, WIDTH)
        self.heads = nn.Linear(2 * WIDTH, len(STYLES) + len(CUES) + 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See the class; valence and energy are (b, 2)."""
        h = F.gelu(self.each(x))
        h = F.gelu(self.near(torch.cat([h.roll(shift, 1) for shift in (-4, -1, 0, 1, 4)], -1)))
        family, cue, major, mood = self.heads(torch.cat([h.mean(1), h.std(1)], -1)).split((len(STYLES), len(CUES), 1, 2), -1)
        return family, cue, major[:, 0], mood


def losses(reader: ScoreReader, some: ScoreSet, index: Tensor, noise: float = 0.0) -> tuple[Tensor, dict[str, float]]:
    """The sum of the heads' losses on some scores with so much noise, and how well each reads."""
    x = some.latents(index)
    family, cue, major, mood = reader(x + noise * torch.randn_like(x))
    of = lambda name: some.fact(name)[index]
    moods = torch.stack([of("valence"), of("energy")], 1)
    loss = (F.cross_entropy(family, of("style").long()) + F.cross_entropy(cue, of("cue").long())
            + F.binary_cross_entropy_with_logits(major, of("major")) + 4 * F.mse_loss(mood, moods))
    right = lambda logits, name: float((logits.argmax(-1) == of(name)).float().mean())
    r = [float(torch.corrcoef(torch.stack([mood[:, i], moods[:, i]]))[0, 1]) for i in (0, 1)]
    return loss, dict(style=right(family, "style"), cue=right(cue, "cue"), mode=float(((major > 0) == of("major").bool()).float().mean()),
                      valence=r[0], energy=r[1])


def train(sets: list[ScoreSet], steps: int, batch: int = 64) -> ScoreReader:
    """A reader trained on sets of both lengths by turns."""
    torch.manual_seed(0)
    reader = ScoreReader(sets[0].latents(torch.zeros(1, dtype=torch.long)).shape[2])
    optimizer = torch.optim.AdamW(reader.parameters(), 2e-3)
    for step in range(steps):
        some = sets[step % 4 == 3 and len(sets) > 1]
        index = torch.randint(len(some), (batch,))
        loss = losses(reader, some, index, NOISE)[0]
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - step / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return reader.eval()


def load(path: Path) -> ScoreReader:
    """The reader of a file."""
    state = torch.load(path, weights_only=True)
    reader = ScoreReader(state["each.weight"].shape[1])
    reader.load_state_dict(state)
    return reader.eval()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    torch.set_num_threads(1)
    sets = lambda folder: [ScoreSet.load(path) for path in (folder / "64", folder / "48") if path.exists()]
    reader = train(sets(options.data), options.steps)
    torch.save(reader.state_dict(), options.out)
    for some in sets(options.held_out):
        with torch.no_grad():
            print(some.tokens.shape, {name: round(value, 3) for name, value in losses(reader, some, torch.arange(len(some)))[1].items()})


if __name__ == "__main__":
    main()
