"""Laws of score latents and of the denoiser's recipe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import sights
from agreement import ACCOMPANIMENT, Agreement
from composer.score import PARTS, Score
from composer.scores import make
from dit import Dit, DitConfig, Said, flatten, linear_guess, unflatten
from latents import ROWS, SPREAD, ScoreLatents, fit, onset_f1, program_rate, roll_of
from music_model import Known, dit_config, draw_known, position_planes, unexplained

TRAINED = 1500


@pytest.fixture(scope="module")
def latents() -> ScoreLatents:
    return fit([make(0, 1, index)[1] for index in range(TRAINED)])


@pytest.fixture(scope="module")
def unseen() -> list[Score]:
    return [make(1, 1, index)[1] for index in range(40)]


def test_notes_of_unseen_scores_outlast_noise(latents, unseen) -> None:
    found = onset_f1(latents, unseen, 0.3)
    assert min(found.values()) > 0.97 and np.mean(list(found.values())) > 0.99, found
    assert program_rate(latents, unseen, 0.3) == 1


def test_latents_have_the_spread_that_they_say(latents, unseen) -> None:
    tokens = np.concatenate([latents.encode(score) for score in unseen])
    assert abs(np.sqrt(tokens.var(0).mean()) - SPREAD) < 0.05


def test_a_score_comes_back_from_its_latents(latents, unseen) -> None:
    lengths = []
    for score in unseen:
        found = latents.decode(latents.encode(score))
        assert found.programs == {part: program for part, program in score.parts.items() if part in found.programs}
        assert found.numbers["brightness"] == pytest.approx(score.brightness, abs=1e-3)
        assert found.cue == score.style
        for chord in score.chords:
            columns = np.arange(chord.start, chord.end) % score.columns
            assert set(np.flatnonzero(found.tones[columns].all(0))) == {tone % 12 for tone in (*chord.tones, chord.bass)}
        ours = {(note.part, note.pitch, note.start % score.columns): note.length for note in score.notes if note.part != "drums"}
        lengths += [note.length == ours[key] for note in found.notes if (key := (note.part, note.pitch, note.start)) in ours]
        for part in found.dynamics:
            assert np.abs(found.dynamics[part] - np.clip(score.dynamics[part], 0.05, 1)).max() < 1e-3
    assert np.mean(lengths) > 0.98


def test_turning_the_loop_turns_the_latents(latents, unseen) -> None:
    tokens = latents.encode(unseen[0])
    turned = {(note.part, note.pitch, (note.start + 16) % len(tokens)) for note in latents.decode(tokens).notes}
    assert turned == {(note.part, note.pitch, note.start) for note in latents.decode(np.roll(tokens, 16, 0)).notes}


def test_a_saved_one_reads_alike(latents, unseen, tmp_path) -> None:
    latents.save(tmp_path / "latents.npz")
    assert np.array_equal(ScoreLatents.load(tmp_path / "latents.npz").encode(unseen[1]), latents.encode(unseen[1]))


def test_the_linear_guess_is_the_best_linear_one() -> None:
    generator = torch.Generator().manual_seed(0)
    variance = torch.tensor([0.05, 0.5, 2.0])
    z, eps = (torch.randn(200_000, 3, generator=generator) for _ in range(2))
    z = z * variance.sqrt()
    for alpha in (0.05, 0.5, 0.95):
        signal, noise = alpha**0.5, (1 - alpha) ** 0.5
        x, v = signal * z + noise * eps, signal * eps - noise * z
        fitted = (x * v).mean(0) / (x * x).mean(0)
        guess = linear_guess(variance, torch.tensor([alpha]))[0, 0]
        assert torch.allclose(guess, fitted, atol=0.02)
        assert float((v - guess * x).square().mean()) == pytest.approx(float(unexplained(variance, torch.tensor([alpha]))), rel=0.02)


def config() -> DitConfig:
    return DitConfig(channels=9, row_channels=(9, 7, 3), row_codes=(2, 2, 0), row_bits=(8, 6), row_onsets=(4, 3), planes=4, class_width=8, text_width=16, windows=(8,), width=64, hidden=32,
                     cross_widths=(32, 64), picture_layers=1)


def test_rows_and_tokens_are_one_thing() -> None:
    x = torch.randn(2, 9, 8, 3)
    back = unflatten(flatten(x, config().row_channels), config().row_channels, 9)
    assert torch.equal(back[:, :3], x[:, :3]) and torch.equal(back[:, :7, :, 1], x[:, :7, :, 1])
    assert not back[:, 7:, :, 1].any() and not back[:, 3:, :, 2].any(), "what no row uses is 0"


def test_the_denoiser_does_not_know_where_the_loop_begins() -> None:
    torch.manual_seed(1)
    net, given = Dit(config()).eval(), dict(t=torch.tensor([500, 20]), alpha=torch.tensor([0.5, 0.9]), text=torch.randn(2, 5, 16), vector=torch.randn(2, 8))
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.2)
    for name, basis in net.rolls.named_buffers():
        if name.startswith("basis"):
            basis.normal_()
    answer = lambda x, **seen: net.rolls.velocity(x, given["alpha"], net(x=x, **seen, **given))
    x, planes, known, mask = (torch.randn(2, 8, n) for n in (19, 4, 19, 6))
    pictures, alphas = [(torch.randn(2, 5, 64), torch.randn(2, 5, 64))], [torch.full((2, 1, 1), 0.4)]
    turn = lambda a: a.roll(3, 1)
    one = answer(x, planes=planes, known=known, mask=mask, pictures=pictures, alphas=alphas)
    two = answer(turn(x), planes=turn(planes), known=turn(known), mask=turn(mask), pictures=pictures, alphas=alphas)
    assert torch.allclose(turn(one), two, atol=1e-4)
    none = answer(x, planes=planes, pictures=pictures, alphas=[alphas[0] * 0])
    assert torch.allclose(none, answer(x, planes=planes), atol=1e-5) and not torch.allclose(none, one, atol=1e-2)


def test_a_denoiser_that_expects_nothing_is_told_by_the_noise_alone(latents, unseen) -> None:
    """Of hardly noisy latents the rolls that Bayes' rule gives are those of the score."""
    rolls = Dit(dit_config(latents)).rolls
    for r, part in enumerate(latents.parts.values()):
        getattr(rolls, f"basis{r}").copy_(torch.from_numpy(part.basis))
    rolls.mean.copy_(torch.from_numpy(np.concatenate([part.mean for part in latents.parts.values()])))
    rolls.chance.copy_(torch.tensor([0.02, 0.1, 0.7])[:, None])
    z = torch.from_numpy(latents.encode(unseen[0]))[None]
    alpha = torch.tensor([0.95])
    x = alpha.sqrt() * z + (1 - alpha).sqrt() * torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
    bits = rolls.mean + rolls.turned(z) > 0.5
    said = Said(rolls.evidence(x, alpha), torch.zeros(bits.shape), torch.full((*z.shape[:2], len(PARTS)), 0.6), torch.zeros(*z.shape[:2], dit_config(latents).rest))
    assert ((rolls.likely(said) > 0.5) == bits).float().mean() > 0.99995
    assert float(rolls.surprise(said, bits)) < 0.1 * float(rolls.surprise(said, bits.roll(1, 1))), "another score is less likely"
    v = rolls.velocity(x, alpha, said)
    notes = rolls.note_numbers
    clean = (alpha.sqrt() * x - (1 - alpha).sqrt() * v)[..., notes]
    assert float((clean - z[..., notes]).square().mean()) < 0.1 * float(z[..., notes].square().mean())


