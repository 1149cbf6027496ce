"""Laws of the evaluation: notes and sounds whose answer is known, and a small run from end to end."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

import evaluate_clips
import evaluate_memory
import evaluate_notes as notes
import evaluate_probes as probes
import evaluate_report
import evaluate_scores
import evaluate_table
import evaluate_transcription as transcription
from composer.score import Note, Score
from evaluate_ear import Ear, audible
from evaluate_pictures import CAPTIONS, CORNERS, PAIRS, corner_picture
from evaluate_playing import CHUNK, Playing, bars_of, composed, decoded, from_engine, read_chunk, to_engine
from evaluate_probes import SAMPLE_RATE, beat_mel
from evaluate_record import Record, difference, evaluated, names_mood, note, ratio, shuffled
from evaluate_set import LATENTS, MEMORY, READER, asked_key, held_out, swap_partners
from evaluate_wishes import NAMED, Wish, wishes
from latents import ScoreLatents, fit
from score_reader import ScoreReader

BPM, BEATS = 96, 16
LENGTH = BEATS * 60 * SAMPLE_RATE // BPM
WHITE = (0, 2, 4, 5, 7, 9, 11)
ITEMS = [held_out(index) for index in range(24)]
SCORES = [score for _, score, _ in ITEMS]


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
    sounding = {note.pitch % 12 for note in score.pitched} | notes.scale_of(score)
    strange = next((pitch for pitch in range(60, 72) if pitch % 12 not in sounding), None)
    if strange is not None:
        planted = replace(score, notes=[*score.notes, Note("lead", strange, 60, 0, 1)])
        assert len(notes.wrong_notes(planted)) == len(before) + 1


def test_the_leading_tone_belongs_to_minor_alone():
    minor, major = chords(9, 5, 4, 9, minor=(9,)), chords(0, 5, 7, 0)
    assert 8 in notes.scale_of(minor) and 8 not in notes.scale_of(major)


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
    torch.save(ScoreReader(latents.width).state_dict(), tmp_path / READER)
    ear, score = Ear(tmp_path / READER, latents), SCORES[0]
    home = ear.hear([composed(score)])[0]
    there = to_engine(score, "D minor", 5)
    back, strange = ear.hear([from_engine(there, 5), from_engine(there, 0)])
    assert back.valence == pytest.approx(home.valence, abs=1e-3) and (back.style, back.cue) == (home.style, home.cue)
    assert abs(strange.valence - home.valence) > 1e-3
    tokens = torch.from_numpy(latents.encode(score))[None]
    told, dark = tokens.clone(), tokens.clone()
    told[..., -3:] += 3  # looseness, valence, energy
    dark[..., -6] -= 3
    assert ear.read(told.numpy()) == ear.read(tokens.numpy()) != ear.read(dark.numpy())
    assert audible(told)[..., -3:].abs().sum() == 0 and (audible(told)[..., :-3] == tokens[..., :-3]).all()


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


def tones(notes: tuple[int, ...], length: int = LENGTH) -> np.ndarray:
    """Sines of whole cycles, one after the other, that fill a loop."""
    each = length // len(notes)
    time = np.arange(each) / SAMPLE_RATE
    return np.concatenate([0.1 * np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * time) for note in notes])


def clicks(per_beat: int, late: float = 0.0) -> np.ndarray:
    """Short noises, `late` beats behind the beat."""
    sound, rng = np.zeros(LENGTH), np.random.default_rng(0)
    for i in range(BEATS * per_beat):
        start = int((i / per_beat + late) * LENGTH / BEATS)
        sound[start:start + 400] += rng.normal(size=400) * np.hanning(400)
    return 0.1 * sound


def soft_noise() -> np.ndarray:
    """Noise below 4 kHz that loops."""
    noise = np.random.default_rng(2).normal(size=LENGTH)
    return np.fft.irfft(np.fft.rfft(noise) * (np.arange(LENGTH // 2 + 1) < LENGTH // 8), LENGTH)


def record(valence: float, **asked) -> Record:
    """A clip whose valence is heard."""
    return Record(dict(ear=dict(valence=valence, major=valence > 0.5)), **asked)


def test_clicks_on_the_grid_lie_on_it_and_others_do_not():
    ratio = lambda sound: probes.grid_ratio(beat_mel(sound, BEATS))
    noise = np.random.default_rng(1).normal(0, 0.1, LENGTH)
    # The analysis window is as long as two frames, so a click begins to be seen a little before it sounds.
    assert ratio(clicks(2, late=0.02)) > 2.5
    assert ratio(clicks(2, late=0.25)) < 0.7
    assert ratio(noise) == pytest.approx(1, abs=0.1)


def test_the_tempo_of_clicks_is_heard_up_to_octaves():
    heard = probes.tempo(clicks(1))
    assert probes.is_tempo(heard, BPM) and probes.is_tempo(heard, 2 * BPM)
    assert not probes.is_tempo(heard, 1.3 * BPM)


@pytest.mark.parametrize("semitones", (0, 3, -5))
def test_a_scale_is_in_its_own_key_and_in_no_other(semitones: int):
    chroma = probes.chroma(tones(tuple(60 + semitones + note for note in WHITE)))
    assert probes.in_scale(chroma, semitones) > 0.97
    assert probes.in_scale(chroma, semitones + 6) < 0.5
    assert probes.diatonic_set(chroma) == semitones % 12


def test_major_and_minor_triads_are_told_apart_in_any_key():
    for semitones in (0, 4):
        major = probes.chroma(tones(tuple(60 + semitones + note for note in (0, 4, 7, 0, 5, 9, 7, 11, 2, 0, 4, 7))))
        minor = probes.chroma(tones(tuple(57 + semitones + note for note in (0, 3, 7, 0, 5, 8, 7, 10, 2, 0, 3, 7))))
        assert probes.is_major(major, semitones) and not probes.is_major(minor, semitones)


def test_a_steady_loop_has_no_seam_and_one_that_breaks_off_has():
    steady = soft_noise()
    broken = steady * np.linspace(0.02, 1, LENGTH)
    seam = lambda sound: probes.seam(beat_mel(probes.leveled(sound), BEATS))
    assert seam(steady) == pytest.approx(1, abs=0.35)
    assert seam(broken) > 2


def test_busier_clicks_have_more_flux_and_higher_tones_a_higher_centroid():
    flux = lambda sound: probes.flux(beat_mel(probes.leveled(sound), BEATS))
    assert flux(clicks(4)) > 1.5 * flux(clicks(1))
    assert probes.centroid(tones((72,))) == pytest.approx(523.25, rel=0.05)


def test_a_file_at_any_rate_is_heard_as_the_same_loop(tmp_path: Path):
    time = np.arange(44100 * 10) / 44100
    soundfile.write(tmp_path / "a.wav", np.stack([0.1 * np.sin(2 * np.pi * 440 * time)] * 2, 1), 44100, subtype="FLOAT")
    heard = probes.listen(tmp_path / "a.wav")
    ours = probes.leveled(np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE * 10) / SAMPLE_RATE))
    assert len(heard) == len(ours) and np.abs(heard - ours).max() < 2e-3


def test_moods_on_the_shown_side_are_named():
    assert names_mood(record(0.7, shown=(0.9, 0.5), other=(0.2, 0.5)))
    assert not names_mood(record(0.5, shown=(0.9, 0.5), other=(0.2, 0.5)))


def test_pairs_differ_only_beyond_their_error():
    valence = lambda r: r.heard["ear"]["valence"]
    low, high = ([record(x + shift) for x in (0.1, 0.4, 0.2)] for shift in (0, 0.05))
    verdict = evaluate_scores.verdict
    assert [verdict(valence, high, low), verdict(valence, low, high), verdict(valence, low, low)] == ["yes", "no", "unclear"]


def test_the_error_of_a_mean_is_the_textbooks():
    records = [record(x) for x in np.random.default_rng(4).normal(size=400)]
    value = evaluated(lambda rs: float(np.mean([r.heard["ear"]["valence"] for r in rs])), records)
    assert value.error == pytest.approx(1 / 20, rel=0.2)


def test_a_shuffled_question_scores_at_chance():
    rng = np.random.default_rng(6)
    records = [record(v, shown=(v, 0.5), style=f"style {i % 12}") for i, v in enumerate(rng.random(400))]
    of = evaluate_table.NOTES["valence"][0]
    assert of(records) == pytest.approx(1) and abs(of(shuffled(records))) < 0.15
    assert sorted(r.heard["ear"]["valence"] for r in shuffled(records)) == sorted(r.heard["ear"]["valence"] for r in records)


def test_corners_differ_as_their_figures_do():
    clip = lambda energy, major: Record(dict(notes={"energy of notes": energy, "sounds major": major}))
    groups = [[clip(energy, major)] * 3 for energy, major in ((8, 1), (4, 1), (2, 0), (1, 0))]
    assert ratio(note("energy of notes"), *groups) == pytest.approx(2) and difference(note("sounds major"), *groups) == 1
    assert np.isnan(ratio(note("energy of notes"), [clip(1, 0)], [clip(0, 0)], [clip(1, 0)], [clip(1, 0)]))


def test_half_of_the_clips_are_asked_in_every_key_but_their_own():
    asked = [asked_key(index, "minor") for index in range(22)]
    assert [key for key, _ in asked[::2]] == [None] * 11
    assert {semitones for _, semitones in asked[1::2]} == set(range(-6, 6)) - {0}
    assert asked[5] == ("C minor", 3)


def test_swapped_pictures_are_far_apart_and_each_is_used_once():
    valences = np.random.default_rng(5).random(64).tolist()
    partners = swap_partners(valences)
    assert sorted(partners) == list(range(64))
    assert min(abs(valences[i] - valences[j]) for i, j in enumerate(partners)) > 0.3


def test_a_corner_shows_the_same_place_in_every_mood():
    pictures = [np.asarray(corner_picture(corner, 5), float) for corner in CORNERS.values()]
    assert pictures[0].mean() > pictures[3].mean() + 40
    assert {pair.axis for pair in PAIRS} == {"valence", "arousal"}


def test_a_file_without_a_score_is_refused(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 8000)
    with pytest.raises(ValueError, match="holds no score"):
        read_chunk(tmp_path / "a.wav")


def test_a_run_is_measured_once_and_reported_on_one_page(tmp_path: Path, latents: ScoreLatents):
    folder, results = tmp_path / "set", tmp_path / "results"
    jobs = _small_set(folder, results, latents)
    run = evaluate_clips.load(folder, results)
    scores = evaluate_scores.score(run, folder)
    text = evaluate_scores.text(scores)
    for word in ("tempo hit", "picture + words", "swapped picture", "major share", "wrong notes a bar", "not measured (pip install basic-pitch)"):
        assert word in text
    # The clips are the composed ones, so that they are as good as those.
    for figures in evaluate_table.NOTES, evaluate_scores.SOUNDS:
        for name, (of, _) in figures.items():
            both, there = of(run.ways["both"]), of(run.ways["composed"])
            assert both == pytest.approx(there, rel=1e-6, nan_ok=True), name
    assert evaluate_table.NOTES["asked"][0](run.ways["both"]) == 1 and evaluate_table.NOTES["from memory"][0](run.ways["both"]) == 0
    page = evaluate_report.write(run, folder, results, scores).read_text(encoding="utf-8")
    assert page.count("<audio") == page.count("<svg") >= len(jobs) // 2 and "http" not in page
    stored = (results / evaluate_clips.MEASURES).read_bytes()
    evaluate_clips.load(folder, results)
    assert (results / evaluate_clips.MEASURES).read_bytes() == stored
    (folder / "set.jsonl").write_text(json.dumps(jobs[0]))
    with pytest.raises(SystemExit, match="another set"):
        evaluate_clips.load(folder, results)
    (results / evaluate_clips.RUN).unlink()
    with pytest.raises(SystemExit, match="make the clips first"):
        evaluate_clips.load(folder, results)


def _small_set(folder: Path, results: Path, latents: ScoreLatents) -> list[dict]:
    """Three held-out clips that came back as they were composed, and the same for a picture of each corner."""
    for path in (folder / "pictures", results / "clips"):
        path.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(ScoreReader(latents.width).state_dict(), folder / READER)
    latents.save(folder / LATENTS)
    evaluate_memory.Memory.of([composed(score) for score in SCORES]).save(folder / MEMORY)
    jobs = list(_small_jobs(folder, results))
    (folder / "set.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs))
    clips = [dict(id=job["id"], sha256=job["id"], seconds=10.0, made_in_seconds=1.0) for job in jobs]
    settings = dict(steps=20, guidance=3.0, influence=1.0, sampler="ddim")
    bundle = dict(name="mini", version="0", sha256="0" * 64, bytes=1, defaults=dict(word_guidance=1.0, guidance_rescale=0.0, unguided=0.0, unwalked=0.0))
    (results / "run.json").write_text(json.dumps(dict(bundle=bundle, threads=2, settings=settings, clips=clips)))
    return jobs


def _small_jobs(folder: Path, results: Path) -> Iterator[dict]:
    for index in range(3):
        scene, score, said = ITEMS[index]
        sound = probes.leveled(clicks(index + 1) + tones(tuple(60 + note for note in WHITE[:4])))
        Image.new("RGB", (32, 32), (80 * index, 90, 120)).save(folder / "pictures" / f"own_{index:03}.png")
        about = dict(semitones=index, mode=score.mode, style=scene.style, cue=score.style, valence=scene.valence, energy=scene.arousal,
                     other_valence=0.5, other_energy=0.5, wishes=[wish.to_list() for wish in wishes(said, composed(score))])
        time = dict(bars=bars_of(score), meter=score.metre, bpm=score.bpm, seed=1)
        for way in ("both", "words", "swapped", "named", "composed", *CORNERS):
            picture = None if way == "words" else f"pictures/own_{index:03}.png"
            make = dict(make="compose", prompt=CAPTIONS[0], picture=picture, key=None) if way != "composed" else dict(make="score", score="x")
            name = f"{way}_{index:03}"
            _write_clip(results / "clips" / f"{name}.wav", sound, score, index)
            yield dict(id=name, way=way, clip=index, **time, **make, about=about)


def _write_clip(path: Path, sound: np.ndarray, score: Score, semitones: int) -> None:
    """A WAV file with a score in its chunk, as the engine writes it."""
    soundfile.write(path, np.stack([sound] * 2, 1), SAMPLE_RATE, subtype="PCM_16")
    header = json.dumps({"__metadata__": {"recipe": "{}", "score": json.dumps(to_engine(score, "C major", semitones))}}).encode()
    body = struct.pack("<Q", len(header)) + header
    chunk = CHUNK + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    data = bytearray(path.read_bytes() + chunk)
    struct.pack_into("<I", data, 4, len(data) - 8)
    path.write_bytes(data)
