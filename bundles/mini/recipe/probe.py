"""Does the picture act? Four kinds of pictures under the same neutral words and seeds, heard through the engine.

    python probe.py --melfusion ../../../target/release/melfusion --work DIR [--clips 24] [--bundle ..]

Prints, for bright or dark pictures of calm or lively scenes, the share of clips heard as major (Krumhansl's key profiles on
the relative major and minor alone, since all music is written in C major or A minor), the mean mel flux (energy) and the
spectral centroid; and for all clips the share of energy on the seven notes of the scale, where chance is 7/12.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from mel import beat_mel
from picture import paint
from scene import Scene

CAPTIONS = ("lo-fi with electric piano, electric bass and drums", "ambient with warm pad, harp and synth bass",
            "neoclassical piano with piano, strings and double bass", "orchestral with strings, harp, cello and celesta")
PLACES = ("hills", "sea", "city", "forest", "desert", "street")
CORNERS = {"bright lively": (0.95, 0.9), "bright calm": (0.95, 0.1), "dark calm": (0.05, 0.1), "dark lively": (0.05, 0.9)}
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
WHITE = [0, 2, 4, 5, 7, 9, 11]
RATE, BPM = 32000, 100


def picture(corner: tuple[float, float], index: int, folder: Path) -> Path:
    """Paints one picture of a corner; the place and the look vary with the index."""
    valence, arousal = corner
    hour = "night" if valence < 0.33 else "day"
    weather = "rain" if valence < 0.5 < arousal else "mist" if arousal < 0.3 else "clear"
    look = ("flat", "painterly", "sketch", "photo")[index % 4]
    scene = Scene(PLACES[index % len(PLACES)], valence, arousal, hour, weather, look, "piano", "major")
    path = folder / f"{valence}_{arousal}_{index}.png"
    Image.fromarray(paint(scene, np.random.default_rng([9, index]))).save(path)
    return path


def listen(path: Path) -> np.ndarray:
    """The mono mean of a WAV file, float64 (L,)."""
    return soundfile.read(path)[0].mean(1)


def chroma(sound: np.ndarray) -> np.ndarray:
    """Energy of spectral peaks per pitch class, (12,), summing to one."""
    frames = np.lib.stride_tricks.sliding_window_view(np.concatenate([sound, sound[:8192]]), 8192)[::2048]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(8192)))
    inner = spectrum[:, 1:-1]
    peaks = np.where((inner > spectrum[:, :-2]) & (inner >= spectrum[:, 2:]), np.sqrt(inner), 0).sum(0)
    hertz = np.arange(1, spectrum.shape[1] - 1) * RATE / 8192
    audible = (hertz > 60) & (hertz < 1800)
    note = 69 + 12 * np.log2(hertz[audible] / 440)
    found = np.zeros(12)
    np.add.at(found, np.round(note).astype(int) % 12, peaks[audible] * np.maximum(0, 1 - 2 * np.abs(note - np.round(note))))
    return found / found.sum()


def measure(path: Path) -> dict[str, float]:
    """The probes of one clip."""
    sound = listen(path)
    notes, mel = chroma(sound), beat_mel(sound.astype(np.float32))
    spectrum = np.abs(np.fft.rfft(sound))
    major, minor = np.corrcoef(MAJOR, notes)[0, 1], np.corrcoef(np.roll(MINOR, 9), notes)[0, 1]
    return dict(major=float(major > minor), in_scale=notes[WHITE].sum(), flux=np.maximum(0, np.diff(mel, axis=0)).sum(1).mean(),
                centroid=(spectrum * np.linspace(0, RATE / 2, len(spectrum))).sum() / spectrum.sum())


def clip(options: argparse.Namespace, image: Path, index: int) -> Path:
    """Composes one clip at the model's own rate."""
    out = image.with_suffix(".wav")
    command = [options.melfusion, "generate", "--bundle", options.bundle, "--image", image, "--prompt", CAPTIONS[index % len(CAPTIONS)],
               "--bpm", str(BPM), "--seed", str(index), "--rate", str(RATE), "--influence", str(options.influence), "--out", out, "--quiet"]
    subprocess.run(list(map(str, command)), check=True)
    return out


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--melfusion", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=Path(__file__).parent.parent)
    parser.add_argument("--clips", type=int, default=24, help="per kind of picture")
    parser.add_argument("--influence", type=float, default=1.0)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for name, corner in CORNERS.items():
        found = [measure(clip(options, picture(corner, i, options.work), i)) for i in range(options.clips)]
        means = {key: round(float(np.mean([row[key] for row in found])), 3) for key in found[0]}
        print(json.dumps(dict(picture=name, clips=len(found), **means)), flush=True)


if __name__ == "__main__":
    main()
