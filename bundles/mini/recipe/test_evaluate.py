"""Laws of the evaluation: sounds whose answer is known, chance, errors, and a small run from end to end."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

import evaluate_clips
import evaluate_memory
import evaluate_probes as probes
import evaluate_report
import evaluate_scores
import evaluate_table
from composer.score import Score
from evaluate_ear import OUTLINED
from evaluate_pictures import CAPTIONS, CORNERS, PAIRS, corner_picture
from evaluate_playing import CHUNK, bars_of, composed, read_chunk, to_engine
from evaluate_probes import SAMPLE_RATE, beat_mel
from evaluate_record import Record, difference, evaluated, names_mood, note, ratio, shuffled
from evaluate_set import LATENTS, MEMORY, READER, asked_key, held_out, swap_partners
from evaluate_wishes import wishes
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
    torch.save(ScoreReader(latents.width - OUTLINED).state_dict(), folder / READER)
    latents.save(folder / LATENTS)
    evaluate_memory.Memory.of([composed(score) for score in SCORES]).save(folder / MEMORY)
    jobs = list(_small_jobs(folder, results))
    (folder / "set.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs))
    clips = [dict(id=job["id"], sha256=job["id"], seconds=10.0, made_in_seconds=1.0) for job in jobs]
    settings = dict(steps=20, guidance=3.0, influence=1.0, sampler="ddim")
    defaults = dict(word_guidance=1.0, guidance_rescale=0.0, unguided=0.0, unwalked=0.0)
    bundle = dict(name="mini", version="0", sha256="0" * 64, bytes=1, defaults=defaults)
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
    notes = json.dumps(to_engine(score, "C major", semitones)).encode()
    stored = {"dtype": "U8", "shape": [len(notes)], "data_offsets": [0, len(notes)]}
    header = json.dumps({"__metadata__": {"recipe": "{}"}, "score": stored}).encode()
    body = struct.pack("<Q", len(header)) + header + notes
    chunk = CHUNK + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    data = bytearray(path.read_bytes() + chunk)
    struct.pack_into("<I", data, 4, len(data) - 8)
    path.write_bytes(data)
