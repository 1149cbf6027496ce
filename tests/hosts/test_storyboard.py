"""A storyboard's projects, read by parsers that are not ours, and mixed again from their items.

Needs `cargo build --release --workspace` first."""

import ctypes
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import mido
import numpy as np
import pytest
import rpp
import soundfile
import test_ardour
import xmlschema
from board_session import BoardSession

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = Path(__file__).parent / "dawproject"
RATE = 44100
TEMPI = [(1, 131.7), (4, 96.0), (6, 150.0)]
"""Bars and tempi; the second changes inside a cue."""
BARS = [3, 4, 1, 2]
NAMES = ["harbour", 'the "storm" <&>', "chase", "dawn"]
TRANSITIONS = ["cut", "crossfade 2", "cut", "morph 1"]


def seconds(bar):
    """When a bar begins."""
    total = 0.0
    for (start, bpm), (end, _) in zip(TEMPI, TEMPI[1:] + [(10**6, 0)]):
        total += max(0, min(bar, end) - start) * 240 / bpm
    return total


def frame(bar):
    return round(seconds(bar) * RATE)


STARTS = [1 + sum(BARS[:i]) for i in range(len(BARS))]
END = STARTS[-1] + BARS[-1]


@pytest.fixture(scope="module")
def beds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    board = f"title = 'A & B'\nrate = {RATE}\nsteps = 1\n"
    board += f"tempo = [{', '.join(f'{{ bar = {bar}, bpm = {bpm} }}' for bar, bpm in TEMPI)}]\n"
    for name, bars, transition in zip(NAMES, BARS, TRANSITIONS):
        board += f"[[cue]]\nname = '{name}'\nbars = {bars}\ntransition = '{transition}'\n"
    (folder / "board.toml").write_text(board)
    program = ROOT / "target/release/melfusion"
    options = ["--bundle", ROOT / "bundles/mini", "--out", folder / "beds", "--quiet"]
    subprocess.run(
        [program, "storyboard", folder / "board.toml", *options, "--project", "reaper", "--project", "dawproject"],
        check=True,
    )
    return folder / "beds"


def read(file):
    samples, rate = soundfile.read(file, dtype="float64", always_2d=True)
    assert rate == RATE
    return samples


def mixed(items, frames):
    """The sum of (start, sound, frames faded in, frames faded out), at equal power."""
    mix = np.zeros((frames, 2))
    for start, sound, fade_in, fade_out in items:
        sound = sound.copy()
        rise = lambda n: np.sin((np.arange(n) + 0.5) / n * np.pi / 2)[:, None]
        if fade_in:
            sound[:fade_in] *= rise(fade_in)
        if fade_out:
            sound[len(sound) - fade_out :] *= rise(fade_out)[::-1]
        mix[start : start + len(sound)] += sound
    return mix


def whole(frames):
    """Frames, which must be a whole number of them."""
    assert abs(frames - round(frames)) < 1e-3, frames
    return round(frames)


def assert_places(items):
    """A cue's own bar line is where its fade-in ends; its end is the next bar line."""
    for (start, sound, fade_in, _), bar, bars in zip(sorted(items, key=lambda item: item[0] + item[2]), STARTS, BARS):
        assert start + fade_in == frame(bar)
        assert start + len(sound) == frame(bar + bars)


def assert_is_bed(items, gain, beds):
    bed = read(beds / "bed.wav")
    assert len(bed) == frame(END)
    assert np.abs(mixed(items, len(bed)) * gain - bed).max() < 4 / 2**23


def field(element, name):
    (found,) = [part for part in element if isinstance(part, list) and part[0] == name]
    return found[1:]


def file_and_fades(item, beds):
    """Of an item of Reaper's, and the frames faded in and out."""
    fades = (whole(float(field(item, name)[1]) * RATE) for name in ("FADEIN", "FADEOUT"))
    return beds / field(item.find("SOURCE"), "FILE")[0], *fades


