"""The composer: a brief becomes a score.

Valence decides the mode, its darker or brighter kin, register, how bright instruments and mix are; energy decides who plays, how
densely, how loudly, and with which figures. Tempo leans to energy only a little: a host says it, and a model that could read the
energy off it would not look at the picture. A score that would be heard in the wrong mode is composed again.
"""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import numpy as np

from .bass import write_bass
from .brief import Brief
from .drums import write_drums
from .dynamics import INTENSITIES, balance, curve
from .hand import Hand
from .harmony import SCALES, colour, joined, pick, read_progression
from .instruments import KITS, RANGES
from .keys import write_keys
from .listening import chroma, home_rank, sounds_major
from .mallets import write_mallets
from .ostinato import write_ostinato
from .pad import write_pad
from .progressions import FAMILIES, choose_family
from .score import BARS, METRES, MONOPHONIC, PARTS, SLOW_BPM, Note, Score, in_time
from .sketch import Sketch
from .style import Style
from .styles import STYLES
from .theme import write_counter, write_lead

SLOWEST_BPM, FASTEST_BPM = 60, 140
OWN_TEMPO_SHARE = 0.6  # of the scores, the tempo is one that the style likes
STILL_SHARE = 0.36  # of the progressions that move every bar are made to stay
SOLO_SHARE, DUO_SHARE = 0.05, 0.08
STILLED = ((0, 0, 1, 1), (0, 0, 0, 3), (0, 1, 0, 1), (0, 0, 2, 0), (0, 0, 0, 1))  # bars of a progression that stay
TRIES = 6
LEAST_ONSETS = 3  # of a part that is there; a model can hardly tell fewer from none
OWN_THEME = ("counter", "mallets", "keys")  # parts that play a theme where they are featured
WRITERS = dict(lead=write_lead, pad=write_pad, bass=write_bass, keys=write_keys, ostinato=write_ostinato, counter=write_counter,
               mallets=write_mallets)


def compose(brief: Brief, rng: np.random.Generator) -> Score:
    """Compose four bars; the same brief and state of `rng` give the same score.

    Raises ValueError for a style, a part, a program, a metre, a mode, a tempo or a mood that is not known.
    """
    _check(brief)
    root = int(rng.integers(2**62))
    score = None
    for attempt in range(TRIES):
        score = _attempt(brief, [root, crc32(brief.style.encode()), attempt])
        heard = chroma(score.notes)
        if sounds_major(heard) == (score.mode == "major") and home_rank(heard, score.mode) <= 2:
            break
    return score


def _check(brief: Brief) -> None:
    if brief.style not in STYLES or brief.metre not in METRES:
        raise ValueError(f"no style {brief.style!r} in {brief.metre!r}")
    parts = {*brief.parts, *brief.programs, *([brief.featured] if brief.featured else [])}
    if not parts <= set(PARTS) or brief.mode not in ("", "major", "minor"):
        raise ValueError(f"unknown part or mode in {brief}")
    if not (0 <= brief.valence <= 1 and 0 <= brief.energy <= 1 and (not brief.bpm or SLOWEST_BPM <= brief.bpm <= FASTEST_BPM)):
        raise ValueError(f"valence and energy are 0..1, the tempo {SLOWEST_BPM}..{FASTEST_BPM}: {brief}")
    if strange := [program for part, program in brief.programs.items() if program not in (KITS if part == "drums" else RANGES)]:
        raise ValueError(f"no range is known of programs {strange}")