def test_the_metres_differ_in_where_their_beats_are() -> None:
    planes = {metre: position_planes(metre) for metre in ("4/4", "3/4", "6/8")}
    assert [len(planes[metre]) for metre in planes] == [64, 48, 48]
    assert not torch.allclose(planes["3/4"], planes["6/8"], atol=0.1)
    for metre, beat in (("4/4", 4), ("3/4", 4), ("6/8", 6)):
        cycle = planes[metre][:, 12:14]  # once a beat
        assert torch.allclose(cycle, cycle.roll(beat, 0), atol=1e-5)


def test_given_are_whole_rows_bars_and_codes(latents) -> None:
    sizes = dit_config(latents)
    known = draw_known(300, 64, sizes, torch.Generator().manual_seed(2))
    notes, codes = known.mask.split(ROWS, -1)
    clip, harmony, cue = range(len(PARTS), ROWS)
    assert not codes[..., [clip, harmony]].any() and not notes[..., [clip, cue]].any()
    assert 0.05 < float(notes[:, 0, harmony].mean()) < 0.25 and 0.1 < float(codes[:, 0, cue].mean()) < 0.3
    assert 0.15 < float((known.mask == 0).all(-1).all(-1).float().mean()) < 0.4
    first = [0, *np.cumsum(sizes.row_channels)]
    for row in range(len(PARTS)):
        inside = known.where[..., first[row]:first[row + 1]].float()
        assert torch.equal(inside[..., 0], notes[..., row]) and torch.equal(inside[..., -1], codes[..., row])
    everything = Known.of(torch.ones(1, 4, ROWS, dtype=torch.bool), torch.ones(1, 4, ROWS, dtype=torch.bool), sizes)
    assert everything.where.all()


