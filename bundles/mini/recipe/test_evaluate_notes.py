"""Laws of what is counted in notes: planted faults, keys, wishes, memory, transcription."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import evaluate_memory
import evaluate_notes as notes
import evaluate_transcription as transcription
from composer.score import Note
from evaluate_ear import OUTLINED, Ear, audible
from evaluate_playing import Playing, bars_of, composed, decoded, from_engine, to_engine
from evaluate_set import MEMORY, READER, asked_key, held_out
from evaluate_wishes import NAMED, Wish, wishes
from latents import ScoreLatents, fit
from scale import SPAN, scale_of, settled, unexplained
from score_reader import ScoreReader

SCORES = [held_out(index)[1] for index in range(24)]


@pytest.fixture(scope="module")
def latents() -> ScoreLatents:
    """Latents of two dozen scores."""
    return fit(SCORES)


def playing(*played: tuple[str, int, int, int], metre: str = "4/4") -> Playing:
    """Notes (part, pitch, start, length)."""
    found = [Note(part, pitch, 90, start, length) for part, pitch, start, length in played]
    return Playing(metre, found, {part: 0 for part in ("keys", "bass", "lead", "pad", "drums") if part in {note.part for note in found}})


def chords(*roots: int, minor: tuple[int, ...] = ()) -> Playing:
    """A triad in keys and its root in the bass for every bar."""
    third = lambda root: 3 if root in minor else 4
    return playing(*(("keys", 60 + root + step, 16 * bar, 16) for bar, root in enumerate(roots) for step in (0, third(root), 7)),
                   *(("bass", 36 + root, 16 * bar, 16) for bar, root in enumerate(roots)))


def test_a_planted_wrong_note_counts_as_one_and_a_borrowed_chord_as_none():
    plain = chords(0, 5, 7, 0)
    assert notes.wrong_notes(plain) == []
    wrong = Note("lead", 73, 90, 4, 2)
    assert notes.wrong_notes(replace(plain, notes=[*plain.notes, wrong])) == [wrong]
    assert notes.count(replace(plain, notes=[*plain.notes, wrong]), 10)["wrong notes"] == 1 / 4
    borrowed = chords(0, 5, 5, 0, minor=(5,))
    alone = notes.wrong_notes(borrowed)
    assert {note.pitch for note in alone} == {68}
    agreed = replace(borrowed, notes=[*borrowed.notes, *(Note("lead", 80, 90, 16 * bar, 16) for bar in (1, 2))])
    assert notes.wrong_notes(agreed) == []


@pytest.mark.parametrize("index", range(24))
def test_composed_scores_have_few_wrong_notes_and_a_planted_one_is_one_more(index: int):
    score = composed(SCORES[index])
    before = notes.wrong_notes(score)
    assert len(before) <= 4
    sounding = {note.pitch % 12 for note in score.pitched} | scale_of(score.pitched)
    strange = next((pitch for pitch in range(60, 72) if pitch % 12 not in sounding), None)
    if strange is not None:
        planted = replace(score, notes=[*score.notes, Note("lead", strange, 60, 0, 1)])
        assert len(notes.wrong_notes(planted)) == len(before) + 1


def test_the_leading_tone_belongs_to_minor_alone():
    minor, major = chords(9, 5, 4, 9, minor=(9,)), chords(0, 5, 7, 0)
    assert 8 in scale_of(minor.pitched) and 8 not in scale_of(major.pitched)


def test_chords_that_change_with_the_bars_do_so_and_others_do_not():
    on, off = chords(0, 5, 7, 9, minor=(9,)), chords(0, 5, 7, 9, minor=(9,))
    off = replace(off, notes=[note._replace(start=(note.start + 4) % 64) for note in off.notes])
    assert notes.chords_on_bars(on) == 1 and notes.chords_on_bars(off) == 0
    assert len(notes.chord_lines(on)) == 4 and np.isnan(notes.chords_on_bars(chords(0, 0, 0, 0)))


def test_bars_are_counted_as_they_are():
    same = chords(0, 0, 5, 5)
    assert notes.longest_repeat(same) == 2 and notes.longest_repeat(chords(0, 5, 7, 2)) == 1 and notes.longest_repeat(chords(0, 0, 0, 0)) == 4
    assert notes.longest_repeat(chords(0, 5, 7, 0)) == 2  # around the loop
    assert notes.empty_bars(playing(("keys", 60, 0, 16), ("keys", 62, 56, 12))) == 2  # the last note sounds into the first bar
    figures = notes.count(same, 10)
    assert (figures["notes"], figures["polyphony"], figures["parts"]) == (4, 4, 2)
    assert figures["energy of notes"] == pytest.approx(16 * 90 / 127 / 10)


def test_a_silent_clip_can_be_counted():
    figures = notes.count(playing(), 10)
    assert figures["empty bars"] == 4 and figures["notes"] == figures["wrong notes"] == figures["energy of notes"] == 0


@pytest.mark.parametrize("index", range(24))
def test_a_score_comes_back_from_the_engines_form_and_from_any_key(index: int):
    score = SCORES[index]
    key, semitones = asked_key(2 * index + 1, score.mode)
    there = json.loads(json.dumps(to_engine(score, key, semitones)))
    back, home = from_engine(there, semitones), composed(score)
    assert (back.notes, back.programs, back.metre) == (home.notes, home.programs, home.metre)
    assert all(np.allclose(back.dynamics[part], np.maximum(curve, .05), atol=2e-3) for part, curve in home.dynamics.items())
    assert notes.count(back, 10)["wrong notes"] == notes.count(home, 10)["wrong notes"]
    # The wrong key is not home.
    assert from_engine(there, 0).notes != home.notes
    ticks = 960 * 4 * {"4/4": 4, "3/4": 3, "6/8": 3}[score.metre] * bars_of(score) // 4
    assert all(0 <= note["start"] < ticks and 1 <= note["length"] <= ticks and 0 <= note["pitch"] <= 127 for note in there["notes"])
    assert there["bars"] == (2 if score.bpm < 85 else 4)


def test_the_ear_hears_the_same_in_a_transposed_clip_that_is_brought_home_and_no_mood_that_is_written(latents: ScoreLatents, tmp_path: Path):
    torch.manual_seed(0)
    torch.save(ScoreReader(latents.width - OUTLINED).state_dict(), tmp_path / READER)
    ear, score = Ear(tmp_path / READER, latents), SCORES[0]
    home = ear.hear([composed(score)])[0]
    there = to_engine(score, "D minor", 5)
    back, strange = ear.hear([from_engine(there, 5), from_engine(there, 0)])
    assert back.valence == pytest.approx(home.valence, abs=1e-3) and (back.style, back.cue) == (home.style, home.cue)
    assert abs(strange.valence - home.valence) > 1e-3
    tokens = torch.from_numpy(latents.encode(score))[None]
    told, dark, heard = tokens.clone(), tokens.clone(), latents.width - OUTLINED
    told[..., heard - 3:] += 3  # looseness, valence, energy, and what it is composed on
    dark[..., heard - 6] -= 3
    assert ear.read(told.numpy()) == ear.read(tokens.numpy()) != ear.read(dark.numpy())
    assert audible(told)[..., -3:].abs().sum() == 0 and (audible(told)[..., :-3] == tokens[..., :heard - 3]).all()


def test_latents_give_back_what_is_played(latents: ScoreLatents):
    score = composed(SCORES[1])
    back = decoded(latents.decode(score.tokens(latents)), score.metre)
    same = {(note.part, note.pitch, note.start) for note in back.notes} & {(note.part, note.pitch, note.start) for note in score.notes}
    assert len(same) > 0.97 * len(score.notes)


def test_wishes_are_what_a_caption_names_and_the_score_has():
    score = composed(SCORES[0])
    score = replace(score, programs={part: 0 for part in score.programs} | dict(keys=4, lead=73),
                    notes=[Note("keys", 60, 90, 0, 4), Note("lead", 72, 90, 0, 4)])
    assert [wish.name for wish in wishes("Solo piano? No: electric piano and flute, strings", score)] == ["electric piano", "flute"]
    assert Wish("flute", (73,)).granted_by(score.plays) and not Wish("drums", (), (0,)).granted_by(score.plays)
    # A kit is no program: program 0 of the drums is not a piano.
    assert not Wish("piano", (0,)).granted_by(dict(drums=0))
    assert len(NAMED) == 24 and all(bool(named.programs) != bool(named.kits) for named in NAMED)


def test_a_bar_that_was_learnt_is_at_no_distance_and_another_is():
    first, second, waltz = chords(0, 5, 7, 0), chords(2, 4, 9, 11), playing(("keys", 60, 0, 1), metre="3/4")
    # One note of four changed: three are shared, with all that they hold.
    changed = replace(first, notes=[note._replace(pitch=61) if note == first.notes[0] else note for note in first.notes])
    memory = evaluate_memory.Memory.of([first])
    same, other, unknown, alone, nearly = memory.distances([first, second, waltz, playing(("keys", 60, 0, 1)), changed])
    assert same == [0, 0, 0, 0] and min(other) > 0.3
    assert unknown == [] and len(alone) == 1  # empty bars are left out
    assert nearly[0] == pytest.approx(1 / 4) and nearly[1] == 0


def test_a_memory_is_kept(tmp_path: Path):
    memory, heard = evaluate_memory.Memory.of([composed(score) for score in SCORES[:4]]), [composed(score) for score in SCORES[:6]]
    memory.save(tmp_path / MEMORY)
    assert evaluate_memory.Memory.load(tmp_path / MEMORY).distances(heard) == memory.distances(heard)
    assert max(max(some) for some in memory.distances(heard[:4])) == 0


def test_what_is_written_down_is_matched_once_within_fifty_milliseconds_around_the_loop():
    wanted = [(0.0, 60), (1.0, 60), (1.0, 64)]
    assert transcription.f1(wanted, wanted, 10) == 1
    assert transcription.f1([(9.97, 60), (1.04, 60), (0.96, 64)], wanted, 10) == 1
    assert transcription.f1([(0.06, 60), (1.0, 61), (1.0, 64), (1.01, 64)], wanted, 10) == pytest.approx(2 / 7)


def test_swung_notes_are_looked_for_where_the_engine_plays_them():
    character = dict(swing=1 / 6, swing_unit=4)
    assert transcription.swung(480, character) == pytest.approx(2 / 3) and transcription.swung(960, character) == 1
    assert transcription.swung(240, dict(swing=1 / 6, swing_unit=8)) == pytest.approx(1 / 3)
    score = dict(to_engine(SCORES[0], "C major", 0), bpm=120.0, bars=4, meter="6/8")
    assert transcription.played(score)[1] == 6


@pytest.mark.parametrize("index", range(8))
def test_what_is_settled_has_nothing_unexplained_and_what_has_not_stays(index: int):
    score = composed(SCORES[index])
    pitched = lambda found: [note for note in found if note.part != "drums"]
    strange = {id(note) for note in unexplained(score.pitched, score.columns, SPAN)}
    plain = [note for note in score.notes if id(note) not in strange]
    if not unexplained(pitched(plain), score.columns, SPAN):
        assert settled(plain, score.columns) == plain
    # A note a semitone beside one that sounds goes to it, or away where its part has it.
    outside = next(pitch for pitch in range(72, 84) if pitch % 12 not in {note.pitch % 12 for note in score.pitched} | scale_of(score.pitched))
    planted = Note("lead", outside, 80, 3, 1)
    found = settled([*plain, planted], score.columns)
    assert planted not in found and len(found) in (len(plain), len(plain) + 1)
