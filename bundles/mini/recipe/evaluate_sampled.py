"""Samples held-out clips with PyTorch, without engine and sound, and tells what their notes tell: a look at a checkpoint in training.

The ways are those of the evaluation: picture and words, words alone, and a picture of another mood with the same words, all from the
same noise; beside them the composed scores, and painted scenes of each corner of the mood under neutral words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

import tokens
from composer.score import Score
from composer.styles import STYLES
from evaluate_ear import Ear
from evaluate_memory import Memory
from evaluate_pictures import CAPTIONS, CORNERS
from evaluate_playing import Playing, composed, decoded
from evaluate_record import Record, heard
from evaluate_set import BPM, held_out, swap_partners
from evaluate_wishes import NAMED, Named, Wish, wishes
from latents import NUMBERS, Decoded, ScoreLatents
from moods import Mood, between, mood_of, table
from music_ldm import PLANES, Data
from music_model import Batch, Denoising, Known, MusicModel, dit_config
from outline import CUES
from picture_reader import READER, PictureReader
from sampling import Walk, sample
from scale import settled
from scene import Scene

AT_ONCE = 32
SEED = 7


@dataclass(frozen=True)
class Question:
    """A clip to sample: words, the sight of a picture (or none), tempo and metre, and what the answer is held against."""

    prompt: str
    sight: int | None
    beat: float  # seconds
    metre: str
    record: Record  # heard is empty
    programs: tuple[tuple[str, int], ...] = ()  # given instruments
    cue: str = ""  # a given style
    mood: Mood = (None, None)  # given valence and energy


class Studio:
    """A checkpoint that composes."""

    def __init__(self, work: Path, sights: Path, held_out: Path, walk: Walk) -> None:
        """`work` holds latents.npz, tokenizer.json, pooled_norm.pt and music.pt."""
        self.latents, self.walk, self.words = ScoreLatents.load(work / "latents.npz"), walk, table()
        state = torch.load(work / "music.pt", weights_only=True)
        self.model = MusicModel(dit_config(self.latents)).eval()
        self.model.load_state_dict(state["average"] if "average" in state else state)
        self.steps = state.get("step", 0)
        self.tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
        self.encode = lambda prompts: tokens.encode(self.tokenizer, prompts)
        self.denoising = Denoising(self.encode([""]))
        self.data, self.reader = Data.load(held_out, sights, work), PictureReader.load(work / READER)

    def compose(self, questions: list[Question]) -> list[np.ndarray]:
        """Tokens (columns, n) of every question, the nth from noise of its own."""
        found: list[np.ndarray | None] = [None] * len(questions)
        kind = lambda i: (len(PLANES[questions[i].metre]), questions[i].sight is not None)
        for alike in sorted({kind(i) for i in range(len(questions))}):
            places = [i for i in range(len(questions)) if kind(i) == alike]
            for first in range(0, len(places), AT_ONCE):
                some = places[first:first + AT_ONCE]
                for place, one in zip(some, self._batch([questions[i] for i in some])):
                    found[place] = one
        return found

    def _batch(self, questions: list[Question]) -> np.ndarray:
        sees = questions[0].sight is not None
        planes = torch.stack([PLANES[question.metre] for question in questions])
        shape = (len(questions), planes.shape[1], self.latents.width)
        noise = torch.stack([noise_of(question, shape[1:]) for question in questions])
        sight = torch.tensor([question.sight or 0 for question in questions])
        norm, album = self.data.norm, self.data.album
        batch = Batch(torch.zeros(shape), self.encode([question.prompt for question in questions]),
                      torch.tensor([question.beat for question in questions]), planes, (album.pooled[sight] - norm[0]) / norm[1],
                      (lambda step: album.rows(sight, step)) if sees else None)
        return sample(self.model, self.denoising, batch, self.walk, noise, sees, self._known(batch, questions)).numpy()

    def _known(self, batch: Batch, questions: list[Question]) -> Known | None:
        """The codes of given instruments and styles, and given moods, which are put into the batch's latents."""
        if not any(question.programs or question.cue or question.mood != (None, None) for question in questions):
            return None
        rows, parts = len(self.latents.row_channels), list(self.latents.parts)
        codes = torch.zeros(*batch.latents.shape[:2], rows, dtype=torch.bool)
        ends = np.cumsum(self.latents.row_channels)
        for i, question in enumerate(questions):
            for part, program in question.programs:
                row, of = parts.index(part), self.latents.parts[part]
                code = torch.from_numpy(of.codes[1 + of.programs.index(program)]).float()
                batch.latents[i, :, ends[row] - len(code):ends[row]] = code
                codes[i, :, row] = True
            if question.cue:
                batch.latents[i, :, ends[-2]:] = torch.from_numpy(self.latents.outline.cues[CUES.index(question.cue)]).float()
                codes[i, :, -1] = True
        known = Known.of(torch.zeros_like(codes), codes, self.model.dit.config)
        # The model is not told of moods that are given: they stand in what it sees of the clip's numbers.
        for name, values in zip(("valence", "energy"), zip(*(question.mood for question in questions))):
            number = NUMBERS.index(name)
            mean, spread = self.latents.numbers[:, number]
            for i, value in enumerate(values):
                if value is not None:
                    batch.latents[i, :, ends[len(parts) - 1] + number] = float((value - mean) / spread)
                    known.where[i, :, ends[len(parts) - 1] + number] = True
        return known

    def mood(self, prompt: str, sight: int | None) -> Mood:
        """What the engine gives for some words and a picture."""
        said, seen = mood_of(prompt, self.words), (None, None)
        if sight is not None:
            pooled = (self.data.album.pooled[sight].float() - self.data.norm[0]) / self.data.norm[1]
            seen = self.reader.read(pooled[None])["mood"][0].clamp(0, 1).tolist()
        return tuple(between(*pair) for pair in zip(said, seen))


