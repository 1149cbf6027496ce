"""Writes random models of the public ones' full size, in their layouts, and what PyTorch computes with them.

    python benches/full_size/reference.py FOLDER

Takes 13 GB of disk with the bundle that is made of it, 11 GB of memory and some minutes. Weights are exact in f16. The
layouts are those of tests/golden/public.py, but for the two .json files that the real folders do not have: there the
published numbers hold.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "golden"))

import public
import torch
import wave_bundle as wave
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor
from transformers import T5Config, T5EncoderModel

PROMPT, TIMESTEP = "slow strings and a calm piano for a rainy night", 501
LEVELS = dict(public.LEVELS, layers_per_block=2, norm_num_groups=32, block_out_channels=[320, 640, 1280, 1280],
              attention_head_dim=[5, 10, 20, 20], cross_attention_dim=1024)
T5 = dict(vocab_size=32128, d_model=1024, d_kv=64, d_ff=2816, num_layers=24, num_heads=16,
          feed_forward_proj="gated-gelu", pad_token_id=0, eos_token_id=1)
CLIP = dict(vocab_size=49408, hidden_size=1024, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16,
            max_position_embeddings=77, hidden_act="gelu", bos_token_id=49406, eos_token_id=49407, pad_token_id=0)
IMAGE_VAE = dict(wave.IMAGE_VAE, block_out_channels=[128, 256, 512, 512], layers_per_block=2, norm_num_groups=32)
MEL_VAE = dict(wave.MEL_VAE, block_out_channels=[128, 256, 512], layers_per_block=2, norm_num_groups=32)
VOCODER = dict(wave.VOCODER, model_in_dim=64, upsample_initial_channel=1024, upsample_rates=[5, 4, 2, 2, 2],
               upsample_kernel_sizes=[16, 16, 8, 4, 4], resblock_kernel_sizes=[3, 7, 11],
               resblock_dilation_sizes=[[1, 3, 5]] * 3)


def use_full_size(out: Path) -> None:
    public.OUT = wave.OUT = out
    public.TANGO, public.IMAGE, public.WORDS = out / "tango", out / "stable_diffusion", out / "flan_t5"
    public.CLIP, wave.MEL_VAE, wave.VOCODER = CLIP, MEL_VAE, VOCODER


def unet(channels: int, **more: int) -> UNet2DConditionModel:
    return wave.rough(UNet2DConditionModel(**LEVELS, in_channels=channels, out_channels=channels, **more))


def tango(found: dict[str, Tensor]) -> None:
    m = SimpleNamespace(words=wave.tokenizer(), mel_vae=wave.autoencoder(MEL_VAE))
    latents = found["music.latents"] = torch.randn(1, 8, 256, 16)
    mel = m.mel_vae.decode(latents / MEL_VAE["scaling_factor"]).sample[0]
    found["decoder.mel"] = mel
    print("mel", flush=True)
    m.vocoder = public.Cut(public.balanced(wave.vocoder(), mel))
    found["decoder.samples"] = m.vocoder(mel)
    print("samples", flush=True)
    m.text = wave.rough(T5EncoderModel(T5Config(**T5)))
    ids = m.words([PROMPT], return_tensors="pt")["input_ids"]
    found["text.tokens"] = m.text(ids).last_hidden_state
    print("text", flush=True)
    m.music = unet(8)
    found["music.velocity"] = m.music(latents, TIMESTEP, found["text.tokens"]).sample
    print("music", flush=True)
    public.write_tango(m)
    for name in ("unet_config.json", "vocoder_config.json"):
        (public.TANGO / name).unlink()
    public.WORDS.mkdir()
    (public.OUT / "tokenizer.json").rename(public.WORDS / "tokenizer.json")


def stable_diffusion(found: dict[str, Tensor]) -> None:
    m = SimpleNamespace(image_vae=wave.autoencoder(IMAGE_VAE))
    ramp = torch.linspace(-1, 1, 512)
    waves = [torch.outer(ramp, ramp.sin()), ramp.expand(512, 512), (9 * ramp).cos().expand(512, 512)]
    found["image.pixels"] = torch.stack(waves)[None]
    found["image.latents"] = m.image_vae.encode(found["image.pixels"]).latent_dist.mode() * IMAGE_VAE["scaling_factor"]
    print("latents", flush=True)
    null = found["image.empty_prompt"] = public.empty_prompt(m)
    m.image = unet(4, sample_size=96)
    seen = []
    for block in wave.decoder_blocks(m.image):
        for layer in (block.attn1.to_k, block.attn1.to_v):
            layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    found["image.noise"] = torch.randn(1, 4, 64, 64)
    found["image.velocity"] = m.image(found["image.noise"], TIMESTEP, null).sample
    for layer, (keys, values) in enumerate(zip(seen[::2], seen[1::2])):
        # The finest layers are 21 MB each; their first tokens do.
        found |= {f"image.keys.{layer}": keys[:, :256], f"image.values.{layer}": values[:, :256]}
    print("image", flush=True)
    public.write_stable_diffusion(m)


@torch.no_grad()
def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True)
    torch.manual_seed(7)
    use_full_size(out)
    found: dict[str, Tensor] = {}
    tango(found)
    gc.collect()
    stable_diffusion(found)
    about = dict(prompt=PROMPT, timestep=str(TIMESTEP))
    save_file({k: v.contiguous().clone() for k, v in found.items()}, out / "reference.safetensors", metadata=about)


if __name__ == "__main__":
    main()
