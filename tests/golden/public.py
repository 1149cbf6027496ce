"""Writes the folder public/: tiny random models in exactly the layouts that the public ones come in, and what they compute.

- `tango/`: Tango's two pickles with its key prefixes, the mel autoencoder under latent diffusion's names, the vocoder with
  AudioLDM's rates and kernels, and the three .json files; `unet_config.json` and `vocoder_config.json` say what the real
  ones have in their programs.
- `stable_diffusion/`: a folder of diffusers, with the keys of 2022 for the autoencoder's attention.
- `flan_t5/`: tokenizer and configuration.
- `alpha.safetensors` and `official_alpha.safetensors`: shares of the picture, and scalars of the published code.
- `paper.safetensors` and `official.safetensors`: every stage and a whole guided run, for the paper's synapse and for
  that of the published code.

All weights are exact in f16. What is computed with them is written in wave_bundle.py, once.

    python tests/golden/public.py
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
import wave_bundle as wave
from autoencoder import ldm_weights
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

OUT = Path(__file__).with_name("public")
TANGO, IMAGE, WORDS = OUT / "tango", OUT / "stable_diffusion", OUT / "flan_t5"
LEVELS = dict(layers_per_block=1, norm_num_groups=2, block_out_channels=[4, 4, 8, 8], attention_head_dim=[1, 1, 2, 2],
              down_block_types=["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
              up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3, use_linear_projection=True)
CLIP = dict(vocab_size=9, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=11, hidden_act="gelu", bos_token_id=7, eos_token_id=8, pad_token_id=0)
ALPHA = torch.tensor([0.35, 0.25, 0.3, 0.4, 0.2, 0.45])
# Far from 0, where the published code begins, so that a mistake would be noticed; it makes shares of these.
OFFICIAL_ALPHA = torch.tensor([3.0, -2.0, 4.0, 2.5, -3.0, 5.0])


def reshape_wave() -> None:
    """Gives the models of wave_bundle.py the public ones' shape: four levels, and their vocoder's rates."""
    wave.OUT, wave.SIZE, wave.LATENT = OUT, 64, dict(channels=8, window=16, rows=8)
    wave.IMAGE_UNET = dict(LEVELS, in_channels=4, out_channels=4, cross_attention_dim=CLIP["hidden_size"], sample_size=8)
    wave.MUSIC_UNET = dict(LEVELS, in_channels=8, out_channels=8, cross_attention_dim=wave.TEXT["d_model"])
    wave.IMAGE_VAE = dict(wave.IMAGE_VAE, block_out_channels=[4, 4, 8, 8], norm_num_groups=2)
    wave.MEL_VAE = dict(wave.MEL_VAE, block_out_channels=[4, 8, 8], norm_num_groups=2)
    wave.VOCODER = dict(wave.VOCODER, model_in_dim=32, upsample_initial_channel=32, upsample_rates=[5, 4, 2, 2, 2],
                        upsample_kernel_sizes=[16, 16, 8, 4, 4])


class Cut(nn.Module):
    """As many samples as the mel lasts: the first stage's kernel gives one column more."""

    def __init__(self, vocoder: nn.Module) -> None:
        super().__init__()
        self.whole = vocoder

    def forward(self, mel: Tensor) -> Tensor:
        samples = self.whole(mel)
        assert samples.shape[-1] == 160 * mel.shape[-2] + 32
        return samples[..., : 160 * mel.shape[-2]]


def balanced(vocoder: nn.Module, mel: Tensor) -> nn.Module:
    """Neither five stages of residual blocks nor the single channel at the end take it to where tanh tells nothing apart."""
    for name, p in vocoder.named_parameters():
        if "resblocks" in name and p.dim() > 1:
            p.data = (0.4 * p.data).half().float()
    last = vocoder.conv_post
    before_tanh = []
    hook = last.register_forward_hook(lambda _module, _inputs, output: before_tanh.append(output))
    vocoder(mel)
    hook.remove()
    gain = 0.3 / before_tanh[0].std()
    last.weight.data = (gain * last.weight.data).half().float()
    last.bias.data = (gain * (last.bias.data - before_tanh[0].mean())).half().float()
    return vocoder


