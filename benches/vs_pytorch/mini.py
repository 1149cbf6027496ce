"""The stages of the mini bundle, with the weights that ship."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

import nets
import start
import synapse
from augment import IMAGE_SIZE
from built import Built
from dit import Dit, flatten, unflatten
from networks import TIMESTEP
from schedule import alphas_cumprod

BUNDLE = Path(__file__).parents[2] / "bundles" / "mini"
NOISY = 900  # timestep of the music


class Attention:
    """Attention processor on torch's fused attention, which keeps its keys and values."""

    def __init__(self) -> None:
        self.seen: tuple[Tensor, Tensor] | None = None

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_) -> Tensor:
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        keys, values = attn.to_k(context), attn.to_v(context)
        self.seen = keys, values
        split = lambda xs: xs.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(split(attn.to_q(hidden_states)), split(keys), split(values))
        return attn.to_out[0](mixed.transpose(1, 2).flatten(2))


def _tapped(unet: nn.Module, layer: str) -> list[Attention]:
    unet.set_attn_processor(Attention())
    taps = []
    for block in synapse.decoder_blocks(unet):
        taps.append(Attention())
        getattr(block, layer).set_processor(taps[-1])
    return taps


class MusicStep(nn.Module):
    """The music's transformer; `picture` holds keys and values of each layer that sees one in turn, or nothing."""

    def __init__(self, dit: Dit) -> None:
        super().__init__()
        self.dit, self.alphas = dit, alphas_cumprod()

    def forward(self, latents: Tensor, tokens: Tensor, vector: Tensor, timestep: Tensor, shares: Tensor, *picture: Tensor) -> Tensor:
        config = self.dit.config
        own, known, masks, planes = latents.split([config.channels, config.channels, 2, config.planes], 1)
        own, known = (flatten(x, config.row_channels) for x in (own, known))
        seen = [(picture[2 * i], picture[2 * i + 1]) for i in range(len(picture) // 2)]
        alpha = self.alphas[timestep].expand(len(own))
        said = self.dit(own, timestep.expand(len(own)), alpha, tokens, vector, planes[..., 0].transpose(1, 2), known,
                        masks.transpose(1, 2).flatten(2), seen, list(shares))
        return unflatten(self.dit.rolls.velocity(own, alpha, said), config.row_channels, config.channels)


class ImageStep(nn.Module):
    """The image UNet, and what its decoder's self-attention held."""

    def __init__(self, unet: nn.Module, null_text: Tensor) -> None:
        super().__init__()
        self.unet, self.taps = unet, _tapped(unet, "attn1")
        self.register_buffer("null_text", null_text)

    def forward(self, latents: Tensor, timestep: Tensor) -> list[Tensor]:
        velocity = self.unet(latents, timestep, self.null_text, return_dict=False)[0]
        seen = [tensor for tap in self.taps for tensor in tap.seen]
        for tap in self.taps:
            tap.seen = None
        return [velocity, *seen]


class Encode(nn.Module):
    """A picture's pixels to scaled latents."""

    def __init__(self, vae: nn.Module, scale: float) -> None:
        super().__init__()
        self.encoder, self.quant_conv, self.scale = vae.encoder, vae.quant_conv, scale

    def forward(self, pixels: Tensor) -> Tensor:
        return self.quant_conv(self.encoder(pixels)).chunk(2, 1)[0] * self.scale


class Read(nn.Module):
    """Token ids to tokens."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor) -> Tensor:
        return self.encoder(ids).last_hidden_state


def _weights(name: str, prefix: str = "") -> dict[str, Tensor]:
    state = load_file(BUNDLE / f"{name}.safetensors").items()
    return {key[len(prefix):]: tensor.float() for key, tensor in state if key.startswith(prefix)}


def _filled(module: nn.Module, state: dict[str, Tensor], strict: bool = True) -> nn.Module:
    module.load_state_dict(state, strict=strict, assign=True)
    return module.eval()


@lru_cache
def image_step() -> ImageStep:
    null_text = _weights("image", "null_text")[""]
    return ImageStep(_filled(nets.image_unet(), _weights("image", "unet.")), null_text)


@lru_cache
def music_step() -> MusicStep:
    return MusicStep(start.music_model(BUNDLE).dit.eval().requires_grad_(False))


@lru_cache
def encode(scale: float) -> Encode:
    return Encode(_filled(nets.image_vae(), _weights("image", "vae."), strict=False), scale)


@lru_cache
def read() -> Read:
    from transformers import T5Config, T5EncoderModel

    state = _weights("text")
    state["encoder.embed_tokens.weight"] = state["shared.weight"]
    return Read(_filled(T5EncoderModel(T5Config(**nets.TEXT, use_cache=False)), state))


def ids(words: list[str]) -> Tensor:
    """Token ids (n, 64): the words, the end token, padding."""
    tokenizer = Tokenizer.from_file(str(BUNDLE / "tokenizer.json"))
    rows = [found.ids[:nets.TEXT_TOKENS] for found in tokenizer.encode_batch(words)]
    return torch.tensor([row + [0] * (nets.TEXT_TOKENS - len(row)) for row in rows])


def _random_picture() -> list[Tensor]:
    config = music_step().dit.config
    widths = config.cross_widths[-config.picture_layers:]
    return [torch.randn(1, nets.TEXT_TOKENS, width) for width in widths for _ in ("keys", "values")]


def music(synapse: bool) -> Built:
    """A guided step of the music's transformer; only the second half of the batch sees the picture.

    Of noise of which nothing is known, under words that there are, as where a walk begins: columns that contradict each other as no
    music does leave so little that PyTorch's f32 loses it.
    """
    picture = _random_picture() if synapse else []
    shares = torch.tensor([0.0, 0.5]).view(1, 2, 1, 1).repeat(4, 1, 1, 1)
    config = music_step().dit.config
    size = (2, 2 * config.channels + 2 + config.planes, config.windows[0], len(config.row_channels))
    latents = torch.randn(size)
    latents[:, config.channels:2 * config.channels + 2] = 0
    tokens = read()(ids(["", "calm piano over soft strings"]))
    pooled = torch.randn(2, nets.pooled_width()) * torch.tensor([[0.0], [1.0]])
    vector = torch.cat([pooled, tokens.mean(1), nets.tempo_features(torch.tensor([0.625] * 2))], -1)
    inputs = dict(latents=latents, tokens=tokens, vector=vector, timestep=torch.tensor(NOISY), shares=shares)
    return Built(music_step(), inputs | {f"picture.{i}": tensor for i, tensor in enumerate(picture)}, gives_weights=False)


def image() -> Built:
    return Built(image_step(), dict(latents=torch.randn(1, 4, 16, 16), timestep=torch.tensor(TIMESTEP)), gives_weights=False)


def picture(scale: float) -> Built:
    return Built(encode(scale), dict(pixels=torch.rand(1, 3, IMAGE_SIZE, IMAGE_SIZE) * 2 - 1), gives_weights=False)


def text(prompt: str) -> Built:
    return Built(read(), dict(ids=ids([prompt])), gives_weights=False)


