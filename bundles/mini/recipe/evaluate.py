"""The evaluation of a bundle: what it makes of the held-out set, measured and written down.

    python evaluate.py prepare --out SET --latents latents.npz      held-out clips, pictures and a line of work for every clip
    python evaluate.py train --set SET --data DIR --scores DIR      the reader of scores, and a sample of what was learnt
    melfusion eval SET --out RESULTS                                makes the clips, then calls
    python evaluate.py measure --set SET --results RESULTS          the tables, and report.html
    python evaluate.py sampled --work DIR --held-out DIR --held-out-sights DIR --reader FILE     a checkpoint, without engine and sound
    python evaluate.py words --work DIR --held-out DIR --held-out-sights DIR --reader FILE --sources DIR --lexicon DIR --thesaurus FILE...
                                                                    whether unknown words act as known ones do
    python evaluate.py kept --work DIR --held-out DIR --held-out-sights DIR     whether it composes to parts that are kept

See `evaluate_set.py` for what is made, `evaluate_notes.py` and `evaluate_probes.py` for what is measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def prepare(options: argparse.Namespace) -> None:
    """Writes the set."""
    import evaluate_set

    jobs = evaluate_set.prepare(options.out, options.clips, options.latents)
    print(f"{options.out}: {jobs} clips to make")


def train(options: argparse.Namespace) -> None:
    """Trains the reader of scores, says how well it reads what it has not seen, and keeps a sample of what is learnt from."""
    import evaluate_ear
    import evaluate_memory
    from evaluate_set import MEMORY, READER

    evaluate_memory.learn(options.scores, options.sample).save(options.set / MEMORY)
    evaluate_ear.train(options.data, options.set / READER, options.steps)
    if options.held_out:
        print(evaluate_ear.check(options.set / READER, options.held_out), flush=True)


def measure(options: argparse.Namespace) -> None:
    """Measures what was made, prints the tables and writes the report."""
    import evaluate_clips
    import evaluate_report
    import evaluate_scores

    run = evaluate_clips.load(options.set, options.results, options.transcribed, options.transcriber)
    scores = evaluate_scores.score(run, options.set)
    evaluate_scores.save(scores, options.results)
    print(evaluate_scores.text(scores), flush=True)
    print(f"\n{evaluate_report.write(run, options.set, options.results, scores)}")


def sampled(options: argparse.Namespace) -> None:
    """Samples held-out clips with PyTorch and prints what their notes tell."""
    import evaluate_memory
    import evaluate_sampled
    import evaluate_table
    from sampling import Walk

    walk = Walk(options.steps, options.guidance, options.word_guidance)
    studio = evaluate_sampled.Studio(options.work, options.held_out_sights, options.held_out, walk)
    memory = evaluate_memory.learn(options.scores, options.sample) if options.scores else None
    ways = evaluate_sampled.run(studio, options.reader, options.clips, options.corners, options.codes, memory)
    print(f"step {studio.steps}, {walk}\n\n{evaluate_table.of_notes(ways)}")


def words(options: argparse.Namespace) -> None:
    """Samples clips of words that captions do not have, and of synonyms that they have, and prints how alike they are."""
    import evaluate_sampled
    import evaluate_words
    import thesaurus
    from sampling import Walk
    from wordnet import WordNet

    walk = Walk(options.steps, options.guidance, options.word_guidance)
    studio = evaluate_sampled.Studio(options.work, options.held_out_sights, options.held_out, walk)
    wordnet = WordNet(thesaurus.one_file(options.sources, "data.noun").parent)
    captions = set((options.lexicon / "captions.txt").read_text().split())
    pairs = evaluate_words.pairs_of(wordnet, thesaurus.glove_words(options.sources), captions, options.clips)
    found = evaluate_words.table(studio, options.reader, {path.stem: path for path in options.thesaurus}, pairs)
    print(f"step {studio.steps}, {walk}, {len(pairs)} pairs\n\n{found}")


def kept(options: argparse.Namespace) -> None:
    """Composes around kept parts with PyTorch and prints how well what is new fits them."""
    import evaluate_kept
    import evaluate_sampled
    from sampling import Walk

    walk = Walk(options.steps, options.guidance, options.word_guidance)
    studio = evaluate_sampled.Studio(options.work, options.held_out_sights, options.held_out, walk)
    print(f"step {studio.steps}, {walk}\n\n{evaluate_kept.table(studio, options.clips)}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("prepare")
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--latents", type=Path, required=True, help="latents.npz of the work folder")
    one.add_argument("--clips", type=int, default=96, help="held-out clips, and clips per corner of the mood")
    one.set_defaults(run=prepare)
    two = commands.add_parser("train")
    two.add_argument("--set", type=Path, required=True)
    two.add_argument("--data", type=Path, required=True, help="the training set of score_set.py")
    two.add_argument("--scores", type=Path, required=True, nargs="+", help="folders of the training split's scores")
    two.add_argument("--held-out", type=Path, help="a held-out set of score_set.py, to say how well the reader reads")
    two.add_argument("--steps", type=int, default=1500)
    two.add_argument("--sample", type=int, default=3000, help="scores whose bars are kept, to find what was learnt by heart")
    two.set_defaults(run=train)
    three = commands.add_parser("measure")
    three.add_argument("--set", type=Path, required=True)
    three.add_argument("--results", type=Path, required=True)
    three.add_argument("--transcribed", type=int, default=48, help="clips of a way that are transcribed, where basic-pitch is installed")
    three.add_argument("--transcriber", type=Path, help="a Python with basic-pitch [default: this one]")
    three.set_defaults(run=measure)
    four = commands.add_parser("sampled")
    four.add_argument("--reader", type=Path, required=True, help="what `train` wrote")
    four.add_argument("--scores", type=Path, nargs="*", default=[], help="the training split's scores, to find what was learnt by heart")
    four.add_argument("--sample", type=int, default=1000)
    four.add_argument("--corners", type=int, default=12, help="clips of each corner of the mood")
    four.add_argument("--codes", action="store_true", help="give what the engine gives: instruments and style that words name, and the mood that words say and the picture shows")
    four.set_defaults(run=sampled)
    five = commands.add_parser("kept")
    five.set_defaults(run=kept)
    six = commands.add_parser("words")
    six.add_argument("--reader", type=Path, required=True, help="what `train` wrote")
    six.add_argument("--sources", type=Path, required=True, help="the unpacked packages of thesaurus.py")
    six.add_argument("--lexicon", type=Path, required=True, help="src/text/lexicon")
    six.add_argument("--thesaurus", type=Path, nargs="+", required=True, help="files of thesaurus.py")
    six.set_defaults(run=words)
    for command in (four, five, six):
        command.add_argument("--work", type=Path, required=True, help="holds music.pt, latents.npz, tokenizer.json and pooled_norm.pt")
        command.add_argument("--held-out", type=Path, required=True, help="a held-out set of score_set.py")
        command.add_argument("--held-out-sights", type=Path, required=True)
        command.add_argument("--clips", type=int, default=64, help="held-out clips, or pairs of words")
        command.add_argument("--steps", type=int, default=20)
        command.add_argument("--guidance", type=float, default=2.5)
        command.add_argument("--word-guidance", type=float, default=1.5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        options.run(options)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
