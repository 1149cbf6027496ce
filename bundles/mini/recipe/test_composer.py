"""Laws of the composer of eight parts, and of what measures it. None needs a soundfont."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
import pytest

import words
from caption import caption
from composer import PARTS, STYLES, Score, compose, scores
from composer.brief import Brief
from composer.dynamics import loudness
from composer.harmony import joined, read_chord, read_progression
from composer.instruments import KITS, RANGES
from composer.listening import chroma, home_rank, sounds_major
from composer.measures import MEASURES, distance, window
from composer.midi import TICKS, timed_notes, to_midi
from composer.progressions import FAMILIES
from composer.score import METRES, MONOPHONIC
from composer.told import told
from composer.voicing import voice
from scene import PLACES, sample_scene

COUNT = 432  # scores that the laws are held against: each style in each metre, six moods


def _brief(index: int, **asked) -> Brief:
    rng = np.random.default_rng([77, index])
    style = list(STYLES)[index % 24]
    return Brief(**{**dict(style=style, valence=float(rng.random()), energy=float(rng.random()), metre=list(METRES)[index // 24 % 3]), **asked})


@lru_cache(maxsize=None)
def _scores() -> tuple[Score, ...]:
    return tuple(compose(_brief(index), np.random.default_rng([5, index])) for index in range(COUNT))


def _tonal(score: Score):
    return [note for note in score.notes if note.part != "drums"]


def test_there_are_twenty_four_styles_whose_players_have_ranges_and_names():
    assert len(STYLES) == 24
    for style in STYLES.values():
        programs = {program for part, options in style.programs.items() for program in options}
        assert set(style.programs) == set(PARTS) - {"drums"} and set(style.chance) == set(PARTS)
        assert programs <= set(RANGES) and programs <= set(words.INSTRUMENTS)
        assert set(style.kits) <= set(KITS) and set(KITS) <= set(words.KITS)
        assert style.family in words.GENRES and set(style.places) <= set(PLACES)
        assert {FAMILIES[name].mode for name in style.harmony} == {"major", "minor"}


@pytest.mark.parametrize("metre", list(METRES))
def test_every_progression_fills_four_bars(metre: str):
    for family in FAMILIES.values():
        for text in family.progressions:
            chords = read_progression(text, METRES[metre])
            assert [chord.start for chord in chords] == list(np.cumsum([0, *(chord.length for chord in chords)])[:-1])
            assert chords[-1].end == 4 * METRES[metre].bar


def test_a_chord_symbol_is_read_and_a_wrong_one_refused():
    assert read_chord("F#m7b5/A") == ((6, 9, 0, 4), 9)
    with pytest.raises(ValueError):
        read_chord("Hm")


def test_neighbouring_chords_that_are_the_same_are_one():
    assert [(chord.name, chord.length) for chord in joined(read_progression("C | C | F | C", METRES["4/4"]))] == [("C", 32), ("F", 16), ("C", 16)]


def test_the_same_brief_and_seed_give_the_same_score_and_it_reads_back():
    first, second = (compose(_brief(3), np.random.default_rng(9)) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert compose(_brief(3), np.random.default_rng(10)).notes != first.notes
    again = Score.from_dict(json.loads(json.dumps(first.to_dict())))
    assert again.to_dict() == first.to_dict() and again.notes == first.notes


def test_two_styles_of_one_seed_are_two_pieces():
    for seed in range(12):
        pieces = [compose(_brief(0, style=style, metre="4/4"), np.random.default_rng(seed)) for style in STYLES]
        heard = [{(note.pitch, note.start) for note in _tonal(score)} for score in pieces]
        shared = [len(heard[i] & heard[j]) / len(heard[i] | heard[j]) for i in range(24) for j in range(i)]
        assert max(shared) < 0.75 and np.mean(shared) < 0.12


def test_notes_stay_in_the_clip_and_in_their_instruments_ranges():
    for score in _scores():
        assert score.notes and 4.0 < score.seconds < 11.4
        for note in score.notes:
            low, high = RANGES[score.parts[note.part]] if note.part != "drums" else (27, 87)
            assert low <= note.pitch <= high and 1 <= note.velocity <= 127, (score.style, note)
            assert 0 <= note.start and note.length >= 1 and note.start + note.length <= score.columns


def test_a_part_of_one_voice_has_one_note_at_a_time():
    for score in _scores():
        for part in MONOPHONIC:
            line = score.of(part)
            assert all(a.start + a.length <= b.start for a, b in zip(line, line[1:])), (score.style, part)


def test_chords_change_on_bar_lines_and_in_the_middle_of_bars():
    for score in _scores():
        middle = 8 if score.metre != "6/8" else 6
        assert all(chord.start % score.bar in (0, middle) for chord in score.chords)
        assert sum(chord.length for chord in score.chords) == score.columns


def test_the_bass_has_a_chord_tone_where_a_chord_or_a_bar_begins():
    for score in _scores():
        chord_at = {column: chord for chord in score.chords for column in range(chord.start, chord.end)}
        strong = {chord.start for chord in score.chords} | set(range(0, score.columns, score.bar))
        for note in score.of("bass"):
            chord = chord_at[note.start]
            assert note.start not in strong or note.pitch % 12 in (*chord.tones, chord.bass), (score.style, note, chord.name)


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_scores_are_heard_in_their_own_mode_and_key(mode: str):
    heard = [chroma(score.notes) for score in _scores() if score.mode == mode]
    assert np.mean([sounds_major(notes) == (mode == "major") for notes in heard]) >= 0.98
    assert np.mean([home_rank(notes, mode) <= 2 for notes in heard]) >= 0.95


def test_valence_decides_mode_and_colour_and_energy_decides_movement():
    scores = _scores()
    assert all((score.mode == "major") == (score.valence > 0.5) for score in scores)
    valence, energy = np.array([score.valence for score in scores]), np.array([score.energy for score in scores])
    feature = lambda read: np.array([read(score) for score in scores])
    correlation = lambda a, b: np.corrcoef(a, b)[0, 1]
    assert correlation(valence, feature(lambda s: s.brightness)) > 0.8
    assert correlation(valence, feature(lambda s: np.mean([n.pitch for n in _tonal(s) if n.part != "bass"]))) > 0.4
    assert correlation(energy, feature(lambda s: len(s.notes) / s.seconds)) > 0.5
    assert correlation(energy, feature(lambda s: np.mean([n.velocity for n in s.notes]))) > 0.6
    assert correlation(energy, feature(lambda s: len(s.parts))) > 0.25
    assert correlation(energy, feature(lambda s: np.mean([n.length for n in _tonal(s)]))) < -0.35
    assert abs(correlation(energy, feature(lambda s: s.bpm))) < 0.45, "the tempo does not tell the energy"


@pytest.mark.parametrize("part", PARTS)
def test_a_featured_part_leads_and_has_no_empty_bar(part: str):
    for index in range(72):
        score = compose(_brief(index, featured=part), np.random.default_rng([3, index]))
        assert score.featured == part and part in score.parts
        assert {note.start // score.bar for note in score.of(part)} == {0, 1, 2, 3}, (score.style, part)
        loud = {other: loudness(score.of(other), score.dynamics[other]) for other in score.parts if other != "drums"}
        assert part == "drums" or max(loud, key=loud.get) == part, (score.style, loud)


def test_a_part_that_is_there_is_heard():
    for score in _scores():
        for part in score.parts:
            assert len({note.start for note in score.of(part)}) >= 3 or part == score.featured, (score.style, part)


def test_an_instrument_that_is_asked_for_plays():
    asked = (("lead", 73), ("lead", 56), ("ostinato", 104), ("keys", 0), ("pad", 52), ("mallets", 47), ("drums", 25))
    for index, (part, program) in enumerate(asked):
        score = compose(_brief(index, programs={part: program}, featured=part), np.random.default_rng(index))
        assert score.parts[part] == program and len(score.of(part)) >= 4
    only = compose(_brief(0, parts=("bass", "drums")), np.random.default_rng(0))
    assert list(only.parts) == ["bass", "drums"]


def test_a_brief_that_nobody_can_play_is_refused():
    for wrong in (dict(style="polka"), dict(metre="5/4"), dict(featured="voice"), dict(programs={"lead": 127}), dict(mode="dorian"),
                  dict(programs={"drums": 3}), dict(bpm=300), dict(energy=1.5)):
        with pytest.raises(ValueError):
            compose(_brief(0, **wrong), np.random.default_rng(0))


def test_a_theme_asks_answers_and_leads_back():
    scores = [compose(_brief(index, featured="lead", metre="4/4"), np.random.default_rng([4, index])) for index in range(96)]
    rhythm = lambda score, bar: [(note.start % score.bar) for note in score.of("lead") if note.start // score.bar == bar]
    pitches = [{note.pitch for note in score.of("lead")} for score in scores]
    assert np.mean([rhythm(score, 0) == rhythm(score, 2) for score in scores]) > 0.5, "the question comes back"
    assert np.mean([rhythm(score, 0) == rhythm(score, 3) for score in scores]) < 0.2, "and it is closed"
    assert np.mean([len(found) >= 4 for found in pitches]) > 0.9 and min(map(len, pitches)) >= 2
    line = [score.of("lead") for score in scores]
    assert np.mean([abs(notes[-1].pitch - notes[0].pitch) <= 7 for notes in line]) > 0.9, "the loop joins"
    leaps = [abs(a.pitch - b.pitch) for notes in line for a, b in zip(notes, notes[1:])]
    assert np.mean(np.array(leaps) <= 4) > 0.65 and np.mean(np.array(leaps) > 9) < 0.05


def test_dynamics_breathe_and_do_not_jump_where_the_loop_closes():
    for score in _scores():
        assert set(score.dynamics) == set(score.parts)
        for curve in score.dynamics.values():
            assert curve.shape == (score.columns,) and 0 < curve.min() and curve.max() <= 1
            assert abs(curve[0] - curve[-1]) <= np.abs(np.diff(curve)).max() + 0.05
    depth = [np.ptp(score.dynamics["pad"]) for score in _scores() if "pad" in score.parts]
    assert np.mean(np.array(depth) > 0.15) > 0.6


def test_voices_move_little_and_low_ones_are_not_close():
    for text in ("C | Am | F | G", "Am | F | C | E", "Cmaj7 A7 | Dm7 G7 | Cmaj7 A7 | Dm7 G7"):
        voicings = np.array(voice(read_progression(text, METRES["4/4"]), 4, 57))
        assert np.abs(np.diff(voicings, axis=0)).mean() < 1.5
        assert all(b - a >= 5 for voicing in voicings for a, b in zip(voicing, voicing[1:]) if a < 52)


def _strokes(score: Score, bar: int, since: int) -> set[tuple[int, int]]:
    """Place and drum of the strokes in a bar from a column on, without ghosts."""
    found = (note for note in score.of("drums") if note.start // score.bar == bar and note.velocity > 45)
    return {(note.start % score.bar, note.pitch) for note in found if note.start % score.bar >= since}


def test_drums_have_accents_and_ghosts_vary_and_fill():
    beaten = [score for score in _scores() if "drums" in score.parts and score.drums_level > 0 and len(score.of("drums")) > 12]
    assert np.median([np.ptp([note.velocity for note in score.of("drums")]) for score in beaten]) > 30
    whole = [score for score in beaten if len({note.start // score.bar for note in score.of("drums")}) == 4]
    early = lambda score, bar: _strokes(score, bar, 1) - _strokes(score, bar, score.bar - METRES[score.metre].beat)
    assert np.mean([early(score, 0) != early(score, 1) for score in whole]) > 0.4
    late = lambda score, bar: _strokes(score, bar, score.bar - METRES[score.metre].beat)
    assert np.mean([late(score, 1) != late(score, 3) for score in whole]) > 0.8


def test_a_caption_can_be_written_of_every_style():
    for index in range(24):
        score = compose(_brief(index), np.random.default_rng(index))
        rng = np.random.default_rng(index)
        assert caption(sample_scene(rng), told(score), rng)
        assert told(score).names and told(score).cue == score.style


def test_a_midi_file_holds_every_note_and_the_tempo():
    score = _scores()[1]
    file = to_midi(score)
    begun = [message for track in file.tracks for message in track if message.type == "note_on"]
    assert len(begun) == len(score.notes)
    sounding = sum(off - on for part in score.parts for on, off, _ in timed_notes(score, part))
    assert sounding == pytest.approx(sum(note.length for note in score.notes) * TICKS / 4, rel=0.15)
    assert file.length == pytest.approx(score.seconds, abs=0.15)


def test_shards_read_back_and_are_not_made_again(tmp_path):
    assert scores.write(0, 4, 6, tmp_path, "3/4") == 6 and scores.write(0, 4, 6, tmp_path, "3/4") == 0
    items = list(scores.read(next(tmp_path.iterdir())))
    for index, (scene, score) in enumerate(items):
        assert (scene.to_dict(), score.to_dict()) == tuple(made.to_dict() for made in scores.make(0, 4, index, "3/4"))
        assert score.metre == "3/4" and STYLES[score.style].family == scene.style and score.mode == scene.mode


def test_measures_know_what_they_are_given():
    scale = window([(4 * i, 4 * i + 4, 60 + i, 80, 0, False) for i in range(12)], 16, 4, "")
    assert MEASURES["pitch_class_entropy"](scale) == pytest.approx(np.log2(12))
    assert MEASURES["empty_beat_rate"](scale) == 0.25 and MEASURES["polyphony"](scale) == 1 and MEASURES["pitch_range"](scale) == 11
    bars = [(16 * bar + 8 * half, 16 * bar + 8 * half + 8, root + tone, 80, 0, False)
            for bar, root in enumerate((60, 65, 67, 60)) for half in (0, 1) for tone in (0, 4, 7)]
    same = window(bars, 16, 4, "")
    assert MEASURES["chord_changes"](same) == 0.75 and MEASURES["groove_consistency"](same) == 1 and MEASURES["note_density"](same) == 1.5
    sample = np.random.default_rng(0).normal(size=500)
    assert distance(sample, sample) == 0 and distance(sample + 1, sample) == pytest.approx(1 / sample.std(), rel=0.01)
