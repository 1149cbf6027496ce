"""Whether a word that no caption has acts as a synonym that captions have.

Pairs are WordNet's: a word that is not known beside one that is and shares its first sense. What a clip tells of both (mood, mode, notes a
bar, brightness) is compared over all pairs, under other noise each: the covariance of the one's with the other's, beside the covariance of
two clips of the same known word, is the share of the known word's effect that the unknown one has. 0 is chance, and 1 a synonym's own.
WordNet makes the pairs, so a thesaurus that is measured should be made without it.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import tokens
from evaluate_ear import Ear
from evaluate_playing import Playing, decoded
from evaluate_record import Record
from evaluate_sampled import Question, Studio, settle
from thesaurus import known_words
from wordnet import WordNet

FRAMES = {"mood": "{} music", "place": "music for {}", "use": "{} scene", "genre": "{} piece"}
SHARES = {"mood": 0.5, "place": 0.25, "use": 0.15, "genre": 0.1}
FIGURES = ("valence", "energy", "major", "notes", "brightness")
AGAIN = 3  # clips of each known word
BEAT = 0.6  # seconds
ALIKE = 4  # letters that a pair must not begin with together
FREQUENT = 45_000  # of words by how often they are used
DRAWS = 1000


def pairs_of(wordnet: WordNet, common: list[str], captions: set[str], count: int) -> list[tuple[str, str, str]]:
    """Unknown word, known word and kind of so many pairs."""
    kinds, rng, found = kinds_of(), np.random.default_rng(7), {kind: [] for kind in FRAMES}
    is_known = lambda word: bool({word, word.removesuffix("s"), word.removesuffix("es")} & captions)
    for word in common[:FREQUENT]:
        if len(word) < ALIKE or not word.isalpha() or is_known(word):
            continue
        senses = wordnet.synsets.get(word, [])[:1]
        for other in sorted({other for sense in senses for other in wordnet.words[sense]}):
            if other in kinds and other[:ALIKE] != word[:ALIKE]:
                found[kinds[other]].append((word, other, kinds[other]))
                break
    for some in found.values():
        rng.shuffle(some)
    return [(str(word), str(other), str(kind)) for kind, share in SHARES.items() for word, other, kind in found[kind][:int(count * share)]]


def kinds_of() -> dict[str, str]:
    """What the known words are words of."""
    import words

    tables = {"use": (words.MOOD_CUES,), "place": (words.PLACES, words.WEATHERS, words.HOURS), "genre": (words.GENRES,), "mood": (words.MOODS,)}
    known, found = set(known_words()), {}
    for kind, some in tables.items():
        for phrase in (phrase for table in some for group in table.values() for phrase in group):
            word = phrase.split()[-1] if kind in ("use", "place") else phrase
            if word in known:
                found[word] = kind
    return found


def read_thesaurus(path: Path) -> dict[str, list[tuple[str, float]]]:
    """Words near each word, with shares whose sum is 1."""
    found = {}
    for line in zlib.decompress(path.read_bytes()).decode().splitlines():
        word, *near = line.split()
        shares = [(other, float(share)) for other, share in (pair.split(":") for pair in near)]
        found[word] = [(other, share / sum(share for _, share in shares)) for other, share in shares]
    return found


class Blends:
    """Reads prompts of a studio, with words told by others as the engine tells them: `{word}` in braces."""

    def __init__(self, studio: Studio, thesaurus: dict[str, list[tuple[str, float]]]) -> None:
        self.studio, self.thesaurus = studio, thesaurus
        self.embedding = studio.model.text.get_input_embeddings().weight.data
        self.rows: list[Tensor] = []

    def encode(self, prompts: list[str]) -> Tensor:
        """Ids (n, 64); of words that others tell those of rows of their own."""
        found = torch.cat([self._one(prompt) for prompt in prompts])
        table = torch.nn.Embedding.from_pretrained(torch.cat([self.embedding, *(row[None] for row in self.rows)]))
        self.studio.model.text.set_input_embeddings(table)
        return found

    def _one(self, prompt: str) -> Tensor:
        plain = lambda text: tokens.encode(self.studio.tokenizer, [text])
        if "{" not in prompt:
            return plain(prompt)
        before, word, after = prompt.replace("}", "{").split("{")
        if word not in self.thesaurus:
            return plain(before + word + after)
        of = lambda text: [i for i in plain(text)[0].tolist() if i not in (tokens.PAD, tokens.END)] if text.strip() else []
        ids = [*of(before.strip()), len(self.embedding) + len(self.rows), *of(after.strip()), tokens.END]
        self.rows.append(self._blend(self.thesaurus[word]))
        return torch.tensor([ids + [tokens.PAD] * (tokens.TEXT_TOKENS - len(ids))])

    def _blend(self, near: list[tuple[str, float]]) -> Tensor:
        vectors, shares = torch.stack([self._vector(word) for word, _ in near]), torch.tensor([share for _, share in near])
        mean = (vectors * shares[:, None]).sum(0)
        return mean * (vectors.norm(dim=1) * shares).sum() / mean.norm()

    def _vector(self, word: str) -> Tensor:
        return self.embedding[self.studio.tokenizer.encode(word, add_special_tokens=False).ids].mean(0)


def heard(studio: Studio, ear: Ear, prompts: list[str], first: int) -> np.ndarray:
    """Figures (n, 5) of a clip of each prompt, the noise of which begins at a number."""
    questions = [Question(prompt, None, BEAT, "4/4", Record({}, clip=first + i)) for i, prompt in enumerate(prompts)]
    playings = [decoded(settle(studio.latents.decode(answer), len(answer)), "4/4") for answer in studio.compose(questions)]
    return np.array([figures(playing, told) for playing, told in zip(playings, ear.hear(playings))])


def figures(playing: Playing, told) -> list[float]:
    """Those of `FIGURES`."""
    return [told.valence, told.energy, float(told.major), len(playing.notes) / 4, playing.numbers["brightness"]]


def effect(unknown: np.ndarray, known: list[np.ndarray], index: np.ndarray) -> np.ndarray:
    """Of every figure, and of all together, the share of the known words' effect that the unknown ones have, over the pairs of `index`."""
    centre = lambda x: x[index] - x[index].mean(0)
    spread = known[0].std(0)
    covariance = lambda a, b: (centre(a) * centre(b)).mean(0) / spread**2
    same = np.mean([covariance(known[i], known[j]) for i in range(len(known)) for j in range(i)], 0)
    other = np.mean([covariance(unknown, each) for each in known], 0)
    return np.append(other / same, other.sum() / same.sum())