def test_reapers_project_is_the_bed(beds):
    project = rpp.loads((beds / "storyboard.rpp").read_text())
    assert field(project, "TEMPO") == [str(TEMPI[0][1]), "4", "4"]
    points = [part[1:3] for part in project.find("TEMPOENVEX") if part[0] == "PT"]
    for (at, bpm), (bar, expected) in zip(points, TEMPI, strict=True):
        assert abs(float(at) - seconds(bar)) < 1e-9 and float(bpm) == expected
    markers = [part[1:] for part in project if isinstance(part, list) and part[0] == "MARKER"]
    for marker, name, bar in zip(markers, NAMES, STARTS, strict=True):
        assert marker[2] == name and abs(float(marker[1]) - seconds(bar)) < 1e-9
    *tracks, bed = project.findall("TRACK")
    assert [field(track, "MUTESOLO")[0] for track in [*tracks, bed]] == ["0", "0", "1"]
    items, gains = [], set()
    for track in tracks:
        gains.add(float(field(track, "VOLPAN")[0]))
        for item in track.findall("ITEM"):
            path, *fades = file_and_fades(item, beds)
            sound = read(path)
            start, length = (whole(float(field(item, name)[0]) * RATE) for name in ("POSITION", "LENGTH"))
            assert length == len(sound)
            items.append((start, sound, *fades))
    assert_places(items)
    assert_is_bed(items, *gains, beds)


def test_the_dawproject_is_valid_and_is_the_bed(beds, tmp_path):
    with zipfile.ZipFile(beds / "storyboard.dawproject") as file:
        assert file.testzip() is None
        file.extractall(tmp_path)
    xmlschema.XMLSchema(SCHEMAS / "Project.xsd").validate(tmp_path / "project.xml")
    xmlschema.XMLSchema(SCHEMAS / "MetaData.xsd").validate(tmp_path / "metadata.xml")
    project = ElementTree.parse(tmp_path / "project.xml").getroot()
    points = [(float(p.get("time")), float(p.get("value"))) for p in project.iter("RealPoint")]
    assert points == [((bar - 1) * 4, bpm) for bar, bpm in TEMPI]
    markers = [(float(m.get("time")), m.get("name")) for m in project.iter("Marker")]
    assert markers == [((bar - 1) * 4, name) for bar, name in zip(STARTS, NAMES)]

    def at(quarters):
        """The frame at a place in quarter notes."""
        bar = 1 + quarters / 4
        total = 0.0
        for (start, bpm), (end, _) in zip(TEMPI, TEMPI[1:] + [(10**6, 0)]):
            total += max(0.0, min(bar, end) - start) * 240 / bpm
        return whole(total * RATE)

    tracks = {track.get("id"): track for track in project.iter("Track")}
    items, gains = [], set()
    for lane in project.findall("Arrangement/Lanes/Lanes"):
        channel = tracks[lane.get("track")].find("Channel")
        if channel.find("Mute").get("value") == "true":
            continue
        gains.add(float(channel.find("Volume").get("value")))
        for clip in lane.iter("Clip"):
            sound = read(tmp_path / clip.find("Audio/File").get("path"))
            start = at(float(clip.get("time")))
            assert at(float(clip.get("time")) + float(clip.get("duration"))) == start + len(sound)
            assert whole(float(clip.find("Audio").get("duration")) * RATE) == len(sound)
            fades = [whole(float(clip.get(name)) * RATE) for name in ("fadeInTime", "fadeOutTime")]
            items.append((start, sound, *fades))
    assert_places(items)
    assert_is_bed(items, *gains, beds)


@pytest.fixture(scope="module")
def parted(tmp_path_factory):
    """A board of notes, with its parts on tracks."""
    folder = tmp_path_factory.mktemp("parts")
    tempo = ", ".join(f"{{ bar = {bar}, bpm = {bpm} }}" for bar, bpm in TEMPI)
    board = f"rate = {RATE}\nsteps = 4\ntempo = [{tempo}]\nstyle = 'loud drums and brass'\n"
    for name, bars, transition in zip(NAMES, BARS, TRANSITIONS):
        board += f"[[cue]]\nname = '{name}'\nbars = {bars}\ntransition = '{transition}'\n"
    (folder / "board.toml").write_text(board)
    options = ["--bundle", ROOT / "bundles/mini", "--out", folder / "beds", "--quiet", "--midi", "--quantised"]
    projects = ["--project", "reaper", "--project", "dawproject", "--tracks", "both"]
    subprocess.run([ROOT / "target/release/melfusion", "storyboard", folder / "board.toml", *options, *projects], check=True)
    return folder / "beds"


