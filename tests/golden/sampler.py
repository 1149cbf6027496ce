"""Writes sampler.safetensors: walks of diffusers' schedulers with a fixed, linear fake model.

Run with the versions in requirements.txt: python tests/golden/sampler.py
"""

from pathlib import Path
from unittest import mock

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from safetensors.torch import save_file

SHAPE = (1, 2, 4, 3)
BETAS = {
    "scaled_linear": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    "linear": {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
    "zero_snr": {
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "rescale_betas_zero_snr": True,
    },
}
# Step counts at which diffusers' DDIM goes exactly to the next timestep of its own list; `ddim_walk` says why.
STEPS = {"leading": 20, "trailing": 25, "linspace": 28}
COUNTS = [1, 7, 16, 20, 28, 50, 99, 333]


def config(betas: str, prediction: str, spacing: str) -> dict:
    """What all three schedulers share."""
    offset = 1 if spacing == "leading" else 0
    return BETAS[betas] | {"prediction_type": prediction, "timestep_spacing": spacing, "steps_offset": offset}


def model(tensors: dict[str, torch.Tensor], x: torch.Tensor, timestep: int) -> torch.Tensor:
    """A fixed linear model of the latents and of time."""
    return tensors["a"] * x + tensors["b"] * (timestep / 1000)


def walk(scheduler, tensors: dict[str, torch.Tensor], steps: int) -> torch.Tensor:
    """From `x` to the end."""
    scheduler.set_timesteps(steps)
    x = tensors["x"]
    for timestep in scheduler.timesteps.tolist():
        x = scheduler.step(model(tensors, x, timestep), timestep, x).prev_sample
    return x


def ddim_walk(scheduler: DDIMScheduler, tensors: dict[str, torch.Tensor], steps: int, spacing: str) -> torch.Tensor:
    """DDIM goes 1000 // n further at every step, but its linspace list has gaps of 999 / (n - 1)."""
    scheduler.set_timesteps(steps)
    timesteps = scheduler.timesteps.tolist()
    scheduler.num_inference_steps = steps - 1 if spacing == "linspace" else steps
    width = 1000 // scheduler.num_inference_steps
    assert all(a - b == width for a, b in zip(timesteps, timesteps[1:]))
    x = tensors["x"]
    for timestep in timesteps:
        x = scheduler.step(model(tensors, x, timestep), timestep, x).prev_sample
    return x


def ddpm_walk(scheduler: DDPMScheduler, tensors: dict[str, torch.Tensor], steps: int) -> torch.Tensor:
    """DDPM with our noise instead of its own."""
    noise = iter(tensors["noise"])
    with mock.patch("diffusers.schedulers.scheduling_ddpm.randn_tensor", lambda *_, **__: next(noise)):
        return walk(scheduler, tensors, steps)


def main() -> None:
    torch.manual_seed(7)
    tensors = {
        "x": torch.randn(SHAPE),
        "a": torch.rand(SHAPE) - 0.5,
        "b": torch.randn(SHAPE),
        "noise": torch.randn((28, *SHAPE)),
    }
    out = dict(tensors)
    for betas in BETAS:
        for prediction in ["v_prediction", "epsilon"]:
            if betas == "zero_snr" and prediction == "epsilon":
                continue
            for spacing, steps in STEPS.items():
                key, shared = f"{betas}.{prediction}.{spacing}", config(betas, prediction, spacing)
                ddim = DDIMScheduler(**shared, clip_sample=False, set_alpha_to_one=False)
                out[f"ddim.{key}"] = ddim_walk(ddim, tensors, steps, spacing)
                out[f"dpm-solver-2m.{key}"] = walk(DPMSolverMultistepScheduler(**shared), tensors, steps)
                out[f"ddpm.{key}"] = ddpm_walk(DDPMScheduler(**shared, clip_sample=False), tensors, steps)
        shared = config(betas, "v_prediction", "leading")
        out[f"alphas_cumprod.{betas}"] = DDIMScheduler(**shared).alphas_cumprod
    for spacing in STEPS:
        for count in COUNTS:
            for name, kind in [("ddim", DDIMScheduler), ("dpm-solver-2m", DPMSolverMultistepScheduler)]:
                scheduler = kind(**config("scaled_linear", "v_prediction", spacing))
                scheduler.set_timesteps(count)
                out[f"timesteps.{name}.{spacing}.{count}"] = scheduler.timesteps.to(torch.int64)
    for name, tensor in out.items():
        assert tensor.isfinite().all(), name
    out = {name: tensor.contiguous() for name, tensor in out.items()}
    save_file(out, Path(__file__).with_suffix(".safetensors"))


if __name__ == "__main__":
    main()