def _attempt(brief: Brief, seed: list[int]) -> Score:
    style, rng = STYLES[brief.style], np.random.default_rng(seed)
    sketch = _plan(brief, style, rng)
    level = int(np.clip(brief.energy * 3 + 0.25 * rng.normal(), sketch.featured == "drums", 2))
    notes: dict[str, list[Note]] = {}
    for number, part in enumerate((*WRITERS, "drums")):
        if part in sketch.parts:
            hand = Hand(sketch, part, np.random.default_rng([*seed, number]))
            write_drums(hand, level) if part == "drums" else WRITERS[part](hand)
            notes[part] = _tidy(_rested(hand.notes, sketch, part), part, sketch)
    asked = {*brief.parts, *brief.programs, sketch.featured}
    notes = {part: notes[part] for part in sketch.parts if len({note.start for note in notes[part]}) >= (1 if part in asked else LEAST_ONSETS)}
    shape = pick(style.shapes, rng)
    curves = {part: curve(sketch, part, shape if rng.random() < 0.75 else pick(style.shapes, rng), rng) for part in notes}
    balance(notes, curves, sketch.featured)
    return Score(
        style=brief.style, metre=brief.metre, bpm=sketch.bpm, mode=sketch.mode, scale=sketch.scale_name, featured=sketch.featured,
        parts={part: sketch.parts[part] for part in notes}, chords=sketch.chords, valence=brief.valence, energy=brief.energy,
        brightness=_brightness(brief, rng), space=int(np.clip(style.space + 45 * (0.5 - brief.energy) + 5 * rng.normal(), 0, 127)),
        swing=style.swing, looseness=round(float(3 + 4 * rng.random()), 1), drums_level=level, dynamics=curves,
        notes=sorted((note for part in notes.values() for note in part), key=in_time))


def _plan(brief: Brief, style: Style, rng: np.random.Generator) -> Sketch:
    """Tempo, harmony, players, groove and sections."""
    bpm = brief.bpm or _tempo(brief, style, rng)
    mode = brief.mode or ("major" if brief.valence > 0.5 else "minor")
    family = choose_family(style.harmony, mode, brief.valence, rng)
    scale = FAMILIES[family].scale
    chords = read_progression(_stilled(pick(FAMILIES[family].progressions, rng), rng), METRES[brief.metre])
    kind = str(rng.choice(list(style.colours), p=np.array(list(style.colours.values())) / sum(style.colours.values())))
    plain = {name: rng.random() < 0.2 for name in dict.fromkeys(chord.name for chord in chords)}
    chords = joined([colour(chord, "plain" if plain[chord.name] else kind, SCALES[scale]) for chord in chords])
    parts, featured = _players(brief, style, rng)
    intensity = np.array(INTENSITIES[pick(style.shapes, rng)]) + 0.03 * rng.normal(size=BARS)
    groove = style.grooves[int(np.clip((brief.energy + 0.15 * rng.normal()) * len(style.grooves), 0, len(style.grooves) - 1))]
    sketch = Sketch(brief, style, bpm, bpm * 2 if bpm < SLOW_BPM else bpm, mode, scale, chords, parts, featured, groove, intensity)
    return replace(sketch, rests=_rests(sketch, rng))


def _stilled(progression: str, rng: np.random.Generator) -> str:
    """The progression, or two of its bars by turns: much music stays longer on a chord."""
    bars = progression.split(" | ")
    if rng.random() > STILL_SHARE or "." in bars or bars[0][0] not in "CA":
        return progression
    return " | ".join(bars[i] for i in pick(STILLED, rng))


def _tempo(brief: Brief, style: Style, rng: np.random.Generator) -> int:
    low, high = style.tempo if rng.random() < OWN_TEMPO_SHARE else (SLOWEST_BPM, FASTEST_BPM)
    lean = 0.3 * brief.energy + 0.7 * rng.random()
    return int(round(low + (high - low) * lean))


def _players(brief: Brief, style: Style, rng: np.random.Generator) -> tuple[dict[str, int], str]:
    """Who plays which instrument, and who leads."""
    chosen = set(brief.parts) or _ensemble(brief, style, rng)
    chosen |= set(brief.programs) | ({brief.featured} if brief.featured else set())
    leads = {part: weight for part, weight in style.leads.items() if part in chosen} or {next(part for part in PARTS if part in chosen): 1.0}
    weights = np.array(list(leads.values()))
    featured = brief.featured or str(rng.choice(list(leads), p=weights / weights.sum()))
    if featured in OWN_THEME and "lead" not in (*brief.parts, *brief.programs) and (featured != "keys" or rng.random() < 0.5):
        chosen -= {"lead"}  # one theme at a time
    programs = {}
    for part in PARTS:
        if part in chosen:
            options = style.kits if part == "drums" else style.programs[part]
            place = float(np.clip(brief.valence + 0.18 * rng.normal(), 0, 0.999))
            programs[part] = brief.programs.get(part, options[int(place * len(options))] if part != "drums" else pick(options, rng))
            if part == "counter" and programs[part] == programs.get("lead"):  # two lines, two colours
                programs[part] = brief.programs.get(part, next((other for other in options if other != programs["lead"]), programs[part]))
    return programs, featured


