"""The music's denoiser: a diffusion transformer over columns, whose second half looks at the picture.

    x (b, t, n) ─► rolls: evidence for every note ─────────────────────────────┐
                        ▼                                                      ▼
    known, place ─► embed ─► blocks (self-attention over columns, ─► head ─► + odds of every note ─► velocity (b, t, n)
                                     cross-attention to the words, MLP)
    timestep, class vector ─► adaLN-single      ▲
                            picture's keys and values, second half

A token is a column: every row's channels of a sixteenth, one after another. The network says how likely each note is; what is seen of
it in the noise is added by Bayes' rule, and what a pitch does in one column is weighed with what it does in all others (`Rolls`). DiT of Peebles & Xie (ICCV 2023) with the shared
modulation of PixArt-alpha (Chen et al., ICLR 2024). The cross-attentions of the second half are as wide as the picture model's
decoder layers, so that its keys and values are blended in as the paper blends them (Chowdhury et al., CVPR 2024), without a
projection between. Columns attend by their distance on the circle, learnt for each window that there is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chain import log_weight, on_average, weigh

HEAD = 32  # width of every attention head
SURE = 10.0  # log odds of what is known
SUREST = 20.0  # log odds of what is seen, at most: of what is hardly noisy they have no end
LEAST_CHANCE = 1e-6  # that is told apart from none
QUIETEST, RANGE = 0.6, 0.4  # value of an onset: the first, and as much of the second as it is loud
LOUDNESS_VARIANCE = 0.01  # of the onsets of a part


@dataclass(frozen=True)
class DitConfig:
    """Sizes. `row_channels[r]` of the `channels` of row r are used: of a part components, one for dynamics and `row_codes[r]` for who plays.

    A part's components are a rotation of `row_bits[r]` bits, the first `row_onsets[r]` of which say what begins. Further rows have no notes.
    """

    channels: int
    row_channels: tuple[int, ...]
    row_codes: tuple[int, ...]
    row_bits: tuple[int, ...]
    row_onsets: tuple[int, ...]
    planes: int
    class_width: int
    text_width: int = 192
    windows: tuple[int, ...] = (64, 48)
    width: int = 256
    hidden: int = 640
    cross_widths: tuple[int, ...] = (128, 128, 128, 128, 192, 192, 128, 128)
    picture_layers: int = 4  # of the last blocks, which blend the picture in

    @property
    def token(self) -> int:
        """Numbers in a column."""
        return sum(self.row_channels)

    @property
    def bits(self) -> int:
        """Bits in a column."""
        return sum(self.row_bits)

    @property
    def rest(self) -> int:
        """Numbers in a column that are no notes."""
        parts = len(self.row_bits)
        return parts + sum(self.row_codes[:parts]) + sum(self.row_channels[parts:])


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multi-head attention of (b, n, c) on (b, m, c); `bias` (heads, n, m) joins the scores."""
    split = lambda x: x.unflatten(-1, (-1, HEAD)).transpose(1, 2)
    if q.is_cuda:
        mask = None if bias is None else bias[None]
        return F.scaled_dot_product_attention(*map(split, (q, k, v)), attn_mask=mask).transpose(1, 2).flatten(2)
    # Spelt out: on a CPU the backward pass of torch's fused attention takes longer than the rest of the network.
    scores = (split(q) * HEAD**-0.5) @ split(k).transpose(-1, -2)
    scores = scores if bias is None else scores + bias
    return (scores.softmax(-1) @ split(v)).transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Attention among columns; the bias is that of their distance on the circle."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        width = config.width
        self.to_qkv, self.to_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.distance = nn.ParameterDict({str(t): nn.Parameter(torch.zeros(width // HEAD, t)) for t in config.windows})

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, c) → (b, t, c)."""
        columns = torch.arange(x.shape[1], device=x.device)
        bias = self.distance[str(x.shape[1])][:, (columns[:, None] - columns[None]) % x.shape[1]]
        return self.to_out(attend(*self.to_qkv(x).chunk(3, -1), bias))


class CrossAttention(nn.Module):
    """Attention of columns to words, into whose keys and values a picture's are blended where there are any."""

    def __init__(self, config: DitConfig, inner: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(config.width, inner, bias=False)
        self.to_k, self.to_v = (nn.Linear(config.text_width, inner, bias=False) for _ in range(2))
        self.to_out = nn.Linear(inner, config.width)
        nn.init.zeros_(self.to_out.weight)

    def forward(self, x: Tensor, text: Tensor, picture: tuple[Tensor, Tensor] | None, alpha: Tensor | None) -> Tensor:
        """`x (b, t, c)`, `text (b, l, d)`, a picture's keys and values (b, l, inner), its share (b, 1, 1)."""
        keys, values = self.to_k(text), self.to_v(text)
        if picture is not None:
            keys = alpha * picture[0] + (1 - alpha) * keys
            values = alpha * picture[1] + (1 - alpha) * values
        return self.to_out(attend(self.to_q(x), keys, values))


class Block(nn.Module):
    """Self-attention, cross-attention and MLP, the first and last of them modulated."""

    def __init__(self, config: DitConfig, inner: int) -> None:
        super().__init__()
        width = config.width
        self.attn1, self.attn2 = SelfAttention(config), CrossAttention(config, inner)
        self.mlp = nn.Sequential(nn.Linear(width, config.hidden), nn.GELU(), nn.Linear(config.hidden, width))
        self.scale_shift_table = nn.Parameter(torch.zeros(6, width))

    def forward(self, x: Tensor, modulation: Tensor, text: Tensor, picture: tuple[Tensor, Tensor] | None, alpha: Tensor | None) -> Tensor:
        """`x (b, t, c)`, `modulation (b, 6, c)`."""
        shift1, scale1, gate1, shift2, scale2, gate2 = (modulation + self.scale_shift_table)[:, :, None].unbind(1)
        x = x + (1 + gate1) * self.attn1(norm(x) * (1 + scale1) + shift1)
        x = x + self.attn2(norm(x), text, picture, alpha)
        return x + (1 + gate2) * self.mlp(norm(x) * (1 + scale2) + shift2)


class Dit(nn.Module):
    """The denoiser; see the module."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        width, self.config = config.width, config
        self.rolls = Rolls(config)
        self.embed = nn.Linear(config.bits + config.rest + config.planes, width)
        self.embed_known = nn.Linear(config.rest + 2 * len(config.row_channels), width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.class_embedding = nn.Sequential(nn.Linear(config.class_width, width), nn.SiLU(), nn.Linear(width, width))
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(config, inner) for inner in config.cross_widths)
        self.scale_shift_table = nn.Parameter(torch.zeros(2, width))
        self.head = nn.Linear(width, config.bits + len(config.row_onsets) + config.rest)
        for layer in (self.embed_known, self.modulation, self.head):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, t: Tensor, alpha: Tensor, text: Tensor, vector: Tensor, planes: Tensor, known: Tensor | None = None,
                mask: Tensor | None = None, pictures: Sequence[tuple[Tensor, Tensor]] = (), alphas: Sequence[Tensor] = ()) -> "Said":
        """What is said of noisy tokens `x (b, t, n)` at timesteps `t (b,)`, whose cumulated alphas are `alpha (b,)`.

        `text (b, l, d)`, `vector (b, class)`, `planes (b, t, p)`; `known (b, t, n)` is clean where it is known and 0 elsewhere, `mask
        (b, t, 2 r)` says so of every row's notes and then of every row's codes. `pictures` are the picture's keys and values for the
        last blocks, `alphas (b, 1, 1)` their shares.
        """
        blocks, first = len(self.blocks), len(self.blocks) - self.config.picture_layers
        if known is None:
            known, mask = torch.zeros_like(x), x.new_zeros(*x.shape[:2], 2 * len(self.config.row_channels))
        evidence = self.rolls.told(self.rolls.evidence(x, alpha), known, mask)
        h = self.embed(torch.cat([self.rolls.seen(evidence), self.rolls.rest(x), planes], -1))
        h = h + self.embed_known(torch.cat([self.rolls.rest(known), mask], -1))
        c = self.time(time_features(t, self.config.width)) + self.class_embedding(vector)
        modulation = self.modulation(F.silu(c)).unflatten(-1, (6, -1))
        for i in range(blocks):
            picture, share = (pictures[i - first], alphas[i - first]) if pictures and i >= first else (None, None)
            h = self.blocks[i](h, modulation, text, picture, share)
        shift, scale = (c[:, None] + self.scale_shift_table)[:, :, None].unbind(1)
        bits, accents, rest = self.head(norm(h) * (1 + scale) + shift).split((self.config.bits, len(self.config.row_onsets), self.config.rest), -1)
        return Said(evidence, bits, accents, rest)


@dataclass
class Said:
    """What is seen and what a denoiser says: log odds of every bit by what is seen of it and, to be added, by what is expected (b, t, bits),
    how loud what begins in each part is (b, t, parts), 0..1, and of all other numbers what the linear guess of their velocity leaves
    (b, t, rest). Odds of an onset are those of a beginning, odds of a sustain those of sounding on, each against silence."""

    evidence: Tensor
    odds: Tensor
    accents: Tensor
    rest: Tensor


class Rolls(nn.Module):
    """Between latents and the notes that they are a rotation of, where what is seen is weighed as Bayes' rule has it.

    A bit is whether a note begins, or sounds, at a pitch of a part. Latents are noisy sums of bits; turned back, every bit is seen with
    Gaussian noise of known size, and what that tells of it is added exactly to what the network expects of it. All columns of a pitch
    are then weighed together (`chain`). So the network, narrower than a column, need not carry what is plain to see, nor learn what a
    note is.
    """

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        self.config = config
        parts, zeros = range(len(config.row_onsets)), torch.zeros
        components = [config.row_channels[r] - 1 - config.row_codes[r] for r in parts]
        for r in parts:
            self.register_buffer(f"basis{r}", zeros(components[r], config.row_bits[r]))
        self.register_buffer("mean", zeros(config.bits))  # of the roll
        self.register_buffer("on", torch.ones(config.bits))  # value of a bit that is on, on the average
        self.register_buffer("chance", torch.full((3, sum(config.row_onsets)), 0.1))  # of a beginning, of one anew, of sounding on
        self.register_buffer("variance", torch.ones(config.rest))  # of the other numbers
        at, notes, rest = 0, [], []
        for r, count in enumerate(config.row_channels):
            of_notes = components[r] if r in parts else 0
            notes += range(at, at + of_notes)
            rest += range(at + of_notes, at + count)
            at += count
        keep = lambda name, values: self.register_buffer(name, torch.tensor(values), persistent=False)
        keep("note_numbers", notes)
        keep("rest_numbers", rest)
        keep("row", [r for r in parts for _ in range(config.row_bits[r])])
        is_onset = [i < config.row_onsets[r] for r in parts for i in range(config.row_bits[r])]
        sustains = [config.row_bits[r] > config.row_onsets[r] for r in parts for _ in range(config.row_onsets[r])]
        keep("is_onset", is_onset)
        keep("onsets", [i for i, onset in enumerate(is_onset) if onset])
        keep("sustains", [i for i, onset in enumerate(is_onset) if not onset])
        keep("sustained", [i for i, does in enumerate(sustains) if does])  # pitches that have a sustain
        self.components = components

    def rest(self, x: Tensor) -> Tensor:
        """The numbers of tokens (b, t, n) that are no notes: dynamics, codes, the clip's."""
        return x[..., self.rest_numbers]

    def turned(self, x: Tensor) -> Tensor:
        """The rolls (b, t, bits), without their means, that tokens (b, t, n) are a rotation of."""
        parts = x[..., self.note_numbers].split(self.components, -1)
        return torch.cat([part @ getattr(self, f"basis{r}") for r, part in enumerate(parts)], -1)

    def size(self) -> Tensor:
        """How large noise of unit size is on each bit (bits,)."""
        return torch.cat([getattr(self, f"basis{r}").square().sum(1).mean().sqrt().expand(count) for r, count in enumerate(self.config.row_bits)])

    def evidence(self, x: Tensor, alpha: Tensor) -> Tensor:
        """How much more likely each bit is on than off by what is seen of it alone, as log odds (b, t, bits)."""
        alpha = alpha[:, None, None]
        seen = alpha * self.mean + alpha.sqrt() * self.turned(x)
        evidence = (self.on * seen - alpha * self.on.square() / 2) / ((1 - alpha) * self.size().square())
        return evidence.clamp(-SUREST, SUREST)

    def told(self, evidence: Tensor, known: Tensor, mask: Tensor) -> Tensor:
        """The evidence with what is known in its place."""
        is_on = self.mean + self.turned(known) > self.on / 2
        return torch.where(mask[..., self.row] > 0, torch.where(is_on, SURE, -SURE), evidence)

    def states(self, odds: Tensor) -> tuple[Tensor, Tensor]:
        """Log odds of bits (b, t, bits) as those of a beginning and of sounding on, (b, t, pitches) each: what begins sounds, too."""
        on = torch.zeros_like(odds[..., self.onsets]).index_copy(-1, self.sustained, odds[..., self.sustains])
        return odds[..., self.onsets] + on, on

    def bits(self, begins: Tensor, on: Tensor) -> Tensor:
        """How likely bits (b, t, bits) are, by how likely beginnings and sounding on are, (b, t, pitches) each."""
        found = torch.empty(*begins.shape[:-1], self.config.bits, device=begins.device)
        found[..., self.onsets], found[..., self.sustains] = begins, (begins + on)[..., self.sustained]
        return found

    def seen(self, evidence: Tensor) -> Tensor:
        """The evidence of all columns together as the network sees it: weak evidence as it is, strong evidence as 0 or 1."""
        likely = weigh(self.chance, *self.states(evidence))
        odds = lambda chance: torch.logit(chance, LEAST_CHANCE)
        more = odds(self.bits(likely.begins, likely.on)) - odds(self.bits(*on_average(self.chance)))
        return 4 * torch.sigmoid(more - 2) - 0.5

    def likely(self, said: Said) -> Tensor:
        """How likely every bit (b, t, bits) is by what is said of it."""
        likely = weigh(self.chance, *self.expected(said))
        return self.bits(likely.begins, likely.on)

    def expected(self, said: Said) -> tuple[Tensor, Tensor]:
        """Log odds of a beginning and of sounding on, (b, t, pitches) each: those of what is seen and those that are said."""
        begin, on = self.states(said.evidence)
        more = torch.zeros_like(on).index_copy(-1, self.sustained, said.odds[..., self.sustains])
        return begin + said.odds[..., self.onsets], on + more

    def surprise(self, said: Said, bits: Tensor) -> Tensor:
        """How unlikely what is said makes the bits that are, bool (b, t, bits): nats a column (b,)."""
        begin, on = self.expected(said)
        begins, sounds = bits[..., self.onsets], bits[..., self.onsets].index_copy(-1, self.sustained, bits[..., self.sustains])
        likely = weigh(self.chance, begin, on)
        # The gradient of the sum over all loops is how likely everything is.
        tangent = (likely.begins * begin + likely.on * on).sum(1)
        total = likely.log_sum + tangent - tangent.detach()
        return (total - log_weight(self.chance, begin, on, begins, sounds)).sum(1) / bits.shape[1]

    def loudness(self, x: Tensor, alpha: Tensor, accents: Tensor) -> Tensor:
        """Value (b, t, bits) of what is on: of onsets between what is expected in the part and what is seen, of the rest 1."""
        alpha, expected = alpha[:, None, None], QUIETEST + RANGE * accents[..., self.row]
        seen = alpha * self.mean + alpha.sqrt() * self.turned(x)
        noise = (1 - alpha) * self.size().square()
        value = (LOUDNESS_VARIANCE * seen + noise * expected) / (alpha * LOUDNESS_VARIANCE + noise)
        return torch.where(self.is_onset, value.clamp(QUIETEST, QUIETEST + RANGE), 1.0)

    def velocity(self, x: Tensor, alpha: Tensor, said: Said) -> Tensor:
        """Velocity (b, t, n) of tokens by what is said of them."""
        a = alpha[:, None, None]
        rolls = self.likely(said) * self.loudness(x, alpha, said.accents) - self.mean
        parts = rolls.split(list(self.config.row_bits), -1)
        bases = [getattr(self, f"basis{r}") for r in range(len(parts))]
        clean = torch.cat([part @ (basis / basis.square().sum(1, keepdim=True)).T for part, basis in zip(parts, bases)], -1)
        velocity = torch.empty_like(x)
        velocity[..., self.note_numbers] = (a.sqrt() * x[..., self.note_numbers] - clean) / (1 - a).sqrt()
        velocity[..., self.rest_numbers] = linear_guess(self.variance, alpha) * self.rest(x) + said.rest
        return velocity


def linear_guess(variance: Tensor, alpha: Tensor) -> Tensor:
    """What the best linear guess of a velocity multiplies noisy numbers by, (b, 1, n): `variance (n,)`, cumulated alphas (b,)."""
    alpha = alpha[:, None, None]
    return (alpha * (1 - alpha)).sqrt() * (1 - variance) / (alpha * variance + 1 - alpha)


def norm(x: Tensor) -> Tensor:
    """Layer normalisation without weights."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


def time_features(t: Tensor, width: int) -> Tensor:
    """Cosines, then sines (b, width) of timesteps, as diffusers' `Timesteps(flip_sin_to_cos=True, downscale_freq_shift=0)`."""
    frequencies = torch.exp(-math.log(1e4) * torch.arange(width // 2, device=t.device) / (width // 2))
    angle = t.float()[:, None] * frequencies
    return torch.cat([angle.cos(), angle.sin()], -1)


def flatten(x: Tensor, row_channels: Sequence[int]) -> Tensor:
    """Latents (b, c, t, r) → tokens (b, t, n): the used channels of every row, one row after another."""
    return torch.cat([x[:, :n, :, r].transpose(1, 2) for r, n in enumerate(row_channels)], -1)


def unflatten(tokens: Tensor, row_channels: Sequence[int], channels: int) -> Tensor:
    """Tokens (b, t, n) → latents (b, channels, t, r), unused channels 0."""
    rows = [F.pad(part.transpose(1, 2), (0, 0, 0, channels - part.shape[-1])) for part in tokens.split(list(row_channels), -1)]
    return torch.stack(rows, -1)
