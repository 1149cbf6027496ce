"""In which numbers a device computes: bf16 where it has units for it, f32 elsewhere.

A processor without such units can compute in bf16 too, at a tenth of the speed (measured with AVX2 alone).
"""

from __future__ import annotations

import torch


def has_bf16(device: torch.device) -> bool:
    """Whether bf16 is the faster one on a device."""
    if device.type == "cpu":
        return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return True


def autocast(device: torch.device | str) -> torch.autocast:
    """The context in which networks compute on a device."""
    device = torch.device(device)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_bf16(device))


def layout(device: torch.device | str) -> torch.memory_format:
    """The order in memory in which a device convolves fastest."""
    return torch.channels_last if has_bf16(torch.device(device)) else torch.contiguous_format
