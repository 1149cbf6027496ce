"""Words for a scene's music, as somebody might type them.

What the picture tells (mood, mode, tempo, place) is mostly left out, and numbers and tonics always are:
a model that finds the mood in the words never learns to look at the picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

import words
from composer.score import Chord
from composer.styles import STYLES as CUES
from scene import Scene

CAPTION_STREAM = 11  # of an item's random numbers
SHORT_SHARE = 0.09  # of the captions name one genre or one instrument, and nothing else
SHARES = {  # of the other captions, what they tell
    "mood": 0.32, "genre": 0.88, "instruments": 0.86, "tempo": 0.30, "energy": 0.06, "mode": 0.16,
    "drum_level": 0.22, "no_drums": 0.10, "place": 0.16, "weather": 0.05, "hour": 0.05, "cue": 0.22,
    "meter": 0.60, "pattern": 0.06, "era": 0.08, "no_voices": 0.05, "harmony": 0.05, "feel": 0.05,
    "texture": 0.04, "space": 0.05, "tone": 0.04,
}
WALTZ_SHARE = 0.3  # of the meters told, the genre is called a waltz where one word names it
TYPO_SHARE = 0.05  # of all captions
CUE_SHARE = 0.5  # of the genres told, a cue's own name is
FIRST_SHARE = 0.6  # of the captions name the instrument that leads, before the others
VOICES = (52, 53, 54, 85, 91)  # General MIDI programs that sing
KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
UNCOUNTED = ("keys", "percussion", "pizzicato", "mallets", "brass", "sax", "bass", "vibes", "bells", "brushes", "808", "whistling",
             "fantasia", "glass", "drumming", "brushwork", "pizz", "pizzicati", "tremolando")


class Score(Protocol):
    """What the captioner reads of a composed clip; `composer.told` tells it."""

    bpm: int
    mode: str
    style: str
    parts: dict[str, int]
    drums_level: int
    chords: list[Chord]
    brightness: float
    space: int
    swing: float
    beats: int
    metre: str
    names: tuple[str, ...]
    featured: str


@dataclass
class Facts:
    """What one caption will tell; an empty entry is left out."""

    mood: str = ""
    genre: str = ""
    instruments: tuple[str, ...] = ()
    place: str = ""
    when: str = ""
    cue: str = ""
    extras: tuple[str, ...] = ()  # tempo, meter, mode, drums, texture and mix


def caption(scene: Scene, score: Score, rng: np.random.Generator) -> str:
    """A caption of the music; the same state of `rng` gives the same words."""
    if rng.random() < SHORT_SHARE:
        return _finish(_short(score, rng), rng)
    facts = _gather(scene, score, rng)
    forms = [form for form, needs in FORMS if all(getattr(facts, need) for need in needs)]
    return _finish(forms[int(rng.integers(len(forms)))](facts, rng), rng)


def all_phrases() -> list[str]:
    """Every phrase that a caption can hold, each once: the vocabulary, then the words between."""
    cues = (name for style in CUES.values() for name in style.names)
    return list(dict.fromkeys([*(phrase for group in words.groups() for phrase in group), *cues, *LINKS]))


def _gather(scene: Scene, score: Score, rng: np.random.Generator) -> Facts:
    told = {fact: bool(rng.random() < share) for fact, share in SHARES.items()}
    facts = Facts()
    corner = (scene.valence > 0.5, scene.arousal > 0.5)
    if told["mood"] and rng.random() < 0.14:
        facts.cue = _pick(words.MOOD_CUES[corner], rng)
    elif told["mood"]:
        facts.mood = _mood(scene, corner, rng)
    if told["cue"] and not facts.cue:
        facts.cue = _pick(words.CUES, rng)
    if told["genre"]:
        facts.genre = _genre(score, rng)
    if told["instruments"]:
        facts.instruments = _instruments(score, rng)
    if not facts.genre and not facts.instruments:
        facts.genre = _genre(score, rng)
    if told["place"]:
        facts.place = _pick(words.PLACES[scene.place], rng)
    if told["weather"]:
        facts.when = _pick(words.WEATHERS[scene.weather], rng)
    elif told["hour"]:
        facts.when = _pick(words.HOURS[scene.hour], rng)
    if told["meter"] and _in_three(score) and facts.genre.isalpha() and rng.random() < WALTZ_SHARE:
        facts.genre += " waltz"
        told["meter"] = False
    facts.extras = tuple(_pick(group, rng) for fact, group in _extras(scene, score).items() if told[fact] and group)
    return facts


def _mood(scene: Scene, corner: tuple[bool, bool], rng: np.random.Generator) -> str:
    """One mood word, or two that agree."""
    if abs(scene.valence - 0.5) < 0.12 and rng.random() < 0.4:
        return _pick(words.MIXED_MOODS, rng)
    first, second = (_pick(words.MOODS[corner], rng) for _ in range(2))
    if first == second or " " in first + second or rng.random() < 0.8:
        return first
    return f"{first}{_pick((', ', ' and '), rng)}{second}"


def _extras(scene: Scene, score: Score) -> dict[str, tuple[str, ...]]:
    """The phrases that are true of the music, by fact; empty where there is nothing to tell."""
    drums = "drums" in score.parts
    full_beat = drums and score.drums_level > 0 and not _in_three(score)
    sings = any(part != "drums" and program in VOICES for part, program in score.parts.items())
    clear = abs(scene.arousal - 0.5) > 0.15
    return {
        "tempo": words.TEMPOS[words.tempo_of(score.bpm)],
        "energy": words.ENERGIES["high" if scene.arousal > 0.5 else "low"] if clear else (),
        "mode": words.MODES[score.mode],
        "drum_level": words.DRUM_LEVELS[score.drums_level] if drums else (),
        "no_drums": () if drums else words.NO_DRUMS,
        "meter": words.METERS if _in_three(score) else (),
        "pattern": words.PATTERNS[words.BEATS[score.style]] if full_beat else (),
        "era": words.ERAS[score.style],
        "no_voices": () if sings else words.NO_VOICES,
        "harmony": words.HARMONIES["sevenths" if any("7" in chord.name for chord in score.chords) else "triads"],
        "feel": words.FEELS["swung" if score.swing else "straight"],
        "texture": words.TEXTURES[words.texture_of(len(score.parts))],
        "space": words.SPACES[words.space_of(score.space)],
        "tone": words.TONES.get(words.tone_of(score.brightness), ()),
    }


def _in_three(score: Score) -> bool:
    return score.metre == "3/4"


def _genre(score: Score, rng: np.random.Generator) -> str:
    return _pick(score.names if rng.random() < CUE_SHARE else words.GENRES[score.style], rng)


def _instruments(score: Score, rng: np.random.Generator) -> tuple[str, ...]:
    """Names of a random subset of the parts, in random order."""
    parts = [part for part in score.parts if rng.random() < 0.65]
    parts = parts or [list(score.parts)[int(rng.integers(len(score.parts)))]]
    leader = score.featured
    leads = leader in score.parts and rng.random() < FIRST_SHARE
    parts = [leader, *(part for part in parts if part != leader)] if leads else parts
    named = [_name(part, score.parts[part], rng) for part in parts]
    order = [0, *(1 + rng.permutation(len(named) - 1))] if leads else rng.permutation(len(named))
    return tuple(dict.fromkeys(named[i] for i in order))


def _name(part: str, program: int, rng: np.random.Generator) -> str:
    """A name of the part's instrument, the plainest in every third case."""
    if part == "drums":
        group = words.DRUMS if rng.random() < 0.6 else words.KITS.get(program, words.DRUMS)
    else:
        group = words.INSTRUMENTS[program]
    return group[0] if rng.random() < 0.35 else _pick(group, rng)


