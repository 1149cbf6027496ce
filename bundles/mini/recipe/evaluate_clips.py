"""Measures every clip of a run and joins it with what was asked for.

A `Record` is one clip heard in the light of one question. The question may be another clip's: that is how chance is measured.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

import evaluate_probes as probes
import evaluate_readers as readers
from evaluate_set import read
from mel import beat_mel
from scene import STYLES

RUN, MEASURES = "run.json", "measures.json"
HELD_OUT = ("both", "words", "swapped", "codec", "vocoder")  # ways that are about a real clip
SHIFT = 7  # clips further along, whose questions are asked of the wrong clip


@dataclass(frozen=True)
class Record:
    """What was heard in one clip, and what was asked for."""

    heard: dict  # tempo, grid, chroma, set, major, centroid, flux, seam, mood, style, embedding
    bpm: float = 0.0
    semitones: int = 0  # of the asked key from C major or A minor
    style: str = ""
    centroid: float = 0.0  # Hz, of the real clip that the words describe
    shown: tuple[float, float] = (0.5, 0.5)  # valence and arousal of the picture
    other: tuple[float, float] = (0.5, 0.5)  # of the picture that the mood is told from
    seen: tuple[float, float] = (0.5, 0.5)  # what the reader sees in the picture

    def asked(self, question: "Record") -> "Record":
        """The same clip, heard in the light of another question."""
        return replace(question, heard=self.heard)


@dataclass(frozen=True)
class Run:
    """All records of a run by way, and what the engine said of it."""

    about: dict
    jobs: dict[str, dict]
    ways: dict[str, list[Record]]
    reference: np.ndarray  # embeddings of further held-out clips

    def entries(self, way: str) -> list[dict]:
        """What the engine said of the clips of a way."""
        return [clip for clip in self.about["clips"] if self.jobs[clip["id"]]["way"] == way]


def load(folder: Path, results: Path) -> Run:
    """Measures the clips of a run; what was measured before is taken from a file beside them."""
    if not (results / RUN).exists():
        raise SystemExit(f"{results / RUN} is missing; make the clips first: melfusion eval {folder} --out {results}")
    about = json.loads((results / RUN).read_text(encoding="utf-8"))
    jobs = {job["id"]: job for job in read(folder)}
    if unknown := [clip["id"] for clip in about["clips"] if clip["id"] not in jobs]:
        raise SystemExit(f"{folder} has no clip {unknown[0]}; the results are those of another set")
    ears = _Ears(folder, results)
    held_out = sorted({job["clip"] for clip in about["clips"] if (job := jobs[clip["id"]])["way"] in HELD_OUT})
    real = {index: ears.real(index, jobs[f"both_{index:03}"]) for index in held_out}
    ways: dict[str, list[Record]] = {}
    for clip in about["clips"]:
        job = jobs[clip["id"]]
        if job["way"] != "tones":
            heard = ears.made(clip, job)
            ways.setdefault(job["way"], []).append(_record(heard, job, real, ears))
    ways["real"] = [_record(real[index], jobs[f"codec_{index:03}"], real, ears) for index in held_out]
    ways["shuffled"] = _shuffled(ways["real"])
    ears.save()
    return Run(about, jobs, ways, ears.embeddings(np.load(folder / "reference.npz")["mels"]))


def _shuffled(real: list[Record]) -> list[Record]:
    """Real clips that answer another clip's question, in each of the twelve keys."""
    pairs = [(record, real[(i + SHIFT) % len(real)]) for i, record in enumerate(real)]
    return [replace(record.asked(question), semitones=k) for record, question in pairs for k in range(12)]


def _record(heard: dict, job: dict, real: dict[int, dict], ears: "_Ears") -> Record:
    about = job["about"]
    mood = lambda lead: (about.get(lead + "valence", 0.5), about.get(lead + "arousal", 0.5))
    shown, other = mood(""), mood("other_")
    if job["way"] == "swapped":
        shown, other = other, shown
    # Without a picture, or with another sound, the question is still what goes with the clip's own.
    picture = job.get("picture") or f"pictures/own_{job['clip']:03}.png"
    centroid = real[job["clip"]]["centroid"] if job["way"] in HELD_OUT else 0.0
    return Record(heard, job["bpm"], about["semitones"], about.get("style", ""), centroid, shown, other, ears.see(picture))


class _Ears:
    """Hears clips and sees pictures, each once."""

    def __init__(self, folder: Path, results: Path) -> None:
        self.folder, self.results = folder, results
        path = folder / "readers.pt"
        if not path.exists():
            raise SystemExit(f"{path} is missing; train the readers first: evaluate.py train --set {folder} --data DIR")
        self.music, self.picture = readers.load(path)
        # Other readers or probes hear something else.
        sources = (path, Path(__file__), Path(probes.__file__))
        self.by = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
        self.known, self.sights = {}, {}
        if (results / MEASURES).exists():
            stored = json.loads((results / MEASURES).read_text(encoding="utf-8"))
            self.known = stored["clips"] if stored.get("by") == self.by else {}

    def save(self) -> None:
        """Keeps what was measured for the next time."""
        (self.results / MEASURES).write_text(json.dumps(dict(by=self.by, clips=self.known)), encoding="utf-8")

    def made(self, clip: dict, job: dict) -> dict:
        """What is heard in a clip of the run."""
        return self._hear(clip["sha256"], self.results / "clips" / f"{clip['id']}.wav", job, job["about"]["semitones"])

    def real(self, index: int, job: dict) -> dict:
        """What is heard in a real held-out clip."""
        return self._hear(f"real_{index}", self.folder / "real" / f"{index:03}.flac", job, 0)

    def see(self, picture: str) -> tuple[float, float]:
        """The mood that the reader sees in a picture."""
        if picture not in self.sights:
            self.sights[picture] = tuple(self.picture(readers.open_picture(self.folder / picture))[0].tolist())
        return self.sights[picture]

    def embeddings(self, mels: np.ndarray) -> np.ndarray:
        """Embeddings (n, 32) of mels."""
        return np.concatenate([self.music.embedding(torch.from_numpy(mel).float()[None]).numpy() for mel in mels])

    def _hear(self, name: str, path: Path, job: dict, semitones: int) -> dict:
        if name not in self.known:
            self.known[name] = self._measure(probes.listen(path), job, semitones)
        return self.known[name]

    def _measure(self, sound: np.ndarray, job: dict, semitones: int) -> dict:
        home = probes.leveled(probes.at_home(sound, semitones))
        mel, notes = beat_mel(home, readers.beats(job)), probes.chroma(sound)
        embedding, mood, style, _ = self.music(torch.from_numpy(mel)[None])
        return dict(tempo=probes.tempo(sound), grid=probes.grid_ratio(mel), chroma=notes.tolist(), set=probes.diatonic_set(notes),
                    flux=probes.flux(mel), major=bool(probes.is_major(notes, semitones)), centroid=probes.centroid(home),
                    seam=probes.seam(mel), mood=mood[0].tolist(), style=STYLES[int(style.argmax())], embedding=embedding[0].tolist())
