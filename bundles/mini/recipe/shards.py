"""Shards of a training set, as `triplets.py` writes them; whoever reads them needs no synthesiser."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

INT16_PEAK = 32767.0


def shards(folders: list[Path]) -> list[Path]:
    """The shards of some folders, in order."""
    return [path for folder in folders for path in sorted(folder.glob("shard_*.npz"))]


def read_shard(path: Path) -> tuple[dict[str, np.ndarray], list[dict]]:
    """The arrays and the metadata of a shard."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return arrays, json.loads(str(arrays.pop("meta")))


def read_metas(path: Path) -> list[dict]:
    """The metadata of a shard alone."""
    with np.load(path, allow_pickle=False) as stored:
        return json.loads(str(stored["meta"]))


def write_shard(path: Path, arrays: dict[str, np.ndarray], metas: list[dict]) -> None:
    """Write a shard so that a reader sees all of it or nothing."""
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        np.savez(file, meta=np.array(json.dumps(metas)), **arrays)
    os.replace(partial, path)


def wait_for(folders: list[Path], count: int, ready: Callable[[Path], bool] = lambda path: True) -> None:
    """Wait until the shards of some folders that are `ready` hold `count` items."""
    found: dict[Path, int] = {}
    while sum(found.values()) < count:
        time.sleep(1)
        found |= {path: len(read_metas(path)) for path in shards(folders) if path not in found and ready(path)}
