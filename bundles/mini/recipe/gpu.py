"""Trains on from a bundle on one GPU, in a quarter of an hour, while the processor's cores compose.

    python start.py --work DIR --pictures
    python gpu.py --work DIR --seconds 640 [--processes 15] [--soundfont FILE]

Everything runs side by side: triplets are rendered until the end, and the music takes them in as they come, each with several
pictures and captions; the codec's decoder is trained while there is room; the picture model comes first, because the music looks
through it. Every stage writes what it says to DIR/NAME.log. `export.py` makes the bundle of what is in DIR afterwards.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from shards import shards

HERE = Path(__file__).parent
WALTZ_EVERY = 7  # of so many rendering processes, one is in three
FIRST_SEED = 100
VIEWS = 3  # further pictures and captions of every triplet
NEVER = 10**6  # clips are rendered until the process is ended


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    held_out: int
    shard: int
    painted: int
    vae: tuple[str, ...]
    unet: tuple[str, ...]
    codec_clips: int
    codec: tuple[str, ...]
    first: int  # triplets without which the music does not begin
    music: tuple[str, ...]


GPU = Size(held_out=160, shard=100, painted=24000, vae=("--seconds", "40", "--batch", "128"), unet=("--seconds", "60", "--batch", "512"),
           codec_clips=6000, codec=("--seconds", "100", "--batch", "64"), first=3000,
           music=("--batch", "512", "--rate", "1e-3", "--dropout", "0.05", "--compile"))
SMOKE = Size(held_out=4, shard=4, painted=16, vae=("--steps", "2"), unet=("--steps", "2"), codec_clips=8,
             codec=("--steps", "2"), first=8, music=("--batch", "4"))


class Stages:
    """Starts the stages as processes and ends those that would go on."""

    def __init__(self, work: Path, soundfont: list[str]) -> None:
        self.work, self.soundfont, self.endless = work, soundfont, []
        # The triplets' memory grows all the time; in segments that cannot, it would be in pieces soon.
        self.environment = {"OMP_NUM_THREADS": "1", "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True", **os.environ}

    def start(self, name: str, *command: object, nice: int = 0) -> subprocess.Popen:
        """Start a stage; its words go to its log."""
        log = (self.work / f"{name}.log").open("w")
        words = ["nice", "-n", str(nice), sys.executable, "-u", *map(str, command)]
        return subprocess.Popen(words, cwd=HERE, env=self.environment, stdout=log, stderr=log)

    def run(self, name: str, *command: object) -> None:
        """Run a stage to its end."""
        self.check(name, self.start(name, *command))

    def check(self, name: str, process: subprocess.Popen) -> None:
        """Wait for a stage, and stop everything where it failed."""
        if process.wait() != 0:
            raise SystemExit(f"{name} failed: {(self.work / f'{name}.log').read_text()[-2000:]}")
        print(f"{name} done", flush=True)

    def render(self, processes: int, size: Size) -> None:
        """Compose and render until the end."""
        common = ["--views", VIEWS, "--shard", size.shard, "--count", NEVER, *self.soundfont]
        for number in range(processes):
            bar, folder = (3, "waltz") if number % WALTZ_EVERY == WALTZ_EVERY - 1 else (4, "train")
            seed = FIRST_SEED + number
            self.endless.append(self.start(f"render_{seed}", "triplets.py", "--seed", seed, "--bar", bar, *common, "--out", self.work / folder, nice=19))

    def end(self) -> None:
        """End what would go on."""
        for process in self.endless:
            process.kill()
            process.wait()


def train(stages: Stages, size: Size, processes: int, device: str, until: float) -> None:
    """All stages; the music ends at the time `until`.

    It is started first, compiles meanwhile, and waits for triplets that are inverted.
    """
    work, place = stages.work, ["--device", device]
    data, test = ["--data", work / "train", work / "waltz"], work / "test"
    music = stages.start("music", "music_ldm.py", *data, "--held-out", test, "--work", work, "--follow", size.first, *size.music,
                         "--seconds", until - time.monotonic(), *place)
    stages.endless.append(music)
    pictures = ["--painted", size.painted, "--looks", 2, "--processes", processes, "--work", work, *place]
    if not shards([test]):
        stages.run("test", "triplets.py", "--split", 1, "--seed", 1, "--count", size.held_out, "--out", test, *stages.soundfont)
    stages.run("vae", "image_ldm.py", "vae", *pictures, *size.vae)
    codec = stages.start("codec", "codec.py", "train", "--data", work / "train", "--codec", work / "codec.pt",
                         "--held-out", test, "--clips", size.codec_clips, "--wait", *size.codec, *place)
    stages.run("unet", "image_ldm.py", "unet", *pictures, *size.unet)
    stages.endless.append(stages.start("invert", "inversion.py", *data, "--held-out", test, "--work", work, "--follow", *place))
    stages.check("music", music)
    stages.check("codec", codec)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="made by start.py")
    parser.add_argument("--seconds", type=float, default=640, help="from now to the end of the music's training")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="that paint")
    parser.add_argument("--composers", type=int, help="processes that compose; default: as many as paint")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--soundfont", help="General MIDI soundfont; default: FluidR3 where Debian puts it")
    parser.add_argument("--smoke", action="store_true", help="toy size")
    options = parser.parse_args()
    until, size = time.monotonic() + options.seconds, SMOKE if options.smoke else GPU
    stages = Stages(options.work.resolve(), ["--soundfont", options.soundfont] if options.soundfont else [])
    try:
        stages.render(options.processes if options.composers is None else options.composers, size)
        train(stages, size, options.processes, options.device, until)
    finally:
        stages.end()


if __name__ == "__main__":
    main()