def _short(score: Score, rng: np.random.Generator) -> str:
    if rng.random() < 0.5:
        return _genre(score, rng)
    return _instruments(score, rng)[0]


def _as_tags(facts: Facts, rng: np.random.Generator) -> str:
    """Everything, between commas, in any order."""
    tags = [facts.mood, facts.genre, *facts.instruments, *facts.extras, facts.cue, _setting(facts)]
    tags = [tag for tag in tags if tag]
    if rng.random() < 0.6:
        tags = [tags[i] for i in rng.permutation(len(tags))]
    return _pick((", ", ", ", ", ", " "), rng).join(tags)


def _with_instruments(facts: Facts, rng: np.random.Generator) -> str:
    """calm ambient with harp and warm pad, slow"""
    link = _pick((" with ", " with ", " featuring ", ", ", " played by ", " for ", " on ", " built on "), rng)
    return _tail(f"{_head(facts)}{link}{_list(facts.instruments, rng)}", facts, rng)


def _over(facts: Facts, rng: np.random.Generator) -> str:
    """calm piano over soft strings"""
    first, rest = facts.instruments[0], facts.instruments[1:]
    if not rest:
        return _tail(f"{_join(facts.mood, first)} {_pick(('solo', 'melody', 'theme', 'alone', 'line'), rng)}", facts, rng, genre=True)
    link = _pick((" over ", " and ", " with ", " above ", " on top of ", " against "), rng)
    return _tail(_join(facts.mood, first) + link + _list(rest, rng), facts, rng, genre=True)


def _sentence(facts: Facts, rng: np.random.Generator) -> str:
    """a lonely cello for a train station in the rain"""
    first, rest = facts.instruments[0], facts.instruments[1:]
    said = _article(_join(facts.mood, first), rng)
    if rest:
        said += f" {_pick(('with', 'and', 'joined by', 'over'), rng)} {_list(rest, rng)}"
    if facts.place:
        said += f" {_pick(('for', 'for', 'like', 'as in'), rng)} {_join(facts.place, facts.when)}"
    elif facts.when:
        said += f" {facts.when}"
    if facts.genre:
        said += f", {facts.genre}"
    return _join_commas(said, facts.cue, *facts.extras)


