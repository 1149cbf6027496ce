"""The VST3 preset format: class, then named chunks, then their list. Ardour keeps a plugin's state so."""

import struct


def chunks(preset: bytes) -> dict[str, bytes]:
    assert preset[:4] == b"VST3"
    (at,) = struct.unpack_from("<q", preset, 40)
    assert preset[at : at + 4] == b"List"
    (count,) = struct.unpack_from("<i", preset, at + 4)
    entries = (struct.unpack_from("<4sqq", preset, at + 8 + 20 * index) for index in range(count))
    return {name.decode(): preset[begin : begin + size] for name, begin, size in entries}


def with_component(preset: bytes, component: bytes) -> bytes:
    """The same preset with another component state."""
    body, entries = b"", []
    for name, chunk in (chunks(preset) | {"Comp": component}).items():
        entries.append(struct.pack("<4sqq", name.encode(), 48 + len(body), len(chunk)))
        body += chunk
    head = preset[:40] + struct.pack("<q", 48 + len(body))
    return head + body + b"List" + struct.pack("<i", len(entries)) + b"".join(entries)
