"""Pre-trains the text encoder: linear heads on the mean of its tokens tell what music a caption asks for.

    python text_encoder.py --work DIR [--seconds 420 | --steps N]

Without it words are hardly heard: a music model that learns to denoise gains so little from a caption (0.001 of a loss of
0.54, measured on checkpoint 0.1.0) that it takes long to find out what 2,500 words mean. Captions cost nothing, so the
encoder reads many more of them than there are scores to learn from. The heads are thrown away.

Starts from the encoder in `music_start.pt` where there is one, and leaves its own there for `music_ldm.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

import tokens
from caption import caption
from composer.scores import make
from composer.styles import STYLES
from composer.told import told
from nets import TEXT_WIDTH, text_model
from precision import autocast
from trainer import Budget, Trainer

SCORES, CAPTIONS = 9000, 4  # scores composed, captions written of each
PROGRAMS = 129  # General MIDI's, and drums
FACTS = 9
EMBEDDING = {"shared.weight": 20.0}


def facts(scene, score) -> tuple[int, list[int], list[float]]:
    """What a caption of a score may tell: the cue's style, the programs, and numbers of about unit spread."""
    numbers = [np.log2(score.bpm / 95) * 2, 1.0 if score.mode == "major" else -1.0, score.drums_level - 1.0, 2 * score.brightness,
               (score.space - 55) / 25, 3 * (scene.valence - 0.5), 3 * (scene.arousal - 0.5), len(score.parts) - 4.0,
               0.0 if score.metre == "4/4" else 3.0]
    programs = [128 if part == "drums" else program for part, program in score.parts.items()]
    return list(STYLES).index(score.style), programs, [float(number) for number in numbers]


def write_captions(count: int, seed: int) -> tuple[list[str], Tensor, Tensor, Tensor]:
    """Captions (n), styles (n,), programs as ones among zeros (n, 129) and numbers (n, 9); no sound is made."""
    said, styles, programs, numbers = [], [], [], []
    for index in range(count):
        scene, score = make(0, seed, index)
        style, played, counted = facts(scene, score)
        rng = np.random.default_rng([seed, index])
        ones = torch.zeros(PROGRAMS)
        ones[played] = 1
        for _ in range(CAPTIONS):
            said.append(caption(scene, told(score), rng))
            styles.append(style)
            programs.append(ones)
            numbers.append(counted)
    return said, torch.tensor(styles), torch.stack(programs), torch.tensor(numbers)


class Reader(nn.Module):
    """The text encoder with heads on the mean of its tokens."""

    def __init__(self, text: nn.Module) -> None:
        super().__init__()
        self.text = text
        self.heads = nn.Linear(TEXT_WIDTH, len(STYLES) + PROGRAMS + FACTS)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of styles and of programs, and numbers."""
        return self.heads(self.text(ids).last_hidden_state.float().mean(1)).split((len(STYLES), PROGRAMS, FACTS), -1)


def losses(reader: Reader, ids: Tensor, styles: Tensor, programs: Tensor, numbers: Tensor) -> tuple[Tensor, dict]:
    """The sum of the heads' losses, and what they tell."""
    style, program, number = reader(ids)
    parts = (F.cross_entropy(style, styles), F.binary_cross_entropy_with_logits(program, programs),
             F.mse_loss(number, numbers))
    right = (style.argmax(-1) == styles).float().mean()
    return parts[0] + 20 * parts[1] + parts[2], dict(style=right, programs=parts[1], numbers=parts[2])


def train(text: nn.Module, tokenizer: Tokenizer, checkpoint: Path, budget: Budget, scores: int, batch: int = 64) -> nn.Module:
    """The averaged text encoder after training."""
    generator = torch.Generator().manual_seed(5)
    said, *targets = write_captions(scores, 100)
    unseen, *theirs = write_captions(max(2, scores // 50), 101)
    ids, unseen = tokens.encode(tokenizer, said), tokens.encode(tokenizer, unseen)

    def loss(reader) -> tuple[Tensor, dict]:
        some = torch.randint(len(ids), (batch,), generator=generator)
        with autocast("cpu"):
            return losses(reader, ids[some], *(target[some] for target in targets))

    def probe(reader) -> dict:
        return {f"unseen_{name}": value for name, value in losses(reader, unseen, *theirs)[1].items()}

    trainer = Trainer(Reader(text), checkpoint, budget, rate=1e-3, decay=0.99, faster=EMBEDDING)
    return trainer.run(loss, probe=probe).text


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=420)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--scores", type=int, default=SCORES)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    work, text, start = options.work, text_model(), options.work / "music_start.pt"
    state = torch.load(start, weights_only=True) if start.exists() else {}
    if state:
        text.load_state_dict({name.removeprefix("text."): value for name, value in state.items() if name.startswith("text.")})
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    text = train(text, tokenizer, work / "text_encoder.pt", Budget(options.seconds, options.steps), options.scores)
    torch.save({**state, **{f"text.{name}": value for name, value in text.state_dict().items()}}, start)


if __name__ == "__main__":
    main()
