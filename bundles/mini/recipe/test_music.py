"""Laws of the music half of the recipe: composer, mel, codec. None needs a soundfont."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from codec import PatchCodec, from_patches, to_patches, train_codec
from compose import compose
from evaluate_probes import diatonic_set, is_major
from harmony import LONG_PROGRESSIONS, PROGRESSIONS
from mel import FRAMES, SAMPLE_RATE, beat_mel, filter_bank, frame_centres, magnitudes
from scene import STYLES as STYLE_NAMES
from scene import sample_scene
from score import Score
from styles import STYLES
from trainer import Budget

WHITE_KEYS = {0, 2, 4, 5, 7, 9, 11}


def _score(index: int, bar: int = 4) -> Score:
    rng = np.random.default_rng([0, 0, index])
    return compose(sample_scene(rng), rng, bar)


def test_every_style_of_the_scenes_can_be_composed():
    assert set(STYLE_NAMES) == set(STYLES)


@pytest.mark.parametrize("bar", (3, 4))
@pytest.mark.parametrize("index", range(40))
def test_a_score_stays_on_the_white_keys_and_within_the_clip(index: int, bar: int):
    score = _score(index, bar)
    assert score.beats == 4 * bar and 5.6 < score.seconds * 4 / bar < 11.3
    assert all(0 <= note.beat < score.beats and note.part in score.parts for note in score.notes)
    assert all(note.pitch % 12 in WHITE_KEYS for note in score.notes if note.part != "drums")
    assert sum(chord.length for chord in score.chords) == score.beats


def test_a_waltz_has_its_bass_on_the_one():
    scores = [_score(index, 3) for index in range(60)]
    figures = [[note.beat % 3 for note in score.notes if note.part == "bass"] for score in scores]
    on_the_one = [sum(min(beat, 3 - beat) < 0.1 for beat in beats) for beats in figures if beats]
    assert on_the_one and min(on_the_one) >= 4


def test_the_same_seed_gives_the_same_score_and_its_summary_reads_back():
    first, second = _score(3), _score(3)
    assert first == second
    second.notes = []
    assert Score.from_summary(first.summary()) == second


def test_every_progression_fills_four_bars():
    assert all(len(degrees) == 4 for table in PROGRESSIONS.values() for degrees in table)
    assert all(len(degrees) == 8 for table in LONG_PROGRESSIONS.values() for degrees in table)


def _sounding(score: Score) -> np.ndarray:
    """About what a chroma finds in a score: of every note the partials that pitch is heard from."""
    notes = [note for note in score.notes if note.part != "drums"]
    partial = np.arange(1, 7)
    pitches = np.array([note.pitch + 12 * np.log2(partial) for note in notes])
    loud = np.array([note.velocity * np.sqrt(note.length) / partial for note in notes])
    return np.bincount(np.round(pitches).astype(int).ravel() % 12, loud.ravel(), 12)


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_most_scores_are_heard_in_their_own_mode_and_scale(mode: str):
    scores = [score for score in map(_score, range(500)) if score.mode == mode]
    heard = [_sounding(score) for score in scores]
    assert np.mean([is_major(chroma, 0) == (mode == "major") for chroma in heard]) > 0.9
    assert np.mean([diatonic_set(chroma) == 0 for chroma in heard]) > 0.85


def test_a_sine_has_its_amplitude_as_magnitude():
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    sine = (0.3 * np.sin(2 * np.pi * 1000.0 * time)).astype(np.float32)
    spectrum = magnitudes(sine, frame_centres(len(sine), 4))
    assert spectrum.max(dim=1).values.numpy() == pytest.approx(0.3, abs=1e-4)


def test_turning_the_loop_turns_the_mel():
    noise = np.random.default_rng(0).normal(0, 0.1, FRAMES * 400).astype(np.float32)
    turned = beat_mel(np.roll(noise, 400 * 32))
    assert np.allclose(turned, np.roll(beat_mel(noise), 32, axis=0), atol=1e-4)
    assert filter_bank().shape == (1025, 128)


def test_patches_are_frame_major_and_read_back():
    mel = torch.randn(2, 512, 128)
    patches = to_patches(mel)
    assert patches[1, 3, 5, 2 * 8 + 4] == mel[1, 5 * 8 + 2, 3 * 8 + 4]
    assert torch.equal(from_patches(patches), mel)


@pytest.fixture
def mels() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(12, 512, 128).cumsum(1) * 0.1 - 5


@pytest.fixture
def fitted(mels) -> PatchCodec:
    codec = PatchCodec(width=16, blocks=1, encoder_width=16, encoder_blocks=1)
    codec.fit(mels)
    return codec


def test_a_fitted_codec_is_the_pca_and_has_unit_latents(fitted, mels):
    latents = fitted.encode(mels)
    assert latents.shape == (12, 16, 64, 16)
    assert latents.var().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(latents, fitted.encode_linear(mels))
    assert torch.equal(fitted.decode(latents), fitted.decode_linear(latents))


def test_a_trained_codec_wraps_in_time_both_ways(fitted, mels, tmp_path):
    codec = train_codec(fitted, mels.numpy(), tmp_path / "codec.pt", Budget(1, steps=2), batch=2).requires_grad_(False)
    latents = codec.encode(mels)
    assert not torch.equal(latents, codec.encode_linear(mels)), "both nets are put to the test"
    assert torch.allclose(codec.encode(mels.roll(40, dims=1)), latents.roll(5, dims=2), atol=1e-4)
    assert torch.allclose(codec.decode(latents.roll(5, dims=2)), codec.decode(latents).roll(40, dims=1), atol=1e-4)


def test_a_bundle_gives_the_codec_back(fitted, mels):
    for parameter in fitted.requires_grad_(False).parameters():
        parameter.normal_()
    again = PatchCodec(width=16, blocks=1, encoder_width=16, encoder_blocks=1).requires_grad_(False)
    again.load_weights({**fitted.weights(), "fine_structure.bias": torch.zeros(1)})
    assert "conv_in.weight" in fitted.weights() and "encoder.conv_in.weight" in fitted.weights()
    assert torch.equal(again.encode(mels), fitted.encode(mels))
