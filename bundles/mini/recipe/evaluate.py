"""The evaluation of a bundle: what it makes of the held-out set, measured and written down.

    python evaluate.py prepare --out SET [--clips 64]       held-out clips, pictures and a line of work for every clip
    python evaluate.py train --set SET --data DIR           the readers of mood, from the training split
    melfusion eval SET --out RESULTS                        makes the clips, then calls
    python evaluate.py measure --set SET --results RESULTS  the tables, and report.html
    python evaluate.py limits --data DIR --held-out DIR     what picture and words tell of a clip's brightness

See `evaluate_set.py` for what is made, `evaluate_probes.py` for what is measured and `evaluate_readers.py` for the readers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch


def prepare(options: argparse.Namespace) -> None:
    """Writes the set."""
    import evaluate_set

    jobs = evaluate_set.prepare(options.out, options.clips, options.reference, options.soundfont)
    print(f"{options.out}: {jobs} clips to make")


def train(options: argparse.Namespace) -> None:
    """Trains the readers and prints how well they read what they have not seen."""
    import evaluate_readers

    evaluate_readers.train(options.data, options.set / "readers.pt", options.seconds)
    print(evaluate_readers.check(options.set), flush=True)


def measure(options: argparse.Namespace) -> None:
    """Measures what was made, prints the tables and writes the report."""
    import evaluate_clips
    import evaluate_report
    import evaluate_table

    run = evaluate_clips.load(options.set, options.results)
    scores = evaluate_table.score(run, options.set, options.results)
    (options.results / "scores.json").write_text(json.dumps(scores, indent=1), encoding="utf-8")
    print(evaluate_table.text(scores), flush=True)
    print(f"\n{evaluate_report.write(run, options.set, options.results, scores)}")


def limits(options: argparse.Namespace) -> None:
    """Prints how well brightness can be told from picture and words."""
    import evaluate_limits

    for told, correlation in evaluate_limits.limits(options.data, options.held_out).items():
        print(f"{told:24} {correlation:.2f}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("prepare")
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--clips", type=int, default=64, help="held-out clips, and clips per corner of the mood")
    one.add_argument("--reference", type=int, default=192, help="further held-out clips for the Frechet distance")
    one.add_argument("--soundfont")
    one.set_defaults(run=prepare)
    two = commands.add_parser("train")
    two.add_argument("--set", type=Path, required=True)
    two.add_argument("--data", type=Path, required=True, nargs="+", help="folders of shards of the training split")
    two.add_argument("--seconds", type=float, default=240, help="for each of the two readers")
    two.set_defaults(run=train)
    three = commands.add_parser("measure")
    three.add_argument("--set", type=Path, required=True)
    three.add_argument("--results", type=Path, required=True)
    three.set_defaults(run=measure)
    four = commands.add_parser("limits")
    four.add_argument("--data", type=Path, required=True, nargs="+", help="folders of shards of the training split")
    four.add_argument("--held-out", type=Path, required=True, nargs="+")
    four.set_defaults(run=limits)
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        options.run(options)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
