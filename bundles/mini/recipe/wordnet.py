"""WordNet's files: which words are synonyms, and which are related."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

KINDS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
SENSES = 3  # of a word, the most frequent first
RELATIONS = ("@", "&", "+", "\\", "^")  # hypernym, similar, derived, pertaining, see also


class WordNet:
    """The database in a folder (`data.noun`, `index.noun` and so on)."""

    def __init__(self, folder: Path) -> None:
        self.words: dict[str, list[str]] = {}  # of a synset
        self.relations: dict[str, list[str]] = {}  # synsets beside a synset
        self.synsets: dict[str, list[str]] = defaultdict(list)  # of a word
        for kind, letter in KINDS.items():
            for line in lines(folder / f"data.{kind}"):
                self._add(letter, line.split("|")[0].split())
            for line in lines(folder / f"index.{kind}"):
                word, _, count, *rest = line.split()
                self.synsets[word.lower()] += [letter + offset for offset in rest[len(rest) - int(count):]]

    def _add(self, kind: str, fields: list[str]) -> None:
        """A line of data: offset, file, type, count of words (hexadecimal), words, count of pointers, pointers."""
        count, synset = int(fields[3], 16), kind + fields[0]
        self.words[synset] = [re.sub(r"\(.*\)", "", fields[4 + 2 * i]).lower() for i in range(count)]
        first = 5 + 2 * count
        pointers = [fields[first + 4 * i:first + 4 * i + 3] for i in range(int(fields[first - 1]))]
        self.relations[synset] = [("a" if to == "s" else to) + offset for symbol, offset, to in pointers if symbol in RELATIONS]

    def synonyms(self, word: str) -> set[str]:
        """Words that share one of its senses."""
        return {other for synset in self.synsets.get(word, [])[:SENSES] for other in self.words[synset]} - {word}

    def related(self, word: str) -> set[str]:
        """Words of senses that its senses point to."""
        beside = (other for synset in self.synsets.get(word, [])[:SENSES] for other in self.relations[synset])
        return {other for synset in beside for other in self.words[synset]} - {word}


def lines(path: Path) -> list[str]:
    """The lines of a file but for its notice."""
    return [line for line in path.read_text(encoding="latin-1").splitlines() if line and not line.startswith("  ")]