def empty_prompt(m: wave.Models) -> Tensor:
    """What Stable Diffusion's text encoder makes of no words: beginning, end, padding."""
    m.clip = wave.rough(CLIPTextModel(CLIPTextConfig(**CLIP)))
    ids = [CLIP["bos_token_id"], CLIP["eos_token_id"]] + [0] * (CLIP["max_position_embeddings"] - 2)
    return m.clip(torch.tensor([ids])).last_hidden_state.half().float()


def models() -> wave.Models:
    m = wave.Models()
    mel = m.mel_vae.decode(torch.randn(1, *wave.LATENT.values())).sample[0]
    m.null_text, m.alpha, m.vocoder = empty_prompt(m), ALPHA.half().float(), Cut(balanced(m.vocoder, mel))
    return m


def write_json(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def state_dict(tensors: dict[str, Tensor]) -> OrderedDict:
    """As a module gives it: ordered, and with an attribute, which pickles say in a way of their own."""
    tensors = OrderedDict(tensors)
    tensors._metadata = OrderedDict({"": dict(version=1)})
    return tensors


def write_tango(m: wave.Models) -> None:
    TANGO.mkdir(parents=True, exist_ok=True)
    music = {f"unet.{key}": value for key, value in m.music.state_dict().items()}
    text = {f"text_encoder.{key}": value for key, value in m.text.state_dict().items()}
    torch.save(state_dict(music | text), TANGO / "pytorch_model_main.bin")
    mel = {key: value.float() for key, value in ldm_weights(m.mel_vae).items()}
    vocoder = {key.replace("upsampler.", "ups."): value for key, value in m.vocoder.whole.state_dict().items()}
    vocoder = {f"vocoder.{key}": value for key, value in vocoder.items() if key not in ("mean", "scale")}
    torch.save(state_dict(mel | vocoder), TANGO / "pytorch_model_vae.bin")
    write_json(TANGO / "main_config.json", dict(text_encoder_name="google/flan-t5-large", unet_model_name=None,
               scheduler_name="stabilityai/stable-diffusion-2-1", unet_model_config_path="unet_config.json"))
    write_json(TANGO / "stft_config.json", dict(filter_length=1024, hop_length=160, win_length=1024, n_mel_channels=32,
               sampling_rate=16000, mel_fmin=0, mel_fmax=8000))
    first, *widths = wave.MEL_VAE["block_out_channels"]
    write_json(TANGO / "vae_config.json", dict(image_key="fbank", subband=1, embed_dim=8, time_shuffle=1,
               scale_factor=wave.MEL_VAE["scaling_factor"],
               ddconfig=dict(double_z=True, z_channels=8, resolution=256, downsample_time=False, in_channels=1, out_ch=1,
                             ch=first, ch_mult=[1] + [width // first for width in widths], num_res_blocks=wave.MEL_VAE["layers_per_block"],
                             attn_resolutions=[], dropout=0.0, norm_num_groups=wave.MEL_VAE["norm_num_groups"])))
    write_json(TANGO / "unet_config.json", {**m.music.config, "_class_name": "UNet2DConditionModel"})
    names = dict(model_in_dim="num_mels")
    write_json(TANGO / "vocoder_config.json", {names.get(k, k): v for k, v in wave.VOCODER.items()} | dict(resblock="1"))


def old_name(key: str) -> str:
    """Of the layers of an autoencoder's attention, as diffusers wrote them in 2022."""
    if ".attentions." in key:
        for new, old in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
            key = key.replace(f".{new}.", f".{old}.")
    return key


def write_stable_diffusion(m: wave.Models) -> None:
    for part, model in (("unet", m.image), ("vae", m.image_vae)):
        config = {key: value for key, value in model.config.items() if not key.startswith("_")}
        write_json(IMAGE / part / "config.json", dict(config, _class_name=type(model).__name__))
        weights = {old_name(key) if part == "vae" else key: value for key, value in wave.half(model).items()}
        save_file(weights, IMAGE / part / "diffusion_pytorch_model.safetensors", metadata=dict(format="pt"))
    schedule = {key: value for key, value in wave.SCHEDULE.items() if key != "timestep_spacing"}
    write_json(IMAGE / "scheduler" / "scheduler_config.json", dict(schedule, _class_name="DDIMScheduler", clip_sample=False,
               num_train_timesteps=1000, skip_prk_steps=True, trained_betas=None))
    write_json(IMAGE / "text_encoder" / "config.json", dict(CLIP, layer_norm_eps=1e-5, architectures=["CLIPTextModel"]))
    clip = {f"text_model.{key}": value for key, value in wave.half(m.clip).items()}
    clip["text_model.embeddings.position_ids"] = torch.arange(CLIP["max_position_embeddings"])[None]
    save_file(clip, IMAGE / "text_encoder" / "model.safetensors", metadata=dict(format="pt"))
    special = {"<|startoftext|>": CLIP["bos_token_id"], "<|endoftext|>": CLIP["eos_token_id"], "!": 0}
    write_json(IMAGE / "tokenizer" / "vocab.json", special)
    write_json(IMAGE / "tokenizer" / "special_tokens_map.json", dict(
        bos_token=dict(content="<|startoftext|>", lstrip=False), eos_token=dict(content="<|endoftext|>"), pad_token="!"))


def write_words() -> None:
    WORDS.mkdir(parents=True, exist_ok=True)
    (OUT / "tokenizer.json").rename(WORDS / "tokenizer.json")
    write_json(WORDS / "config.json", dict(wave.TEXT, architectures=["T5ForConditionalGeneration"], model_type="t5"))


class Given(wave.Watched):
    """The image model, and also what its decoder's cross-attention gave at each timestep."""

    def __init__(self, m: wave.Models) -> None:
        super().__init__(m)
        self.latest, m.given = [], {}
        self.given = m.given
        for block in wave.decoder_blocks(m.image):
            block.attn2.register_forward_hook(lambda _module, _inputs, output: self.latest.append(output))

    def __call__(self, x: Tensor, timestep: int) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        self.latest.clear()
        result = super().__call__(x, timestep)
        self.given[timestep] = list(self.latest)
        return result


class Official(wave.Blended):
    """Cross-attention whose text is partly a picture's, as the published code has it."""

    def __init__(self, alpha: Tensor) -> None:
        super().__init__((2 * torch.sigmoid(alpha) - 1) / 5)

    def keys_and_values(self, attn, tokens: Tensor) -> tuple[Tensor, ...]:
        text = (1 - self.alpha) * tokens + self.alpha * self.image[0]
        return attn.to_k(text), attn.to_v(text)


def write_references(m: wave.Models) -> None:
    """The paper's, then what is other in the published code."""
    wave.write_reference(m)
    path, paper_compose = OUT / "reference.safetensors", wave.compose
    path.rename(OUT / "paper.safetensors")

    def compose(m: wave.Models, _seen: dict, tokens: Tensor, mask: Tensor, found: dict[str, Tensor]) -> None:
        given = {t: [(output,) for output in outputs] for t, outputs in m.given.items()}
        paper_compose(m, given, tokens, mask, found)

    wave.Watched, wave.Blended, wave.compose = Given, Official, compose
    wave.pooled = lambda features, length: F.adaptive_avg_pool2d(features, (length, wave.TEXT["d_model"]))
    m.alpha = OFFICIAL_ALPHA
    wave.write_reference(m)
    with safe_open(path, "pt") as file:
        about = file.metadata()
    save_file(load_file(path), OUT / "official.safetensors", metadata=dict(about, synapse="official"))
    path.unlink()


@torch.no_grad()
def main() -> None:
    OUT.mkdir(exist_ok=True)
    reshape_wave()
    m = models()
    write_tango(m)
    write_stable_diffusion(m)
    write_words()
    save_file(dict(alpha=m.alpha), OUT / "alpha.safetensors")
    save_file(dict(alpha=OFFICIAL_ALPHA), OUT / "official_alpha.safetensors")
    write_references(m)
    print(f"{OUT.name}: {sum(path.stat().st_size for path in OUT.rglob('*') if path.is_file())} bytes")


if __name__ == "__main__":
    main()
