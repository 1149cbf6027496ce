"""The bank keeps what is chosen, unchanged, and nothing else."""

from __future__ import annotations

import pytest

import bank
from bank import Font, Patch, Sample, Zone


def _font(is_vorbis: bool) -> Font:
    kind = 0x11 if is_vorbis else 1
    samples = [Sample(b"sample%d" % i, bytes([i, 1] * (20 + i)), (3, 17), 44100 + i, 60, -i, 0, kind) for i in range(4)]
    samples[1].link, samples[2].link = 2, 1
    samples[1].kind, samples[2].kind = kind & 0x10 | 2, kind & 0x10 | 4
    modulator = bytes(range(10))
    instruments = [
        Patch(b"one", [Zone([(48, 10)], []), Zone([(43, 0x4020), (54, 1)], [modulator], 0)]),
        Patch(b"two", [Zone([], [], 1), Zone([], [], 2)]),
        Patch(b"three", [Zone([], [], 3), Zone([], [], 2)]),
    ]
    presets = [Patch(b"a", [Zone([], [], 0)], 0, 5), Patch(b"b", [Zone([(17, 5)], []), Zone([], [modulator], 1)], 0, 7),
               Patch(b"kit", [Zone([], [], 2)], 128, 0)]
    return Font(presets, instruments, samples)


@pytest.mark.parametrize("is_vorbis", [False, True])
def test_what_is_written_is_read_back(is_vorbis):
    font = _font(is_vorbis)
    data = bank.write(font, b"name")
    assert bank.read(data) == font
    assert bank.write(bank.read(data), b"name") == data


def test_a_selection_has_what_its_presets_play_and_nothing_else():
    chosen = bank.select([(_font(True), [(0, 7)])])
    assert [preset.name for preset in chosen.presets] == [b"b"]
    assert [instrument.name for instrument in chosen.instruments] == [b"two"]
    assert [(sample.name, sample.link, sample.kind) for sample in chosen.samples] == [(b"sample1", 1, 0x12), (b"sample2", 0, 0x14)]
    assert chosen.samples[0].sound == _font(True).samples[1].sound


def test_a_partner_that_is_left_out_leaves_a_mono_sample():
    chosen = bank.select([(_font(True), [(128, 0)])])
    assert [(sample.name, sample.kind) for sample in chosen.samples] == [(b"sample3", 0x11), (b"sample2", 0x11)]


def test_two_fonts_share_a_bank_without_mixing_their_sounds():
    font = bank.read(bank.write(bank.select([(_font(True), [(0, 7)]), (_font(False), [(0, 5)])]), b"both"))
    assert [(preset.program, preset.name) for preset in font.presets] == [(5, b"a"), (7, b"b")]
    names = [font.samples[zone.target].name for patch in font.instruments for zone in patch.zones if zone.target is not None]
    assert names == [b"sample1", b"sample2", b"sample0"]
    assert font.samples[2].sound == _font(False).samples[0].sound and font.samples[2].loop == (3, 17)


def test_every_preset_is_chosen_once():
    assert len(set(bank.PRESETS)) == len(bank.PRESETS) and set(bank.BETTER) < set(bank.PRESETS)


def test_what_is_no_soundfont_is_refused():
    with pytest.raises(ValueError):
        bank.read(b"RIFF\x04\0\0\0WAVE")