def of_mido(beds):
    """Of every part the notes on the board, as bed.mid has them: tick, pitch and velocity."""
    notes = {}
    for track in mido.MidiFile(beds / "bed.mid").tracks[1:]:
        tick, own = 0, notes.setdefault(track.name.split(":")[0], [])
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                own.append((tick, message.note, message.velocity))
    return {part: sorted(own) for part, own in notes.items()}


def test_reapers_project_has_the_parts_in_folders_and_their_notes(parted):
    project = rpp.loads((parted / "storyboard.rpp").read_text())
    tracks = [(field(track, "NAME")[0], field(track, "ISBUS"), track) for track in project.findall("TRACK")]
    first, second = [i for i, (_, folder, _) in enumerate(tracks) if folder == ["1", "1"]]
    assert (tracks[first][0], tracks[second][0]) == ("MeLFusion parts", "MeLFusion notes")
    assert field(tracks[first][2], "MUTESOLO")[0] == "1", "beside the cues they would be heard twice"
    sounds, notes = tracks[first + 1 : second], tracks[second + 1 : -1]
    assert sounds[-1][1] == notes[-1][1] == ["2", "-1"]
    assert [name for name, *_ in sounds] == [name for name, *_ in notes]
    found = {}
    for (name, _, sound), (_, _, own) in zip(sounds, notes):
        assert field(sound, "PEAKCOL") == field(own, "PEAKCOL")
        for item in sound.findall("ITEM"):
            samples = read(parted / field(item.find("SOURCE"), "FILE")[0])
            assert len(samples) == whole(float(field(item, "LENGTH")[0]) * RATE)
        for item in own.findall("ITEM"):
            source = item.find("SOURCE")
            at = float(field(item, "POSITION")[0])
            bar = min(STARTS, key=lambda bar: abs(seconds(bar) - at))
            assert abs(seconds(bar) - at) < 1e-4 and field(source, "HASDATA") == ["1", "960", "QN"]
            tick = (bar - 1) * 3840
            for event in source:
                if isinstance(event, list) and event[0] == "E":
                    tick += int(event[1])
                    status, pitch, velocity = (int(byte, 16) for byte in event[2:5])
                    if status == 0x90:
                        found.setdefault(name, []).append((tick, pitch, velocity))
    assert {part: sorted(own) for part, own in found.items()} == of_mido(parted)


def test_the_dawproject_has_the_parts_and_their_notes(parted, tmp_path):
    with zipfile.ZipFile(parted / "storyboard.dawproject") as file:
        file.extractall(tmp_path)
    xmlschema.XMLSchema(SCHEMAS / "Project.xsd").validate(tmp_path / "project.xml")
    project = ElementTree.parse(tmp_path / "project.xml").getroot()
    folders = [track for track in project.findall("Structure/Track") if track.get("contentType") == "tracks"]
    assert [track.get("name") for track in folders] == ["MeLFusion parts", "MeLFusion notes"]
    names = {track.get("id"): track.get("name") for track in folders[1].findall("Track")}
    assert all(track.get("color").startswith("#") for folder in folders for track in folder.findall("Track"))
    found = {}
    for lane in project.iter("Lanes"):
        for clip in lane.findall("Clips/Clip"):
            for note in clip.findall("Notes/Note") if lane.get("track") in names else []:
                tick = round((float(clip.get("time")) + float(note.get("time"))) * 960)
                place = (tick, int(note.get("key")), round(float(note.get("vel")) * 127))
                found.setdefault(names[lane.get("track")], []).append(place)
    assert {part: sorted(own) for part, own in found.items()} == of_mido(parted)


def test_the_parts_are_the_cues_before_their_bus(parted):
    """Level aside, which each cue has been brought to: of every cue the parts go up and down as it does."""
    for cue in sorted((parted / "stems").glob("*.wav")):
        parts = [read(path) for path in (parted / "stems/parts").glob(f"{cue.stem}-*.wav")]
        whole_cue, added = read(cue), sum(parts)
        assert added.shape == whole_cue.shape
        likeness = (added * whole_cue).sum() / np.sqrt(np.square(added).sum() * np.square(whole_cue).sum())
        assert likeness > 0.95, (cue.name, likeness)


