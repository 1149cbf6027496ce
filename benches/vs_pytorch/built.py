"""One case on the PyTorch side: a module, what it is given, and the ways to run it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Callable

import torch
import torch._inductor.config
from torch import Tensor, nn

# Weights become constants that the compiler may lay out as its convolutions like them.
torch._inductor.config.freezing = True

EAGER, CHANNELS_LAST, COMPILED, COMPILED_LAST = "eager", "channels last", "compiled", "compiled, channels last"


@dataclass
class Built:
    """A module and its inputs, by the names that the other side knows them by."""

    module: nn.Module
    inputs: dict[str, Tensor]
    # Whether the other side takes the weights from us; those of a bundle it has.
    gives_weights: bool = True
    # The same in a layout of its own, where `channels_last` alone does not give one.
    channels_last: tuple[nn.Module, list[Tensor]] | None = None

    def variants(self) -> list[str]:
        """The ways to run it; the first is the plainest."""
        tensors = [*self.inputs.values(), *self.module.parameters()]
        has_layouts = self.channels_last is not None or any(tensor.dim() == 4 for tensor in tensors)
        return [EAGER, CHANNELS_LAST, COMPILED, COMPILED_LAST] if has_layouts else [EAGER, COMPILED]

    def variant(self, name: str) -> Callable[[], object]:
        """A call that runs it in that way. Compiles at the first call, not here."""
        module, inputs = self.module, list(self.inputs.values())
        if name in (CHANNELS_LAST, COMPILED_LAST):
            module, inputs = self.channels_last or (to_channels_last(module), [last(x) for x in inputs])
        if name in (COMPILED, COMPILED_LAST):
            module = compiled(module)
        return lambda: module(*inputs)

    def to(self, device: str, dtype: torch.dtype) -> Built:
        """The same on another device; what is not whole numbers becomes `dtype`."""
        # In f32 everything stays as it is: some buffers have more digits.
        is_cast = dtype is not torch.float32
        cast = lambda tensor: tensor.to(dtype) if is_cast and tensor.is_floating_point() else tensor
        place = lambda module: module.to(device, dtype) if is_cast else module.to(device)
        place(self.module)
        self.inputs = {name: cast(tensor).to(device) for name, tensor in self.inputs.items()}
        if self.channels_last is not None:
            module, inputs = self.channels_last
            self.channels_last = place(module), [cast(tensor).to(device) for tensor in inputs]
        return self

    def answer(self) -> Tensor:
        """What the plainest way gives; of several outputs the first."""
        output = self.variant(EAGER)()
        return output if isinstance(output, Tensor) else output[0]

    def tensors(self) -> dict[str, Tensor]:
        """All that the other side needs to do and check the same."""
        weights = self.module.state_dict() if self.gives_weights else {}
        found = {f"weights.{name}": tensor for name, tensor in weights.items()}
        found |= {f"inputs.{name}": tensor for name, tensor in self.inputs.items()}
        # Copies: tensors of a file may not share memory.
        return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in (found | {"answer": self.answer()}).items()}


@lru_cache(maxsize=32)
def compiled(module: nn.Module) -> nn.Module:
    """Compiled at its first call."""
    return torch.compile(module)


@lru_cache(maxsize=32)
def to_channels_last(module: nn.Module) -> nn.Module:
    """A copy whose convolutions have their weights channels last."""
    return copy.deepcopy(module).to(memory_format=torch.channels_last)


def last(x: Tensor) -> Tensor:
    """The same tensor with channels last, if it has four axes."""
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def stirred(module: nn.Module) -> nn.Module:
    """Biases and norms that are not trivial, so that a mistake in them shows."""
    for parameter in module.parameters():
        if parameter.dim() == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return module.eval()
