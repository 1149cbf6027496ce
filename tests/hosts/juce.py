"""The state of a VST3 plugin as hosts made with JUCE keep it: XML in a binary wrapper, with the component's own bytes inside."""

import re
import struct

import numpy as np

MAGIC = 0x21324356
LETTERS = np.frombuffer(b".ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+", np.uint8)


def letters(data: bytes) -> str:
    """Six bits to a letter, lowest first, after the length."""
    padded = np.frombuffer(data + bytes(-len(data) % 3), np.uint8).reshape(-1, 3).astype(np.uint32)
    threes = padded[:, 0] | padded[:, 1] << 8 | padded[:, 2] << 16
    values = np.stack([threes >> shift & 63 for shift in (0, 6, 12, 18)], axis=1).ravel()
    return f"{len(data)}." + LETTERS[values[: (8 * len(data) + 5) // 6]].tobytes().decode()


def unletters(text: str) -> bytes:
    length, text = text.split(".", 1)
    values = np.zeros(256, np.uint32)
    values[LETTERS] = np.arange(64)
    values = values[np.frombuffer(text.encode(), np.uint8)]
    fours = np.append(values, np.zeros(-len(values) % 4, np.uint32)).reshape(-1, 4)
    threes = fours[:, 0] | fours[:, 1] << 6 | fours[:, 2] << 12 | fours[:, 3] << 18
    return np.stack([threes >> shift & 255 for shift in (0, 8, 16)], axis=1).astype(np.uint8).tobytes()[: int(length)]


def wrap(component: bytes) -> bytes:
    text = f'<?xml version="1.0" encoding="UTF-8"?> <VST3PluginState><IComponent>{letters(component)}</IComponent></VST3PluginState>'
    return struct.pack("<II", MAGIC, len(text)) + text.encode() + b"\0"


def unwrap(state: bytes) -> bytes:
    magic, length = struct.unpack_from("<II", state)
    assert magic == MAGIC, f"not a state of JUCE: {state[:40]!r}"
    text = state[8 : 8 + length].decode()
    return unletters(re.search(r"<IComponent>([^<]*)</IComponent>", text).group(1))
