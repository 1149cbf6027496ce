"""Writes hifi_gan.safetensors: a tiny SpeechT5HifiGan of transformers, which is HiFi-GAN's generator.

Run after autoencoder.py: `wave` is what the vocoder makes of the mel decoded there.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

HERE = Path(__file__).parent


def tiny(normalize_before: bool, kernels: tuple[int, int] = (11, 4)) -> SpeechT5HifiGan:
    config = SpeechT5HifiGanConfig(
        model_in_dim=16,
        sampling_rate=16000,
        upsample_initial_channel=16,
        upsample_rates=[5, 2],
        upsample_kernel_sizes=list(kernels),
        resblock_kernel_sizes=[3, 7],
        resblock_dilation_sizes=[[1, 3], [1, 5]],
        normalize_before=normalize_before,
    )
    model = SpeechT5HifiGan(config).eval()
    for name, parameter in model.named_parameters():
        # Fresh weights are so small that everything but the last bias would vanish.
        spread = 0.1 if name.endswith("bias") else (parameter[0].numel()) ** -0.5
        parameter.data = torch.randn_like(parameter) * spread
    model.mean.data = torch.randn(config.model_in_dim) - 3
    model.scale.data = torch.rand(config.model_in_dim) + 0.5
    return rounded(model)


def without_weight_norm(model: SpeechT5HifiGan) -> SpeechT5HifiGan:
    """Splits the weights as training does and joins them again as exporting does."""
    model.apply_weight_norm()
    model.remove_weight_norm()
    return rounded(model)


def rounded(model: SpeechT5HifiGan) -> SpeechT5HifiGan:
    for tensor in model.state_dict().values():
        tensor.copy_(tensor.half())
    return model


def tango_name(name: str) -> str:
    return name.replace("upsampler.", "ups.")


@torch.no_grad()
def main() -> None:
    torch.manual_seed(7)
    mel = torch.randn(2, 24, 16) - 3
    plain, normalized = tiny(False), tiny(True)
    decoded = load_file(HERE / "autoencoder.safetensors")["mel.decoded"]
    tensors = {
        "mel": mel.transpose(1, 2),
        "plain.samples": plain(mel),
        "normalized.samples": normalized(mel),
        "wave.samples": plain(decoded[:, 0]),
    }
    layer_weights = {key: value for key, value in plain.state_dict().items() if key not in ("mean", "scale")}
    tensors |= {f"plain.weights.{tango_name(key)}": value.half() for key, value in layer_weights.items()}
    tensors |= {f"normalized.weights.{key}": value.half() for key, value in normalized.state_dict().items()}
    # Kernels that exceed their rates by an odd number, as AudioLDM's first stage does.
    uneven = tiny(False, (12, 5))
    tensors["uneven.samples"] = uneven(mel)
    layer_weights = {key: value for key, value in uneven.state_dict().items() if key not in ("mean", "scale")}
    tensors |= {f"uneven.weights.{tango_name(key)}": value.half() for key, value in layer_weights.items()}
    save_file({key: value.contiguous() for key, value in tensors.items()}, HERE / "hifi_gan.safetensors")


if __name__ == "__main__":
    main()
