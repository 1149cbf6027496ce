"""Whole networks of the public-weights kind, small, with random weights."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

from built import Built, stirred
from dit import Dit, DitConfig, flatten, unflatten

TIMESTEP = 500


class Denoiser(nn.Module):
    """A UNet at one timestep."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, latents: Tensor, tokens: Tensor, timestep: Tensor) -> Tensor:
        return self.unet(latents, timestep, tokens, return_dict=False)[0]

    def state_dict(self, *_, **__) -> dict[str, Tensor]:
        return self.unet.state_dict()


def unet(config: dict, batch: int, size: tuple[int, int], tokens: int) -> Built:
    config.pop("circular_time")
    module = Denoiser(stirred(UNet2DConditionModel(**config)))
    return Built(module, dict(latents=torch.randn(batch, config["in_channels"], *size),
                              tokens=torch.randn(batch, tokens, config["cross_attention_dim"]),
                              timestep=torch.tensor(TIMESTEP)))


class Columns(nn.Module):
    """A diffusion transformer at one timestep, of latents with all that comes beside them, as the other side has them."""

    def __init__(self, dit: Dit) -> None:
        super().__init__()
        self.dit, self.alphas = dit, torch.linspace(0.999, 0, 1000)

    def forward(self, latents: Tensor, tokens: Tensor, vector: Tensor, timestep: Tensor) -> Tensor:
        config = self.dit.config
        own, known, masks, planes = latents.split([config.channels, config.channels, 2, config.planes], 1)
        own, known = (flatten(x, config.row_channels) for x in (own, known))
        mask, planes = masks.transpose(1, 2).flatten(2), planes[..., 0].transpose(1, 2)
        alpha = self.alphas[timestep].expand(len(own))
        said = self.dit(own, timestep.expand(len(own)), alpha, tokens, vector, planes, known, mask)
        return unflatten(self.dit.rolls.velocity(own, alpha, said), config.row_channels, config.channels)

    def state_dict(self, *_, **__) -> dict[str, Tensor]:
        return {**self.dit.state_dict(), "alphas": self.alphas}


def dit(config: dict, batch: int, columns: int, tokens: int) -> Built:
    config.pop("timesteps")
    config = DitConfig(**{name: tuple(value) if isinstance(value, list) else value for name, value in config.items()})
    model = Dit(config).eval()
    for parameter in model.parameters():
        # Fresh ones begin at zero where it matters.
        parameter.data = torch.randn_like(parameter) * (parameter.shape[-1] ** -0.5 if parameter.dim() > 1 else 0.1)
    for name, basis in model.rolls.named_buffers():
        if name.startswith("basis"):
            basis.copy_(torch.randn_like(basis))
    rows = len(config.row_channels)
    return Built(Columns(model), dict(latents=torch.randn(batch, 2 * config.channels + 2 + config.planes, columns, rows),
                                      tokens=torch.randn(batch, tokens, config.text_width), vector=torch.randn(batch, config.class_width),
                                      timestep=torch.tensor(TIMESTEP)))


class MelDecoder(nn.Module):
    """The half of an autoencoder that is used."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.decoder, self.post_quant_conv, self.scale = vae.decoder, vae.post_quant_conv, vae.config.scaling_factor

    def forward(self, latents: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(latents / self.scale))


def mel_decoder(config: dict, size: tuple[int, int]) -> Built:
    config.pop("circular_time")
    levels = len(config["block_out_channels"])
    vae = AutoencoderKL(**config, down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels)
    return Built(MelDecoder(stirred(vae)), dict(latents=torch.randn(1, config["latent_channels"], *size)))


class Vocoder(nn.Module):
    """Takes the mel as the other side does, bands before time."""

    def __init__(self, vocoder: SpeechT5HifiGan) -> None:
        super().__init__()
        self.vocoder = vocoder

    def forward(self, mel: Tensor) -> Tensor:
        return self.vocoder(mel.transpose(1, 2))

    def state_dict(self, *_, **__) -> dict[str, Tensor]:
        return {name.replace("upsampler.", "ups."): tensor for name, tensor in self.vocoder.state_dict().items()}


def hifi_gan(config: dict, frames: int) -> Built:
    vocoder = SpeechT5HifiGan(SpeechT5HifiGanConfig(**config)).eval()
    for name, parameter in vocoder.named_parameters():
        # Fresh weights are so small that everything but the last bias would vanish.
        spread = 0.1 if name.endswith("bias") else parameter[0].numel() ** -0.5
        parameter.data = torch.randn_like(parameter) * spread
    return Built(Vocoder(vocoder), dict(mel=torch.randn(1, config["model_in_dim"], frames) - 3))
