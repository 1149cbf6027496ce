"""Trains the synapse of a bundle of the paper's kind, as the paper does: the shares of the picture, and the music UNet if asked.

    python train.py --bundle DIR --features DIR --work DIR [--unet] [--steps 5000 | --seconds 3600] [--device cuda]

Text encoder, image model and autoencoders are frozen (`features.py` has run them). One alpha per decoder layer is learnt; a share is
its sigmoid. Words, picture or both are left out of some samples, so that guidance and "no picture" stay defined.

The published code learns alpha at 1e-6, where it stays at zero (|f| < 0.006 after its 80 epochs by its own step size); ours is
1e-2. The weights of the loss are min-SNR's (gamma 5) as published, but at least 1 where there is more noise than signal: min-SNR
all but hides those timesteps of a v-prediction, and what the picture says is decided there (the small bundle's LOG.md).

Stops and resumes with the same result as if it had not been stopped.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

import features
from bundle import Bundle
from lent import Budget, Trainer, blend

NO_TEXT, NO_PICTURE, NEITHER = 0.10, 0.10, 0.05  # shares of the samples
BEGIN = 0.05  # share of the picture at first: the two models' keys and values do not know each other yet
ALPHA_RATE = 1e-2
UNET_RATE = 1e-5
GAMMA = 5.0


class Synapse(nn.Module):
    """What learns: alphas before the sigmoid, and the music UNet where it learns too."""

    def __init__(self, layers: int, unet: nn.Module | None) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.full((layers,), BEGIN).logit())
        self.unet = unet

    def shares(self) -> Tensor:
        """Share of the picture in every layer, (layers,)."""
        return self.alpha.sigmoid()


@dataclass
class Batch:
    """`latents (b, c, window, rows)`, `tokens (b, l, d)` with `mask (b, l)`, and `picture`, per layer keys and values (b, l, width)."""

    latents: Tensor
    tokens: Tensor
    mask: Tensor
    picture: list[tuple[Tensor, Tensor]]


class Denoising:
    """The forward pass of training."""

    def __init__(self, bundle: Bundle, folder: Path, unet: nn.Module, device: torch.device) -> None:
        self.paths = sorted(path for path in folder.glob("*.safetensors") if path.stem.isdigit())
        if not self.paths:
            raise SystemExit(f"{folder} has no features; make them with features.py")
        self.about = json.loads((folder / features.ABOUT).read_text())
        if self.about["bundle"] != bundle.manifest["files"]:
            raise SystemExit(f"{folder} has the features of another bundle; make them anew")
        self.grid = torch.tensor(self.about["timesteps"])
        self.empty = features.read(folder / "empty.safetensors")["tokens"]
        self.unet, self.taps, self.device = unet, blend(unet), device
        scheduler = bundle.scheduler("music")
        self.alphas, self.predicts_velocity = scheduler.alphas_cumprod, scheduler.config.prediction_type == "v_prediction"

    def batch(self, index: Tensor, t: Tensor, has_text: Tensor) -> Batch:
        """The triplets of `index (b,)` at timesteps `t (b,)`; the picture is that of the nearest timestep that is kept."""
        found = [features.read(self.paths[i]) for i in index.tolist()]
        nearest = (t[:, None] - self.grid[None]).abs().argmin(1)
        words = [one["tokens"] if has else self.empty for one, has in zip(found, has_text)]
        mask = pad_sequence([torch.ones(len(word), dtype=torch.bool) for word in words], batch_first=True)
        length = mask.shape[1]

        def layer(name: str) -> Tensor:
            # Without words only as many of the picture's tokens are seen as nothing has, as in the engine's other half.
            rows = [one[name][step, :len(word)] for one, step, word in zip(found, nearest, words)]
            return torch.stack([nn.functional.pad(row, (0, 0, 0, length - len(row))) for row in rows]).to(self.device)

        picture = [(layer(f"keys.{i}"), layer(f"values.{i}")) for i in range(len(self.taps))]
        latents = torch.stack([one["latents"] for one in found])
        return Batch(latents.to(self.device), pad_sequence(words, batch_first=True).to(self.device), mask.to(self.device), picture)

    def output(self, shares: Tensor, x: Tensor, t: Tensor, batch: Batch, has_picture: Tensor) -> Tensor:
        """The UNet's output, shaped as `x`."""
        for tap, picture, share in zip(self.taps, batch.picture, shares):
            tap.image, tap.alpha = picture, share * has_picture[:, None, None].float()
        return self.unet(x, t, batch.tokens, encoder_attention_mask=batch.mask).sample.float()

    def loss(self, synapse: Synapse, batch: Batch, t: Tensor, eps: Tensor, has_picture: Tensor) -> tuple[Tensor, Tensor]:
        """The weighted loss and the plain mean squared error."""
        alphas = self.alphas[t].view(-1, 1, 1, 1).to(self.device)
        signal, noise = alphas.sqrt(), (1 - alphas).sqrt()
        x, t, has_picture = signal * batch.latents + noise * eps, t.to(self.device), has_picture.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            said = self.output(synapse.shares().to(self.device), x, t, batch, has_picture)
        target = signal * eps - noise * batch.latents if self.predicts_velocity else eps
        error = (said - target).square().mean((1, 2, 3))
        return (self._weight(alphas.flatten()) * error).mean(), error.mean()

    def _weight(self, alphas: Tensor) -> Tensor:
        snr = alphas / (1 - alphas)
        weight = snr.clamp(max=GAMMA) / (snr + 1 if self.predicts_velocity else snr)
        return torch.where(snr < 1, weight.clamp(min=1), weight)


