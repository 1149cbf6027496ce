"""A bundle of the paper's kind, read into the classes of diffusers and transformers.

Bundles keep diffusers' and transformers' names and say every number in `manifest.toml`, so full-size weights and the tiny
random ones that the tests use are read by the same lines.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import T5Config, T5EncoderModel

OURS = ("circular_time",)  # fields of a UNet's table that diffusers does not know


@dataclass
class Bundle:
    """A folder with a manifest and weights."""

    folder: Path
    manifest: dict

    @classmethod
    def open(cls, folder: Path) -> "Bundle":
        """Reads the manifest.

        Raises `SystemExit` where the bundle is not of the paper's kind: this recipe trains on mels of a fixed hop.
        """
        manifest = tomllib.loads((folder / "manifest.toml").read_text())
        if manifest["decoder"]["kind"] != "wave":
            raise SystemExit(f"{folder} is no bundle of the paper's kind; make one with melfusion bundle import")
        return cls(folder, manifest)

    def tensors(self, stage: str, prefix: str = "") -> dict[str, Tensor]:
        """The tensors of a stage below `prefix`, without it; f32."""
        found = load_file(self.folder / self.manifest[stage]["weights"])
        return {name[len(prefix):]: value.float() for name, value in found.items() if name.startswith(prefix)}

    def scheduler(self, stage: str) -> DDIMScheduler:
        """The noise schedule of `image` or `music`."""
        return DDIMScheduler(**self.manifest[stage]["schedule"], clip_sample=False)

    def unet(self, stage: str) -> UNet2DConditionModel:
        """The denoiser of `image` or `music`."""
        config = {name: value for name, value in self.manifest[stage]["unet"].items() if name not in OURS}
        if "projection_class_embeddings_input_dim" in config:
            config["class_embed_type"] = "simple_projection"
        return loaded(UNet2DConditionModel(**config), self.tensors(stage, "unet."))

    def text(self) -> tuple[Tokenizer, T5EncoderModel]:
        """Tokenizer and text encoder."""
        said, weights = self.manifest["text"], self.tensors("text")
        tokenizer = Tokenizer.from_file(str(self.folder / said["tokenizer"]))
        tokenizer.enable_truncation(said.get("max_tokens", 512))
        tokenizer.no_padding()
        encoder = T5EncoderModel(T5Config(**said["t5"], use_cache=False))
        return tokenizer, loaded(encoder, {**weights, "encoder.embed_tokens.weight": weights["shared.weight"]})

    def picture_encoder(self) -> AutoencoderKL:
        """Pictures to latents; the decoder, which bundles do without, stays random."""
        return loaded(autoencoder(self.manifest["image"]["vae"]), self.tensors("image", "vae."), partly=True)

    def null_text(self) -> Tensor:
        """What the image model reads instead of words, (1, n, d)."""
        return self.tensors("image")[self.manifest["image"]["context"]]

    def alpha(self) -> Tensor:
        """Share of the picture in every decoder layer of the music UNet, (layers,)."""
        return self.tensors("synapse")["alpha"]


def autoencoder(config: dict) -> AutoencoderKL:
    """diffusers' autoencoder from a bundle's table."""
    levels = len(config["block_out_channels"])
    config = {name: value for name, value in config.items() if name not in OURS}
    return AutoencoderKL(**config, down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels)


def mel_encoder(config: dict, path: Path) -> AutoencoderKL:
    """The mel's autoencoder with the encoder, which bundles do without, from Tango's or AudioLDM's own file.

    `path` is a `pytorch_model_vae.bin` or a safetensors file; names are latent diffusion's or diffusers'.
    """
    state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)
    model = autoencoder(config)
    if any(name.startswith("encoder.down.") for name in state):
        state = convert_ldm_vae_checkpoint(state, dict(model.config))
    encoder = {name: value.float() for name, value in state.items() if name.startswith(("encoder.", "quant_conv."))}
    if not encoder:
        raise SystemExit(f"{path} has no encoder; give the pytorch_model_vae.bin that the bundle was imported from")
    return loaded(model, encoder, partly=True)


def loaded(model: nn.Module, state: dict[str, Tensor], partly: bool = False) -> nn.Module:
    """The model with these weights, frozen. Only with `partly` may the file lack some of them."""
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or (missing and not partly):
        raise SystemExit(f"the weights do not fit {type(model).__name__}: lacks {missing[:3]}, has besides {unexpected[:3]}")
    return model.eval().requires_grad_(False)
