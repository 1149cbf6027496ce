"""Writes the folder wave/: a whole bundle of the paper's kind, tiny and random, with its reference.

Everything that can differ from the mini bundle does: prompts of unequal length, so that tokens are
hidden; an image model of Stable Diffusion's kind with a null text of its own; a synapse along the sequence of tokens
and without a global path, which both halves of guidance see; a mel autoencoder and a vocoder at 16 kHz.
`reference.safetensors` is what torch, diffusers and transformers compute with the same weights.

    python tests/golden/wave_bundle.py
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, SpeechT5HifiGan, SpeechT5HifiGanConfig, T5Config, T5EncoderModel

OUT = Path(__file__).with_name("wave")
CORPUS = ["a calm piano piece for a quiet night by the sea", "slow strings, sad and dark, under falling rain",
          "joyful guitar and drums for a sunny morning in the hills"]
PROMPT = "quiet strings for a night of rain"
STEPS, GUIDANCE, SECONDS_PER_BEAT = 4, 3.0, 0.5
SIZE, NULL_TOKENS = 32, 5
ALPHA = [0.35, 0.25, 0.3, 0.4]
OWN = ("manifest", "reference")  # what no stage reads
LATENT = dict(channels=8, window=16, rows=4)
TEXT = dict(vocab_size=96, d_model=16, d_kv=4, d_ff=24, num_layers=2, num_heads=3, relative_attention_num_buckets=8,
            relative_attention_max_distance=20, feed_forward_proj="gated-gelu", pad_token_id=0, eos_token_id=1)
LEVELS = dict(layers_per_block=1, norm_num_groups=8,
              down_block_types=["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
              up_block_types=["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"])
IMAGE_UNET = dict(LEVELS, in_channels=4, out_channels=4, block_out_channels=[8, 8, 8],
                  attention_head_dim=[2, 4, 2], cross_attention_dim=12)
MUSIC_UNET = dict(LEVELS, in_channels=8, out_channels=8, block_out_channels=[8, 8, 16],
                  attention_head_dim=[1, 2, 4], cross_attention_dim=16, use_linear_projection=True)
IMAGE_VAE = dict(in_channels=3, out_channels=3, latent_channels=4, block_out_channels=[8, 8, 8], layers_per_block=1,
                 norm_num_groups=8, scaling_factor=0.18215)
MEL_VAE = dict(in_channels=1, out_channels=1, latent_channels=8, block_out_channels=[8, 16, 16], layers_per_block=1,
               norm_num_groups=4, scaling_factor=0.9227914214136216)
SCHEDULE = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, prediction_type="v_prediction",
                timestep_spacing="leading", steps_offset=1, set_alpha_to_one=False)
VOCODER = dict(model_in_dim=16, sampling_rate=16000, upsample_initial_channel=8, upsample_rates=[8, 5, 4],
               upsample_kernel_sizes=[16, 11, 8], resblock_kernel_sizes=[3, 7],
               resblock_dilation_sizes=[[1, 3], [1, 5]], leaky_relu_slope=0.1, normalize_before=False)


def rough(model: nn.Module) -> nn.Module:
    """Weights exact in f16, no norm the identity, attention loud enough that a wrong token would be noticed."""
    for name, p in model.named_parameters():
        loud = 2.0 if ".to_k" in name or ".to_v" in name else 1.0
        noise = 0.1 * torch.randn_like(p) if p.dim() == 1 else 0.0
        p.data = (loud * p.data + noise).half().float()
    return model.eval()


def autoencoder(config: dict) -> AutoencoderKL:
    levels = len(config["block_out_channels"])
    return rough(AutoencoderKL(**config, down_block_types=["DownEncoderBlock2D"] * levels,
                               up_block_types=["UpDecoderBlock2D"] * levels))


def vocoder() -> SpeechT5HifiGan:
    """Loud enough to be heard, and smooth enough for a click to be: most of every kernel is a bell."""
    model = SpeechT5HifiGan(SpeechT5HifiGanConfig(**VOCODER)).eval()
    for name, p in model.named_parameters():
        if p.dim() == 1:
            p.data = (0.02 * torch.randn_like(p)).half().float()
            continue
        bell = 2 * torch.hann_window(p.shape[2] + 2, periodic=False)[1:-1]
        kernels = torch.randn(*p.shape[:2], 1) * bell + 0.2 * torch.randn_like(p)
        p.data = (kernels * (1.0 if "upsampler" in name else 1.0) * p[0].numel() ** -0.5).half().float()
    return model


def tokenizer() -> PreTrainedTokenizerFast:
    """Words of the corpus, else letters; not trained, since training is not repeatable."""
    words = sorted({"\u2581" + word for line in CORPUS for word in line.replace(",", "").split()})
    letters = sorted({letter for word in words for letter in word} | set(",fkxz"))
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocabulary += [(word, -3.0) for word in words] + [(letter, -5.0) for letter in letters]
    pieces = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    pieces.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    pieces.save(str(OUT / "tokenizer.json"), pretty=False)
    return PreTrainedTokenizerFast(tokenizer_file=str(OUT / "tokenizer.json"), pad_token="<pad>", eos_token="</s>",
                                   unk_token="<unk>")


class Models:
    """One of each, random."""

    def __init__(self) -> None:
        torch.manual_seed(7)
        self.words = tokenizer()
        self.text = rough(T5EncoderModel(T5Config(**TEXT)))
        self.image_vae, self.mel_vae = autoencoder(IMAGE_VAE), autoencoder(MEL_VAE)
        self.image, self.music = rough(UNet2DConditionModel(**IMAGE_UNET)), rough(UNet2DConditionModel(**MUSIC_UNET))
        self.null_text = torch.randn(1, NULL_TOKENS, IMAGE_UNET["cross_attention_dim"]).half().float()
        self.alpha = torch.tensor(ALPHA).half().float()
        self.vocoder = vocoder()


def half(model: nn.Module, prefix: str = "", only: tuple[str, ...] = ("",)) -> dict[str, Tensor]:
    """A model's tensors whose names begin with one of `only`."""
    return {prefix + k: v.half().contiguous() for k, v in model.state_dict().items() if k.startswith(only)}


