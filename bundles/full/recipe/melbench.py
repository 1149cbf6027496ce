"""Reads triplets of caption, picture and music from lists that name files.

- JSON lines as in MeLBench: an object per line with `caption`, `image_path` and `audio_path` (also `image`, `audio`),
  paths relative to the list.
- MusicCaps' table (`.csv` with `ytid` and `caption`) with `--images DIR --audio DIR`, where `YTID.*` are the files.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

IMAGES = (".png", ".jpg", ".jpeg", ".webp")
AUDIO = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True)
class Triplet:
    """Words, a picture and music that belong together."""

    caption: str
    image: Path
    audio: Path


def read(path: Path, images: Path | None = None, audio: Path | None = None) -> list[Triplet]:
    """The triplets of a list. Those whose files are not there are passed over and counted on standard error.

    Raises `SystemExit`, with the line, where the list cannot be read, or where nothing is left of it.
    """
    found = _table(path, images, audio) if path.suffix == ".csv" else _lines(path)
    there = [triplet for triplet in found if triplet.image.is_file() and triplet.audio.is_file()]
    if len(there) < len(found):
        missing = next(triplet for triplet in found if triplet not in there)
        print(f"{len(found) - len(there)} of {len(found)} triplets lack a file, such as {missing.image} or {missing.audio}", file=sys.stderr)
    if not there:
        raise SystemExit(f"{path}: no triplet has both of its files; paths are relative to {path.parent}")
    return there


def _lines(path: Path) -> list[Triplet]:
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            image, audio = (row.get(f"{kind}_path") or row[kind] for kind in ("image", "audio"))
            found.append(Triplet(str(row["caption"]), path.parent / image, path.parent / audio))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SystemExit(f"{path}, line {number}: {error!r}; a line should be "
                             '{"caption": "...", "image_path": "...", "audio_path": "..."}') from error
    return found


def _table(path: Path, images: Path | None, audio: Path | None) -> list[Triplet]:
    if images is None or audio is None:
        raise SystemExit(f"{path} is a table; say where its files are with --images DIR --audio DIR")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"ytid", "caption"} <= rows[0].keys():
        raise SystemExit(f"{path} lacks the columns ytid and caption of MusicCaps")
    return [Triplet(row["caption"], _named(images, row["ytid"], IMAGES), _named(audio, row["ytid"], AUDIO)) for row in rows]


def _named(folder: Path, stem: str, endings: tuple[str, ...]) -> Path:
    """The file of that name with the first of the endings that is there."""
    return next((path for end in endings if (path := folder / f"{stem}{end}").is_file()), folder / f"{stem}{endings[0]}")