def table(studio: Studio, reader: Path, thesauri: dict[str, Path], pairs: list[tuple[str, str, str]]) -> str:
    """The shares of each thesaurus, and of words as they are without any, with errors from drawing the pairs anew."""
    ear, count = Ear(reader, studio.latents), len(pairs)
    say = lambda words, brace: [FRAMES[kind].format(f"{{{word}}}" if brace else word) for word, (_, _, kind) in zip(words, pairs)]
    known = [heard(studio, ear, say([other for _, other, _ in pairs], False), 1_000_000 * (1 + i)) for i in range(AGAIN)]
    rng, everyone = np.random.default_rng(0), np.arange(count)
    lines = ["| | " + " | ".join((*FIGURES, "together")) + " |", "| --- " * (len(FIGURES) + 2) + "|"]
    for name, path in {"without": None, **thesauri}.items():
        blends = Blends(studio, read_thesaurus(path) if path else {})
        studio.encode = blends.encode
        unknown = heard(studio, ear, say([word for word, _, _ in pairs], True), 0)
        drawn = [effect(unknown, known, rng.integers(count, size=count)) for _ in range(DRAWS)]
        shares, errors = effect(unknown, known, everyone), np.std(drawn, 0)
        lines.append(f"| {name} | " + " | ".join(f"{share:.2f} +-{error:.2f}" for share, error in zip(shares, errors)) + " |")
        print(lines[-1], flush=True)
    return "\n".join(lines)