def train(synapse: Synapse, denoising: Denoising, work: Path, budget: Budget, batch: int, seed: int, rate: float = ALPHA_RATE) -> Trainer:
    """The training loop. What a step draws depends on the seed and its number alone, so that stopping changes nothing."""
    slowest = rate if synapse.unet is None else UNET_RATE
    trainer = Trainer(synapse, work / "synapse.pt", budget, rate=slowest, warmup=10, decay=0.99, faster={"alpha": rate / slowest})

    def loss(model: Synapse) -> tuple[Tensor, dict]:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + trainer.step)
        t = torch.randint(len(denoising.alphas), (batch,), generator=generator)
        luck = torch.rand(batch, generator=generator)
        has_text = luck >= NO_TEXT + NEITHER
        has_picture = (luck >= NEITHER) & ~((luck >= NO_TEXT + NEITHER) & (luck < NO_TEXT + NEITHER + NO_PICTURE))
        some = denoising.batch(torch.randint(len(denoising.paths), (batch,), generator=generator), t, has_text)
        eps = torch.randn(some.latents.shape, generator=generator).to(denoising.device)
        value, plain = denoising.loss(model, some, t, eps, has_picture)
        return value, dict(mse=plain)

    trainer.run(loss, probe=lambda model: dict(shares=[round(share, 4) for share in model.shares().tolist()]))
    return trainer


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="where the checkpoint is kept; training goes on from it")
    parser.add_argument("--unet", action="store_true", help="train the music UNet too")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=ALPHA_RATE, help="of the alphas; the UNet's is 1e-5")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    options = parser.parse_args()
    bundle = Bundle.open(options.bundle)
    unet = bundle.unet("music").to(options.device).requires_grad_(options.unet)
    synapse = Synapse(len(bundle.alpha()), unet if options.unet else None)
    denoising = Denoising(bundle, options.features, unet, options.device)
    print(f"{len(denoising.paths)} triplets, {len(denoising.taps)} layers", flush=True)
    train(synapse, denoising, options.work, Budget(options.seconds, options.steps), options.batch, options.seed, options.rate)


if __name__ == "__main__":
    main()
