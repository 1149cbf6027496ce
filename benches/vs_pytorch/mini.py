"""The stages of the mini bundle and a whole clip, with the weights that ship."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import DPMSolverMultistepScheduler
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

import nets
import synapse
from augment import IMAGE_SIZE
from built import Built, last
from codec import PatchCodec
from fine_structure import FineStructure
from networks import TIMESTEP
from schedule import CONFIG, Schedule
from sound import Sound

BUNDLE = Path(__file__).parents[2] / "bundles" / "mini"
FINE = "fine_structure."  # begins the names of that net's weights among the decoder's
FLOOR, CEILING = 1e-4, 1.5  # of a mel's magnitude and of its logarithm


class Attention:
    """Attention processor on torch's fused attention, which may keep its keys and values or blend others in."""

    def __init__(self) -> None:
        self.seen: tuple[Tensor, Tensor] | None = None
        self.blend: tuple[Tensor, Tensor, Tensor] | None = None  # keys, values, share

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_) -> Tensor:
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        keys, values = attn.to_k(context), attn.to_v(context)
        self.seen = keys, values
        if self.blend is not None:
            picture_keys, picture_values, share = self.blend
            keys, values = torch.lerp(keys, picture_keys, share), torch.lerp(values, picture_values, share)
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
    """The music UNet; `picture` holds keys and values of each decoder layer in turn, or nothing."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet, self.taps = unet, _tapped(unet, "attn2")

    def forward(self, latents: Tensor, tokens: Tensor, vector: Tensor, timestep: Tensor, shares: Tensor, *picture: Tensor) -> Tensor:
        for i, tap in enumerate(self.taps):
            tap.blend = (picture[2 * i], picture[2 * i + 1], shares[i]) if picture else None
        velocity = self.unet(latents, timestep, tokens, class_labels=vector, return_dict=False)[0]
        for tap in self.taps:
            tap.blend = tap.seen = None
        return velocity


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


class Decode(nn.Module):
    """Latents to mel."""

    def __init__(self, codec: PatchCodec) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, latents: Tensor) -> Tensor:
        return self.codec.decode(latents)


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
    return MusicStep(_filled(nets.music_unet(), _weights("music", "unet.")))


@lru_cache
def encode(scale: float) -> Encode:
    return Encode(_filled(nets.image_vae(), _weights("image", "vae."), strict=False), scale)


@lru_cache
def read() -> Read:
    from transformers import T5Config, T5EncoderModel

    state = _weights("text")
    state["encoder.embed_tokens.weight"] = state["shared.weight"]
    return Read(_filled(T5EncoderModel(T5Config(**nets.TEXT, use_cache=False)), state))


@lru_cache
def decode() -> Decode:
    codec = PatchCodec()
    codec.load_weights(_weights("decoder"))
    return Decode(codec.eval())


def sound(samples: int) -> Sound:
    fine = {name.removeprefix(FINE): value for name, value in _weights("decoder").items() if name.startswith(FINE)}
    return Sound(samples, _filled(FineStructure(), fine))


def ids(words: list[str]) -> Tensor:
    """Token ids (n, 64): the words, the end token, padding."""
    tokenizer = Tokenizer.from_file(str(BUNDLE / "tokenizer.json"))
    rows = [found.ids[:nets.TEXT_TOKENS] for found in tokenizer.encode_batch(words)]
    return torch.tensor([row + [0] * (nets.TEXT_TOKENS - len(row)) for row in rows])


def _random_picture() -> list[Tensor]:
    widths = [block.attn2.to_k.out_features for block in synapse.decoder_blocks(music_step().unet)]
    return [torch.randn(1, nets.TEXT_TOKENS, width) for width in widths for _ in ("keys", "values")]


def music(synapse: bool) -> Built:
    """A guided step of the music UNet; only the second half sees the picture."""
    picture = _random_picture() if synapse else []
    shares = torch.tensor([0.0, 0.5]).view(1, 2, 1, 1).repeat(4, 1, 1, 1)
    channels = music_step().unet.config.in_channels
    inputs = dict(latents=torch.randn(2, channels, nets.WINDOW, nets.ROWS), tokens=torch.randn(2, nets.TEXT_TOKENS, nets.TEXT_WIDTH),
                  vector=torch.randn(2, 864), timestep=torch.tensor(TIMESTEP), shares=shares)
    return Built(music_step(), inputs | {f"picture.{i}": tensor for i, tensor in enumerate(picture)}, gives_weights=False)


def image() -> Built:
    return Built(image_step(), dict(latents=torch.randn(1, 4, 16, 16), timestep=torch.tensor(TIMESTEP)), gives_weights=False)


def picture(scale: float) -> Built:
    return Built(encode(scale), dict(pixels=torch.rand(1, 3, IMAGE_SIZE, IMAGE_SIZE) * 2 - 1), gives_weights=False)


def text(prompt: str) -> Built:
    return Built(read(), dict(ids=ids([prompt])), gives_weights=False)


def codec() -> Built:
    return Built(decode(), dict(latents=_reference("music.latents")), gives_weights=False)


def vocoder(samples: int) -> Built:
    mel = _reference("decoder.mel").clamp(torch.tensor(FLOOR).log().item(), CEILING)
    return Built(sound(samples), dict(mel=mel[0]), gives_weights=False)


def _reference(name: str) -> Tensor:
    return load_file(BUNDLE / "reference.safetensors")[name]


class Clip(nn.Module):
    """From words and pixels to stereo sound, as the engine makes it; all networks are modules of this one."""

    def __init__(self, known: bool, prompt: str, seconds: float, beat: float, steps: int, guidance: float, rescale: float, scale: float) -> None:
        super().__init__()
        self.text, self.encode, self.image, self.music, self.decode = read(), encode(scale), image_step(), music_step(), decode()
        self.sound = sound(round(seconds * 32000))
        self.known, self.prompt, self.steps = known, prompt, steps
        self.guidance, self.rescale = guidance, rescale
        self.tempo = nets.tempo_features(torch.tensor([beat]))
        self.planes = nets.position_planes()
        self.statistics = _weights("synapse")
        self.channels_last = False
        self.seen: tuple | None = None
        self.parts: dict[str, float] = {}

    def networks(self) -> tuple[str, ...]:
        """Those of its modules that are compiled."""
        return "text", "encode", "image", "music", "decode"

    def forward(self, pixels: Tensor, noise: Tensor) -> Tensor:
        self.parts, self.since = {}, time.perf_counter()
        tokens = torch.cat([self.text(ids([words])) for words in ("", self.prompt)])
        self._lap("text")
        if self.seen is None or not self.known:
            self.seen = self._look(pixels)
        self._lap("picture")
        latents = self._compose(tokens, *self.seen, noise)
        self._lap("music")
        self.stereo = self.sound.stereo(self.decode(self._laid_out(latents))[0].clamp(torch.tensor(FLOOR).log().item(), CEILING))
        self._lap("sound")
        return latents

    def _laid_out(self, x: Tensor) -> Tensor:
        """As the networks want it."""
        return last(x) if self.channels_last else x.contiguous()

    def _lap(self, part: str) -> None:
        now = time.perf_counter()
        self.parts[part], self.since = 1e3 * (now - self.since), now

    def _look(self, pixels: Tensor) -> tuple[Tensor, dict[int, list[Tensor]]]:
        """The global path's vector, and the pooled keys and values at each timestep."""
        schedule, seen = Schedule(), {}

        def velocity(x: Tensor, t: Tensor) -> Tensor:
            v, *tensors = self.image(self._laid_out(x), t[0])
            seen[int(t)] = tensors
            return v

        path = schedule.invert(velocity, self.encode(self._laid_out(pixels)), self.steps)
        velocity(path[-1], torch.tensor([schedule.trailing(self.steps)[0]]))
        clean = torch.cat([values.mean(1) for values in seen.pop(0)[1::2]], -1)
        vector = (clean - self.statistics["pooled_mean"]) / self.statistics["pooled_std"]
        return vector, {t: [synapse.pool(tensor) for tensor in tensors] for t, tensors in seen.items()}

    def _compose(self, tokens: Tensor, vector: Tensor, seen: dict[int, list[Tensor]], x: Tensor) -> Tensor:
        config = {name: value for name, value in CONFIG.items() if name != "set_alpha_to_one"}
        scheduler = DPMSolverMultistepScheduler(**config, algorithm_type="dpmsolver++", solver_order=2, final_sigmas_type="zero")
        scheduler.set_timesteps(self.steps)
        pooled = torch.cat([torch.zeros_like(vector), vector])
        vector = torch.cat([pooled, tokens.mean(1), self.tempo.expand(2, -1)], -1)
        shares = torch.stack([torch.tensor([0.0, alpha]).view(2, 1, 1) for alpha in self.statistics["alpha"].tolist()])
        for t in scheduler.timesteps:
            inputs = self._laid_out(torch.cat([x, self.planes], 1).repeat(2, 1, 1, 1))
            without, sees = self.music(inputs, tokens, vector, t, shares, *seen[int(t)]).chunk(2)
            guided = without + self.guidance * (sees - without)
            guided = guided * (self.rescale * sees.std() / guided.std() + 1 - self.rescale)
            x = scheduler.step(guided, t, x, return_dict=False)[0]
        return x


def clip(inputs: str, **options) -> Built:
    """`inputs` is a file with the pixels and the noise that the other side begins with."""
    given = load_file(inputs)
    return Built(Clip(**options), dict(pixels=given["pixels"], noise=given["noise"]), gives_weights=False)