def write_weights(m: Models) -> None:
    text = {k: v for k, v in half(m.text).items() if k != "encoder.embed_tokens.weight"}
    image = half(m.image_vae, "vae.", ("encoder.", "quant_conv.")) | half(m.image, "unet.")
    sound = {k.replace("upsampler.", "ups."): v for k, v in half(m.vocoder, "vocoder.").items()}
    sound = {k: v for k, v in sound.items() if k not in ("vocoder.mean", "vocoder.scale")}
    files = dict(text=text, image=image | {"empty_prompt": m.null_text.half()}, music=half(m.music, "unet."),
                 synapse={"alpha": m.alpha.half()},
                 decoder=sound | half(m.mel_vae, "", ("decoder.", "post_quant_conv.")))
    for name, tensors in files.items():
        save_file(tensors, OUT / f"{name}.safetensors")


def decoder_blocks(unet: UNet2DConditionModel) -> list[nn.Module]:
    return [a.transformer_blocks[0] for level in unet.up_blocks for a in getattr(level, "attentions", [])]


class Blended:
    """Cross-attention whose keys and values are partly a picture's, written out by hand."""

    image: tuple[Tensor, Tensor]

    def __init__(self, alpha: Tensor) -> None:
        self.alpha = alpha

    def keys_and_values(self, attn, tokens: Tensor) -> tuple[Tensor, ...]:
        text = attn.to_k(tokens), attn.to_v(tokens)
        return tuple(self.alpha * i + (1 - self.alpha) * t for i, t in zip(self.image, text))

    def __call__(self, attn, xs: Tensor, encoder_hidden_states: Tensor, attention_mask: Tensor, **_) -> Tensor:
        keys, values = self.keys_and_values(attn, encoder_hidden_states)
        queries, keys, values = (attn.head_to_batch_dim(t) for t in (attn.to_q(xs), keys, values))
        hidden = attention_mask.repeat_interleave(attn.heads, 0)
        shares = (queries @ keys.transpose(1, 2) * attn.scale + hidden).softmax(-1)
        return attn.to_out[0](attn.batch_to_head_dim(shares @ values))


class Watched:
    """The image model, and what its decoder's self-attention held when it was last evaluated."""

    def __init__(self, m: Models) -> None:
        self.unet, self.null_text, self.seen = m.image, m.null_text, []
        for block in decoder_blocks(m.image):
            for layer in (block.attn1.to_k, block.attn1.to_v):
                layer.register_forward_hook(lambda _module, _inputs, output: self.seen.append(output))

    def __call__(self, x: Tensor, timestep: int) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        self.seen.clear()
        velocity = self.unet(x, timestep, self.null_text).sample
        return velocity, list(zip(self.seen[::2], self.seen[1::2]))


def look(m: Models, found: dict[str, Tensor]) -> dict[int, list[tuple[Tensor, Tensor]]]:
    """DDIM inversion, the model evaluated where the walk stands; returns keys and values per timestep."""
    ramp = torch.linspace(-1, 1, SIZE)
    waves = torch.stack([torch.outer(a, b) for a, b in ((ramp.sin(), ramp), (ramp, (5 * ramp).cos()), (ramp, ramp))])
    found["image.pixels"] = (waves + 0.2 * torch.randn(3, SIZE, SIZE)).clamp(-1, 1)[None]
    x = m.image_vae.encode(found["image.pixels"]).latent_dist.mode() * IMAGE_VAE["scaling_factor"]
    found["image.latents"] = x
    scheduler = DDIMScheduler(**SCHEDULE, clip_sample=False)
    scheduler.set_timesteps(STEPS)
    watched, seen, at, here = Watched(m), {}, scheduler.final_alpha_cumprod, 0
    for t in reversed(scheduler.timesteps.tolist()):
        velocity, _ = watched(x, here)
        x0, eps = at.sqrt() * x - (1 - at).sqrt() * velocity, (1 - at).sqrt() * x + at.sqrt() * velocity
        at, here = scheduler.alphas_cumprod[t], t
        x = at.sqrt() * x0 + (1 - at).sqrt() * eps
        found["image.velocity"], seen[t] = watched(x, t)
    found["image.inverted"] = x
    for layer, (keys, values) in enumerate(seen[here]):
        found |= {f"image.keys.{layer}": keys, f"image.values.{layer}": values}
    return seen