def noise_of(question: Question, shape: tuple[int, ...]) -> Tensor:
    """Noise of a clip; the same whatever is asked of it."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(SEED * 100_000 + question.record.clip))


def held_out_questions(studio: Studio, clips: int, codes: bool) -> tuple[dict[str, list[Question]], list[Score]]:
    """The ways of the first `clips` held-out clips, and their composed scores."""
    items = [held_out(index) for index in range(clips)]
    partners = swap_partners([scene.valence for scene, _, _ in items])
    ways: dict[str, list[Question]] = dict(both=[], words=[], swapped=[])
    for index, (scene, score, prompt) in enumerate(items):
        other = items[partners[index]][0]
        asked = wishes(prompt, composed(score))
        given = given_programs(asked, score, studio.latents) if codes else ()
        cue = named_cue(prompt) if codes else ""
        record = Record({}, clip=index, style=scene.style, cue=score.style, mode=score.mode, shown=mood(scene), other=mood(other),
                        wishes=tuple(asked))
        swapped = replace(record, shown=mood(other), other=mood(scene))
        mood_with = lambda sight: studio.mood(prompt, sight) if codes else (None, None)
        of = lambda sight, r: Question(prompt, sight, 60 / score.grid_bpm, score.metre, r, given, cue, mood_with(sight))
        ways["both"].append(of(studio.data.album.match(scene), record))
        ways["words"].append(of(None, record))
        ways["swapped"].append(of(studio.data.album.match(other), swapped))
    return ways, [score for _, score, _ in items]


def named_cue(prompt: str) -> str:
    """The one style whose name a prompt holds, as the engine has it; "" where it holds none or several."""
    said = f" {' '.join(re.findall('[a-z0-9]+', prompt.lower()))} "
    held = lambda name: f" {' '.join(re.findall('[a-z0-9]+', name.lower()))} " in said
    found = [cue for cue, style in STYLES.items() if any(map(held, style.names))]
    return found[0] if len(found) == 1 else ""


def given_programs(asked: list[Wish], score: Score, latents: ScoreLatents) -> tuple[tuple[str, int], ...]:
    """Part and program of the composed score for every wish: what the engine would set."""
    plays = lambda part, wish: score.parts[part] in (wish.kits if part == "drums" else wish.programs)
    found = {part: score.parts[part] for wish in asked for part in score.parts if plays(part, wish)}
    return tuple((part, program) for part, program in found.items() if program in latents.parts[part].programs)


def corner_questions(studio: Studio, clips: int, codes: bool) -> dict[str, list[Question]]:
    """For each corner the painted scenes nearest to it, under neutral words."""
    scenes, ways = studio.data.album.scenes, {}
    for name, (valence, energy) in CORNERS.items():
        nearest = sorted(range(len(scenes)), key=lambda i: np.hypot(scenes[i].valence - valence, scenes[i].arousal - energy))[:clips]
        said = [CAPTIONS[i % len(CAPTIONS)] for i in range(clips)]
        ways[name] = [Question(prompt, sight, 60 / BPM, "4/4", Record({}, clip=i, shown=mood(scenes[sight])),
                               mood=studio.mood(prompt, sight) if codes else (None, None)) for i, (prompt, sight) in enumerate(zip(said, nearest))]
    return ways


def named_questions(latents: ScoreLatents, codes: bool) -> list[Question]:
    """Prompts that name an instrument."""
    return [Question(named.prompt, None, 60 / named.bpm, "4/4", Record({}, clip=i, wishes=(named.wish,)), known(named, latents) if codes else ())
            for i, named in enumerate(NAMED)]


def known(named: Named, latents: ScoreLatents) -> tuple[tuple[str, int], ...]:
    """The part of a named instrument, or another that the model knows it for."""
    program = (named.programs or named.kits)[0]
    knows = [part for part in (named.part, *latents.parts) if (part == "drums") == (not named.programs) and program in latents.parts[part].programs]
    return ((knows[0], program),) if knows else ()


def mood(scene: Scene) -> tuple[float, float]:
    """Valence and energy of a scene."""
    return scene.valence, scene.arousal


def settle(found: Decoded, columns: int) -> Decoded:
    """What is composed, as the engine has it: without notes that nothing explains."""
    return replace(found, notes=settled(found.notes, columns))


def listen(playings: list[Playing], questions: list[Question], ear: Ear, memory: Memory | None) -> list[Record]:
    """What is heard in every answer."""
    seconds = [playing.columns / 4 * question.beat for playing, question in zip(playings, questions)]
    return [replace(question.record, heard=told_of) for question, told_of in zip(questions, heard(playings, seconds, ear, memory))]


def run(studio: Studio, reader: Path, clips: int, corners: int, codes: bool, memory: Memory | None) -> dict[str, list[Record]]:
    """Samples and measures every way."""
    ear = Ear(reader, studio.latents)
    ways, scores = held_out_questions(studio, clips, codes)
    found = {"composed": listen([composed(score) for score in scores], ways["both"], ear, memory)}
    for way, questions in (ways | corner_questions(studio, corners, codes) | dict(named=named_questions(studio.latents, codes))).items():
        answers = studio.compose(questions) if questions else []
        playings = [decoded(settle(studio.latents.decode(answer), len(answer)), question.metre) for answer, question in zip(answers, questions)]
        found[way] = listen(playings, questions, ear, memory)
        print(f"{way}: {len(playings)} clips", flush=True)
    return found
