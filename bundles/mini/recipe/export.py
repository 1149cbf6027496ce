"""Writes the bundle from the trained stages: f16 weights, the bank, the manifest, and what PyTorch computes with them.

    python export.py --work DIR [DIR...] --bank DIR --out ../ [--kept SHARE]

With more than one work folder the music is the mean of all, which began from the same weights and were trained on their own at the same
time; everything else is the first's. `--bank` is what `bank.py` wrote.

`reference.safetensors` holds inputs and outputs of every stage, computed in f32 from the f16 weights that ship, so that
`melfusion check` can compare any implementation with PyTorch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

import nets
import start
import synapse
import tokens
from agreement import Agreement
from augment import IMAGE_SIZE, shrink
from composer.styles import STYLES
from dit import flatten, unflatten
from image_ldm import load_image_model
from latents import CODE, ONSET, QUIETEST, RANGE, SUSTAIN, ScoreLatents
from music_ldm import TRAINED_ON
from music_model import HARMONICS, MusicModel, dit_config, position_planes
from picture_reader import NAMES, READER, PictureReader
from schedule import CONFIG, UNGUIDED, UNWALKED, Schedule, alphas_cumprod
from sights import paint_scene

VERSION = "0.15.0"
FILES = ("text", "image", "music", "synapse", "decoder")
BANK, NOTICE = "instruments.sf3", "instruments.txt"
RATE = 48_000  # Hz, of the sound unless a request says another
PROMPT = "calm piano over soft strings"
BEAT = 60 / 96  # seconds per grid beat of the reference
STEPS = 4  # of the reference's inversion and sampling
GUIDANCE = 2.5
WORD_GUIDANCE = 1.5  # times as much guidance adds to the words as to the picture


def half(state: dict[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """The floating tensors of a state dict as contiguous f16 under `prefix`."""
    return {prefix + name: value.detach().half().contiguous() for name, value in state.items()}


def music_model(works: list[Path], kept: float, latents: ScoreLatents) -> MusicModel:
    """The mean of the music models as they were trained and, with the share `kept`, as they came from the bundle that the work began from.

    Where nothing was trained it is the latter.
    """
    trained = [work / "music.pt" for work in works if (work / "music.pt").exists()]
    states = [torch.load(path, weights_only=True, map_location="cpu")["average"] for path in trained]
    shares = [(1 - kept) / len(states)] * len(states) if states else []
    if kept > 0 or not states:
        states.append(torch.load(works[0] / "music_start.pt", weights_only=True))
        shares.append(kept if shares else 1.0)
    model = MusicModel(dit_config(latents))
    model.load_state_dict({name: sum(share * state[name] for share, state in zip(shares, states)) for name in states[0]})
    return model.eval().requires_grad_(False)


def write_weights(work: Path, music: MusicModel, latents: ScoreLatents, out: Path) -> None:
    """One file per stage."""
    vae, image, _ = load_image_model(work)
    encoder = {k: v for k, v in vae.state_dict().items() if k.startswith(("encoder.", "quant_conv."))}
    norm, reader = torch.load(work / "pooled_norm.pt", weights_only=True), PictureReader.load(work / READER)
    text = {k: v for k, v in music.text.state_dict().items() if k != "encoder.embed_tokens.weight"}
    save_file(half(text), out / "text.safetensors")
    save_file({**half(encoder, "vae."), **half(image.unet.state_dict(), "unet."), "null_text": image.null_text.detach().half()},
              out / "image.safetensors")
    save_file({**half(music.dit.state_dict(), "dit."), "dit.alphas": alphas_cumprod().float()}, out / "music.safetensors")
    save_file({"alpha": torch.sigmoid(music.alpha).detach(), "pooled_mean": norm["mean"], "pooled_std": norm["std"],
               "reader.weight": reader.weight.half(), "reader.bias": reader.bias}, out / "synapse.safetensors")
    found = {"clip.numbers": torch.from_numpy(latents.numbers), "chords.tones": torch.from_numpy(latents.chords.tones),
             "chords.share": torch.from_numpy(latents.chords.share),
             "outline.harmony": torch.from_numpy(latents.outline.harmony), "outline.cues": torch.from_numpy(latents.outline.cues)}
    for name, part in latents.parts.items():
        found |= {f"{name}.mean": torch.from_numpy(part.mean), f"{name}.basis": torch.from_numpy(part.basis), f"{name}.codes": torch.from_numpy(part.codes),
                  f"{name}.dynamics": torch.tensor(part.dynamics)}
    save_file({name: value.float().contiguous() for name, value in found.items()}, out / "decoder.safetensors")


class Shipped:
    """The networks with the weights as they ship."""

    def __init__(self, out: Path, scale: float) -> None:
        (self.vae, self.image), self.scale = start.image_models(out), scale
        self.music, self.synapse, self.latents = start.music_model(out), start.read(out, "synapse"), start.score_latents(out)
        for module in (self.vae, self.image, self.music):
            module.eval()


@torch.no_grad()
def reference(shipped: Shipped, tokenizer: Tokenizer, picture: Tensor) -> dict[str, Tensor]:
    """Inputs and outputs of every stage; names as `melfusion check` reads them."""
    found: dict[str, Tensor] = {}
    ids = tokens.encode(tokenizer, ["", PROMPT])
    found["text.ids"], found["text.tokens"] = ids[1:], shipped.music.text(ids).last_hidden_state[1:]
    empty = shipped.music.text(ids).last_hidden_state[:1]
    found["image.pixels"] = picture.float() / 127.5 - 1
    z = found["image.latents"] = shipped.vae.encode(found["image.pixels"]).latent_dist.mode() * shipped.scale
    seen = _look(shipped, z, found)
    _compose(shipped, seen, torch.cat([empty, found["text.tokens"]]), found)
    rows = flatten(found["music.latents"], shipped.latents.row_channels)[0].numpy()
    agreed = Agreement(shipped.latents)(torch.from_numpy(rows)[None], 0, len(rows) // 4)
    # What is left of the noise in channels that no row uses stays.
    changed = unflatten(agreed - torch.from_numpy(rows), shipped.latents.row_channels, found["music.latents"].shape[1])
    found["decoder.agreed"] = found["music.latents"] + changed
    found["decoder.roll"] = torch.from_numpy(shipped.latents.rolls(rows)).float()[None]
    return found


def _look(shipped: Shipped, z: Tensor, found: dict[str, Tensor]) -> dict[int, list]:
    """Inverts the picture; returns pooled keys and values per timestep."""
    taps, schedule, seen = synapse.capture(shipped.image.unet), Schedule(), {}

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        v = shipped.image(x, t)
        seen[int(t)] = [(tap.keys, tap.values) for tap in taps]
        return v

    path = schedule.invert(velocity, z, STEPS)
    last = Schedule.trailing(STEPS)[0]
    found["image.inverted"], found["image.velocity"] = path[-1], velocity(path[-1], torch.full((1,), last))
    for layer, (keys, values) in enumerate(seen[last]):
        found[f"image.keys.{layer}"], found[f"image.values.{layer}"] = keys, values
    pooled = torch.cat([values.mean(1) for _, values in seen[0]], -1)
    found["synapse.global"] = (pooled - shipped.synapse["pooled_mean"]) / shipped.synapse["pooled_std"]
    return {t: [(synapse.pool(k), synapse.pool(v)) for k, v in layers] for t, layers in seen.items()}


def _compose(shipped: Shipped, seen: dict[int, list], text: Tensor, found: dict[str, Tensor]) -> None:
    """Guided DDIM from fixed noise, of what is said when told nothing, the words alone, and words and picture."""
    from diffusers import DDIMScheduler

    dit, config, scheduler = shipped.music.dit, shipped.music.dit.config, DDIMScheduler(**CONFIG, clip_sample=False)
    scheduler.set_timesteps(STEPS)
    text, seen_global = text[[0, 1, 1]], found["synapse.global"]
    pooled = torch.cat([torch.zeros_like(seen_global).expand(2, -1), seen_global])
    found["music.class"] = vector = torch.cat([pooled, text.mean(1), nets.tempo_features(torch.tensor([BEAT] * 3))], -1)
    words_weight = 1 + (GUIDANCE - 1) * WORD_GUIDANCE
    columns, rows = config.windows[0], len(config.row_channels)
    x = found["music.noise"] = torch.randn(1, config.channels, columns, rows, generator=torch.Generator().manual_seed(11))
    given = [torch.zeros(3, columns, width) for width in (config.token, 2 * rows)]
    for t in scheduler.timesteps.tolist():
        alphas = [torch.stack([alpha * 0, alpha * 0, alpha]).view(3, 1, 1) for alpha in shipped.synapse["alpha"]]
        inside = flatten(x, config.row_channels).expand(3, -1, -1)
        signal = scheduler.alphas_cumprod[t].expand(3)
        said = dit(inside, torch.full((3,), t), signal, text, vector, position_planes("4/4").expand(3, -1, -1), *given, seen[t], alphas)
        v = unflatten(dit.rolls.velocity(inside, signal, said), config.row_channels, config.channels)
        found.setdefault("music.velocity", v)
        nothing, words, everything = v.chunk(3)
        guided = nothing + words_weight * (words - nothing) + GUIDANCE * (everything - words)
        x = scheduler.step(guided, t, x).prev_sample
    found["music.latents"] = x


def toml(value) -> str:
    """A value in TOML's notation."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def table(name: str, values: dict) -> str:
    """A TOML table."""
    return f"\n[{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in values.items())