def read(m: Models, found: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Nothing and the prompt, padded to one length, as the paper's code does; tokens and mask."""
    words = m.words(["", PROMPT], padding=True, return_tensors="pt")
    tokens = m.text(words["input_ids"], attention_mask=words["attention_mask"]).last_hidden_state
    found["text.ids"], found["text.tokens"] = words["input_ids"][1:], tokens[1:]
    return tokens, words["attention_mask"].bool()


def pooled(features: Tensor, length: int) -> Tensor:
    """`(1, n, c)` to `(1, length, c)`."""
    return F.adaptive_avg_pool1d(features.transpose(1, 2), length).transpose(1, 2)


def compose(m: Models, seen: dict[int, list], tokens: Tensor, mask: Tensor, found: dict[str, Tensor]) -> None:
    """Guided DDIM; both halves see the picture."""
    scheduler = DDIMScheduler(**SCHEDULE, clip_sample=False)
    scheduler.set_timesteps(STEPS)
    blends = [Blended(alpha) for alpha in m.alpha]
    for block, blend in zip(decoder_blocks(m.music), blends):
        block.attn2.processor = blend
    x = found["music.noise"] = torch.randn(1, LATENT["channels"], LATENT["window"], LATENT["rows"])
    for t in scheduler.timesteps.tolist():
        for blend, features in zip(blends, seen[t]):
            blend.image = tuple(pooled(f, tokens.shape[1]) for f in features)
        velocity = m.music(x.expand(2, -1, -1, -1), t, tokens, encoder_attention_mask=mask).sample
        found.setdefault("music.velocity", velocity)
        x = scheduler.step(velocity[:1] + GUIDANCE * (velocity[1:] - velocity[:1]), t, x).prev_sample
    found["music.latents"] = x


def write_reference(m: Models) -> None:
    found: dict[str, Tensor] = {}
    tokens, mask = read(m, found)
    assert not mask.all(), "some tokens should be hidden"
    compose(m, look(m, found), tokens, mask, found)
    mel = found["decoder.mel"] = m.mel_vae.decode(found["music.latents"] / MEL_VAE["scaling_factor"]).sample[0]
    found["decoder.samples"] = m.vocoder(mel)
    loudness = 20 * math.log10(float(found["decoder.samples"].std()))
    assert loudness > -40, f"{loudness:.0f} dB is too quiet to be heard"
    about = dict(prompt=PROMPT, seconds_per_beat=repr(SECONDS_PER_BEAT), steps=str(STEPS), guidance=repr(GUIDANCE))
    save_file({k: v.contiguous().clone() for k, v in found.items()}, OUT / "reference.safetensors", metadata=about)


def toml(value: object) -> str:
    """A value in TOML's notation."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def table(name: str, values: dict) -> str:
    return f"\n[{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in values.items())


def write_manifest() -> None:
    """The manifest with the hashes of the files as they are."""
    head = dict(format=1, name="wave", version="0.1.0", licence="MIT OR Apache-2.0", trained_on="nothing",
                description="Random weights in the shape of Tango and Stable Diffusion.", sample_rate=16000)
    tables = {
        "defaults": dict(steps=100, guidance=3.0, guidance_rescale=0.0, sampler="ddpm"),
        "text": dict(weights="text.safetensors", tokenizer="tokenizer.json", max_tokens=64), "text.t5": TEXT,
        "image": dict(weights="image.safetensors", size=SIZE, context="empty_prompt"), "image.vae": IMAGE_VAE,
        "image.unet": IMAGE_UNET, "image.schedule": SCHEDULE, "music": dict(weights="music.safetensors", latent=LATENT),
        "music.unet": MUSIC_UNET, "music.schedule": SCHEDULE,
        "synapse": dict(weights="synapse.safetensors", pool=dict(kind="sequence"), guide="text"),
        "decoder": dict(weights="decoder.safetensors", kind="wave"), "decoder.autoencoder": MEL_VAE,
        "decoder.vocoder": VOCODER,
        "files": {json.dumps(path.name): entry(path) for path in sorted(OUT.iterdir()) if path.stem not in OWN},
    }
    text = "".join(f"{key} = {toml(value)}\n" for key, value in head.items())
    (OUT / "manifest.toml").write_text(text + "".join(table(*item) for item in tables.items()))


def entry(path: Path) -> dict:
    return dict(sha256=hashlib.sha256(path.read_bytes()).hexdigest(), bytes=path.stat().st_size)


@torch.no_grad()
def main() -> None:
    OUT.mkdir(exist_ok=True)
    m = Models()
    write_weights(m)
    write_reference(m)
    write_manifest()
    print(f"{OUT.name}: {sum(path.stat().st_size for path in OUT.iterdir())} bytes")


if __name__ == "__main__":
    main()
