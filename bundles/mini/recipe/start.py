"""Begins a work folder from a bundle that exists, so that its music model can be trained on.

    python start.py --bundle ../ --work DIR [--tokenizer tokenizer.json] [--pictures]

Latents, picture model and the normalisation of its pooled values stay as they are; `music_ldm.py` starts from the bundle's
weights. They are f16 and averaged, and the optimizer's state is not kept: the first steps are a warm-up. With another
tokenizer (a wider vocabulary) every token begins as the mean of what the old one makes of it. With `--pictures` the picture
model is trained on too (`image_ldm.py vae`, `unet`), before the pictures are looked at.
"""

from __future__ import annotations

import argparse
import shutil
import tomllib
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

import nets
from chords import Chords
from latents import PartLatents, ScoreLatents
from music_model import MusicModel, dit_config
from outline import Outline
from picture_reader import READER, PictureReader

SPACE = "▁"  # begins a word


def read(bundle: Path, stage: str) -> dict[str, Tensor]:
    """The tensors of one of a bundle's files, f32."""
    return {name: value.float() for name, value in load_file(bundle / f"{stage}.safetensors").items()}


def under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors below `prefix`, without it."""
    return {name[len(prefix):]: value for name, value in state.items() if name.startswith(prefix)}


def manifest(bundle: Path) -> dict:
    """What a bundle says about itself."""
    return tomllib.loads((bundle / "manifest.toml").read_text())


def score_latents(bundle: Path) -> ScoreLatents:
    """The latents of a bundle."""
    state, parts = {name: value.double().numpy() for name, value in read(bundle, "decoder").items()}, {}
    for said in manifest(bundle)["decoder"]["parts"]:
        of = lambda name: state[f"{said['name']}.{name}"]
        parts[said["name"]] = PartLatents(said["low"], said["high"], said["sustains"], said["monophonic"], of("mean"), of("basis"),
                                          tuple(said["programs"]), of("codes"), tuple(map(float, of("dynamics"))), said["least"])
    return ScoreLatents(parts, state["clip.numbers"], Chords(state["chords.tones"], state["chords.share"]),
                        Outline(state["outline.harmony"], state["outline.cues"]))


def music_model(bundle: Path) -> MusicModel:
    """Text encoder, denoiser and alphas of a bundle."""
    model, text, music = MusicModel(dit_config(score_latents(bundle))), read(bundle, "text"), read(bundle, "music")
    model.text.resize_token_embeddings(len(text["shared.weight"]), mean_resizing=False)
    model.text.load_state_dict({**text, "encoder.embed_tokens.weight": text["shared.weight"]})
    model.dit.load_state_dict({name: value for name, value in under(music, "dit.").items() if name != "alphas"})
    model.alpha.data = torch.logit(read(bundle, "synapse")["alpha"])
    return model


def image_models(bundle: Path) -> tuple[nn.Module, nets.ImageModel]:
    """The picture encoder (its decoder does not ship) and the image model of a bundle."""
    vae, image, state = nets.image_vae(), nets.ImageModel(), read(bundle, "image")
    vae.load_state_dict(under(state, "vae."), strict=False)
    image.unet.load_state_dict(under(state, "unet."))
    image.null_text.data = state["null_text"]
    return vae, image


def translate(embedding: Tensor, old: Tokenizer, new: Tokenizer) -> Tensor:
    """An embedding for `new`'s tokens (n, d): of each, the mean over the pieces that `old` makes of it."""
    found = embedding.mean(0).repeat(nets.TEXT["vocab_size"], 1)
    for token, index in new.get_vocab().items():
        same = old.token_to_id(token)
        pieces = [same] if same is not None else old.encode(token.replace(SPACE, " "), add_special_tokens=False).ids
        # Within a word a piece has no mark of a space, but the old tokenizer puts one before every text.
        pieces = [piece for piece in pieces if old.id_to_token(piece) != SPACE] or pieces
        if pieces:
            found[index] = embedding[pieces].mean(0)
    return found


def begin_pictures(bundle: Path, work: Path) -> None:
    """Write what the picture model's training goes on from."""
    vae, image = image_models(bundle)
    encoder = {name: value for name, value in vae.state_dict().items() if not name.startswith(("decoder.", "post_quant_conv."))}
    torch.save(encoder, work / "vae_start.pt")
    torch.save(image.state_dict(), work / "image_start.pt")


def keep_pictures(bundle: Path, work: Path) -> None:
    """Write the picture model as if it had just been trained."""
    vae, image = image_models(bundle)
    synapse = read(bundle, "synapse")
    torch.save(dict(average=vae.state_dict()), work / "vae.pt")
    torch.save(dict(average=image.state_dict()), work / "image_unet.pt")
    torch.save(dict(scale=manifest(bundle)["image"]["vae"]["scaling_factor"]), work / "image_scale.pt")
    torch.save(dict(mean=synapse["pooled_mean"], std=synapse["pooled_std"]), work / "pooled_norm.pt")


def begin(bundle: Path, work: Path, tokenizer: Path | None, pictures: bool) -> None:
    """Write the checkpoints of every stage, as if they had just been trained, or as starts where they are to be trained on."""
    work.mkdir(parents=True, exist_ok=True)
    (begin_pictures if pictures else keep_pictures)(bundle, work)
    said = manifest(bundle)
    (work / "begun.txt").write_text(f"{said['name']} {said['version']}")
    score_latents(bundle).save(work / "latents.npz")
    music, tokens = music_model(bundle), tokenizer or bundle / "tokenizer.json"
    if tokenizer is not None:
        old, new = (Tokenizer.from_file(str(path)) for path in (bundle / "tokenizer.json", tokenizer))
        embedding = translate(music.text.shared.weight.data, old, new)
        music.text.resize_token_embeddings(len(embedding), mean_resizing=False)
        music.text.shared.weight.data.copy_(embedding)
    torch.save(music.state_dict(), work / "music_start.pt")
    synapse = read(bundle, "synapse")
    PictureReader(synapse["reader.weight"], synapse["reader.bias"]).save(work / READER)
    if tokens != work / "tokenizer.json":
        shutil.copyfile(tokens, work / "tokenizer.json")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path(__file__).parent.parent)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, help="another than the bundle's")
    parser.add_argument("--pictures", action="store_true", help="the picture model is to be trained on too")
    options = parser.parse_args()
    begin(options.bundle, options.work, options.tokenizer, options.pictures)


if __name__ == "__main__":
    main()
