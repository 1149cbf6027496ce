"""One training loop for every stage: averaged weights, a budget of seconds or steps, and checkpoints that resume."""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from muon import Muon

SAVE_SECONDS = 60.0
MUON_FACTOR = 3.0  # how many times as fast as AdamW's numbers Muon's matrices learn


@dataclass
class Budget:
    """How long to train: seconds of wall clock over all runs, or steps when given."""

    seconds: float
    steps: int | None = None

    def spent(self, seconds: float, step: int) -> float:
        """The share that is used up, 0 to 1."""
        return min(1.0, step / self.steps if self.steps else seconds / self.seconds)


@dataclass
class Trainer:
    """Trains `model` with AdamW; `average` holds the exponential moving average that is exported.

    Parameters whose name ends in a key of `faster` learn that many times as fast: an embedding whose entries are of unit
    size, as T5's, hardly moves at the rate of the layers above it.
    """

    model: nn.Module
    checkpoint: Path
    budget: Budget
    rate: float
    warmup: int = 80
    decay: float = 0.999
    faster: dict[str, float] = field(default_factory=dict)
    matrices: str = ""  # matrices whose names begin so are Muon's
    step: int = 0
    seconds: float = 0.0
    log: list[dict] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self._groups(), self.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        hidden = [p for name, p in self.model.named_parameters() if self._is_hidden(name, p)]
        self.muon = Muon([dict(params=hidden, factor=MUON_FACTOR)], self.rate) if hidden else None
        if self.checkpoint.exists():
            self._resume()

    def run(self, loss: Callable[[nn.Module], tuple[Tensor, dict[str, Tensor]]], every: int = 100,
            probe: Callable[[nn.Module], dict] | None = None) -> nn.Module:
        """Train until the budget is spent; `probe(average)` is measured and logged every `every` steps."""
        began, saved, sums = time.monotonic() - self.seconds, time.monotonic(), {}
        while (spent := self.budget.spent(self.seconds, self.step)) < 1:
            for group in [*self.optimizer.param_groups, *(self.muon.param_groups if self.muon else [])]:
                group["lr"] = group["factor"] * self.rate * min(1, (self.step + 1) / self.warmup) * (0.5 + 0.5 * math.cos(math.pi * spent) + 0.02)
            for name, value in self._update(loss).items():
                # Not read yet: a GPU is not waited for at every step.
                sums[name] = sums.get(name, 0.0) + value.detach()
            self.seconds = time.monotonic() - began
            if self.step % every == 0:
                self._report({name: float(value) / every for name, value in sums.items()}, probe)
                sums = {}
            if time.monotonic() - saved > SAVE_SECONDS:
                self.save()
                saved = time.monotonic()
        self.save()
        return self.average

    def _groups(self) -> list[dict]:
        """The trained parameters by how fast they learn."""
        groups: dict[float, list] = {}
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad and not self._is_hidden(name, parameter):
                factor = next((factor for end, factor in self.faster.items() if name.endswith(end)), 1.0)
                groups.setdefault(factor, []).append(parameter)
        return [dict(params=parameters, factor=factor) for factor, parameters in groups.items()]

    def _is_hidden(self, name: str, parameter: Tensor) -> bool:
        return bool(self.matrices) and name.startswith(self.matrices) and name.endswith("weight") and parameter.ndim == 2

    def _update(self, loss: Callable[[nn.Module], tuple[Tensor, dict[str, Tensor]]]) -> dict[str, Tensor]:
        value, parts = loss(self.model)
        self.model.zero_grad(set_to_none=True)
        value.backward()
        norm = nn.utils.clip_grad_norm_(self.trained, 1.0)
        # One bad batch must not cost everything: the fused optimizer leaves out a step that is told to be infinite.
        self.optimizer.found_inf = norm.isfinite().logical_not().float()
        self.optimizer.step()
        if self.muon and norm.isfinite():
            self.muon.step()
        self.step += 1
        keep = min(self.decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)
            for ours, theirs in zip(self.average.buffers(), self.model.buffers()):
                ours.copy_(theirs)
        return parts

    def _report(self, row: dict, probe: Callable[[nn.Module], dict] | None) -> None:
        row = dict(step=self.step, seconds=round(self.seconds), **row)
        if probe is not None:
            with torch.no_grad():
                row.update(probe(self.average))
        row = {name: round(float(value), 5) if isinstance(value, (float, Tensor)) else value for name, value in row.items()}
        self.log.append(row)
        print(json.dumps(row), flush=True)

    def save(self) -> None:
        """Write the checkpoint so that an interruption leaves the old one."""
        state = dict(model=self.model.state_dict(), average=self.average.state_dict(), optimizer=self.optimizer.state_dict(),
                     muon=self.muon.state_dict() if self.muon else None,
                     step=self.step, seconds=self.seconds, log=self.log)
        partial = self.checkpoint.with_suffix(".partial")
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, partial)
        os.replace(partial, self.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.trained[0].device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.muon and state.get("muon"):
            self.muon.load_state_dict(state["muon"])
        self.step, self.seconds, self.log = state["step"], state["seconds"], state["log"]
        print(f"resumed {self.checkpoint.name} at step {self.step}, {self.seconds:.0f} s", flush=True)


def load_average(model: nn.Module, checkpoint: Path) -> nn.Module:
    """The averaged weights of a stage, frozen."""
    model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["average"], strict=False)
    return model.eval().requires_grad_(False)
