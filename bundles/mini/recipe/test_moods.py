"""Laws of what words say of the mood, and of what is told of a picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from moods import BRIGHT, CALM, DARK, LIVELY, MIXED, between, mood_of, table
from picture_reader import KINDS, NAMES, fit, labels, moods, told
from scene import sample_scene


def test_words_say_how_pleasant_and_how_lively() -> None:
    known = table()
    assert mood_of("Calm piano over soft strings", known) == (BRIGHT, CALM)
    assert mood_of("tense strings, chase at night", known) == (DARK, LIVELY)
    assert mood_of("sad but hopeful", known) == (pytest.approx(MIXED), CALM)
    assert mood_of("busy violin", known) == (None, LIVELY) and mood_of("violin", known) == (None, None)


def test_words_and_picture_count_alike_at_full_influence() -> None:
    assert between(0.2, 1.0) == pytest.approx(0.6) and between(0.2, 1.0, 0.0) == 0.2
    assert between(None, 0.9, 0.5) == pytest.approx(0.7) and between(0.2, None) == 0.2 and between(None, None) is None


def test_a_reader_of_pictures_finds_what_is_there_to_be_found() -> None:
    """Values in which place, hour, weather and mood are plain are read right, unseen ones too; values that say nothing are read at chance."""
    scenes = [sample_scene(np.random.default_rng([7, i])) for i in range(400)]
    plain = torch.cat([*(torch.nn.functional.one_hot(labels(scenes, kind), len(names)).float() for kind, names in KINDS.items()), moods(scenes)], 1)
    values = plain @ torch.randn(plain.shape[1], 64, generator=torch.Generator().manual_seed(0))
    reader = fit(values[:300], scenes[:300])
    found = reader.read(values[300:])
    for kind in KINDS:
        assert float((found[kind].argmax(-1) == labels(scenes[300:], kind)).float().mean()) > 0.9
    assert torch.corrcoef(torch.stack([found["mood"][:, 0], moods(scenes[300:])[:, 0]]))[0, 1] > 0.9
    noise = torch.randn(400, 64, generator=torch.Generator().manual_seed(1))
    blind = fit(noise[:300], scenes[:300]).read(noise[300:])["place"]
    assert float((blind.argmax(-1) == labels(scenes[300:], "place")).float().mean()) < 0.2
    assert "place: right" in told(reader, values[300:], scenes[300:])


def test_every_kind_has_a_phrase() -> None:
    assert all(len(NAMES[kind]) == len(names) and all(NAMES[kind]) for kind, names in KINDS.items())