def decoder_table(latents: ScoreLatents) -> dict:
    """What the decoder of notes is made of."""
    parts = [dict(name=name, low=part.low, high=part.high, components=len(part.basis), programs=part.programs, monophonic=part.monophonic,
                  sustains=part.sustains, least=part.least) for name, part in latents.parts.items()]
    return dict(weights="decoder.safetensors", kind="score", bank=BANK, code=CODE, onset=ONSET, sustain=SUSTAIN, quietest=QUIETEST, range=RANGE,
                chords=len(latents.chords.share), cues=[style.names for style in STYLES.values()], parts=parts)


def manifest(out: Path, scale: float, trained_on: str, latents: ScoreLatents) -> str:
    """The manifest's text; file hashes are taken from `out`."""
    unet, config = {**nets.UNET, "flip_sin_to_cos": True}, dit_config(latents)
    vae = {k: v for k, v in nets.IMAGE_VAE.items() if not k.endswith("block_types")}
    t5 = {k: v for k, v in nets.TEXT.items() if k != "dropout_rate"}
    text = dict(format=1, name="mini", version=VERSION, licence="MIT OR Apache-2.0",
                description="A small model that composes notes, which sampled instruments play; ships with MeLFusion", trained_on=trained_on,
                sample_rate=RATE)
    head = "".join(f"{key} = {toml(value)}\n" for key, value in text.items())
    tables = [
        table("defaults", dict(steps=20, guidance=GUIDANCE, word_guidance=WORD_GUIDANCE, guidance_rescale=0.0, unguided=UNGUIDED,
                               unwalked=UNWALKED, deep_steps=1, sampler="ddim")),
        table("text", dict(weights="text.safetensors", tokenizer="tokenizer.json", tokens=nets.TEXT_TOKENS, spelling=True)), table("text.t5", t5),
        table("image", dict(weights="image.safetensors", size=IMAGE_SIZE, context="null_text")),
        table("image.vae", {**vae, "scaling_factor": scale}), table("image.unet", {**unet, "in_channels": 4, "out_channels": 4}),
        table("image.schedule", CONFIG),
        table("music", dict(weights="music.safetensors", tempo_features=nets.TEMPO_PAIRS, text_features=True)),
        table("music.latent", dict(channels=config.channels, window=config.windows[0], triple_window=config.windows[1], rows=len(config.row_channels))),
        table("music.position", dict(frequency=False, harmonics=HARMONICS)),
        table("music.dit", {**vars(config), "timesteps": CONFIG["num_train_timesteps"]}),
        table("music.schedule", CONFIG),
        table("synapse", dict(weights="synapse.safetensors", guide="text_and_picture", pool=dict(kind="grid", height=synapse.POOL, width=synapse.POOL),
                              reader=dict(places=NAMES["place"], hours=NAMES["hour"], weathers=NAMES["weather"]))),
        table("decoder", decoder_table(latents)),
    ]
    files = {}
    for path in sorted([out / f"{name}.safetensors" for name in FILES] + [out / "tokenizer.json", out / BANK]):
        files[path.name] = dict(sha256=hashlib.sha256(path.read_bytes()).hexdigest(), bytes=path.stat().st_size)
    tables.append("\n[files]\n" + "".join(f"{toml(name)} = {toml(entry)}\n" for name, entry in files.items()))
    return head + "".join(tables)


