"""Laws of the vocabulary and of the captions. None needs a soundfont."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

import caption
import words
from composer.scores import make
from composer.told import Told, told
from scene import Scene

CLIPS = 1200


def _clip(index: int, metre: str = "4/4") -> tuple[Scene, Told]:
    scene, score = make(0, 5, index, metre)
    return scene, told(score)


def _said(index: int, clip: tuple[Scene, Told]) -> str:
    return caption.caption(*clip, np.random.default_rng([0, 5, index, 11]))


def _words_of(said: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", said.lower())


def _holds(said: str, phrases: tuple[str, ...]) -> bool:
    return any(re.search(rf"(?<![\w/-]){re.escape(phrase)}(?![\w/-])", said.lower()) for phrase in phrases)


@pytest.fixture(scope="module")
def fours() -> list[tuple[Scene, Told]]:
    return [_clip(index) for index in range(CLIPS)]


@pytest.fixture(scope="module")
def threes() -> list[tuple[Scene, Told]]:
    return [_clip(index, "3/4") for index in range(CLIPS)]


def test_the_vocabulary_has_1500_words():
    assert len({word for phrase in caption.all_phrases() for word in _words_of(phrase)}) >= 1500


def test_every_group_has_distinct_phrases_and_none_is_empty():
    for group in words.groups():
        assert len(set(group)) == len(group) > 0, group
        assert all(phrase and phrase == phrase.strip().lower() for phrase in group), group


def test_synonyms_are_the_others_of_the_groups():
    assert "3/4" in words.synonyms("waltz")
    assert "slow" not in words.synonyms("slow") and "largo" in words.synonyms("slow")
    assert words.synonyms("no such phrase") == ()


def test_every_word_of_a_caption_is_in_the_vocabulary(fours, threes, monkeypatch):
    monkeypatch.setattr(caption, "TYPO_SHARE", 0.0)
    known = {word for phrase in caption.all_phrases() for word in _words_of(phrase)}
    for index, clip in enumerate([*fours, *threes]):
        said = _said(index, clip)
        assert set(_words_of(said)) <= known, said


def test_the_same_generator_gives_the_same_caption(fours):
    assert all(_said(index, clip) == _said(index, clip) for index, clip in enumerate(fours[:200]))


def test_meter_words_are_told_of_threes_alone(fours, threes, monkeypatch):
    monkeypatch.setattr(caption, "TYPO_SHARE", 0.0)
    assert not any(_holds(_said(index, clip), words.METERS) for index, clip in enumerate(fours))
    told = np.mean([_holds(_said(index, clip), words.METERS) for index, clip in enumerate(threes)])
    assert told == pytest.approx(0.55, abs=0.04)


def test_no_voices_and_drum_words_are_told_only_where_they_are_true(fours):
    for scene, score in fours:
        told = caption._extras(scene, score)
        drums = "drums" in score.parts
        assert bool(told["no_drums"]) != drums and bool(told["drum_level"]) == drums
        assert drums or not told["pattern"]
        assert not (told["no_voices"] and {52, 91, 85} & {score.parts[p] for p in score.parts if p != "drums"})


def _is_one_slip(typed: str, meant: str) -> bool:
    """Whether one letter is dropped, doubled, replaced or swapped with the next."""
    if len(typed) == len(meant):
        wrong = [i for i in range(len(meant)) if typed[i] != meant[i]]
        swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1 and typed[wrong[0]] == meant[wrong[1]]
        return len(wrong) == 1 or (swapped and typed[wrong[1]] == meant[wrong[0]])
    longer, shorter = sorted((typed, meant), key=len, reverse=True)
    return any(longer[:i] + longer[i + 1:] == shorter for i in range(len(longer)))


def test_a_caption_in_twenty_has_one_slip_and_the_rest_none(fours, monkeypatch):
    typed = [_said(index, clip) for index, clip in enumerate(fours)]
    monkeypatch.setattr(caption, "TYPO_SHARE", 0.0)
    meant = [_said(index, clip) for index, clip in enumerate(fours)]
    slipped = [(a, b) for a, b in zip(typed, meant) if a != b]
    assert 0.03 < len(slipped) / CLIPS < 0.07
    assert all(_is_one_slip(a, b) for a, b in slipped)


def test_every_kind_of_slip_happens_to_long_words_alone():
    rng = np.random.default_rng(3)
    assert caption._mistyped("jazz and pads", rng) == "jazz and pads"
    found = {caption._mistyped("flute", rng) for _ in range(300)}
    assert {"lute", "fllute", "lfute", "dlute", "glute"} <= found
    assert all(_is_one_slip(typed, "flute") for typed in found)


def test_the_edges_between_keys_run_in_order():
    spaces = [words.space_of(send) for send in (0, 29, 30, 55, 80, 127)]
    assert spaces == ["dry", "dry", "roomy", "hall", "cavernous", "cavernous"]
    assert [words.texture_of(parts) for parts in range(2, 7)] == ["thin", "medium", "medium", "full", "full"]
    assert [words.tone_of(tilt) for tilt in (-1.0, 0.0, 1.0)] == ["dark", "", "bright"]
    tempos = [list(words.TEMPOS).index(words.tempo_of(bpm)) for bpm in range(60, 141)]
    assert all(slower <= faster for slower, faster in pairwise(tempos))
