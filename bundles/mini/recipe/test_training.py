"""Laws of the training: the noise that is asked for, pictures that are varied, words that move house, weights that learn faster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn

import nets
from augment import IMAGE_SIZE, augment
from composer.scores import make
from export import music_model
from image_ldm import MOODS, TARGETS, ReadAutoencoder, attribute_loss, paint_pictures
from latents import fit
from muon import orthogonalise
from music_ldm import LOWEST
from music_model import MusicModel, dit_config
from scene import sample_scene
from schedule import Schedule
from start import begin_pictures, image_models, translate
from trainer import Budget, Trainer


def test_timesteps_cover_everything_and_dwell_on_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    t = torch.cat([Schedule.timesteps(8, generator) for _ in range(2000)])
    share = lambda low, high: float(((t >= low) & (t < high)).float().mean())
    assert 0 <= int(t.min()) < 20 and int(t.max()) == 999
    # Four in five evenly, one in five from the noisiest fifth.
    assert abs(share(800, 1000) - (0.8 * 0.2 + 0.2)) < 0.01
    for low in range(0, 800, 200):
        assert abs(share(low, low + 200) - 0.8 * 0.2) < 0.01


def test_what_is_never_walked_is_not_trained_on() -> None:
    generator = torch.Generator().manual_seed(0)
    t = torch.cat([Schedule.timesteps(8, generator, 400) for _ in range(2000)]).float()
    assert t.min() == 400 and t.max() == 999
    assert abs(((t < 600).float().mean() - 0.8 / 3).item()) < 0.01, "a third of the even samples"


def test_music_is_trained_down_to_where_the_walk_ends() -> None:
    for steps in (8, 20, 50):
        walked = Schedule.walked(steps)
        assert walked == Schedule.trailing(steps)[: len(walked)] and LOWEST < walked[-2], "all but the last are above its end"
    assert LOWEST - 50 <= Schedule.walked(20)[-1] <= LOWEST


def test_a_step_with_the_true_velocity_only_changes_the_noise() -> None:
    schedule, generator = Schedule(), torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 1, 3, 4, 4, generator=generator)
    a, b = schedule.alphas[200], schedule.alphas[700]
    x, v = a.sqrt() * clean + (1 - a).sqrt() * noise, a.sqrt() * noise - (1 - a).sqrt() * clean
    assert torch.allclose(schedule.step(x, v, 200, 700), b.sqrt() * clean + (1 - b).sqrt() * noise, atol=1e-6)
    assert torch.equal(schedule.step(clean, noise, None, 200), x), "without noise the velocity is the noise"


def test_every_batch_has_clean_and_noisy_ones() -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(50):
        t = Schedule.timesteps(8, generator)
        assert t.min() < 250 and t.max() >= 900


def test_noise_weighs_no_less_than_signal_and_noise_alike() -> None:
    schedule, t = Schedule(), torch.arange(1000)
    weight, snr = schedule.loss_weight(t), schedule.alphas / (1 - schedule.alphas)
    assert (weight[snr < 1] >= 1).all()
    clean = snr > 5
    assert torch.allclose(weight[clean], (5 / (snr[clean] + 1) + 0.15) / 0.6)


def test_a_picture_stays_as_bright_as_a_photographer_leaves_it() -> None:
    generator = torch.Generator().manual_seed(2)
    dark, bright = torch.full((200, 3, 32, 32), -0.7), torch.full((200, 3, 32, 32), 0.6)
    dark, bright = augment(dark, generator), augment(bright, generator)
    for varied in (dark, bright):
        assert varied.shape == (200, 3, 32, 32) and varied.abs().max() <= 1
    middle = lambda varied: varied[:, :, 12:20, 12:20].mean((1, 2, 3))
    assert middle(dark).max() < middle(bright).min()
    assert middle(bright).std() > 0.05, "pictures differ"


def test_variation_is_repeatable() -> None:
    pictures = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1
    twice = [augment(pictures, torch.Generator().manual_seed(4)) for _ in range(2)]
    assert torch.equal(*twice) and not torch.equal(twice[0], pictures)


def test_painted_pictures_are_of_scenes_without_music() -> None:
    pictures, attributes = paint_pictures(0, 6)
    again, _ = paint_pictures(0, 4)
    assert pictures.shape == (6, 3, IMAGE_SIZE, IMAGE_SIZE) and torch.equal(pictures[:4], again)
    moods = {round(2 * sample_scene(np.random.default_rng([0, seed, index])).valence - 1, 6) for seed in range(20) for index in range(6)}
    assert not moods & {round(float(valence), 6) for valence in attributes[:, 0]}
    bright = attributes[:, 0].argsort()
    means = pictures.float().mean((1, 2, 3))
    assert means[bright[-1]] > means[bright[0]], "the attributes are the pictures'"


def test_the_mood_weighs_as_much_as_all_other_attributes() -> None:
    guess, attributes = torch.zeros(3, TARGETS), torch.zeros(3, TARGETS)
    guess[:, :MOODS] = 1
    assert float(attribute_loss(guess, attributes)) == 1
    guess[:, MOODS:] = 1
    assert float(attribute_loss(guess, attributes)) == 2


def test_the_picture_model_goes_on_from_what_ships(tmp_path: Path) -> None:
    bundle = Path(__file__).parent.parent
    begin_pictures(bundle, tmp_path)
    shipped, coder = image_models(bundle)[0].state_dict(), ReadAutoencoder()
    fresh = {name: value.clone() for name, value in coder.vae.state_dict().items()}
    coder.vae.load_state_dict(torch.load(tmp_path / "vae_start.pt", weights_only=True), strict=False)
    for name, value in coder.vae.state_dict().items():
        kept = fresh if name.startswith(("decoder.", "post_quant_conv.")) else shipped
        assert torch.equal(value, kept[name]), name


def tokenizer(*words: str) -> Tokenizer:
    letters = ["▁", *"abcdefghijklmnopqrstuvwxyz"]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(["<unk>", *letters, *words]))}
    merges, seen = [], set(letters)
    for word in words:
        for end in range(2, len(word) + 1):
            if word[:end] not in seen:
                vocabulary.setdefault(word[:end], len(vocabulary))
                merges.append((word[:end - 1], word[end - 1]))
                seen.add(word[:end])
    found = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>"))
    found.pre_tokenizer = pre_tokenizers.Metaspace()
    return found


def test_words_keep_their_meaning_under_another_tokenizer() -> None:
    old, new = tokenizer("▁calm", "▁sea"), tokenizer("▁sea", "▁calm", "▁calmsea")
    embedding = torch.randn(nets.TEXT["vocab_size"], 8, generator=torch.Generator().manual_seed(5))
    found = translate(embedding, old, new)
    for word in ("▁calm", "▁sea"):
        assert torch.equal(found[new.token_to_id(word)], embedding[old.token_to_id(word)])
    pieces = [old.token_to_id(piece) for piece in old.encode("calmsea").tokens]
    assert len(pieces) == 4 and torch.allclose(found[new.token_to_id("▁calmsea")], embedding[pieces].mean(0))


def test_what_is_to_learn_faster_does(tmp_path: Path) -> None:
    model = nn.Module()
    model.slow, model.fast = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    trainer = Trainer(model, tmp_path / "model.pt", Budget(1e9, 20), rate=1e-3, warmup=1, faster={"fast": 10.0})
    trainer.run(lambda model: (-(model.slow + model.fast).sum(), {}))
    assert abs(float((model.fast / model.slow).detach()) - 10) < 0.5


def test_a_batch_that_is_not_a_number_changes_nothing(tmp_path: Path) -> None:
    model, made = nn.Linear(2, 1), []
    trainer = Trainer(model, tmp_path / "model.pt", Budget(1e9, 3), rate=1e-2, warmup=1)

    def loss(model) -> tuple[torch.Tensor, dict]:
        made.append(model.weight.detach().clone())
        return model(torch.ones(1, 2)).sum() * (float("nan") if len(made) == 2 else 1.0), {}

    trainer.run(loss)
    assert not torch.equal(made[0], made[1]) and torch.equal(made[1], made[2])
    assert model.weight.isfinite().all() and not torch.equal(made[2], model.weight)


def test_what_ships_is_the_mean_of_what_was_trained_and_what_it_began_from(tmp_path) -> None:
    latents = fit([make(0, 3, index)[1] for index in range(8)])
    begun, *trained = (MusicModel(dit_config(latents)).state_dict() for _ in range(3))
    works = [tmp_path / "one", tmp_path / "two"]
    name = "dit.embed.weight"
    for work, state in zip(works, trained):
        work.mkdir()
        torch.save(begun, work / "music_start.pt")
        assert torch.equal(music_model([work], 0.0, latents).state_dict()[name], begun[name]), "nothing was trained"
        torch.save(dict(average=state), work / "music.pt")
    one, two = (state[name] for state in trained)
    for kept in (0.0, 0.25, 1.0):
        for folders, mean in ((works[:1], one), (works, (one + two) / 2)):
            expected = kept * begun[name] + (1 - kept) * mean
            assert torch.allclose(music_model(folders, kept, latents).state_dict()[name], expected, atol=1e-6)


def test_matrices_of_one_network_are_muons_and_all_else_adams(tmp_path: Path) -> None:
    model = nn.ModuleDict(dict(hidden=nn.Linear(4, 3), head=nn.Linear(3, 1)))
    trainer = Trainer(model, tmp_path / "model.pt", Budget(1e9, 1), rate=1e-2, warmup=1, matrices="hidden.")
    assert [p.shape for group in trainer.muon.param_groups for p in group["params"]] == [(3, 4)]
    assert sum(p.numel() for group in trainer.optimizer.param_groups for p in group["params"]) == 3 + 3 + 1
    before = model["hidden"].weight.detach().clone()
    trainer.run(lambda model: (model["head"](model["hidden"](torch.ones(2, 4))).square().mean(), {}))
    assert not torch.equal(before, model["hidden"].weight)


def test_an_orthogonalised_matrix_has_singular_values_near_one() -> None:
    for shape in ((5, 12), (12, 5), (8, 8)):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(6))
        values = torch.linalg.svdvals(orthogonalise(x))
        assert values.min() > 0.4 and values.max() < 1.3
        u, _, v = torch.linalg.svd(x, full_matrices=False)
        assert torch.nn.functional.cosine_similarity(orthogonalise(x).flatten(), (u @ v).flatten(), dim=0) > 0.95
