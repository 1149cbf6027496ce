"""Makes the triplets of the training set: music as beat mels, pictures and captions, in numbered shards.

    python triplets.py --split 0 --seed 1 --count 5000 --out DIR [--bar 3] [--seconds 900] [--views 3] [--captions 3] [--wavs] [--music-only]
    python triplets.py paint --dir DIR [--again] [--captions 3]      adds pictures and captions where a shard lacks them

A shard is an uncompressed `.npz` with `mels` float16 (n, 512, 128), or (n, 384, 128) in three, `pictures` uint8 (n, 128, 128, 3) and `meta`, a
JSON list of n objects; with --wavs also `wavs` int16 (all clips in a row, mono) and `offsets` int64 (n + 1,). With --views v, `views` uint8
(n, v, 3, 64, 64) are further pictures of the same scenes, small and varied, and each item has v further captions, or as many as --captions
says: a model that sees a clip many times should not know it by its picture or its words.
All clips of a seed have the same metre. Every item depends on (split, seed, index, bar) alone; its picture and its caption have random streams of their own.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from augment import shrink, vary
from caption import CAPTION_STREAM, caption
from compose import compose
from mel import beat_mel
from picture import PICTURE_STREAM, paint
from render import Synth
from scene import Scene, sample_scene
from score import Score
from shards import INT16_PEAK, read_shard, shards, write_shard

SHARD = 250


def make_clip(synth: Synth, split: int, seed: int, index: int, bar: int = 4) -> tuple[dict, np.ndarray]:
    """The metadata of one item and its mono loop, float32 (L,)."""
    rng = np.random.default_rng([split, seed, index])
    scene = sample_scene(rng)
    score = compose(scene, rng, bar)
    mono = synth.render(score).mean(axis=0)
    meta = dict(split=split, seed=seed, index=index, scene=scene.to_dict(), score=score.summary(), bpm=score.bpm,
                grid_bpm=score.grid_bpm, beats=score.beats, seconds=score.seconds, mode=score.mode, style=score.style, parts=score.parts)
    return meta, mono


def make_picture(meta: dict, view: int = 0) -> np.ndarray:
    """A picture of an item, uint8 (128, 128, 3); its own is view 0."""
    return paint(Scene(**meta["scene"]), np.random.default_rng(_stream(meta, PICTURE_STREAM, view)))


def make_caption(meta: dict, view: int = 0) -> str:
    """A caption of an item; its own is view 0."""
    rng = np.random.default_rng(_stream(meta, CAPTION_STREAM, view))
    return caption(Scene(**meta["scene"]), Score.from_summary(meta["score"]), rng)


def make_views(metas: list[dict], views: int) -> np.ndarray:
    """Further pictures of each item, uint8 (n, views, 3, 64, 64), varied."""
    painted = np.stack([make_picture(meta, view) for meta in metas for view in range(1, views + 1)])
    generator = torch.Generator().manual_seed(1_000_003 * metas[0]["seed"] + metas[0]["index"])
    return vary(shrink(torch.from_numpy(painted).permute(0, 3, 1, 2)), generator).unflatten(0, (-1, views)).numpy()


def render_shards(split: int, seed: int, count: int, out: Path, *, bar: int, seconds: float, soundfont: str | None,
                  wavs: bool, music_only: bool, views: int = 0, captions: int | None = None, size: int = SHARD) -> int:
    """Write the shards of `size` of one seed until `count` items or `seconds` are reached; whole shards are kept."""
    out.mkdir(parents=True, exist_ok=True)
    synth = Synth(soundfont)
    began = time.monotonic()
    deadline = began + seconds
    made = 0
    for start in range(0, count, size):
        path = out / f"shard_{split}_{seed}_{start // size:04d}.npz"
        if path.exists():
            continue
        items = []
        for index in range(start, min(start + size, count)):
            if time.monotonic() > deadline:
                break
            meta, mono = make_clip(synth, split, seed, index, bar)
            items.append((meta, beat_mel(mono, meta["beats"]).astype(np.float16), _int16(mono) if wavs else None))
        if items:
            write_shard(path, *pack(items, music_only, views, views if captions is None else captions))
            made += len(items)
            print(f"{path.name}: {len(items)} clips, {time.monotonic() - began:.0f} s", flush=True)
        if time.monotonic() > deadline:
            break
    return made


def paint_shards(folder: Path, again: bool = False, captions: int = 0) -> int:
    """Add pictures and captions, `captions` of them further ones, to the shards that lack them, or to all of them again."""
    painted = 0
    for path in shards([folder]):
        arrays, metas = read_shard(path)
        if not again and "pictures" in arrays and all("caption" in meta for meta in metas):
            continue
        _add_pictures_and_captions(arrays, metas)
        _add_captions(metas, captions)
        write_shard(path, arrays, metas)
        painted += len(metas)
        print(f"{path.name}: {len(metas)} pictures and captions", flush=True)
    return painted


def _stream(meta: dict, stream: int, view: int) -> list[int]:
    return [meta["split"], meta["seed"], meta["index"], stream] + [view] * (view > 0)


def _int16(mono: np.ndarray) -> np.ndarray:
    return np.round(mono * INT16_PEAK).astype(np.int16)


def pack(items: list[tuple[dict, np.ndarray, np.ndarray | None]], music_only: bool, views: int, captions: int) -> tuple[dict, list[dict]]:
    """A shard's arrays and metadata, of each item's metadata, mel and, where it is kept, sound."""
    metas, mels, wavs = zip(*items)
    metas = list(metas)
    arrays = dict(mels=np.stack(mels))
    if wavs[0] is not None:
        arrays["wavs"] = np.concatenate(wavs)
        arrays["offsets"] = np.cumsum([0] + [len(wav) for wav in wavs])
    if not music_only:
        _add_pictures_and_captions(arrays, metas)
    if views:
        arrays["views"] = make_views(metas, views)
    _add_captions(metas, captions)
    return arrays, metas


def _add_captions(metas: list[dict], captions: int) -> None:
    if captions:
        for meta in metas:
            meta["captions"] = [make_caption(meta, view) for view in range(1, captions + 1)]


def _add_pictures_and_captions(arrays: dict[str, np.ndarray], metas: list[dict]) -> None:
    arrays["pictures"] = np.stack([make_picture(meta) for meta in metas])
    for meta in metas:
        meta["caption"] = make_caption(meta)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=("render", "paint"), default="render")
    parser.add_argument("--split", type=int, default=0, help="0 for training, 1 for held out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=SHARD)
    parser.add_argument("--bar", type=int, choices=(3, 4), default=4, help="beats in a bar")
    parser.add_argument("--out", "--dir", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this long")
    parser.add_argument("--soundfont")
    parser.add_argument("--wavs", action="store_true", help="keep the audio")
    parser.add_argument("--music-only", action="store_true", help="leave pictures and captions to `paint`")
    parser.add_argument("--views", type=int, default=0, help="further pictures and captions of each item")
    parser.add_argument("--captions", type=int, help="further captions of each item, as many as views unless said")
    parser.add_argument("--shard", type=int, default=SHARD, help="items in a shard")
    parser.add_argument("--again", action="store_true", help="paint: replace what is there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.command == "paint":
        paint_shards(options.out, options.again, options.captions or 0)
    else:
        render_shards(options.split, options.seed, options.count, options.out, bar=options.bar, seconds=options.seconds,
                      soundfont=options.soundfont, wavs=options.wavs, music_only=options.music_only, views=options.views,
                      captions=options.captions, size=options.shard)


if __name__ == "__main__":
    main()
