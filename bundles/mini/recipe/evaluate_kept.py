"""Whether what is composed around kept parts fits them: how many of a part's new notes lie in the chords that the kept score was composed on.

Held-out scores that have the part and those that are kept; words and picture are their own. Where the kept score's chords are known, they are
given: who keeps parts of a clip has the rest of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

import tokens
from agreement import Agreement
from composer.score import Note, Score
from evaluate_record import Record
from evaluate_sampled import AT_ONCE, Question, Studio, noise_of
from evaluate_set import held_out
from music_ldm import PLANES
from music_model import Batch, Known
from sampling import sample
from scale import settled

CHORDS = "chords"
WAYS = ((), ("bass",), ("bass", "ostinato"), ("bass", CHORDS), ("bass", "ostinato", CHORDS))


def in_chords(notes: Sequence[Note], score: Score) -> list[bool]:
    """Of each note whether it is a tone of the score's chord where it begins."""
    at = [chord for chord in score.chords for _ in range(chord.length)]
    return [note.pitch % 12 in {tone % 12 for tone in at[note.start % len(at)].tones} for note in notes]


def known_of(studio: Studio, batch: Batch, kept: Sequence[str]) -> Known | None:
    """All of some parts, and what they are composed on."""
    if not kept:
        return None
    rows, names = len(studio.latents.row_channels), list(studio.latents.parts)
    notes = torch.zeros(*batch.latents.shape[:2], rows, dtype=torch.bool)
    for part in kept:
        notes[..., -2 if part == CHORDS else names.index(part)] = True
    codes = notes.clone()
    codes[..., len(names):] = False
    return Known.of(notes, codes, studio.model.dit.config)


def renewed(studio: Studio, scores: list[Score], prompts: list[str], sights: list[int], kept: Sequence[str]) -> list[list[Note]]:
    """The notes that are composed around the kept parts of some scores of one length."""
    norm, album, found = studio.data.norm, studio.data.album, []
    agreement = Agreement(studio.latents) if kept else None
    for first in range(0, len(scores), AT_ONCE):
        some, sight = scores[first:first + AT_ONCE], torch.tensor(sights[first:first + AT_ONCE])
        latents = torch.from_numpy(np.stack([studio.latents.encode(score) for score in some]))
        batch = Batch(latents, tokens.encode(studio.tokenizer, prompts[first:first + AT_ONCE]), torch.tensor([60 / score.grid_bpm for score in some]),
                      torch.stack([PLANES[score.metre] for score in some]), (album.pooled[sight] - norm[0]) / norm[1], lambda step: album.rows(sight, step))
        noise = torch.stack([noise_of(Question("", None, 0.5, "4/4", Record({}, clip=1000 + first + i)), latents.shape[1:]) for i in range(len(some))])
        for answer in sample(studio.model, studio.denoising, batch, studio.walk, noise, True, known_of(studio, batch, kept), agreement).numpy():
            found.append(settled(studio.latents.decode(answer).notes, len(answer)))
    return found


def table(studio: Studio, clips: int, part: str = "pad") -> str:
    """Of every way of keeping, the share of the part's new notes in the chords, with its error over clips; composed ones beside."""
    items = [held_out(index) for index in range(clips)]
    needed = {part, "bass", "ostinato"}
    fit = [item for item in items if needed <= set(item[1].parts) and item[1].columns == 64]
    scores, prompts = [score for _, score, _ in fit], [prompt for _, _, prompt in fit]
    sights = [studio.data.album.match(scene) for scene, _, _ in fit]
    share = lambda notes, score: np.mean(in_chords(own, score)) if (own := [note for note in notes if note.part == part]) else np.nan
    lines = [f"{len(fit)} scores; share of the {part}'s notes in the chords"]
    for name, answers in [("composed", [score.notes for score in scores]), *(("kept: " + (", ".join(way) or "nothing"), renewed(studio, scores, prompts, sights, way)) for way in WAYS)]:
        shares = np.array([share(notes, score) for notes, score in zip(answers, scores)], float)
        shares = shares[~np.isnan(shares)]
        lines.append(f"{name:24s} {shares.mean():.3f} ±{shares.std() / max(1, len(shares)) ** 0.5:.3f}  ({len(shares)} clips)")
    return "\n".join(lines)
