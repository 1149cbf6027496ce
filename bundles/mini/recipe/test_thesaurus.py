"""Laws of where words are placed."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from thesaurus import Thesaurus, Vectors, carried, centred, known_words, packed, unit
from wordnet import WordNet

DATA = {
    "noun": ["  1 a notice", "00000010 00 n 03 carnival 0 funfair 0 fair(p) 0 002 @ 00000020 n 0000 ~ 00000030 n 0000 | a show",
             "00000020 00 n 01 show 0 000 | what is shown", "00000030 00 n 01 circus 0 000 | with tents"],
    "verb": [], "adv": ["00000040 02 r 01 gloomily 0 001 \\ 00000040 a 0000 | in gloom"],
    "adj": ["00000040 00 a 01 gloomy 0 001 & 00000050 s 0000 | dark", "00000050 00 s 01 drab 0 000 | dull"],
}
INDEX = {
    "noun": ["funfair n 1 1 @ 1 0 00000010", "carnival n 1 1 @ 1 0 00000010", "show n 1 0 1 0 00000020"], "verb": [],
    "adv": ["gloomily r 1 1 \\ 1 0 00000040"], "adj": ["gloomy a 1 1 & 1 0 00000040"],
}


@pytest.fixture
def wordnet(tmp_path) -> WordNet:
    for kind in DATA:
        (tmp_path / f"data.{kind}").write_text("\n".join(DATA[kind]) + "\n")
        (tmp_path / f"index.{kind}").write_text("\n".join(INDEX[kind]) + "\n")
    return WordNet(tmp_path)


def test_wordnet_tells_synonyms_and_what_is_related(wordnet) -> None:
    assert wordnet.synonyms("funfair") == {"carnival", "fair"} and wordnet.related("funfair") == {"show"}
    assert wordnet.related("gloomy") == {"drab"} and wordnet.related("gloomily") == {"gloomy"}
    assert wordnet.synonyms("nothing") == set()


def vectors(rows: dict[str, tuple]) -> Vectors:
    """Words with MiniLM's (3), GloVe's (3) and pleasantness and liveliness."""
    parts = [np.array([row[i] for row in rows.values()], float) for i in range(3)]
    return Vectors(list(rows), unit(parts[0]), unit(parts[1]), parts[2])


KNOWN = {"storm": ((1, 0, 0), (1, 0, 0), (-.5, .8)), "calm": ((0, 1, 0), (0, 1, 0), (.5, -.8)), "carnival": ((0, 0, 1), (0, 0, 1), (.5, .5))}


def test_near_is_what_is_used_alike_and_feels_alike(wordnet) -> None:
    some = KNOWN | {"tempest": ((1, .1, 0), (1, .1, 0), (-.5, .8)), "funfair": ((.2, .2, .3), (0, 0, 0), (.5, .5)),
                    "nonsense": ((-1, -1, -1), (-1, -1, -1), (0, 0))}
    found = Thesaurus(vectors(some), list(KNOWN), wordnet)
    assert found.near("tempest") == [("storm", 100)] and found.near("nonsense") == []
    assert found.near("funfair")[0][0] == "carnival"
    with_synonym, without = (Thesaurus(vectors(some), list(KNOWN), each).nearness("funfair")[2] for each in (wordnet, None))
    assert with_synonym == pytest.approx(without + 0.3)


def test_of_antonyms_with_like_vectors_the_one_that_feels_alike_is_nearer() -> None:
    some = {"sad": ((1, 1, 0), (1, 1, 0), (-1, -1)), "happy": ((1, 1, 0), (1, 1, 0), (1, 1)), "mirthful": ((1, 1, .1), (1, 1, .1), (1, 1))}
    assert Thesaurus(vectors(some), ["sad", "happy"], None).near("mirthful") == [("happy", 100)]


def test_to_be_spelt_alike_is_not_to_be_near() -> None:
    some = {"funereal": ((1, 0, 0), (1, 0, 0), (0, 0)), "fair": ((.9, .3, 0), (0, 1, 0), (0, 0)), "funfair": ((1, 0, 0), (0, 1, 0), (0, 0))}
    assert Thesaurus(vectors(some), ["funereal", "fair"], None).near("funfair")[0][0] == "fair"


def test_what_is_told_of_some_is_carried_to_all() -> None:
    features = np.random.default_rng(0).normal(size=(200, 5))
    truth = features @ (1, -2, 0, 0, .5)
    found = carried(features, {row: truth[row] for row in range(100)}, penalty=1e-3)
    assert np.allclose(found, truth, atol=1e-3)


def test_what_is_missing_stays_so() -> None:
    found = centred(np.array([[1.0, 0], [0, 1], [0, 0]]))
    assert not found[2].any() and np.allclose(np.linalg.norm(found[:2], axis=1), 1)


def test_the_file_has_sorted_lines_whose_shares_are_percent() -> None:
    some = KNOWN | {"tempest": ((1, .1, 0), (1, .1, 0), (-.5, .8)), "lull": ((.5, 1, 0), (.5, 1, 0), (.5, -.8))}
    lines = zlib.decompress(packed(Thesaurus(vectors(some), list(KNOWN), None), ["tempest", "lull"])).decode().splitlines()
    assert [line.split()[0] for line in lines] == ["lull", "tempest"]
    for line in lines:
        assert abs(sum(int(pair.split(":")[1]) for pair in line.split()[1:]) - 100) <= 2


def test_known_words_are_of_captions() -> None:
    found = known_words()
    assert {"melancholic", "forest", "midnight", "storm", "chase", "jazz", "slow"} <= set(found) and "the" not in found and len(found) > 1000
