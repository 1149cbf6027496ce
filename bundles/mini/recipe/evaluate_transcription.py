"""What an outside ear writes down of the sound: Spotify's basic-pitch (Apache-2.0), against the notes that were played.

    PYTHON evaluate_transcription.py < paths > notes      a line of JSON for every sound file: [[onset in seconds, pitch], ...]

It runs as a program of its own, since what it needs may not go with the recipe's packages. Without TensorFlow:
`pip install --no-deps basic-pitch && pip install onnxruntime librosa mir-eval pretty-midi resampy scikit-learn`.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

WITHIN = 0.05  # s
AROUND = 1.0  # s of the loop before its beginning and after its end, for what lies at the seam
MISSING = 3  # exit code where there is no basic-pitch
INSTALL = "not measured (pip install basic-pitch)"
TICKS_PER_QUARTER = 960

Onsets = list[tuple[float, int]]


def played(score: dict) -> tuple[Onsets, float]:
    """Onsets in seconds and pitches of an engine's score without its drums, those that fall together once; and its length."""
    seconds = 60 / score["bpm"]
    found = {(round(swung(note["start"], score["character"]) * seconds, 4), note["pitch"]) for note in score["notes"] if note["part"] != "drums"}
    beats, unit = map(int, score["meter"].split("/"))
    return sorted(found), score["bars"] * beats * 4 / unit * seconds


def swung(tick: int, character: dict) -> float:
    """When a tick sounds, in quarters, as the engine plays it."""
    unit = 4 / character.get("swing_unit", 4)
    whole, place = divmod(tick / TICKS_PER_QUARTER / unit, 1)
    middle = 0.5 + character["swing"]
    return (whole + (2 * place * middle if place < 0.5 else middle + (2 * place - 1) * (1 - middle))) * unit


def f1(found: Onsets, wanted: Onsets, length: float) -> float:
    """F1 of pitch and onset within 50 ms, each matched once, around a loop of so many seconds."""
    same = 0
    for pitch in {pitch for _, pitch in wanted}:
        theirs, ours = (np.sort([onset % length for onset, each in some if each == pitch]) for some in (found, wanted))
        same += max(_matched(np.sort((theirs + shift) % length), np.sort((ours + shift) % length)) for shift in (0, length / 2))
    return 2 * same / max(1, len(found) + len(wanted))


def _matched(theirs: np.ndarray, ours: np.ndarray) -> int:
    """Most pairs within 50 ms: both in order, the earliest first."""
    i = j = same = 0
    while i < len(theirs) and j < len(ours):
        if abs(theirs[i] - ours[j]) <= WITHIN:
            i, j, same = i + 1, j + 1, same + 1
        elif theirs[i] < ours[j]:
            i += 1
        else:
            j += 1
    return same


def transcribe(paths: list[Path], python: Path | None = None) -> list[Onsets] | None:
    """What is written down of each of some loops; None where there is no basic-pitch."""
    if not paths:
        return []
    run = subprocess.run([python or sys.executable, __file__], input="\n".join(map(str, paths)), capture_output=True, text=True, check=False)
    if run.returncode == MISSING:
        return None
    if run.returncode:
        raise SystemExit(f"basic-pitch failed: {run.stderr.strip()[-500:]}")
    return [[(onset, pitch) for onset, pitch in json.loads(line)] for line in run.stdout.splitlines()]


def _write_down(model, predict, path: str) -> Onsets:
    import soundfile

    sound, rate = soundfile.read(path, always_2d=True)
    mono, edge = sound.mean(1), int(AROUND * rate)
    wide = np.concatenate([mono[-edge:], mono, mono[:edge]])
    with tempfile.NamedTemporaryFile(suffix=".wav") as file, contextlib.redirect_stdout(sys.stderr):
        soundfile.write(file.name, wide, rate)
        events = predict(file.name, model)[2]
    length, begin = len(mono) / rate, edge / rate
    return [(round(float(event[0]) - begin, 4), int(event[2])) for event in events if 0 <= event[0] - begin < length]


def main() -> None:
    """Reads paths and writes notes."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            from basic_pitch import ICASSP_2022_MODEL_PATH
            from basic_pitch.inference import Model, predict
    except ImportError as error:
        print(error, file=sys.stderr)
        raise SystemExit(MISSING) from None
    model = Model(ICASSP_2022_MODEL_PATH)
    for path in sys.stdin.read().splitlines():
        print(json.dumps(_write_down(model, predict, path)), flush=True)


if __name__ == "__main__":
    main()
