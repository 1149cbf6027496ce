"""The bank of instruments: the presets that a score may ask for, out of Debian's free soundfonts, as one small SF3.

    apt-get install fluidr3mono-gm-soundfont musescore-general-soundfont-small
    python bank.py --out DIR                   # DIR/instruments.sf3 and DIR/instruments.txt, its licences

Ogg Vorbis streams are copied as they are; the same fonts give the same bytes.
"""

from __future__ import annotations

import argparse
import struct
from dataclasses import dataclass, field
from pathlib import Path

FLUID = Path("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3")
MUSESCORE = Path("/usr/share/sounds/sf3/MuseScore_General_Lite.sf3")
NOTICES = {
    FLUID: Path("/usr/share/doc/fluidr3mono-gm-soundfont/copyright"),
    MUSESCORE: Path("/usr/share/doc/musescore-general-soundfont-small/copyright"),
}
MOST_BYTES = 20_000_000
KITS = 128  # bank number of drum kits

# Which presets, as (bank, program): what the composer asks for, at least two of each family of General MIDI.
MELODIC = (
    0, 4, 6, 8, 9, 11, 12, 14, 16, 19, 21, 24, 25, 26, 27, 30, 32, 33, 34, 35, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, 52, 53, 54, 56, 57, 58, 59, 60, 61, 65, 66, 68, 69, 70, 71, 72, 73, 75, 77, 79, 80, 81, 87, 88, 89, 90, 91,
    92, 93, 94, 95, 98, 99, 100, 101, 104, 105, 106, 107, 108, 110, 112, 114, 116, 117,
)
DRUMS = (0, 8, 16, 24, 25, 32, 40, 48)
PRESETS = tuple((0, program) for program in MELODIC) + tuple((KITS, program) for program in DRUMS)
# What MuseScore General has in stereo and FluidR3Mono has not: strings, a choir and pads. Its piano alone is 15 MB.
BETTER = tuple((0, program) for program in (44, 45, 48, 49, 50, 51, 52, 88, 89, 94, 95))

INSTRUMENT, SAMPLE = 41, 53  # generators that say what a zone plays
VORBIS = 0x10
TABLES = {b"phdr": 38, b"pbag": 4, b"pmod": 10, b"pgen": 4, b"inst": 22, b"ibag": 4, b"imod": 10, b"igen": 4, b"shdr": 46}


@dataclass
class Zone:
    """Generators `(number, raw amount)` and raw modulators; `target` is an index, None in a global zone."""

    generators: list[tuple[int, int]]
    modulators: list[bytes]
    target: int | None = None


@dataclass
class Patch:
    """A preset or an instrument; `bank`, `program` and `rest` of presets alone."""

    name: bytes
    zones: list[Zone]
    bank: int = 0
    program: int = 0
    rest: bytes = bytes(12)


@dataclass
class Sample:
    """A sample: its stored sound and where it loops within it."""

    name: bytes
    sound: bytes
    loop: tuple[int, int]
    rate: int
    key: int
    correction: int
    link: int
    kind: int


@dataclass
class Font:
    """A soundfont in memory."""

    presets: list[Patch] = field(default_factory=list)
    instruments: list[Patch] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


