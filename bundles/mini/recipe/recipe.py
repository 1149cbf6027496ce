"""Makes the whole bundle: scores, latents, tokenizer, picture model, music model, instruments, export.

    python recipe.py --work DIR --out ../             the CPU checkpoint, about four hours on one core
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

    scores: int
    held_out: int
    sights: int  # pictures of the scores' scenes that are looked at
    painted: int  # pictures that the picture model learns from
    text: tuple[str, ...]  # budgets, as options of the stages
    vae: tuple[str, ...]
    unet: tuple[str, ...]
    music: tuple[str, ...]


def seconds(value: int) -> tuple[str, ...]:
    """A budget of wall clock."""
    return "--seconds", str(value)


def steps(value: int) -> tuple[str, ...]:
    """A budget of steps."""
    return "--steps", str(value)


CPU = Size(scores=30000, held_out=400, sights=5000, painted=16000, text=seconds(900), vae=seconds(700), unet=seconds(1250), music=seconds(7200))
SMOKE = Size(scores=40, held_out=6, sights=6, painted=8, text=(*steps(2), "--scores", "4"), vae=steps(2), unet=steps(2),
             music=(*steps(2), "--batch", "4"))


def stages(size: Size, work: Path, out: Path) -> list[list[str]]:
    """The commands, in order."""
    scores, unseen, sights, unseen_sights, data, unseen_data, bank = (
        str(work / name) for name in ("scores", "unseen", "sights", "unseen_sights", "set", "unseen_set", "bank"))
    here = ["--work", str(work)]
    of = lambda scores, sights, out: ["score_set.py", "--scores", scores, "--sights", sights, *here, "--out", out]
    painted = ["--painted", str(size.painted)]
    return [
        ["-m", "composer.scores", "--split", "0", "--seed", "1", "--count", str(size.scores), "--out", scores],
        ["-m", "composer.scores", "--split", "1", "--seed", "1", "--count", str(size.held_out), "--out", unseen],
        ["latents.py", "--scores", scores, "--held-out", unseen, "--out", str(work / "latents.npz")],
        ["tokens.py", "--scores", scores, "--out", str(work / "tokenizer.json")],
        ["text_encoder.py", *here, *size.text],
        ["image_ldm.py", "vae", *here, *painted, *size.vae],
        ["image_ldm.py", "unet", *here, *painted, *size.unet],
        ["sights.py", "--split", "0", "--seed", "1", "--count", str(size.sights), *here, "--out", sights],
        ["sights.py", "--split", "1", "--seed", "1", "--count", str(size.held_out), "--plain", *here, "--out", unseen_sights],
        ["picture_reader.py", "--sights", sights, *here, "--held-out-sights", unseen_sights],
        of(scores, sights, data),
        of(unseen, unseen_sights, unseen_data),
        ["music_ldm.py", "--data", data, "--sights", sights, "--held-out", unseen_data, "--held-out-sights", unseen_sights, *here, *size.music],
        ["bank.py", "--out", bank],
        ["export.py", *here, "--bank", bank, "--out", str(out)],
    ]


def run(command: list[str]) -> None:
    """What `python` does with the command."""
    os.chdir(HERE)
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
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
    parser.add_argument("--work", type=Path, required=True, help="where scores and checkpoints are kept")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    parser.add_argument("--smoke", action="store_true", help="toy size")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context = processes()
    finished = options.work / "finished"
    done = finished.read_text().splitlines() if finished.exists() else []
    for command in stages(SMOKE if options.smoke else CPU, options.work.resolve(), options.out.resolve()):
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
