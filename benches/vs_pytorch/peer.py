"""The PyTorch side of `cargo bench --bench vs_pytorch`.

Answers requests, a line of JSON each, on the streams it is started with:

    {"do": "hello", "threads": 2, "device": "cpu", "dtype": "f32", "processor_time": false} -> {"about": ..., "memory_mb": of the libraries}
    {"do": "prepare", "work": {"kind": ...}, "file": ...} -> {"variants": [...]}; writes weights, inputs and answer
    {"do": "run", "variant": ..., "repeats": n}           -> {"ms": of one}
    {"do": "memory"}                                      -> {"peak_mb": ...}

What fails is answered by {"error": ...}. While it waits for a request it does nothing.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Callable

# What libraries print, while they are imported too, must not come between the answers.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path += [str(HERE), str(HERE.parents[1] / "bundles" / "mini" / "recipe")]

import diffusers  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

import mini  # noqa: E402
import networks  # noqa: E402
import operations  # noqa: E402

BUILDERS = {
    **{name: getattr(operations, name) for name in ("conv2d", "conv1d", "conv_transpose1d", "linear", "attention",
                                                   "group_norm", "layer_norm", "activation", "upsample")},
    **{name: getattr(networks, name) for name in ("unet", "dit", "mel_decoder", "hifi_gan")},
    **{name: getattr(mini, name) for name in ("music", "image", "picture", "text")},
}


TYPES = dict(f32=torch.float32, bf16=torch.bfloat16, f16=torch.float16)


class Peer:
    """What one request leaves for the next."""

    def __init__(self) -> None:
        self.device, self.dtype, self.clock, self.built = "cpu", torch.float32, time.perf_counter, None
        self.calls: dict[str, Callable[[], object]] = {}

    def hello(self, threads: int, device: str, dtype: str, processor_time: bool) -> dict:
        torch.set_num_threads(threads)
        self.clock = time.thread_time if processor_time else time.perf_counter
        self.device, self.dtype = device, TYPES[dtype]
        about = (f"PyTorch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()}), diffusers {diffusers.__version__}, "
                 f"transformers {transformers.__version__}, Python {platform.python_version()}")
        if device.startswith("cuda"):
            about += f", {torch.cuda.get_device_name(device)} in {dtype}"
        return dict(about=about, threads=torch.get_num_threads(), memory_mb=self._peak_mb())

    def prepare(self, work: dict, file: str | None) -> dict:
        self.built = None
        self.calls.clear()
        gc.collect()
        if hasattr(operations, work["kind"]):
            # Operations share their Python code: what was compiled for others would be looked through at each call.
            torch._dynamo.reset()
        torch.manual_seed(7)
        self.built = BUILDERS[work.pop("kind")](**work).to(self.device, self.dtype)
        if file:
            save_file(self.built.tensors(), file)
        return dict(variants=self.built.variants())

    def run(self, variant: str, repeats: int) -> dict:
        if variant not in self.calls:
            self.calls[variant] = self.built.variant(variant)
        return dict(ms=_time(self.calls[variant], repeats, self.device, self.clock))

    def memory(self) -> dict:
        return dict(peak_mb=self._peak_mb())

    def _peak_mb(self) -> float:
        """Most memory that this process ever held: of the GPU, where it computes there."""
        if self.device.startswith("cuda"):
            return torch.cuda.max_memory_reserved(self.device) / 1e6
        return _peak_mb()


def _time(call, repeats: int, device: str, clock: Callable[[], float]) -> float:
    """Milliseconds of one call."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else (lambda: None)
    gc.disable()
    wait()
    start = clock()
    for _ in range(repeats):
        call()
    wait()
    found = 1e3 * (clock() - start) / repeats
    gc.enable()
    return found


def _peak_mb() -> float:
    """Most memory that this process ever held."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def main() -> None:
    """Answers until there are no more requests."""
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            with torch.inference_mode():
                answer = getattr(peer, request.pop("do"))(**request)
        except Exception as error:  # the other side decides what to do without this answer
            answer = dict(error=f"{type(error).__name__}: {error}"[:2000])
        print(json.dumps(answer), file=ANSWERS, flush=True)


if __name__ == "__main__":
    main()