def read(data: bytes) -> Font:
    """Read an SF2 or SF3 file.

    Raises ValueError where it is none.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise ValueError("no soundfont")
    lists = {data[at:at + 4]: (at + 4, end) for name, at, end in _chunks(data, 12, len(data)) if name == b"LIST"}
    sound = next(data[at:end] for name, at, end in _chunks(data, *lists[b"sdta"]) if name == b"smpl")
    tables = {name: [data[i:i + TABLES[name]] for i in range(at, end, TABLES[name])]
              for name, at, end in _chunks(data, *lists[b"pdta"]) if name in TABLES}
    return Font(_level(tables, b"p", INSTRUMENT), _level(tables, b"i", SAMPLE),
                [_sample(record, sound) for record in tables[b"shdr"][:-1]])


def write(font: Font, name: bytes) -> bytes:
    """The bytes of an SF3 (of an SF2 where no sample is Vorbis)."""
    sound, headers = bytearray(), b""
    is_sf3 = any(sample.kind & VORBIS for sample in font.samples)
    for sample in font.samples:
        unit = 1 if sample.kind & VORBIS else 2
        start = len(sound) // unit
        sound += sample.sound + (b"" if unit == 1 else bytes(92))
        # Loops of Vorbis count from the sample's own beginning.
        origin = 0 if unit == 1 else start
        headers += struct.pack("<20sIIIIIBbHH", sample.name, start, start + len(sample.sound) // unit, origin + sample.loop[0],
                               origin + sample.loop[1], sample.rate, sample.key, sample.correction, sample.link, sample.kind)
        # The next may be of the other kind, whose places are even.
        sound += bytes(len(sound) % 2)
    tables = {**_tables(font.presets, b"p", INSTRUMENT), **_tables(font.instruments, b"i", SAMPLE),
              b"shdr": headers + struct.pack("<20s26x", b"EOS")}
    info = _chunk(b"ifil", struct.pack("<HH", 3 if is_sf3 else 2, 1)) + _chunk(b"isng", b"EMU8000\0") + _chunk(b"INAM", name + b"\0")
    lists = (b"INFO" + info, b"sdta" + _chunk(b"smpl", bytes(sound)), b"pdta" + b"".join(_chunk(key, tables[key]) for key in TABLES))
    return _chunk(b"RIFF", b"sfbk" + b"".join(_chunk(b"LIST", body) for body in lists))


def select(sources: list[tuple[Font, list[tuple[int, int]]]]) -> Font:
    """One font of the presets `(bank, program)` of each source, with what they play and nothing else."""
    out = Font()
    for font, wanted in sources:
        instruments: dict[int, int] = {}
        samples: dict[int, int] = {}
        presets = {(preset.bank, preset.program): preset for preset in font.presets}
        chosen = [presets[number] for number in wanted]
        for preset in chosen:
            for zone in preset.zones:
                _keep(zone.target, instruments, font.instruments, out.instruments)
        for old in instruments:
            for zone in font.instruments[old].zones:
                _keep(zone.target, samples, font.samples, out.samples)
        for preset in chosen:
            out.presets.append(_renumbered(preset, instruments))
        for old, new in instruments.items():
            out.instruments[new] = _renumbered(font.instruments[old], samples)
        for old, new in samples.items():
            sample = font.samples[old]
            # A partner that nothing plays is none.
            kind = sample.kind if sample.link in samples else sample.kind & ~0x6 | 0x1
            out.samples[new] = Sample(**{**vars(sample), "link": samples.get(sample.link, 0), "kind": kind})
    out.presets.sort(key=lambda preset: (preset.bank, preset.program))
    return out


def size(font: Font, number: tuple[int, int]) -> int:
    """Bytes of sound that one preset needs."""
    return sum(len(sample.sound) for sample in select([(font, [number])]).samples)


def notice(sources: list[tuple[Path, list[tuple[int, int]]]]) -> str:
    """Who made what, and on which terms."""
    pages = ["The instruments are presets of free soundfonts; their samples are unchanged.\n"]
    for path, wanted in sources:
        numbers = ", ".join(f"{'kit ' if bank == KITS else ''}{program}" for bank, program in sorted(wanted))
        pages.append(f"== {path.name}: {numbers}\n\n{NOTICES[path].read_text().strip()}\n")
    return "\n".join(pages)


def _keep(old: int | None, numbers: dict[int, int], have: list, out: list) -> None:
    if old is not None and old not in numbers:
        numbers[old] = len(out)
        out.append(have[old])


def _renumbered(patch: Patch, numbers: dict[int, int]) -> Patch:
    zones = [Zone(zone.generators, zone.modulators, None if zone.target is None else numbers[zone.target]) for zone in patch.zones]
    return Patch(**{**vars(patch), "zones": zones})


def _chunks(data: bytes, at: int, end: int):
    while at + 8 <= end:
        length = struct.unpack_from("<I", data, at + 4)[0]
        yield data[at:at + 4], at + 8, at + 8 + length
        at += 8 + length
        # Some writers forget the byte that makes a chunk even; no name begins with a zero.
        at += length % 2 and data[at:at + 1] == b"\0"


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _level(tables: dict[bytes, list[bytes]], letter: bytes, target: int) -> list[Patch]:
    headers = tables[b"phdr" if letter == b"p" else b"inst"]
    bags = [struct.unpack("<HH", bag) for bag in tables[letter + b"bag"]]
    generators = [struct.unpack("<HH", record) for record in tables[letter + b"gen"]]
    patches = []
    for header, following in zip(headers, headers[1:]):
        first, last = (_first_bag(record) for record in (header, following))
        zones = [_zone(generators[a[0]:b[0]], tables[letter + b"mod"][a[1]:b[1]], target)
                 for a, b in zip(bags[first:last], bags[first + 1:last + 1])]
        patch = Patch(header[:20].split(b"\0")[0], [zone for i, zone in enumerate(zones) if i == 0 or zone.target is not None])
        if letter == b"p":
            patch.program, patch.bank = struct.unpack_from("<HH", header, 20)
            patch.rest = header[26:]
        patches.append(patch)
    return patches


def _first_bag(header: bytes) -> int:
    return struct.unpack_from("<H", header, 24 if len(header) == 38 else 20)[0]


def _zone(generators: list[tuple[int, int]], modulators: list[bytes], target: int) -> Zone:
    found = [amount for number, amount in generators if number == target]
    return Zone([pair for pair in generators if pair[0] != target], list(modulators), found[0] if found else None)


def _sample(record: bytes, sound: bytes) -> Sample:
    name, start, end, first, last, rate, key, correction, link, kind = struct.unpack("<20sIIIIIBbHH", record)
    unit, origin = (1, 0) if kind & VORBIS else (2, start)
    return Sample(name.split(b"\0")[0], sound[start * unit:end * unit], (first - origin, last - origin), rate, key, correction, link, kind)


def _tables(patches: list[Patch], letter: bytes, target: int) -> dict[bytes, bytes]:
    headers, bags, modulators, generators = b"", b"", b"", b""
    for patch in [*patches, Patch(b"EOP" if letter == b"p" else b"EOI", [])]:
        number = struct.pack("<HH", patch.program, patch.bank) if letter == b"p" else b""
        headers += struct.pack("<20s", patch.name) + number + struct.pack("<H", len(bags) // 4) + (patch.rest if letter == b"p" else b"")
        for zone in patch.zones:
            bags += struct.pack("<HH", len(generators) // 4, len(modulators) // 10)
            pairs = zone.generators + ([] if zone.target is None else [(target, zone.target)])
            generators += b"".join(struct.pack("<HH", *pair) for pair in pairs)
            modulators += b"".join(zone.modulators)
    bags += struct.pack("<HH", len(generators) // 4, len(modulators) // 10)
    header = b"phdr" if letter == b"p" else b"inst"
    return {header: headers, letter + b"bag": bags, letter + b"mod": modulators + bytes(10), letter + b"gen": generators + bytes(4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fluid", type=Path, default=FLUID)
    parser.add_argument("--musescore", type=Path, default=MUSESCORE)
    arguments = parser.parse_args()
    wanted = [(FLUID, arguments.fluid, [number for number in PRESETS if number not in BETTER]),
              (MUSESCORE, arguments.musescore, list(BETTER))]
    font = select([(read(path.read_bytes()), numbers) for _, path, numbers in wanted])
    data = write(font, b"MeLFusion instruments")
    if len(data) > MOST_BYTES:
        raise SystemExit(f"{len(data)} bytes are more than {MOST_BYTES}; choose fewer presets")
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "instruments.sf3").write_bytes(data)
    (arguments.out / "instruments.txt").write_text(notice([(origin, numbers) for origin, _, numbers in wanted]))
    print(f"{len(font.presets)} presets, {len(font.instruments)} instruments, {len(font.samples)} samples, {len(data)} bytes")


if __name__ == "__main__":
    main()
