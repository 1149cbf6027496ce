"""Measures every clip of a run and joins it with what was asked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import evaluate_memory
import evaluate_notes
import evaluate_playing
import evaluate_probes as probes
import evaluate_record
import evaluate_transcription as transcription
from evaluate_ear import Ear
from evaluate_memory import Memory
from evaluate_playing import Playing, from_engine, grid_of, read_chunk
from evaluate_record import Record
from evaluate_set import LATENTS, MEMORY, READER, read
from evaluate_wishes import Wish
from latents import ScoreLatents

RUN, MEASURES = "run.json", "measures.json"
TRANSCRIBED = ("both", "composed")  # ways that are written down by an outside ear
SOURCES = (evaluate_memory, evaluate_notes, evaluate_playing, evaluate_record, probes, transcription)


@dataclass(frozen=True)
class Run:
    """All records of a run by way, what was played, and what the engine said of it."""

    about: dict
    jobs: dict[str, dict]
    ways: dict[str, list[Record]]
    playings: dict[str, Playing]  # by the clip's id, at home

    def entries(self, way: str) -> list[dict]:
        """What the engine said of the clips of a way."""
        return [clip for clip in self.about["clips"] if self.jobs[clip["id"]]["way"] == way]


def load(folder: Path, results: Path, transcribed: int = 0, python: Path | None = None) -> Run:
    """Measures the clips of a run; what was measured before is taken from a file beside them.

    An outside ear writes down `transcribed` clips of a way, where the Python has one.
    """
    if not (results / RUN).exists():
        raise SystemExit(f"{results / RUN} is missing; make the clips first: melfusion eval {folder} --out {results}")
    about = json.loads((results / RUN).read_text(encoding="utf-8"))
    jobs = {job["id"]: job for job in read(folder)}
    if unknown := [clip["id"] for clip in about["clips"] if clip["id"] not in jobs]:
        raise SystemExit(f"{folder} has no clip {unknown[0]}; the results are those of another set")
    ears = _Ears(folder, results)
    scores = {clip["id"]: read_chunk(ears.path(clip)) for clip in about["clips"]}
    playings = {name: from_engine(score, jobs[name]["about"]["semitones"]) for name, score in scores.items()}
    ears.hear(about["clips"], jobs, playings)
    chosen = [clip for clip in about["clips"] if (job := jobs[clip["id"]])["way"] in TRANSCRIBED and job["clip"] < transcribed]
    ears.write_down(chosen, scores, python)
    ears.save()
    composed = {jobs[clip["id"]]["clip"]: ears.known[clip["sha256"]] for clip in about["clips"] if jobs[clip["id"]]["way"] == "composed"}
    ways: dict[str, list[Record]] = {}
    for clip in about["clips"]:
        job = jobs[clip["id"]]
        ways.setdefault(job["way"], []).append(_record(ears.known[clip["sha256"]], job, composed))
    return Run(about, jobs, ways, playings)


def _record(heard: dict, job: dict, composed: dict[int, dict]) -> Record:
    about = job["about"]
    mood = lambda lead: (about.get(lead + "valence", 0.5), about.get(lead + "energy", 0.5))
    shown, other = mood(""), mood("other_")
    if job["way"] == "swapped":
        shown, other = other, shown
    centroid = composed[job["clip"]]["sound"]["centroid"] if "style" in about and job["clip"] in composed else 0.0
    return Record(heard, job["clip"], job["bpm"], about["semitones"], about.get("style", ""), about.get("cue", ""), about.get("mode", ""), centroid,
                  shown, other, tuple(Wish(name, tuple(programs), tuple(kits)) for name, programs, kits in about.get("wishes", [])))


def beats(job: dict) -> int:
    """Grid beats of a job's clip: slow music counts its beats double."""
    count, unit = map(int, job["meter"].split("/"))
    return job["bars"] * count * grid_of(job["bpm"]) // unit


class _Ears:
    """Hears clips, each once."""

    def __init__(self, folder: Path, results: Path) -> None:
        self.folder, self.results = folder, results
        for name in (READER, MEMORY):
            if not (folder / name).exists():
                raise SystemExit(f"{folder / name} is missing; make it first: evaluate.py train --set {folder} --data DIR --scores DIR")
        # Another reader, other probes or another sample of what was learnt hear something else.
        sources = [Path(source.__file__) for source in SOURCES] + [folder / name for name in (READER, MEMORY, LATENTS)]
        self.by = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
        self.known: dict[str, dict] = {}
        if (results / MEASURES).exists():
            stored = json.loads((results / MEASURES).read_text(encoding="utf-8"))
            self.known = stored["clips"] if stored.get("by") == self.by else {}

    def path(self, clip: dict) -> Path:
        """Where a clip is."""
        return self.results / "clips" / f"{clip['id']}.wav"

    def save(self) -> None:
        """Keeps what was measured for the next time."""
        (self.results / MEASURES).write_text(json.dumps(dict(by=self.by, clips=self.known)), encoding="utf-8")

    def hear(self, clips: list[dict], jobs: dict[str, dict], playings: dict[str, Playing]) -> None:
        """Notes and sound of every clip that is not known yet."""
        new = [clip for clip in clips if clip["sha256"] not in self.known]
        if not new:
            return
        ear, memory = Ear(self.folder / READER, ScoreLatents.load(self.folder / LATENTS)), Memory.load(self.folder / MEMORY)
        told = evaluate_record.heard([playings[clip["id"]] for clip in new], [clip["seconds"] for clip in new], ear, memory)
        for clip, of_notes in zip(new, told):
            job = jobs[clip["id"]]
            self.known[clip["sha256"]] = of_notes | dict(sound=sound_of(probes.listen(self.path(clip)), beats(job), job["about"]["semitones"]))

    def write_down(self, clips: list[dict], scores: dict[str, dict], python: Path | None) -> None:
        """How much of some clips' notes an outside ear finds."""
        new = [clip for clip in clips if "transcribed" not in self.known[clip["sha256"]]]
        for clip, found in zip(new, transcription.transcribe([self.path(clip) for clip in new], python) or []):
            wanted, length = transcription.played(scores[clip["id"]])
            self.known[clip["sha256"]]["transcribed"] = transcription.f1(found, wanted, length)


def sound_of(sound: np.ndarray, beats_of: int, semitones: int) -> dict:
    """What is heard in the sound of a loop, in a key so far from home."""
    mel, notes = probes.beat_mel(sound, beats_of), probes.chroma(sound)
    return dict(tempo=probes.tempo(sound), grid=probes.grid_ratio(mel), chroma=notes.tolist(), set=probes.diatonic_set(notes), flux=probes.flux(mel),
                major=bool(probes.is_major(notes, semitones)), centroid=probes.centroid(sound), seam=probes.seam(mel))