def _ensemble(brief: Brief, style: Style, rng: np.random.Generator) -> set[str]:
    """The style's parts by chance, more of them with energy; sometimes one or two alone."""
    valence, energy = brief.valence, brief.energy
    factor = dict(pad=1.2 - 0.3 * energy, bass=0.8 + 0.4 * energy, keys=0.9 + 0.4 * energy, ostinato=0.7 + 0.75 * energy, lead=0.85 + 0.5 * energy,
                  counter=0.6 + 1.1 * energy, mallets=0.4 + valence + 0.5 * energy, drums=0.3 + 1.15 * energy)
    draws = rng.random(len(PARTS))
    chosen = {part for part, draw in zip(PARTS, draws) if draw < style.chance[part] * factor[part] or style.chance[part] == 1}
    leads = [part for part in style.leads if part != "drums"]
    if (few := rng.random()) < SOLO_SHARE + DUO_SHARE and energy < 0.75:
        lead = max(leads, key=lambda part: style.leads[part] * rng.random())
        if few < SOLO_SHARE and lead in ("keys", "pad", "ostinato", "mallets"):
            return {lead}
        others = [part for part in ("pad", "keys", "bass", "ostinato") if part != lead and style.chance[part] >= 0.3]
        return {lead, others[int(rng.random() * len(others))]}
    if not chosen & set(style.leads):
        chosen.add(max(style.leads, key=style.leads.get))
    ranked = sorted((part for part in PARTS if part != "drums"), key=lambda part: -style.chance[part])
    for part in ranked:
        if len(chosen - {"drums"}) < 2:
            chosen.add(part)
    return chosen


def _rests(sketch: Sketch, rng: np.random.Generator) -> dict[str, tuple[int, ...]]:
    """Bars in which parts are silent: they enter one by one, take turns, or leave before the end. Harmony and the featured part stay."""
    free = [part for part in sketch.parts if part not in ("bass", sketch.featured) and (part != "pad" or len(sketch.parts) > 4)]
    scheme = pick(("none", "none", "enter", "turns", "leave"), rng)
    rests: dict[str, tuple[int, ...]] = {}
    if len(sketch.parts) < 4:
        return rests
    for part in free:
        if len(rests) < len(sketch.parts) // 3 and rng.random() < 0.5 and not (part == "drums" and sketch.energy > 0.7 and scheme != "enter"):
            options = dict(none=((),), enter=((0,), (0, 1)), turns=((0, 2), (1, 3), (1,)), leave=((3,),))[scheme]
            rests[part] = pick(options, rng)
    return rests


def _rested(notes: list[Note], sketch: Sketch, part: str) -> list[Note]:
    """The notes without those that begin in a bar of rest; what sounds into it ends at its line."""
    silent = sketch.rests.get(part, ())
    if not silent:
        return notes
    bar, kept = sketch.metre.bar, []
    for note in notes:
        if note.start // bar in silent:
            continue
        ends = min((number * bar for number in silent if number * bar > note.start), default=sketch.columns)
        kept.append(note._replace(length=min(note.length, ends - note.start)))
    return kept


def _tidy(notes: list[Note], part: str, sketch: Sketch) -> list[Note]:
    """Notes end with the clip; a pitch, or a part of one voice, ends where it begins anew."""
    taken: dict[tuple[int, int], Note] = {}
    for note in notes:
        key = (note.start, 0 if part in MONOPHONIC else note.pitch)
        if key not in taken or note.velocity > taken[key].velocity:
            taken[key] = note
    ordered = sorted(taken.values(), key=lambda note: note.start, reverse=True)
    begins: dict[int, int] = {}
    tidy = []
    for note in ordered:
        voice = 0 if part in MONOPHONIC else note.pitch
        room = min(begins.get(voice, sketch.columns), sketch.columns) - note.start
        tidy.append(note._replace(length=max(1, min(note.length, room))))
        begins[voice] = note.start
    return tidy[::-1]


def _brightness(brief: Brief, rng: np.random.Generator) -> float:
    """Tilt of the mix, -1..1, mostly from the valence."""
    return round(float(np.clip(1.3 * (brief.valence - 0.5) + 0.5 * (brief.energy - 0.5) + 0.1 * rng.normal(), -1, 1)), 3)
