"""The chain of notes against adding up every loop there is."""

from itertools import product

import pytest
import torch

from chain import chances, log_weight, on_average, weigh

COLUMNS, PITCHES = 5, 3


@pytest.fixture
def given() -> tuple[torch.Tensor, ...]:
    """Chances and log odds of some pitches."""
    generator = torch.Generator().manual_seed(4)
    rand = lambda *size: torch.rand(*size, generator=generator, dtype=torch.float64)
    begin, on = (4 * rand(2, COLUMNS, PITCHES) - 2 for _ in range(2))
    return torch.stack([0.3 * rand(PITCHES), 0.2 * rand(PITCHES), 0.1 + 0.6 * rand(PITCHES)]), begin, on


def loops() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Every way of a loop that can be: what begins and what sounds (t, 1)."""
    found = []
    for states in product(range(3), repeat=COLUMNS):
        if all(state != 2 or states[i - 1] != 0 for i, state in enumerate(states)):
            state = torch.tensor(states)[None, :, None]
            found.append((state == 1, state > 0))
    return found


def test_it_is_what_all_loops_together_say(given) -> None:
    chance, begin, on = given
    ways = loops()
    weights = torch.stack([log_weight(chance, begin, on, begins, sounds) for begins, sounds in ways])
    likely = weigh(chance, begin, on)
    assert torch.allclose(likely.log_sum, weights.logsumexp(0), atol=1e-9)
    share = weights.softmax(0)[:, :, None]
    assert torch.allclose(likely.begins, sum(s * begins for s, (begins, _) in zip(share, ways)), atol=1e-9)
    assert torch.allclose(likely.on, sum(s * (sounds & ~begins) for s, (begins, sounds) in zip(share, ways)), atol=1e-9)


def test_where_nothing_is_known_notes_are_as_often_as_on_the_average() -> None:
    chance = torch.tensor([[0.02, 0.3], [0.1, 0.2], [0.7, 0.0]], dtype=torch.float64)
    likely, (begins, on) = weigh(chance, torch.zeros(1, 200, 2).double(), torch.zeros(1, 200, 2).double()), on_average(chance)
    assert torch.allclose(likely.begins[0, 7], begins, atol=1e-6) and torch.allclose(likely.on[0, 7], on, atol=1e-6)
    assert torch.allclose(likely.log_sum, torch.zeros(1, 2).double(), atol=1e-6), "chances add up to one"


def test_chances_are_those_that_the_loops_were_drawn_with() -> None:
    generator, wanted = torch.Generator().manual_seed(1), torch.tensor([0.1, 0.2, 0.6])
    luck, state = torch.rand(400, 300, generator=generator), torch.zeros(400, dtype=torch.long)
    begins, sounds = torch.zeros(2, 400, 300, 1, dtype=torch.bool)
    for column in range(300):
        begin = torch.where(state > 0, wanted[1], wanted[0])
        now, on = luck[:, column] < begin, (state > 0) & (luck[:, column] >= begin) & (luck[:, column] < begin + wanted[2])
        begins[:, column, 0], sounds[:, column, 0] = now, now | on
        state = (now | on).long()
    assert torch.allclose(chances(begins, sounds)[:, 0], wanted, atol=0.01)


def test_long_loops_of_certain_notes_stay_finite() -> None:
    chance = torch.tensor([[1e-5], [1e-4], [0.9]])
    sounds = torch.zeros(1, 64, 1, dtype=torch.bool)
    sounds[:, 10:40] = True
    begins = sounds & (torch.arange(64) == 10)[None, :, None]
    begin, on = torch.where(begins, 50.0, -50.0), torch.where(sounds, 25.0, -25.0)
    likely = weigh(chance, begin, on)
    assert torch.equal(likely.begins > 0.5, begins) and torch.equal(likely.on > 0.5, sounds & ~begins)
    assert torch.allclose(likely.log_sum, log_weight(chance, begin, on, begins, sounds), atol=1e-3)


def test_columns_that_contradict_each_other_leave_numbers() -> None:
    chance, generator = torch.tensor([[1e-6], [1e-6], [0.97]]), torch.Generator().manual_seed(2)
    begin, on = (60 * torch.randn(50, 64, 1, generator=generator) for _ in range(2))
    likely = weigh(chance, begin, on)
    assert likely.log_sum.isfinite().all() and likely.begins.isfinite().all() and (likely.begins + likely.on <= 1 + 1e-5).all()
