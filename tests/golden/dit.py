"""Writes dit.safetensors: a tiny random diffusion transformer of the recipe, what it is given and what it answers.

    python tests/golden/dit.py
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "bundles" / "mini" / "recipe"))

from dit import Dit, DitConfig, flatten, unflatten  # noqa: E402
from schedule import alphas_cumprod  # noqa: E402

TIMESTEP, WORDS = 481, 7
ALPHAS = alphas_cumprod()
CONFIG = DitConfig(channels=6, row_channels=(6, 4, 3), row_codes=(2, 1, 0), row_bits=(6, 4), row_onsets=(3, 4), planes=4, class_width=9, text_width=24, windows=(16, 12),
                   width=64, hidden=96, cross_widths=(32, 32, 64, 32), picture_layers=2)


def dit() -> Dit:
    """Weights that are exact in f16 and of which none is trivial, those that training begins at zero among them."""
    model = Dit(CONFIG).eval()
    for name, parameter in model.named_parameters():
        is_matrix = name.endswith("weight")
        spread = parameter.shape[-1] ** -0.5 if is_matrix else 1.0 if "distance" in name else 0.3
        parameter.data = (spread * torch.randn_like(parameter)).half().float()
    rolls = model.rolls
    for name, buffer in rolls.named_buffers():
        if buffer.is_floating_point():
            values = {"on": 0.7 + 0.3 * torch.rand_like(buffer), "variance": 0.02 + 0.3 * torch.rand_like(buffer), "chance": 0.05 + 0.4 * torch.rand_like(buffer)}
            buffer.copy_(values.get(name, 0.3 * torch.randn_like(buffer)).half().float())
    return model


def known_of(latents: Tensor) -> tuple[Tensor, Tensor]:
    """Some clean latents `(b, c, t, r)`, 0 where nothing is known, and the masks of notes and codes `(b, 2, t, r)`."""
    batch, channels, columns, rows = latents.shape
    masks = (torch.rand(batch, 2, columns, rows) < 0.5).float()
    elementwise = torch.zeros(batch, channels, columns, rows)
    for row, (used, codes) in enumerate(zip(CONFIG.row_channels, CONFIG.row_codes)):
        elementwise[:, : used - codes, :, row] = masks[:, :1, :, row]
        elementwise[:, used - codes : used, :, row] = masks[:, 1:, :, row]
    return torch.randn_like(latents) * elementwise, masks


def case(model: Dit, batch: int, columns: int) -> dict[str, Tensor]:
    """An input as the engine has it, and what is answered under each of the conditions."""
    rows, blends = len(CONFIG.row_channels), CONFIG.cross_widths[-CONFIG.picture_layers :]
    latents = torch.randn(batch, CONFIG.channels, columns, rows)
    known, masks = known_of(latents)
    planes, words, vector = torch.randn(batch, CONFIG.planes, columns), torch.randn(batch, WORDS, CONFIG.text_width), torch.randn(batch, CONFIG.class_width)
    pictures = [tuple(torch.randn(1, WORDS, width) for _ in ("keys", "values")) for width in blends]
    alphas = [torch.rand(batch, 1, 1) for _ in blends]

    def answer(known: Tensor, masks: Tensor, **seen) -> Tensor:
        # (b, 2, t, r) → every row's notes, then every row's codes.
        mask = masks.permute(0, 2, 1, 3).flatten(2)
        tokens = [flatten(x, CONFIG.row_channels) for x in (latents, known)]
        alpha = ALPHAS[TIMESTEP].expand(batch)
        said = model(tokens[0], torch.full((batch,), TIMESTEP), alpha, words, vector, planes.transpose(1, 2), tokens[1], mask, **seen)
        return unflatten(model.rolls.velocity(tokens[0], alpha, said), CONFIG.row_channels, CONFIG.channels)

    spread = planes[..., None].expand(-1, -1, -1, rows)
    out = dict(input=torch.cat([latents, known, masks, spread], 1), words=words, vector=vector)
    for i, ((keys, values), alpha) in enumerate(zip(pictures, alphas)):
        out |= {f"keys.{i}": keys, f"values.{i}": values, f"alpha.{i}": alpha}
    out["text"] = answer(known, masks)
    out["picture"] = answer(known, masks, pictures=pictures, alphas=alphas)
    out["unknown"] = answer(torch.zeros_like(known), torch.zeros_like(masks))
    return {f"{columns}.{name}": tensor for name, tensor in out.items()}


if __name__ == "__main__":
    torch.manual_seed(11)
    with torch.no_grad():
        model = dit()
        tensors = {f"weights.{name}": tensor.half() for name, tensor in model.state_dict().items()} | {"weights.alphas": ALPHAS}
        tensors |= case(model, 2, 16) | case(model, 1, 12)
    path = HERE / "dit.safetensors"
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)
    print(path.name, path.stat().st_size)