def describe(works: list[Path]) -> str:
    """What the bundle was trained on, in a sentence."""
    begun = f", begun from {(works[0] / 'begun.txt').read_text()}" if (works[0] / "begun.txt").exists() else ""
    counted = [json.loads((work / TRAINED_ON).read_text())["clips"] for work in works if (work / TRAINED_ON).exists()]
    if not counted:
        return f"the scores of the bundle before{begun}; made by bundles/mini/recipe"
    return f"{sum(counted)} algorithmic scores with procedural pictures and template captions{begun}; made by bundles/mini/recipe"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, nargs="+")
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kept", type=float, default=0.0, metavar="SHARE",
                        help="of the weights that the music began from, in the mean of them and those it was trained to")
    options = parser.parse_args()
    out, work = options.out, options.work[0]
    out.mkdir(parents=True, exist_ok=True)
    latents = ScoreLatents.load(work / "latents.npz")
    write_weights(work, music_model(options.work, options.kept, latents), latents, out)
    for name in (BANK, NOTICE):
        if options.bank.resolve() != out.resolve():
            shutil.copyfile(options.bank / name, out / name)
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    scale = torch.load(work / "image_scale.pt", weights_only=True)["scale"]
    (out / "manifest.toml").write_text(manifest(out, scale, describe(options.work), latents))
    picture = shrink(torch.from_numpy(paint_scene(1, 1, 0)).permute(2, 0, 1)[None])
    found = reference(Shipped(out, scale), tokenizer, picture)
    about = dict(prompt=PROMPT, seconds_per_beat=repr(BEAT), steps=str(STEPS), guidance=repr(GUIDANCE))
    save_file({k: v.contiguous() for k, v in found.items()}, out / "reference.safetensors", metadata=about)
    total = sum(path.stat().st_size for path in out.iterdir() if path.is_file() and path.name != "reference.safetensors")
    print(f"{out}: {total / 1e6:.1f} MB without the reference")


if __name__ == "__main__":
    main()
