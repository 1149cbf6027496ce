"""Laws of the triplets: what may tell what, further views of an item, and sets that grow while they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import picture
from compose import FASTEST_BPM, SLOWEST_BPM, compose
from image_ldm import paint_many, paint_varied
from inversion import inversion_of, invert_all
from scene import Scene, sample_scene
from shards import read_metas, wait_for, write_shard
from training_set import Growing, Triplets
from triplets import make_caption, make_picture, make_views, pack

SCENES = 400


def item(index: int) -> dict:
    rng = np.random.default_rng([0, 0, index])
    scene = sample_scene(rng)
    return dict(split=0, seed=0, index=index, scene=scene.to_dict(), score=compose(scene, rng).summary())


def shard(folder: Path, number: int, items: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"shard_0_0_{number:04d}.npz"
    write_shard(path, dict(mels=np.full((items, 4), number, np.float16)), [dict(index=index) for index in range(items)])
    return path


def test_the_tempo_hardly_tells_the_arousal() -> None:
    items = [item(index) for index in range(SCENES)]
    arousal, bpm = (np.array(each) for each in zip(*((one["scene"]["arousal"], one["score"]["bpm"]) for one in items)))
    # A listener who knows the tempo knows a quarter of the arousal's variance at most, so that the picture is worth a look.
    assert 0.2 < np.corrcoef(arousal, bpm)[0, 1] < 0.5
    assert bpm.min() >= SLOWEST_BPM and bpm.max() <= FASTEST_BPM
    lively, calm = (bpm[chosen] for chosen in (arousal > 0.8, arousal < 0.2))
    assert lively.min() < 95 and calm.max() > 105


def test_the_arousal_shows_in_the_notes_at_any_tempo() -> None:
    def notes(lively: bool) -> float:
        counts = []
        for index in range(SCENES):
            rng = np.random.default_rng([0, 1, index])
            scene = sample_scene(rng)
            score = compose(scene, rng)
            if 90 < score.bpm < 110 and (scene.arousal > 0.75 if lively else scene.arousal < 0.25):
                counts.append(len(score.notes))
        return float(np.mean(counts))

    assert notes(lively=True) > 1.8 * notes(lively=False)


def test_views_differ_but_show_the_same_scene() -> None:
    one, other = item(1), item(2)
    pictures = [make_picture(one, view).astype(int) for view in range(3)] + [make_picture(other).astype(int)]
    far = lambda a, b: np.abs(a.mean((0, 1)) - b.mean((0, 1))).mean()
    assert not np.array_equal(pictures[0], pictures[1]) and not np.array_equal(pictures[1], pictures[2])
    assert max(far(pictures[0], pictures[1]), far(pictures[0], pictures[2])) < far(pictures[0], pictures[3])
    assert len({make_caption(one, view) for view in range(4)}) == 4
    views = make_views([one, other], 3)
    assert views.shape == (2, 3, 3, 64, 64) and views.dtype == np.uint8
    assert np.array_equal(views, make_views([one, other], 3))


def test_a_close_up_is_bright_by_its_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "CLOSE_UP_SHARE", 1.0)
    monkeypatch.setattr(picture, "VIVID_SHARE", 0.0)

    def seen(valence: float, arousal: float) -> tuple[np.ndarray, np.ndarray]:
        """Saturation and contrast of some close-ups."""
        scene = Scene("garden", valence, arousal, "day", "clear", "flat", "piano", "major")
        shown = np.stack([picture.paint(scene, np.random.default_rng([7, index]), 64) for index in range(60)]).astype(float)
        return (shown.max(-1) - shown.min(-1)).mean((1, 2)), shown.std((1, 2, 3))

    (bright, _), (dark, _) = seen(0.9, 0.5), seen(0.1, 0.5)
    assert np.median(bright) > 2.5 * np.median(dark)
    assert np.quantile(bright, 0.2) > np.quantile(dark, 0.8), "also where the background is black"
    assert np.median(seen(0.6, 0.9)[1]) > 1.3 * np.median(seen(0.6, 0.1)[1])


def test_captions_need_no_views() -> None:
    items = [(item(index), np.zeros((4, 4), np.float16), None) for index in (1, 2)]
    arrays, metas = pack(items, music_only=False, views=0, captions=2)
    assert "views" not in arrays
    assert [meta["captions"] for meta in metas] == [[make_caption(meta, view) for view in (1, 2)] for meta in metas]


def test_many_processes_paint_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_ldm.PAINTED_AT_ONCE", 3)
    pictures, attributes = paint_many(5, looks=2, processes=2)
    parts = [paint_varied(0, 3, 2), paint_varied(3, 5, 2)]
    assert torch.equal(pictures, torch.cat([part[0] for part in parts])) and torch.equal(attributes, torch.cat([part[1] for part in parts]))
    assert not torch.equal(pictures[:3], pictures[3:6]), "two looks of the same scenes"


def test_only_shards_that_are_ready_are_waited_for(tmp_path: Path) -> None:
    first, second = shard(tmp_path, 0, 3), shard(tmp_path, 1, 2)
    assert [meta["index"] for meta in read_metas(first)] == [0, 1, 2]
    inversion_of(second).touch()
    wait_for([tmp_path], 2, lambda path: inversion_of(path).exists())
    wait_for([tmp_path], 5)


def test_shards_without_pictures_are_passed_over(tmp_path: Path) -> None:
    plain, painted = shard(tmp_path, 0, 1), shard(tmp_path, 1, 1)

    class OfPainted:
        def shard(self, path: Path, varied: bool) -> bool:
            if path == painted:
                inversion_of(path).touch()
            return path == painted

    assert [invert_all(OfPainted(), [tmp_path], varied=True) for _ in range(2)] == [1, 0]
    assert not inversion_of(plain).exists()


class Counting:
    """Reads a shard as triplets that carry its number."""

    def __init__(self) -> None:
        self.hidden: set[Path] = set()

    def ready(self, path: Path) -> bool:
        return path not in self.hidden

    def shard(self, path: Path) -> Triplets:
        with np.load(path) as stored:
            latents = torch.from_numpy(stored["mels"])[:, None, :, None]
        return Triplets(latents, torch.zeros(len(latents), 2, 64), torch.full((len(latents),), 0.5), None, None)


def test_a_set_grows_with_its_folder_and_takes_nothing_twice(tmp_path: Path) -> None:
    reader, fours, threes = Counting(), tmp_path / "fours", tmp_path / "threes"
    late = shard(fours, 1, 4)
    reader.hidden.add(late)
    shard(fours, 0, 6)
    shard(threes, 0, 2)
    data = Growing([fours, threes], reader, follow=False)
    assert data.counts() == [6, 2]
    assert data.hours() == pytest.approx(8 * 0.5 * 4 / 4 / 3600)
    reader.hidden.clear()
    for _ in range(2):
        data._look()
        data.take()
        assert data.counts() == [10, 2]
    assert sorted(data.sets[fours].latents[:, 0, 0, 0].tolist()) == [0.0] * 6 + [1.0] * 4
    generator = torch.Generator().manual_seed(0)
    chosen = [len(data.choose(generator).latents) for _ in range(600)]
    assert abs(chosen.count(2) / 600 - 2 / 12) < 0.05


def test_what_is_hardly_more_waits_until_joining_is_worth_it(tmp_path: Path) -> None:
    shard(tmp_path, 0, 30)
    data = Growing([tmp_path], Counting(), follow=False)
    for number, counted in ((1, 30), (2, 34)):
        shard(tmp_path, number, 2)
        data._look()
        data.take()
        assert data.counts() == [counted]


def test_a_batch_has_one_of_several_captions_and_pictures_of_each() -> None:
    count, captions, views = 50, 3, 4
    place = torch.arange(count)
    ids = (place[:, None] * 10 + torch.arange(captions))[..., None].expand(-1, -1, 64)
    pooled = (place[:, None] * 10 + torch.arange(views))[..., None].float()
    data = Triplets(torch.zeros(count, 1, 1, 1), ids, torch.ones(count), pooled[..., None], pooled)
    first = data.batch(place)
    assert torch.equal(first.ids[:, 0], place * 10) and torch.equal(first.pooled[:, 0], place * 10.0)
    some = data.batch(place, torch.Generator().manual_seed(1))
    told, seen = some.ids[:, 0] - place * 10, some.pooled[:, 0] - place * 10
    assert set(told.tolist()) == set(range(captions)) and set(seen.tolist()) == set(map(float, range(views)))
    assert torch.equal(some.paths[:, 0, 0], some.pooled[:, 0]), "path and pooled values of the same picture"
