"""What a bass plays in a bar: figures from held roots to walking and octave lines."""

from __future__ import annotations


def bass_figure(figure: str, root: int, fifth: int, third: int, approach: int) -> list[tuple[float, float, int]]:
    """`(beat, length, pitch)` over one bar."""
    figures = {
        "hold": [(0, 4, root)],
        "halves": [(0, 2, root), (2, 2, fifth)],
        "push": [(0, 1.5, root), (1.5, 0.5, root), (2, 1.5, fifth), (3.5, 0.5, approach)],
        "walk": [(0, 1, root), (1, 1, third), (2, 1, fifth), (3, 1, approach)],
        "eighths": [(i / 2, 0.5, root) for i in range(8)],
        "octaves": [(i / 2, 0.5, root + 12 * (i % 2)) for i in range(8)],
        "ostinato": [(i / 2, 0.5, (root, root, fifth, root, root, root, approach, root)[i]) for i in range(8)],
    }
    return [(float(beat), float(length), pitch) for beat, length, pitch in figures[figure]]


def bass_in_three(figure: str, root: int, fifth: int, third: int, approach: int) -> list[tuple[float, float, int]]:
    """`(beat, length, pitch)` over one bar of three beats; what is busy in four is busy here."""
    walking = [(0, 1, root), (1, 1, third), (2, 1, approach)]
    figures = {
        "hold": [(0, 3, root)],
        "halves": [(0, 2, root), (2, 1, fifth)],
        "push": [(0, 1.5, root), (1.5, 0.5, root), (2, 1, approach)],
        "walk": walking,
        "eighths": [(i / 2, 0.5, root) for i in range(6)],
        "octaves": [(i / 2, 0.5, root + 12 * (i % 2)) for i in range(6)],
        "ostinato": [(i / 2, 0.5, (root, root, fifth, root, approach, root)[i]) for i in range(6)],
    }
    return [(float(beat), float(length), pitch) for beat, length, pitch in figures[figure]]
