"""Laws of the evaluation: the probes on sounds whose answer is known, and a small run from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from safetensors.numpy import save_file

import evaluate_clips
import evaluate_limits
import evaluate_probes as probes
import evaluate_readers as readers
import evaluate_report
import evaluate_table
from evaluate_clips import Record
from evaluate_pictures import CORNERS, PAIRS, corner_picture
from evaluate_scores import evaluated, frechet, names_mood, similarity, verdict
from evaluate_set import asked_key, swap_partners, tone_loop
from mel import SAMPLE_RATE, beat_mel
from shards import write_shard

BPM, BEATS = 96, 16
LENGTH = BEATS * 60 * SAMPLE_RATE // BPM
WHITE = (0, 2, 4, 5, 7, 9, 11)


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


def record(mood: tuple[float, float], **asked) -> Record:
    return Record(dict(mood=mood), **asked)


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


def test_a_loop_moved_by_some_semitones_is_brought_home():
    # What the engine does for a key: rendered longer, then read faster.
    assert probes.pitch_error(probes.at_home(tones((60,)), -3), 63) < 3
    home = soft_noise()
    back = probes.at_home(probes.at_home(home, -3), 3)
    assert np.allclose(back[:LENGTH], home, atol=1e-3 * home.std())


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


def test_pitch_is_told_to_a_cent():
    for note in (36, 60, 83.1):
        assert probes.pitch_error(tone_loop((note,)), note) < 1
    assert probes.pitch_error(tone_loop((60.2,)), 60) == pytest.approx(20, abs=1)


def test_the_frechet_distance_is_that_of_the_means_where_only_they_differ():
    x = np.random.default_rng(3).normal(size=(200, 4))
    assert frechet(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet(x + [3, 0, 0, 0], x) == pytest.approx(9, abs=1e-5)
    assert frechet(2 * x, x) == pytest.approx(np.trace(np.cov(x, rowvar=False)) + np.square(x.mean(0)).sum(), rel=1e-5)


def test_moods_that_agree_are_similar_and_are_named():
    pairs = [((0.9, 0.1), (0.8, 0.2)), ((0.1, 0.9), (0.3, 0.9))]
    alike = [record(heard, seen=seen) for seen, heard in pairs]
    assert similarity(alike) > 0.9
    assert similarity([record(tuple(1 - x for x in heard), seen=seen) for seen, heard in pairs]) < -0.9
    assert names_mood(record((0.7, 0.5), shown=(0.9, 0.5), other=(0.2, 0.5)))
    assert not names_mood(record((0.5, 0.5), shown=(0.9, 0.5), other=(0.2, 0.5)))


def test_pairs_differ_only_beyond_their_error():
    valence = lambda r: r.heard["mood"][0]
    low, high = ([record((x + shift, 0.5)) for x in (0.1, 0.4, 0.2)] for shift in (0, 0.05))
    assert [verdict(valence, high, low), verdict(valence, low, high), verdict(valence, low, low)] == ["yes", "no", "unclear"]


def test_the_error_of_a_mean_is_the_textbooks():
    records = [record((x, 0.0)) for x in np.random.default_rng(4).normal(size=400)]
    value = evaluated(lambda rs: float(np.mean([r.heard["mood"][0] for r in rs])), records)
    assert value.error == pytest.approx(1 / 20, rel=0.2)


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


def test_the_reader_does_not_care_where_a_loop_begins():
    torch.manual_seed(0)
    reader = readers.MusicReader().eval()
    mel = torch.randn(1, 384, 128) - 5
    with torch.no_grad():
        assert torch.allclose(reader.embedding(mel), reader.embedding(mel.roll(96, 1)), atol=1e-4)


def test_a_run_is_measured_once_and_reported_on_one_page(tmp_path: Path):
    folder, results = tmp_path / "set", tmp_path / "results"
    jobs = _small_set(folder, results)
    run = evaluate_clips.load(folder, results)
    scores = evaluate_table.score(run, folder, results)
    text = evaluate_table.text(scores)
    for word in ("tempo hit", "picture + words", "swapped picture", "major share", "vocoder mel L1", "codec L1"):
        assert word in text
    # The clips are the real ones, so that they are as good as those.
    for figure in ("tempo", "grid", "flux", "centroid", "seam"):
        heard = [[record.heard[figure] for record in run.ways[way]] for way in ("both", "real")]
        assert heard[0] == pytest.approx(heard[1], rel=0.01)
    page = evaluate_report.write(run, folder, results, scores).read_text(encoding="utf-8")
    assert page.count("<audio") >= 3 * len(jobs) // 4 and "http" not in page
    stored = (results / evaluate_clips.MEASURES).read_bytes()
    (results / "clips" / "both_000.wav").unlink()
    evaluate_clips.load(folder, results)
    assert (results / evaluate_clips.MEASURES).read_bytes() == stored
    (folder / "set.jsonl").write_text(json.dumps(jobs[0]))
    with pytest.raises(SystemExit, match="another set"):
        evaluate_clips.load(folder, results)
    (results / evaluate_clips.RUN).unlink()
    with pytest.raises(SystemExit, match="make the clips first"):
        evaluate_clips.load(folder, results)


def _small_set(folder: Path, results: Path) -> list[dict]:
    """Three held-out clips that came back as they were, and a picture of each corner."""
    for path in (folder / "real", folder / "mels", folder / "pictures", results / "clips"):
        path.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(dict(music=readers.MusicReader().state_dict(), picture=readers.PictureReader().state_dict()), folder / "readers.pt")
    time, jobs, mels = dict(bars=4, meter="4/4", bpm=BPM), [], []
    about = dict(semitones=0, style="jazz", mode="major", valence=0.8, arousal=0.3, other_valence=0.2, other_arousal=0.4)
    for index in range(3):
        sound = probes.leveled(clicks(index + 1) + tones(tuple(60 + note for note in WHITE[:4])))
        mels.append(beat_mel(sound, BEATS))
        soundfile.write(folder / "real" / f"{index:03}.flac", sound, SAMPLE_RATE)
        save_file(dict(mel=mels[-1]), folder / "mels" / f"{index}.safetensors")
        Image.new("RGB", (32, 32), (80 * index, 90, 120)).save(folder / "pictures" / f"own_{index:03}.png")
        for way in ("both", "words", "swapped", "codec", "vocoder", *CORNERS):
            make = dict(make="compose", prompt="jazz", picture=None if way == "words" else f"pictures/own_{index:03}.png", key=None, seed=1)
            make = dict(make=way, mel=f"mels/{index}.safetensors") if way in ("codec", "vocoder") else make
            jobs.append(dict(id=f"{way}_{index:03}", way=way, clip=index, **time, **make, about=about))
            soundfile.write(results / "clips" / f"{way}_{index:03}.wav", sound, SAMPLE_RATE, subtype="PCM_16")
    np.savez(folder / "reference.npz", mels=np.stack(mels))
    (folder / "set.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs))
    clips = [dict(id=job["id"], sha256=job["id"], seconds=10.0, made_in_seconds=1.0, codec_error=0.1) for job in jobs]
    settings = dict(steps=20, guidance=3.0, influence=1.0, sampler="ddim")
    bundle = dict(name="mini", version="0", sha256="0" * 64, bytes=1, defaults=dict(word_guidance=1.0, guidance_rescale=0.0, unguided=0.0, unwalked=0.0))
    (results / "run.json").write_text(json.dumps(dict(bundle=bundle, threads=2, settings=settings, clips=clips)))
    return jobs


def test_limits_tell_what_is_told_and_nothing_else(tmp_path: Path) -> None:
    def shard(seed: int) -> Path:
        rng, metas, mels = np.random.default_rng(seed), [], []
        for index in range(200):
            valence, word = float(rng.random()), ("calm", "wild")[int(rng.integers(2))]
            centre = 30 + 60 * valence  # the mood alone makes it bright
            mels.append(np.tile(-0.01 * (np.arange(128) - centre) ** 2, (8, 1)))
            metas.append(dict(scene=dict(valence=valence, arousal=float(rng.random())), caption=word, style="march", parts=["bass"]))
        (tmp_path / str(seed)).mkdir()
        write_shard(tmp_path / str(seed) / "shard_0_0_0000.npz", dict(mels=np.array(mels, np.float16)), metas)
        return tmp_path / str(seed)

    found = evaluate_limits.limits([shard(1)], [shard(2)])
    assert found["mood"] > 0.8 and found["words and mood"] > 0.8
    assert abs(found["words"]) < 0.2
