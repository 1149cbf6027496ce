"""Laws of the ways that a picture enters the music, and of the clips by which they are compared."""

from __future__ import annotations

import numpy as np
import torch
from diffusers.models.attention_processor import Attention

import evaluate_readers
from ablation import compose, measure
from nets import WINDOW
from schedule import Schedule
from synapse import BlendKeyValues, DecoupledKeyValues, PlainAttention
from training_set import Triplets

WIDTH, TOKENS = 16, 6


def asked(processor) -> tuple[Attention, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A cross-attention with a processor, hidden states, text, and what it gives without a picture."""
    torch.manual_seed(0)
    attention = Attention(WIDTH, cross_attention_dim=WIDTH, heads=2, dim_head=WIDTH // 2, processor=PlainAttention())
    states, text = torch.randn(2, 5, WIDTH), torch.randn(2, TOKENS, WIDTH)
    plain = attention(states, text)
    attention.set_processor(processor)
    return attention, states, text, plain


def test_without_a_picture_every_way_hears_the_text_alone() -> None:
    for processor in (BlendKeyValues(), DecoupledKeyValues(WIDTH)):
        attention, states, text, plain = asked(processor)
        assert torch.equal(attention(states, text), plain)
        processor.image, processor.alpha = (torch.randn(2, TOKENS, WIDTH), torch.randn(2, TOKENS, WIDTH)), torch.tensor([0.0, 0.5])[:, None, None]
        seen = attention(states, text)
        assert torch.allclose(seen[0], plain[0], atol=1e-6) and not torch.allclose(seen[1], plain[1], atol=1e-3)


def test_decoupled_attention_adds_where_the_blend_replaces() -> None:
    """A picture that says what the text says changes nothing in a blend, and is heard twice by decoupled attention."""
    for processor, times in ((BlendKeyValues(), 1.0), (DecoupledKeyValues(WIDTH), 1.5)):
        attention, states, text, plain = asked(processor)
        processor.image, processor.alpha = (attention.to_k(text), attention.to_v(text)), torch.full((2, 1, 1), 0.5)
        bias = attention.to_out[0].bias
        assert torch.allclose(attention(states, text) - bias, times * (plain - bias), atol=1e-5)


class Knowing:
    """A model that knows the clip: the velocity that leads to it from wherever one is."""

    def __init__(self, clips: torch.Tensor) -> None:
        self.clips, self.schedule = clips, Schedule()

    def velocity(self, model, x: torch.Tensor, t: torch.Tensor, batch: Triplets, has_text: torch.Tensor, has_picture: torch.Tensor) -> torch.Tensor:
        assert torch.equal(has_text, has_picture)
        signal, noise = self.schedule.signal_noise(t)
        clean = batch.latents
        return signal * (x - signal * clean) / noise - noise * clean

    def loss(self, model, batch: Triplets, t: torch.Tensor, eps: torch.Tensor, has_text: torch.Tensor, has_picture: torch.Tensor) -> tuple:
        """Zero where it sees the clip's own picture, one elsewhere."""
        wrong = (batch.pooled[:, 0] != batch.ids[:, 0]) | ~has_picture
        return None, wrong.float().mean()


def triplets(count: int) -> Triplets:
    place = torch.arange(count)
    latents = torch.randn(count, 3, WINDOW, 4, generator=torch.Generator().manual_seed(1))
    return Triplets(latents, place[:, None, None].expand(-1, 1, 64), torch.ones(count), place[:, None, None].float(), place[:, None, None].float())


def test_a_model_that_knows_the_clips_composes_them() -> None:
    batch = triplets(3).batch(torch.arange(3))
    assert torch.allclose(compose(None, Knowing(batch.latents), batch, seed=0), batch.latents, atol=1e-4)


def test_what_is_heard_is_compared_with_what_was_shown() -> None:
    """Clips that are known whatever is shown: their own mood is heard, and never that of the picture they were swapped for."""
    count = 20
    valence, arousal = np.linspace(0, 1, count), np.linspace(1, 0, count)
    metas = [dict(scene=dict(valence=v, arousal=a), style=evaluate_readers.STYLES[i % 5]) for i, (v, a) in enumerate(zip(valence, arousal))]
    held_out = triplets(count)
    held_out.latents[:, 0, 0, 0] = torch.from_numpy(valence)

    class Codec:
        def decode(self, latents: torch.Tensor) -> torch.Tensor:
            return (latents[:, 0, 0, :1, None] + 0.1) * torch.linspace(1, 2, 8)[:, None].expand(8, 128)

    def reader(mels: torch.Tensor) -> tuple:
        mood = torch.stack([mels[:, 0, 0] - 0.1, 1.1 - mels[:, 0, 0]], 1)
        return None, mood, torch.zeros(len(mels), 5), None

    found = measure(None, Knowing(held_out.latents), held_out, metas, Codec(), reader, count)
    assert found["error_own"] == 0 and found["error_swapped"] == found["error_none"] == 1
    assert found["own_valence"] > 0.999 and found["own_arousal"] > 0.999
    assert found["swapped_valence"] < 0 and found["names_mood"] == 0
    assert found["own_style"] == 0.2, "the first style is named every time"
