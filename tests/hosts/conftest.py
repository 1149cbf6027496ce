"""The built plugin, and projects whose sound is known to the sample.

Needs `cargo xtask bundle` and `cargo build --release --workspace --examples` first."""

import os
import subprocess
import textwrap
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import juce

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "target" / "bundled"
# JUCE's hosts must not find a display: they would open connections that nobody serves.
os.environ.pop("DISPLAY", None)
# Nor may rubbish that is opened here be kept in the library of whoever runs this.
os.environ.setdefault("MELFUSION_LIBRARY", str(ROOT / "target" / "library"))


def host(*args) -> str:
    return subprocess.run(
        [ROOT / "target/release/examples/host", *map(str, args)], check=True, capture_output=True, text=True
    ).stdout


class Project(NamedTuple):
    json: bytes
    """As VST3 keeps it."""
    file: Path
    """As a host made with JUCE keeps it."""
    takes: np.ndarray
    """(takes, frames, 2)"""
    rate: int
    bpm: float
    bars: int
    cues: tuple = ()
    """Of a storyboard, each (frames, 2)"""


@pytest.fixture(scope="session")
def vst3() -> str:
    return str(BUNDLED / "MeLFusion.vst3")


@pytest.fixture(scope="session")
def clap() -> str:
    return str(BUNDLED / "MeLFusion.clap")


@pytest.fixture
def make_project(tmp_path):
    def make(rate: int, bpm: float, bars: int, *options: str) -> Project:
        host("fixture", tmp_path, rate, bpm, bars, *options)
        json = (tmp_path / "state.json").read_bytes()
        file = tmp_path / "state.juce"
        file.write_bytes(juce.wrap(json))
        takes = np.fromfile(tmp_path / "reference.f32", "<f4").reshape(3, -1, 2)
        return Project(json, file, takes, rate, bpm, bars)

    return make


@pytest.fixture
def make_board(tmp_path):
    """A project with a storyboard; its `takes` are the bed, (frames, 2)."""

    def make(rate: int, bpm: float) -> Project:
        host("board", tmp_path, rate, bpm)
        board = opened(tmp_path, np.fromfile(tmp_path / "reference.f32", "<f4").reshape(-1, 2), rate, bpm)
        cues = [np.fromfile(path, "<f4").reshape(-1, 2) for path in sorted(tmp_path.glob("cue*.f32"))]
        return board._replace(cues=tuple(cues))

    return make


@pytest.fixture
def generate_project(tmp_path):
    """A project without a take that was saved with Generate on."""
    host("generate", tmp_path)
    return opened(tmp_path, np.empty((0, 2), np.float32), 48000, 120.0)


@pytest.fixture
def written_board(tmp_path):
    """The same of a board.toml, as the command line makes it."""

    def make(text: str) -> Project:
        text = textwrap.dedent(text).format(frames=ROOT / "examples" / "frames")
        asked = tomllib.loads(text)
        (tmp_path / "board.toml").write_text(text)
        beds = tmp_path / "beds"
        program = ROOT / "target/release/melfusion"
        subprocess.run([program, "storyboard", tmp_path / "board.toml", "--out", beds, "--quiet"], check=True)
        host("cues", tmp_path, *sorted(beds.glob("[0-9]*.wav")))
        return opened(tmp_path, read_24_bits(beds / "bed.wav"), asked["rate"], asked["tempo"])

    return make


def opened(folder: Path, bed: np.ndarray, rate: int, bpm: float) -> Project:
    json = (folder / "state.json").read_bytes()
    file = folder / "state.juce"
    file.write_bytes(juce.wrap(json))
    return Project(json, file, bed, rate, bpm, 0)


def read_24_bits(path: Path) -> np.ndarray:
    """(frames, 2), without any library that might round. `wave` does not know the extensible format."""
    file = path.read_bytes()
    begin = file.index(b"data") + 8
    length = int.from_bytes(file[begin - 4 : begin], "little")
    bytes = np.frombuffer(file[begin : begin + length], np.uint8).reshape(-1, 3).astype(np.int32)
    samples = (bytes[:, 0] << 8 | bytes[:, 1] << 16 | bytes[:, 2] << 24) >> 8
    return (samples / 2**23).astype(np.float32).reshape(-1, 2)


def assert_same(heard: np.ndarray, expected: np.ndarray, about: str = ""):
    """Bit for bit; both (frames, 2)."""
    assert heard.shape == expected.shape, f"{about}: {heard.shape} is not {expected.shape}"
    wrong = np.flatnonzero((heard != expected).any(axis=1))
    assert not len(wrong), f"{about}: {len(wrong)} of {len(heard)} frames are wrong, first {wrong[:5]}"
