"""The built plugin, and projects whose sound is known to the sample.

Needs `cargo xtask bundle` and `cargo build --release --workspace --examples` first."""

import os
import subprocess
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


def assert_same(heard: np.ndarray, expected: np.ndarray, about: str = ""):
    """Bit for bit; both (frames, 2)."""
    assert heard.shape == expected.shape, f"{about}: {heard.shape} is not {expected.shape}"
    wrong = np.flatnonzero((heard != expected).any(axis=1))
    assert not len(wrong), f"{about}: {len(wrong)} of {len(heard)} frames are wrong, first {wrong[:5]}"
