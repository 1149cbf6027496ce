"""The recipe against what PyTorch, diffusers and transformers made of `tests/golden/wave`, and a training on made-up triplets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import bundle as bundles
import features
import melbench
from bundle import Bundle
from features import Eye
from front_end import FrontEnd
from lent import Budget
from ship import learnt
from train import Denoising, Synapse, train

HERE = Path(__file__).parent
GOLDEN = HERE.parents[2] / "tests" / "golden"
WAVE = GOLDEN / "wave"
CPU = torch.device("cpu")


def reference() -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    path = WAVE / "reference.safetensors"
    with safe_open(path, "pt") as file:
        return load_file(path), file.metadata()


def assert_close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-4


@torch.no_grad()
def test_words_picture_and_music_are_those_of_the_reference() -> None:
    wave, (golden, about) = Bundle.open(WAVE), reference()
    tokenizer, text = wave.text()
    ids = torch.tensor([tokenizer.encode(about["prompt"]).ids])
    tokens = text(ids).last_hidden_state
    assert_close(tokens, golden["text.tokens"])
    eye = Eye(wave, int(about["steps"]), CPU)
    assert_close(eye.latents(golden["image.pixels"]), golden["image.latents"])
    sight = eye.look(golden["image.latents"])
    assert_close(sight.inverted, golden["image.inverted"])
    for layer, (keys, values) in enumerate(sight.layers[-1]):
        assert_close(keys, golden[f"image.keys.{layer}"])
        assert_close(values, golden[f"image.values.{layer}"])


@torch.no_grad()
def test_a_training_batch_sees_what_the_engines_two_halves_see(tmp_path: Path) -> None:
    wave, (golden, about) = Bundle.open(WAVE), reference()
    eye, steps = Eye(wave, int(about["steps"]), CPU), int(about["steps"])
    sight, tokens = eye.look(golden["image.latents"]), golden["text.tokens"][0]
    stored = {"latents": golden["music.noise"][0], "tokens": tokens}
    for layer in range(len(sight.layers[0])):
        for kind, name in enumerate(("keys", "values")):
            stored[f"{name}.{layer}"] = torch.cat([features.averaged(step[layer][kind], len(tokens)) for step in sight.layers])
    tokenizer, text = wave.text()
    empty = text(torch.tensor([tokenizer.encode("").ids])).last_hidden_state[0]
    save_file({k: v.contiguous() for k, v in stored.items()}, features.file_of(tmp_path, 0))
    save_file({"tokens": empty.contiguous()}, tmp_path / "empty.safetensors")
    (tmp_path / features.ABOUT).write_text(json.dumps(dict(bundle=wave.manifest["files"], timesteps=eye.timesteps)))
    denoising = Denoising(wave, tmp_path, wave.unet("music"), CPU)
    t = torch.tensor([eye.timesteps[-1]] * 2)
    batch = denoising.batch(torch.tensor([0, 0]), t, torch.tensor([False, True]))
    both = torch.tensor([True, True])
    assert steps == len(eye.timesteps)
    assert_close(denoising.output(wave.alpha(), batch.latents, t, batch, both), golden["music.velocity"])


def test_latent_diffusions_names_are_read_as_diffusers(tmp_path: Path) -> None:
    ldm = load_file(GOLDEN / "autoencoder_ldm.safetensors")
    golden = load_file(GOLDEN / "autoencoder.safetensors")
    torch.save(ldm, tmp_path / "pytorch_model_vae.bin")
    config = dict(in_channels=1, out_channels=1, latent_channels=8, block_out_channels=[8, 16, 16], layers_per_block=1,
                  norm_num_groups=4, scaling_factor=0.9227914214134216)
    model = bundles.mel_encoder(config, tmp_path / "pytorch_model_vae.bin")
    latents = model.encode(golden["mel.pixels"]).latent_dist.mode() * config["scaling_factor"]
    assert_close(latents, golden["mel.latents"])


def test_a_tone_is_loudest_in_its_band() -> None:
    front_end = FrontEnd(16000, 160, 64)
    seconds = np.arange(16000, dtype=np.float32) / 16000
    mel = front_end.mel(0.5 * np.sin(2 * np.pi * 1000 * seconds).astype(np.float32))
    assert mel.shape == (100, 64)
    # Slaney's scale is linear to 1 kHz: 15 of 45.2 mels, over 65 steps.
    assert set(mel[10:90].argmax(1).tolist()) == {round(15 / 45.245 * 65) - 1}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six triplets: the blue pictures hum, the red ones hiss. And a mel encoder."""
    folder, luck = tmp_path_factory.mktemp("triplets"), np.random.default_rng(1)
    lines = []
    for index in range(6):
        low = index % 2 == 0
        Image.new("RGB", (40, 24), (20, 30, 220) if low else (220, 40, 20)).save(folder / f"{index}.png")
        sound = np.sin(2 * np.pi * 110 * np.arange(16000) / 16000) if low else luck.normal(size=16000)
        soundfile.write(folder / f"{index}.wav", 0.3 * sound, 16000)
        lines.append(dict(caption="quiet strings for a night", image_path=f"{index}.png", audio_path=f"{index}.wav"))
    lines.append(dict(lines[0], audio_path="lost.wav"))
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    torch.manual_seed(4)
    vae = bundles.autoencoder(Bundle.open(WAVE).manifest["decoder"]["autoencoder"])
    save_file({k: v.contiguous() for k, v in vae.state_dict().items()}, folder / "vae.safetensors")
    run("features.py", "--bundle", WAVE, "--mel-vae", folder / "vae.safetensors", "--triplets", folder / "list.jsonl",
        "--out", folder / "features", "--steps", 3)
    return folder