class Broadcast(ctypes.Structure):
    """SF_BROADCAST_INFO of libsndfile, with which Ardour and Audacity read files."""

    _fields_ = [("description", ctypes.c_char * 256), ("originator", ctypes.c_char * 32)]
    _fields_ += [("reference", ctypes.c_char * 32), ("date", ctypes.c_char * 10), ("time", ctypes.c_char * 8)]
    _fields_ += [("low", ctypes.c_uint32), ("high", ctypes.c_uint32), ("version", ctypes.c_short)]
    _fields_ += [("rest", ctypes.c_char * 1024)]


class Marker(ctypes.Structure):
    """libsndfile's SF_CUE_POINT."""

    _fields_ = [("index", ctypes.c_int32), ("position", ctypes.c_uint32), ("chunk", ctypes.c_int32 * 3)]
    _fields_ += [("frame", ctypes.c_uint32), ("name", ctypes.c_char * 256)]


class Markers(ctypes.Structure):
    """libsndfile's SF_CUES."""

    _fields_ = [("count", ctypes.c_uint32), ("points", Marker * 100)]


def ask(path, command, answer, size):
    """What libsndfile knows of a file beside its sound."""
    with soundfile.SoundFile(path) as file:
        data = soundfile._ffi.from_buffer("char[]", answer)
        assert soundfile._snd.sf_command(file._file, command, data, size)
    return answer


def markers_of(path):
    markers = ask(path, 0x10CE, Markers(), ctypes.sizeof(Markers))
    return [(marker.frame, marker.name.decode()) for marker in markers.points[: markers.count]]


def test_files_say_where_they_begin_and_the_bed_has_markers(beds):
    for folder, shift in [(beds, 0), (beds / "stems", None)]:
        for file, bar, bars in zip(sorted(folder.glob("0*.wav")), STARTS, BARS, strict=True):
            place = ask(file, 0x10F0, Broadcast(), 862)
            start = place.low + (place.high << 32)
            assert (place.originator, place.version) == (b"melfusion", 1)
            assert start == (frame(bar) if shift == 0 else frame(bar + bars) - len(read(file)))
    assert markers_of(beds / "bed.wav") == [(frame(bar), name) for bar, name in zip(STARTS, NAMES)]


@test_ardour.pytestmark
def test_in_ardour_files_and_markers_lie_on_the_bars_and_are_the_bed(beds, tmp_path):
    with zipfile.ZipFile(beds / "storyboard.dawproject") as file:
        project = ElementTree.fromstring(file.read("project.xml"))
    tempi = "\n".join(f"{point.get('time')} {point.get('value')}" for point in project.iter("RealPoint"))
    *tracks, _ = rpp.loads((beds / "storyboard.rpp").read_text()).findall("TRACK")
    faded = {
        name: [file_and_fades(item, beds) for item in track.findall("ITEM")]
        for name, track in zip("AB", tracks, strict=True)
    }
    cues = sorted(beds.glob("0*.wav"))
    session = BoardSession(tmp_path, RATE, tempi, END)
    stems = {name: [path for path, *_ in items] for name, items in faded.items()}
    session.place({"cues": cues} | stems, markers_of(beds / "bed.wav"))

    lines = session.places("bar")
    assert [bar for bar, _ in lines] == [str(bar) for bar in range(1, END + 1)]
    # Ardour rounds a line down to a frame.
    assert all(abs(at - seconds(int(bar)) * RATE) < 1 for bar, at in lines), lines
    assert session.places("marker") == [(name, frame(bar)) for bar, name in zip(STARTS, NAMES)]
    for (name, start, length), path, bar in zip(session.places("cues"), cues, STARTS, strict=True):
        assert (name, start, length) == (str(path), frame(bar), len(read(path)))
        assert np.array_equal(session.sound("cues", start), read(path))
    items = []
    for track, of_track in faded.items():
        for (name, start, length), (path, *fades) in zip(session.places(track), of_track, strict=True):
            sound = session.sound(track, start)
            assert (name, length) == (str(path), len(sound))
            items.append((start, sound.astype(np.float64), *fades))
    assert_places(items)
    assert_is_bed(items, float(field(tracks[0], "VOLPAN")[0]), beds)
