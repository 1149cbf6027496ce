"""Laws of the fine structure: what it begins with, what it leaves alone, and that it learns."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from fine_structure import UPDATES, Clip, FineStructure, Inversion, compressed, neighbours, stretch, train
from mel import BINS, FLOOR, SAMPLE_RATE, filter_bank
from trainer import Budget


def tone(hz: float, samples: int = 16384) -> torch.Tensor:
    """Twenty partials of a tone that fits the loop."""
    hz = round(hz * samples / SAMPLE_RATE) * SAMPLE_RATE / samples
    t = torch.arange(samples) / SAMPLE_RATE
    return sum(0.3 / k * torch.sin(2 * math.pi * hz * k * t) for k in range(1, 21))


def clip(hz: float) -> Clip:
    sound = tone(hz)
    frames = len(sound) // 256
    empty = Clip(sound, torch.zeros(frames, 128), torch.zeros(frames, 128))
    mel = (empty.magnitudes(torch.arange(frames)) @ torch.from_numpy(filter_bank())).clamp_min(FLOOR).log()
    return Clip(sound, mel, mel)


def test_an_untrained_net_changes_nothing() -> None:
    mel, inversion = clip(220).own, Inversion()
    gains = FineStructure().gains(mel)
    assert gains.shape == (len(mel), BINS)
    assert torch.equal(inversion(mel, gains.detach(), 30), inversion(mel, None, 30))


def test_a_loop_may_begin_anywhere() -> None:
    torch.manual_seed(0)
    net, mel = FineStructure(), torch.randn(9, 128) - 4
    torch.nn.init.normal_(net.output.weight, std=0.1)
    assert torch.allclose(net.gains(mel.roll(4, 0)), net.gains(mel).roll(4, 0), atol=1e-5)
    first = neighbours(mel, torch.tensor([0]))[0].unflatten(0, (3, 128))
    assert torch.equal(first, mel[[8, 0, 1]])


def test_stretching_keeps_frames_and_wraps() -> None:
    mel = -4 + torch.randn(8, 128, generator=torch.Generator().manual_seed(1))
    assert torch.equal(stretch(mel, 8), mel)
    twice = stretch(mel, 16)
    assert torch.equal(twice[::2], mel)
    assert torch.allclose(stretch(mel.roll(3, 0), 16), twice.roll(6, 0))


def test_it_learns_where_partials_lie(tmp_path: Path) -> None:
    torch.manual_seed(0)
    clips, heard = [clip(hz) for hz in (196.0, 220.0, 261.6, 329.6)], clip(220.0)
    net, inversion, index = train(clips, tmp_path / "net.pt", Budget(1e9, 25)), Inversion(), torch.arange(8)
    wanted = compressed(heard.magnitudes(index))

    def error(gains) -> float:
        return float((compressed(inversion(heard.own[index], gains, UPDATES)) - wanted).abs().mean())

    with torch.no_grad():
        assert error(net(neighbours(heard.own, index))) < 0.8 * error(None)