def test_what_is_seen_reads_back() -> None:
    row = torch.arange(45056, dtype=torch.float16)[None] % 7
    layers = sights.unpack(row)
    assert [(keys.shape[1:], values.shape[1:]) for keys, values in layers] == [(shape, shape) for shape in sights.LAYERS]
    assert torch.equal(torch.cat([part.flatten(1) for layer in layers for part in layer], 1), row.float())


def agreed(latents: ScoreLatents, score: Score, tokens: np.ndarray) -> np.ndarray:
    """Rolls of the accompaniment once the parts agree, part by part (columns, pitches)."""
    found = Agreement(latents)(torch.from_numpy(tokens)[None].float(), 0, score.columns // 4)[0].numpy()
    return latents.rolls(found)


def test_parts_that_agree_already_stay_as_they_are(latents, unseen) -> None:
    kept, widths = [], [len(part.mean) for part in latents.parts.values()]
    for score in unseen:
        tokens = latents.encode(score)
        before, after = latents.rolls(tokens), agreed(latents, score, tokens)
        for part, was, now in zip(PARTS, np.split(before, np.cumsum(widths)[:-1], 1), np.split(after, np.cumsum(widths)[:-1], 1)):
            begins = was[:, :latents.parts[part].pitches] > 0.45
            if part in ACCOMPANIMENT:
                kept += list(now[:, :latents.parts[part].pitches][begins] > 0.45)
            else:
                assert np.array_equal(was, now)
    # Passing notes and pedal points are outside their chords.
    assert np.mean(kept) > 0.9


def test_what_speaks_for_another_chord_is_turned_down(latents, unseen) -> None:
    """Every pad's chord is doubled, half as likely, a semitone above."""
    own, foreign, low = [], [], latents.parts["pad"].low
    for score in [score for score in unseen if {"pad", "bass", "keys"} <= set(score.parts)]:
        louder = [note._replace(pitch=note.pitch + 1) for note in score.of("pad")]
        doubled = replace(score, notes=[*[note for note in score.notes if note.part != "pad"], *louder])
        mixed = (latents.encode(score) + latents.encode(doubled)) / 2
        before, after = latents.rolls(mixed), agreed(latents, score, mixed)
        share = lambda note: after[note.start % score.columns, note.pitch - low] / before[note.start % score.columns, note.pitch - low]
        alone = lambda note, others: not any(other.pitch == note.pitch for other in others)
        own += [share(note) for note in score.of("pad") if alone(note, louder)]
        foreign += [share(note) for note in louder if alone(note, score.of("pad"))]
    assert np.median(own) > 0.8 and np.median(foreign) < 0.4
