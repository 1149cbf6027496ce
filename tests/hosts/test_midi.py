"""MIDI files, read by parsers that are not ours: mido, pretty_midi and music21.

Needs `cargo build --release --workspace` first."""

import json
import subprocess
from pathlib import Path

import mido
import music21
import numpy as np
import pretty_midi
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/melfusion"
BUNDLE = ["--bundle", ROOT / "bundles/mini"]
BOARD = """title = "Two"
tempo = [{ bar = 1, bpm = 96 }, { bar = 4, bpm = 150 }]
meter = "3/4"
key = "D minor"
steps = 2
[[cue]]
name = "Häfen"
prompt = "heroic brass, loud drums"
bars = 3
[[cue]]
name = "chase"
prompt = "driving strings with a deep bass"
bars = 2
"""


def run(*options):
    return subprocess.run([PROGRAM, *options], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A clip's MIDI on the grid, and what is shown of it."""
    folder = tmp_path_factory.mktemp("clip")
    wav, midi = folder / "bed.wav", folder / "bed.mid"
    words = ["--prompt", "heroic brass, loud drums and a deep bass", "--bars", "4", "--bpm", "110", "--key", "F#m", "--seed", "3", "--steps", "6"]
    run("generate", *words, "--out", wav, "--midi", midi, "--quantised", "--quiet", *BUNDLE)
    return midi, json.loads(run("show", wav, "--json"))


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    (folder / "board.toml").write_text(BOARD)
    run("storyboard", folder / "board.toml", "--out", folder / "beds", "--midi", "--quiet", *BUNDLE)
    return folder / "beds"


def test_mido_finds_a_named_track_for_every_part(clip):
    path, shown = clip
    file = mido.MidiFile(path)
    assert (file.type, file.ticks_per_beat) == (1, 960)
    assert [track.name for track in file.tracks[1:]] == [f"{part['part']}: {part['instrument']}" for part in shown["parts"]]
    messages = {message.type: message for message in file.tracks[0]}
    assert (messages["time_signature"].numerator, messages["time_signature"].denominator) == (4, 4)
    assert messages["key_signature"].key == "F#m"
    # A tempo in a file is whole microseconds.
    assert round(mido.tempo2bpm(messages["set_tempo"].tempo), 2) == 110
    assert {sum(message.time for message in track) for track in file.tracks} == {4 * 4 * 960}, "all end on the bar"


def test_pretty_midi_hears_the_same_notes_and_bars(clip):
    path, shown = clip
    midi = pretty_midi.PrettyMIDI(str(path))
    assert [(each.program, each.is_drum, len(each.notes)) for each in midi.instruments] == [
        (part["program"], part["part"] == "drums", part["notes"]) for part in shown["parts"]
    ]
    bar = 4 * 60 / 110
    assert np.allclose(midi.get_downbeats()[:4], np.arange(4) * bar, atol=1e-4)
    assert max(note.end for each in midi.instruments for note in each.notes) <= 4 * bar + 1e-4


def test_music21_reads_a_score(clip):
    path, shown = clip
    score = music21.converter.parse(path, forceSource=True)
    assert len(score.parts) >= len(shown["parts"])
    heard = [part for part in score.parts if part.flatten().notes]
    assert len(heard) == len(shown["parts"])
    assert score.flatten().getElementsByClass(music21.meter.TimeSignature)[0].ratioString == "4/4"
    # As MusicXML it can be written and read again.
    again = music21.converter.parse(music21.musicxml.m21ToXml.GeneralObjectExporter(score).parse().decode(), format="musicxml")
    assert len(again.parts) == len(score.parts)


def test_a_board_has_its_cues_where_they_are(board):
    file = mido.MidiFile(board / "bed.mid", charset="utf-8")
    markers, tempi, tick = {}, [], 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "marker":
            markers.setdefault(message.text, tick)
        if message.type == "set_tempo":
            tempi.append((tick, round(mido.tempo2bpm(message.tempo), 2)))
    bar = 3 * 960
    assert (markers["Häfen"], markers["chase"]) == (0, 3 * bar)
    assert tempi == [(0, 96), (3 * bar, 150)]
    assert sum(message.time for message in file.tracks[0]) == 5 * bar
    starts = lambda name: sum(1 for track in mido.MidiFile(name).tracks for message in track if message.type == "note_on" and message.velocity)
    cues = sorted(path for path in board.glob("*.mid") if path.name != "bed.mid")
    assert len(cues) == 2 and sum(map(starts, cues)) == starts(board / "bed.mid")
