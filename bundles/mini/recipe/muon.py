"""Muon: momentum whose matrices are orthogonalised before they are followed (Jordan et al., 2024), in f32.

PyTorch has it too, but iterates in bf16, which a processor without such units does at a tenth of the speed.
"""

from __future__ import annotations

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, which brings every singular value near 1
ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """For the hidden matrices of a network; embeddings, heads and vectors are another optimizer's.

    The update has the size that AdamW's would have (Liu et al., "Muon is Scalable for LLM Training", 2025), so that one rate serves both.
    """

    def __init__(self, params, lr: float, momentum: float = 0.95, weight_decay: float = 0.01) -> None:
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None) -> None:
        """One update."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                kept = self.state[p].setdefault("momentum", torch.zeros_like(p))
                kept.mul_(group["momentum"]).add_(p.grad)
                update = orthogonalise(p.grad.add(kept, alpha=group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * 0.2 * max(p.shape) ** 0.5)


def orthogonalise(x: Tensor) -> Tensor:
    """The nearest matrix to `x (m, n)` whose singular values are all near 1."""
    a, b, c = COEFFICIENTS
    is_tall = x.shape[0] > x.shape[1]
    y = x.T if is_tall else x
    y = y / (y.norm() + 1e-7)
    for _ in range(ROUNDS):
        gram = y @ y.T
        y = a * y + (b * gram + c * gram @ gram) @ y
    return y.T if is_tall else y