def run(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *map(str, command)], cwd=HERE, check=True, capture_output=True, text=True)


def denoising(made_up: Path) -> Denoising:
    wave = Bundle.open(WAVE)
    return Denoising(wave, made_up / "features", wave.unet("music"), CPU)


def test_a_triplet_without_its_file_is_told_and_passed_over(made_up: Path, capsys: pytest.CaptureFixture) -> None:
    assert len(melbench.read(made_up / "list.jsonl")) == 6
    assert "1 of 7" in (told := capsys.readouterr().err) and "lost.wav" in told
    (made_up / "bad.jsonl").write_text('{"caption": "x"}')
    with pytest.raises(SystemExit, match="line 1"):
        melbench.read(made_up / "bad.jsonl")


def test_musiccaps_names_its_files_by_video(made_up: Path) -> None:
    (made_up / "captions.csv").write_text('ytid,caption\n1,"a hum, low"\n')
    (triplet,) = melbench.read(made_up / "captions.csv", made_up, made_up)
    assert (triplet.caption, triplet.image.name, triplet.audio.name) == ("a hum, low", "1.png", "1.wav")


def test_stopping_changes_nothing(made_up: Path, tmp_path: Path) -> None:
    def learn(work: Path, *stops: int) -> torch.Tensor:
        work.mkdir()
        for steps in stops:
            # The rate falls with the share of the budget, so the budget is the same; the first run is cut short.
            budget = Budget(1e9, 6)
            if steps < 6:
                budget.spent = lambda seconds, step, last=steps: 1.0 if step >= last else step / 6
            train(Synapse(4, None), denoising(made_up), work, budget, batch=3, seed=5)
        return learnt(work)[0]

    whole, resumed = learn(tmp_path / "whole", 6), learn(tmp_path / "resumed", 2, 6)
    assert torch.equal(whole, resumed)
    assert not torch.equal(whole, torch.full((4,), 0.05))


def test_shares_go_where_the_loss_falls(made_up: Path, tmp_path: Path) -> None:
    wave, target = denoising(made_up), torch.tensor([0.6, 0.1, 0.5, 0.2])

    def distil(synapse: Synapse, batch, t, eps, has_picture):
        """The music is what a synapse of known shares makes of it."""
        alphas = wave.alphas[t].view(-1, 1, 1, 1)
        x = alphas.sqrt() * batch.latents + (1 - alphas).sqrt() * eps
        with torch.no_grad():
            said = wave.output(target, x, t, batch, has_picture)
        error = (wave.output(synapse.shares(), x, t, batch, has_picture) - said).square().mean((1, 2, 3))
        return error.mean() * 1e4, error.mean()

    wave.loss = distil
    trainer = train(Synapse(4, None), wave, tmp_path, Budget(1e9, 60), batch=4, seed=1, rate=0.2)
    found = trainer.model.shares()
    assert (found - target).abs().max() < (0.05 - target).abs().max() / 2, found


def test_the_commands_make_a_bundle(made_up: Path, tmp_path: Path) -> None:
    run("train.py", "--bundle", WAVE, "--features", made_up / "features", "--work", tmp_path, "--steps", 2, "--batch", 2, "--unet")
    run("ship.py", "--bundle", WAVE, "--work", tmp_path, "--out", tmp_path / "out")
    before, after = Bundle.open(WAVE), Bundle.open(tmp_path / "out")
    assert not torch.equal(before.alpha(), after.alpha())
    assert torch.equal(after.alpha(), load_file(tmp_path / "alpha.safetensors")["alpha"])
    old, new = before.tensors("music", "unet."), after.tensors("music", "unet.")
    assert old.keys() == new.keys() and any(not torch.equal(old[name], new[name]) for name in old)
    wrong = subprocess.run([sys.executable, "train.py", "--bundle", str(tmp_path / "out"), "--features", str(made_up / "features"),
                            "--work", str(tmp_path / "w"), "--steps", "1"], cwd=HERE, capture_output=True, text=True)
    assert wrong.returncode != 0 and "another bundle" in wrong.stderr