def _for_place(facts: Facts, rng: np.random.Generator) -> str:
    """orchestral music for a castle at dawn"""
    what = facts.cue or _pick(("music", "music", "track", "score", "piece"), rng)
    said = _join(_join(facts.mood, facts.genre), what)
    said += f" {_pick(('for', 'for', 'for a scene:', 'to go with'), rng)} {_join(facts.place, facts.when)}"
    return _join_commas(said, *facts.instruments, *facts.extras)


def _cue_line(facts: Facts, rng: np.random.Generator) -> str:
    """tension cue: trembling strings, low brass"""
    head = _join(facts.mood, facts.cue)
    listed = _join_commas(facts.genre, *facts.instruments, *facts.extras, _setting(facts))
    return f"{head}{_pick((': ', ', ', ' - '), rng)}{listed}"


def _genre_line(facts: Facts, rng: np.random.Generator) -> str:
    """a piece of slow jazz, piano and brushes"""
    opening = _pick(("", "", "a piece of ", "some ", "a bit of ", "give me ", "i want ", "make "), rng)
    return _tail(opening + _head(facts), facts, rng, instruments=True)


FORMS: tuple[tuple[Callable[[Facts, np.random.Generator], str], tuple[str, ...]], ...] = (
    (_as_tags, ()),
    (_as_tags, ()),
    (_with_instruments, ("genre", "instruments")),
    (_with_instruments, ("genre", "instruments")),
    (_over, ("instruments",)),
    (_sentence, ("instruments",)),
    (_for_place, ("place",)),
    (_cue_line, ("cue",)),
    (_genre_line, ("genre",)),
)

LINKS = (
    "with", "featuring", "played by", "for", "on", "built on", "solo", "melody", "theme", "alone", "line", "over", "and", "above", "on top of",
    "against", "joined by", "like", "as in", "music", "track", "score", "piece", "for a scene:", "to go with", "a piece of", "some", "a bit of",
    "give me", "i want", "make", "a", "an", "plus", "&", "-", ":",
)


def _head(facts: Facts) -> str:
    """Mood, genre and use, as far as told."""
    return _join(_join(facts.mood, facts.genre), facts.cue)


def _tail(said: str, facts: Facts, rng: np.random.Generator, genre: bool = False, instruments: bool = False) -> str:
    """What has not been said yet, after commas."""
    late = [facts.genre, facts.cue] if genre else []
    listed = [_list(facts.instruments, rng)] if instruments and facts.instruments else []
    return _join_commas(said, *late, *listed, *facts.extras, _setting(facts))


def _setting(facts: Facts) -> str:
    return _join(facts.place, facts.when)


def _list(names: Sequence[str], rng: np.random.Generator) -> str:
    if len(names) == 1:
        return names[0]
    last = _pick((" and ", " and ", ", ", " & ", " plus "), rng)
    return ", ".join(names[:-1]) + last + names[-1]


def _article(name: str, rng: np.random.Generator) -> str:
    """The name with "a" or "an" in most of the cases where one fits."""
    plural = name.endswith("s") or name.split()[-1] in UNCOUNTED or name.startswith("a ")
    if plural or rng.random() < 0.3:
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _join(first: str, second: str) -> str:
    return f"{first} {second}".strip()


def _join_commas(*pieces: str) -> str:
    return ", ".join(piece for piece in pieces if piece)


def _finish(said: str, rng: np.random.Generator) -> str:
    """Capitals, a full stop and a typing error, now and then."""
    chance = rng.random()
    if chance < 0.14:
        said = said[0].upper() + said[1:]
    elif chance < 0.16:
        said = said.title()
    said = said + "." if rng.random() < 0.10 else said
    return _mistyped(said, rng) if rng.random() < TYPO_SHARE else said


def _mistyped(said: str, rng: np.random.Generator) -> str:
    """One slip in a word of five letters or more: a letter dropped, doubled, swapped or hit beside."""
    found = list(re.finditer("[A-Za-z]{5,}", said))
    if not found:
        return said
    word = found[int(rng.integers(len(found)))]
    at = word.start() + int(rng.integers(len(word.group()) - 1))
    here, following = said[at], said[at + 1]
    swapped = following + here if following != here else here  # two that are alike cannot be swapped: one is lost
    slips = (following, here * 2 + following, swapped, _beside(here, rng) + following)
    return said[:at] + _pick(slips, rng) + said[at + 2:]


def _beside(letter: str, rng: np.random.Generator) -> str:
    """A letter to the left or right of `letter` on the keyboard, in its case."""
    row = next(row for row in KEY_ROWS if letter.lower() in row)
    at = row.index(letter.lower())
    found = _pick([row[i] for i in (at - 1, at + 1) if 0 <= i < len(row)], rng)
    return found.upper() if letter.isupper() else found


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
