"""Writes a bundle of the public weights' kind, with random weights and the reference that `melfusion check` reads.

    python benches/random_bundle.py --size full --out FOLDER      # Tango and Stable Diffusion 2.1 as they are published
    python benches/random_bundle.py --size small --out FOLDER     # all of it at under a third of the width

What it makes is noise. It is for measuring memory and speed, and for seeing that a machine computes as PyTorch does.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.append(str(HERE.parent / "tests" / "golden"))

import wave_bundle  # noqa: E402

KINDS = dict(
    layers_per_block=2, norm_num_groups=32,
    down_block_types=["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"], up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    use_linear_projection=True)


def unets(levels: list[int], heads: list[int], words: int) -> tuple[dict, dict]:
    """Of pictures, which read CLIP's words, and of music, which read T5's; both of one width here."""
    shape = dict(KINDS, block_out_channels=levels, attention_head_dim=heads, cross_attention_dim=words)
    return dict(shape, in_channels=4, out_channels=4), dict(shape, in_channels=8, out_channels=8)


def sizes(size: str) -> dict:
    """Every number that `wave_bundle` makes a bundle from."""
    full = size == "full"
    width = 1024 if full else 512
    image, music = unets([320, 640, 1280, 1280] if full else [96, 192, 384, 384], [5, 10, 20, 20] if full else [3, 6, 12, 12], width)
    vae = dict(layers_per_block=2, norm_num_groups=32)
    return dict(
        # The vocabulary is cut: of its rows only those of a handful of words would be read.
        TEXT=dict(wave_bundle.TEXT, vocab_size=32128 if full else 8192, d_model=width, d_kv=64, d_ff=2816 if full else 1024,
                  num_layers=24 if full else 8, num_heads=16 if full else 6, relative_attention_num_buckets=32,
                  relative_attention_max_distance=128),
        IMAGE_UNET=image, MUSIC_UNET=music,
        IMAGE_VAE=dict(wave_bundle.IMAGE_VAE, **vae, block_out_channels=[128, 256, 512, 512] if full else [64, 128, 256, 256]),
        MEL_VAE=dict(wave_bundle.MEL_VAE, **vae, block_out_channels=[128, 256, 512] if full else [64, 128, 256]),
        VOCODER=dict(wave_bundle.VOCODER, model_in_dim=64, upsample_initial_channel=1024 if full else 512,
                     upsample_rates=[5, 4, 2, 2, 2], upsample_kernel_sizes=[15, 16, 8, 4, 4],
                     resblock_kernel_sizes=[3, 7, 11], resblock_dilation_sizes=[[1, 3, 5]] * 3),
        LATENT=dict(channels=8, window=256, rows=16), SIZE=512, NULL_TOKENS=77, ALPHA=[0.35] * 9, STEPS=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--no-reference", action="store_true", help="leave out what only melfusion check reads, and takes long")
    args = parser.parse_args()
    wave_bundle.OUT = args.out
    for name, value in sizes(args.size).items():
        setattr(wave_bundle, name, value)
    if args.no_reference:
        wave_bundle.write_reference = lambda _: None
    wave_bundle.main()


if __name__ == "__main__":
    main()
