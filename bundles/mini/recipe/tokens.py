"""The tokenizer: byte pairs of lower-cased words; known words are whole, unknown ones fall into known parts.

    python tokens.py --scores DIR --out tokenizer.json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor

from caption import all_phrases, caption
from composer.scores import read
from composer.told import told
from nets import TEXT, TEXT_TOKENS

PAD, END, UNKNOWN = 0, 1, 2  # as in T5
PHRASE_WEIGHT = 20  # every vocabulary phrase counts as this many captions, so that rare words stay whole


def build(captions: list[str]) -> Tokenizer:
    """A tokenizer fitted to the captions and the vocabulary."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits(individual_digits=True)])
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + [str(d) for d in range(10)] + list("▁,.;:!?'\"-()&/")
    trainer = trainers.BpeTrainer(vocab_size=TEXT["vocab_size"], special_tokens=["<pad>", "</s>", "<unk>"],
                                  initial_alphabet=letters, min_frequency=2, show_progress=False)
    tokenizer.train_from_iterator(captions + all_phrases() * PHRASE_WEIGHT, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", END)])
    return tokenizer


def encode(tokenizer: Tokenizer, captions: list[str]) -> Tensor:
    """Token ids (n, 64): the words, the end token, padding."""
    rows = []
    for ids in (found.ids for found in tokenizer.encode_batch(captions)):
        ids = ids if len(ids) <= TEXT_TOKENS else [*ids[:TEXT_TOKENS - 1], END]
        rows.append(ids + [PAD] * (TEXT_TOKENS - len(ids)))
    return torch.tensor(rows)


def read_captions(folder: Path) -> Iterator[str]:
    """A caption of every score of a folder."""
    for path in sorted(folder.glob("scores_*.jsonl.gz")):
        for number, (scene, score) in enumerate(read(path)):
            yield caption(scene, told(score), np.random.default_rng(number))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    tokenizer = build(list(read_captions(options.scores)))
    tokenizer.save(str(options.out))
    print(f"{tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
