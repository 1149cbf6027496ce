"""The evaluation set: a folder with one line of work per clip, and what the clips are compared with.

`set.jsonl` has one JSON object a line, which `melfusion eval` reads: `id`, `way` (clips of one way are measured together),
`clip` (the number within the way), `bars`, `meter`, `bpm` and `make`: "compose" with `prompt`, `picture` (or null), `key`
(or null) and `seed`, or "codec" or "vocoder" with `mel`, a safetensors file with `mel` f32 (frames, bands). `about` is for the
measuring side alone.

Beside it: `pictures/`, `mels/`, `real/` (the held-out clips as FLAC) and `reference.npz` (mels of further held-out clips).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from safetensors.numpy import save_file

from evaluate_pictures import CAPTIONS, CORNERS, PAIRS, corner_picture, open_real
from mel import SAMPLE_RATE, beat_mel
from render import Synth
from triplets import make_caption, make_clip, make_picture

SPLIT, SEED = 1, 1
NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_TONIC = 9  # of A minor, the home of what is minor
BPM = 100  # of everything that is asked for under neutral words
TAKES = 2  # of each caption for a real picture
TONES = tuple(range(36, 84, 2))  # MIDI notes of the vocoder's test
TONES_PER_LOOP, PARTIALS, FADE_SECONDS = 4, 6, 0.02


def asked_key(index: int, mode: str) -> tuple[str | None, int]:
    """The key that a held-out clip is asked in and its distance from home in semitones, -6..5.

    Every other clip is asked in a key that is not its home, all of them in turn; the others leave the key open.
    """
    if index % 2 == 0:
        return None, 0
    semitones = (index // 2) % 11 + 1
    tonic = (semitones + (0 if mode == "major" else MINOR_TONIC)) % 12
    return f"{NAMES[tonic]} {mode}", (semitones + 6) % 12 - 6


def swap_partners(valences: list[float]) -> list[int]:
    """For each clip another whose picture is far from its own in valence: the order by valence, shifted by half."""
    order, half = np.argsort(valences), len(valences) // 2
    partners = np.empty(len(valences), int)
    partners[order] = np.roll(order, half)
    return partners.tolist()


def tone_loop(notes: tuple[int, ...]) -> np.ndarray:
    """Harmonic tones, one to a bar of 4/4, f32 (L,)."""
    length = round(4 * 4 * 60 / BPM * SAMPLE_RATE / TONES_PER_LOOP)
    time = np.arange(length) / SAMPLE_RATE
    fade = np.clip(np.minimum(time, time[::-1]) / FADE_SECONDS, 0, 1)
    hertz = [440 * 2 ** ((note - 69) / 12) for note in notes]
    bars = [fade * sum(np.sin(2 * np.pi * f * k * time) / k for k in range(1, PARTIALS + 1)) for f in hertz]
    return (0.1 * np.concatenate(bars)).astype(np.float32)


def prepare(out: Path, clips: int, reference: int, soundfont: str | None) -> int:
    """Writes the whole set; returns the number of lines."""
    for folder in ("pictures", "mels", "real"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    jobs = [*_held_out(out, clips, reference, soundfont), *_corners(out, clips), *_real_pictures(out), *_tones(out)]
    text = "".join(json.dumps(job, ensure_ascii=False) + "\n" for job in jobs)
    (out / "set.jsonl").write_text(text, encoding="utf-8")
    return len(jobs)


def read(folder: Path) -> list[dict]:
    """The lines of a set."""
    return [json.loads(line) for line in (folder / "set.jsonl").read_text(encoding="utf-8").splitlines() if line.strip()]


def _held_out(out: Path, clips: int, reference: int, soundfont: str | None) -> list[dict]:
    """The held-out clips three ways and through codec and vocoder; writes what they are compared with."""
    synth, metas, mels = Synth(soundfont), [], []
    for index in range(clips + reference):
        meta, mono = make_clip(synth, SPLIT, SEED, index)
        mels.append(beat_mel(mono))
        if index < clips:
            soundfile.write(out / "real" / f"{index:03}.flac", mono, SAMPLE_RATE)
            save_file(dict(mel=mels[-1]), out / "mels" / f"real_{index:03}.safetensors")
            Image.fromarray(make_picture(meta)).save(out / "pictures" / f"own_{index:03}.png")
            metas.append(meta)
    np.savez(out / "reference.npz", mels=np.stack(mels[clips:] or mels).astype(np.float16))
    partners = swap_partners([meta["scene"]["valence"] for meta in metas])
    return [job for index in range(clips) for job in _clip_jobs(index, metas[index], partners[index], metas[partners[index]])]


def _clip_jobs(index: int, meta: dict, partner: int, other: dict) -> list[dict]:
    key, semitones = asked_key(index, meta["mode"])
    scene = meta["scene"]
    about = dict(semitones=semitones, mode=meta["mode"], style=meta["style"], valence=scene["valence"],
                 arousal=scene["arousal"], other_valence=other["scene"]["valence"], other_arousal=other["scene"]["arousal"])
    time = dict(bars=round(4 * meta["bpm"] / meta["grid_bpm"]), meter="4/4", bpm=meta["bpm"])
    own, swapped = (f"pictures/own_{i:03}.png" for i in (index, partner))
    words = dict(prompt=make_caption(meta), **time, seed=1000 + index)
    home = {**about, "semitones": 0}
    made = [
        ("both", dict(make="compose", picture=own, key=key, **words), about),
        ("words", dict(make="compose", picture=None, key=key, **words), about),
        # A key names the mode, and with it the mood of the picture that is no longer there.
        ("swapped", dict(make="compose", picture=swapped, key=None, **words), home),
        *((kind, dict(make=kind, mel=f"mels/real_{index:03}.safetensors", **time), home) for kind in ("codec", "vocoder")),
    ]
    return [dict(id=f"{way}_{index:03}", way=way, clip=index, **job, about=facts) for way, job, facts in made]


def _corners(out: Path, clips: int) -> list[dict]:
    """The four corners of the mood under neutral words, with the same seeds."""
    jobs = []
    for name, corner in CORNERS.items():
        for index in range(clips):
            picture = f"pictures/{name}_{index:03}.png"
            corner_picture(corner, index).save(out / picture)
            about = dict(semitones=0, valence=corner[0], arousal=corner[1])
            jobs.append(_neutral(name, f"{name}_{index:03}", picture, index, about))
    return jobs


def _real_pictures(out: Path) -> list[dict]:
    """Pairs of real pictures, each under every neutral caption with the same seeds."""
    jobs = []
    for number, pair in enumerate(pair for pair in PAIRS if pair.is_there()):
        for side, real in (("first", pair.first), ("second", pair.second)):
            picture = f"pictures/real_{real.name}.png"
            open_real(real.find()).save(out / picture)
            for take in range(TAKES * len(CAPTIONS)):
                about = dict(pair=number, axis=pair.axis, side=side, name=real.name, semitones=0)
                jobs.append(_neutral("real_pictures", f"real_{number}_{side}_{take}", picture, take, about))
    return jobs


def _neutral(way: str, name: str, picture: str, index: int, about: dict) -> dict:
    return dict(id=name, way=way, clip=index, make="compose", prompt=CAPTIONS[index % len(CAPTIONS)], picture=picture, bars=4, meter="4/4",
                bpm=BPM, key=None, seed=index, about=about)


def _tones(out: Path) -> list[dict]:
    """Tones of known pitch through the vocoder."""
    jobs = []
    for start in range(0, len(TONES), TONES_PER_LOOP):
        notes = TONES[start:start + TONES_PER_LOOP]
        mel = f"mels/tones_{notes[0]}.safetensors"
        save_file(dict(mel=beat_mel(tone_loop(notes))), out / mel)
        jobs.append(dict(id=f"tones_{notes[0]}", way="tones", clip=start // TONES_PER_LOOP, make="vocoder", mel=mel, bars=4,
                         meter="4/4", bpm=BPM, about=dict(notes=notes)))
    return jobs
