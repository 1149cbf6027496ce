"""The state of a VST3 plugin as hosts made with JUCE keep it: XML in a binary wrapper, with the component's own bytes inside."""

import re
import struct

import numpy as np

MAGIC = 0x21324356
LETTERS = np.frombuffer(b".ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+", np.uint8)


def letters(data: bytes) -> str:
    """Six bits to a letter, lowest first, after the length."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    bits = np.append(bits, np.zeros(-len(bits) % 6, np.uint8)).reshape(-1, 6)
    return f"{len(data)}." + LETTERS[bits @ (1 << np.arange(6))].tobytes().decode()


def unletters(text: str) -> bytes:
    length, text = text.split(".", 1)
    values = np.zeros(256, np.uint8)
    values[LETTERS] = np.arange(64)
    values = values[np.frombuffer(text.encode(), np.uint8)]
    bits = (values[:, None] >> np.arange(6)) & 1
    return np.packbits(bits.ravel(), bitorder="little").tobytes()[: int(length)]


def wrap(component: bytes) -> bytes:
    text = f'<?xml version="1.0" encoding="UTF-8"?> <VST3PluginState><IComponent>{letters(component)}</IComponent></VST3PluginState>'
    return struct.pack("<II", MAGIC, len(text)) + text.encode() + b"\0"


def unwrap(state: bytes) -> bytes:
    magic, length = struct.unpack_from("<II", state)
    assert magic == MAGIC, f"not a state of JUCE: {state[:40]!r}"
    text = state[8 : 8 + length].decode()
    return unletters(re.search(r"<IComponent>([^<]*)</IComponent>", text).group(1))
