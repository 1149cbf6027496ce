"""Writes autoencoder.safetensors and autoencoder_ldm.safetensors: tiny AutoencoderKL models of diffusers.

`image` is shaped like a picture's autoencoder, `mel` like AudioLDM's. The weights of `mel` are in the second file,
under the names and in the shapes that latent-diffusion gives them.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

HERE = Path(__file__).parent
LEVELS = 3


def tiny(channels: int, latent_channels: int, scaling_factor: float) -> AutoencoderKL:
    model = AutoencoderKL(
        in_channels=channels,
        out_channels=channels,
        down_block_types=["DownEncoderBlock2D"] * LEVELS,
        up_block_types=["UpDecoderBlock2D"] * LEVELS,
        block_out_channels=[8, 16, 16],
        layers_per_block=1,
        latent_channels=latent_channels,
        norm_num_groups=4,
        scaling_factor=scaling_factor,
    ).eval()
    for parameter in model.parameters():
        # Fresh norms are the identity and would hide a mistake; f16 halves the file.
        noisy = parameter + 0.05 * torch.randn_like(parameter)
        parameter.data = noisy.half().float()
    return model


def ldm_name(name: str) -> str:
    """The latent-diffusion name of a diffusers key."""
    words = name.split(".")
    if words[0] not in ("encoder", "decoder"):
        return name
    out, rest = words[:1], words[1:]
    if rest[0] == "conv_norm_out":
        out += ["norm_out"]
    elif rest[:2] == ["mid_block", "resnets"]:
        out += ["mid", f"block_{int(rest[2]) + 1}", *rest[3:-1]]
    elif rest[:2] == ["mid_block", "attentions"]:
        layers = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out": "proj_out"}
        out += ["mid", "attn_1", layers[rest[3]]]
    elif rest[0] in ("down_blocks", "up_blocks"):
        side, level = rest[0].removesuffix("_blocks"), int(rest[1])
        level = level if side == "down" else LEVELS - 1 - level
        out += [side, str(level)]
        if rest[2] == "resnets":
            out += ["block", rest[3], rest[4].replace("conv_shortcut", "nin_shortcut")]
        else:
            out += [rest[2].removesuffix("rs"), "conv"]
    else:
        out += rest[:-1]
    return ".".join(out + rest[-1:])


def ldm_weights(model: AutoencoderKL) -> dict[str, torch.Tensor]:
    weights = {}
    for name, tensor in model.state_dict().items():
        if ".attentions." in name and tensor.dim() == 2:
            tensor = tensor[:, :, None, None]
        weights[ldm_name(name)] = tensor.half().contiguous()
    return weights


@torch.no_grad()
def record(name: str, model: AutoencoderKL, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    scale = model.config.scaling_factor
    latents = model.encode(pixels).latent_dist.mode() * scale
    decoded = model.decode(latents / scale).sample
    tensors = {f"{name}.pixels": pixels, f"{name}.latents": latents, f"{name}.decoded": decoded}
    return {key: value.contiguous() for key, value in tensors.items()}


def main() -> None:
    torch.manual_seed(7)
    image = tiny(3, 4, 0.18215)
    mel = tiny(1, 8, 0.9227914214134216)
    tensors = record("image", image, torch.rand(2, 3, 16, 16) * 2 - 1)
    tensors |= record("mel", mel, torch.randn(1, 1, 32, 16) - 3)
    tensors |= {f"image.weights.{key}": value.half() for key, value in image.state_dict().items()}
    save_file(tensors, HERE / "autoencoder.safetensors")
    save_file(ldm_weights(mel), HERE / "autoencoder_ldm.safetensors")


if __name__ == "__main__":
    main()
