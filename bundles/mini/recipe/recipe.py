"""Makes the whole bundle: triplets, codec, tokenizer, image model, music model, export.

    python recipe.py --work DIR --out ../             the CPU checkpoint, about four and a half hours on two cores
    python recipe.py --work DIR --out DIR --smoke     everything at toy size, under two minutes; makes noise, not music

Every stage keeps its results in DIR and resumes where it was interrupted; a finished stage is not run again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import runpy
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    clips: int  # per seed; there are two seeds of 4/4
    waltzes: int  # clips in 3/4
    held_out: int
    painted: int  # pictures without music
    sounds: int  # clips with sound, for the fine structure
    codec: tuple[str, ...]  # budgets, as options of the stages
    fine: tuple[str, ...]
    text: tuple[str, ...]
    vae: tuple[str, ...]
    unet: tuple[str, ...]
    music: tuple[str, ...]


def seconds(value: int) -> tuple[str, ...]:
    """A budget of wall clock."""
    return "--seconds", str(value)


def steps(value: int) -> tuple[str, ...]:
    """A budget of steps."""
    return "--steps", str(value)


CPU = Size(clips=2250, waltzes=1000, held_out=160, painted=16000, sounds=300, codec=seconds(400), fine=seconds(900), text=seconds(900),
           vae=seconds(700), unet=seconds(1250), music=(*seconds(6050), "--batch", "8", "--rate", "1.2e-3"))
SMOKE = Size(clips=6, waltzes=4, held_out=4, painted=8, sounds=3, codec=steps(2), fine=steps(2), text=(*steps(2), "--scores", "4"),
             vae=steps(2), unet=steps(2), music=(*steps(2), "--batch", "4"))


def stages(size: Size, work: Path, out: Path, soundfont: str | None) -> list[list[str]]:
    """The commands, in order."""
    train, waltz, test, heard, heard_out = (str(work / name) for name in ("train", "waltz", "test", "heard", "heard_out"))
    sound = ["--soundfont", soundfont] if soundfont else []
    data, dirs = ["--data", train, waltz], ["--data", train, waltz, "--work", str(work)]
    render = lambda split, seed, count, folder, bar=4: [
        "triplets.py", "--split", str(split), "--seed", str(seed), "--count", str(count), "--bar", str(bar), "--out", folder, *sound]
    painted = ["--painted", str(size.painted)]
    codec = ["--data", train, "--codec", str(work / "codec.pt")]
    return [
        render(1, 1, size.held_out, test),
        *(render(0, seed, size.clips, train) for seed in (1, 2)),
        render(0, 4, size.waltzes, waltz, bar=3),
        ["codec.py", "fit", *codec, "--clips", "1000"],
        ["codec.py", "train", *codec, *size.codec, "--held-out", test],
        [*render(0, 12, size.sounds, heard), "--wavs", "--music-only"],
        [*render(1, 2, max(1, size.sounds // 8), heard_out), "--wavs", "--music-only"],
        ["fine_structure.py", "--data", heard, "--held-out", heard_out, "--work", str(work), *size.fine],
        ["tokens.py", *data, "--out", str(work / "tokenizer.json")],
        ["text_encoder.py", "--work", str(work), *size.text],
        ["image_ldm.py", "vae", *dirs, *painted, *size.vae],
        ["image_ldm.py", "unet", *dirs, *painted, *size.unet],
        ["inversion.py", *dirs, "--held-out", test],
        ["music_ldm.py", *dirs, "--held-out", test, *size.music],
        ["export.py", "--work", str(work), "--held-out", test, "--out", str(out)],
    ]


def run(command: list[str]) -> None:
    """What `python` does with the command."""
    os.chdir(HERE)
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")


def processes() -> multiprocessing.context.BaseContext:
    """Makes a process for each stage, which has PyTorch and diffusers loaded already: that takes as long as a stage of toy size."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["diffusers.models.autoencoders.autoencoder_kl", "diffusers.models.unets.unet_2d_condition"])
    return context


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="where triplets and checkpoints are kept")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    parser.add_argument("--soundfont", help="General MIDI soundfont; default: FluidR3 where Debian puts it")
    parser.add_argument("--smoke", action="store_true", help="toy size")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context = processes()
    finished = options.work / "finished"
    done = finished.read_text().splitlines() if finished.exists() else []
    for command in stages(SMOKE if options.smoke else CPU, options.work.resolve(), options.out.resolve(), options.soundfont):
        name = " ".join(command)
        if name in done:
            continue
        began = time.monotonic()
        print(f"-- {name}", flush=True)
        stage = context.Process(target=run, args=(command,))
        stage.start()
        stage.join()
        if stage.exitcode != 0:
            raise SystemExit(f"failed: {name}")
        with finished.open("a") as file:
            file.write(name + "\n")
        print(f"   {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
