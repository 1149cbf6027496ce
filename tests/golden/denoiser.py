"""Writes denoiser_*.safetensors: tiny random UNets of diffusers, what they are given and what they answer.

    python tests/golden/denoiser.py
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

HERE = Path(__file__).parent
PLAIN = dict(
    in_channels=4,
    out_channels=4,
    block_out_channels=(8, 8, 16),
    layers_per_block=1,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    attention_head_dim=(1, 2, 4),
    cross_attention_dim=24,
    norm_num_groups=8,
)
OURS = dict(
    in_channels=5,
    out_channels=3,
    block_out_channels=(8, 12, 16),
    layers_per_block=2,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    attention_head_dim=(2, 3, 4),
    cross_attention_dim=10,
    norm_num_groups=4,
    norm_eps=1e-6,
    use_linear_projection=True,
    resnet_time_scale_shift="scale_shift",
    class_embed_type="simple_projection",
    projection_class_embeddings_input_dim=6,
)
PAIR = dict(
    block_out_channels=(8, 12),
    layers_per_block=1,
    down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    attention_head_dim=(2, 2),
    norm_num_groups=4,
    use_linear_projection=True,
)
IMAGE = dict(PAIR, in_channels=4, out_channels=4, cross_attention_dim=12)
MUSIC = dict(PAIR, in_channels=3, out_channels=3, cross_attention_dim=10)


def unet(config: dict, seed: int) -> UNet2DConditionModel:
    """A random UNet whose weights are exact in f16 and whose norms and biases are not trivial."""
    torch.manual_seed(seed)
    model = UNet2DConditionModel(**config).eval()
    for p in model.parameters():
        noise = 0.1 * torch.randn_like(p) if p.dim() == 1 else 0.0
        p.data = (p.data + noise).half().float()
    return model


def weights(model: UNet2DConditionModel, prefix: str = "weights") -> dict:
    return {f"{prefix}.{k}": v.half() for k, v in model.state_dict().items()}


def save(name: str, tensors: dict) -> None:
    path = HERE / f"{name}.safetensors"
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, path)
    print(path.name, path.stat().st_size)


def plain(name: str, linear: bool) -> None:
    """Stable Diffusion's kind, on a size that does not halve evenly, some text hidden."""
    model = unet(dict(PLAIN, use_linear_projection=linear), 1)
    latents, tokens = torch.randn(2, 4, 13, 6), torch.randn(2, 7, 24)
    mask = torch.tensor([[1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0]])
    open_, masked = (model(latents, 481, tokens, encoder_attention_mask=m).sample for m in (None, mask))
    save(name, dict(weights(model), latents=latents, tokens=tokens, mask=mask.float(), open=open_, masked=masked))


def wrap_time(model: torch.nn.Module) -> None:
    """Makes every convolution wrap around axis 2 and pad axis 3 with zeros."""

    def forward(self: torch.nn.Conv2d, xs: torch.Tensor) -> torch.Tensor:
        (rows, columns) = self.padding
        xs = F.pad(F.pad(xs, (0, 0, rows, rows), mode="circular"), (columns, columns))
        return F.conv2d(xs, self.weight, self.bias, self.stride)

    for conv in model.modules():
        if isinstance(conv, torch.nn.Conv2d) and conv.kernel_size[0] > 1:
            conv.forward = forward.__get__(conv)


def circular() -> None:
    """Our kind: circular time, scale and shift, a class vector, other channels out than in."""
    model = unet(OURS, 2)
    wrap_time(model)
    latents, tokens, label = torch.randn(2, 5, 16, 4), torch.randn(2, 6, 10), torch.randn(2, 6)
    output = model(latents, 37.5, tokens, class_labels=label).sample
    save("denoiser_circular", dict(weights(model), latents=latents, tokens=tokens, label=label, output=output))


def decoder_blocks(model: UNet2DConditionModel) -> list:
    return [a.transformer_blocks[0] for level in model.up_blocks for a in level.attentions]


class Blended:
    """Cross-attention whose keys and values are partly a picture's, written out by hand."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, alpha: torch.Tensor):
        self.keys, self.values, self.alpha = keys, values, alpha

    def __call__(self, attn, xs, encoder_hidden_states=None, attention_mask=None, **_):
        keys = self.alpha * self.keys + (1 - self.alpha) * attn.to_k(encoder_hidden_states)
        values = self.alpha * self.values + (1 - self.alpha) * attn.to_v(encoder_hidden_states)
        queries, keys, values = (attn.head_to_batch_dim(t) for t in (attn.to_q(xs), keys, values))
        scores = queries @ keys.transpose(1, 2) * attn.scale
        return attn.to_out[0](attn.batch_to_head_dim(scores.softmax(-1) @ values))


def capture(model: UNet2DConditionModel, latents: torch.Tensor, tokens: torch.Tensor) -> list:
    """Keys and values of the decoder's self-attentions, in order."""
    captured = []
    for block in decoder_blocks(model):
        for layer in (block.attn1.to_k, block.attn1.to_v):
            layer.register_forward_hook(lambda _module, _inputs, output: captured.append(output))
    model(latents, 250, tokens)
    return list(zip(captured[::2], captured[1::2]))


def pooled(tokens: torch.Tensor, grid: tuple[int, int] | None, length: int) -> torch.Tensor:
    """`(1, n, c)` of a square grid to `(1, length, c)`."""
    xs = tokens.transpose(1, 2)
    if grid is None:
        return F.adaptive_avg_pool1d(xs, length).transpose(1, 2)
    side = round(xs.shape[2] ** 0.5)
    return F.adaptive_avg_pool2d(xs.unflatten(2, (side, side)), grid).flatten(2).transpose(1, 2)


def synapse() -> None:
    """A picture's UNet and a music UNet, joined; the first batch entry is blind."""
    image, music = unet(IMAGE, 3), unet(MUSIC, 4)
    picture, nothing = torch.randn(1, 4, 10, 10), torch.randn(1, 5, 12)
    latents, tokens = torch.randn(2, 3, 8, 4), torch.randn(2, 6, 10)
    alpha, influence = torch.tensor([0.9, 0.25, 0.5, 0.7]), 0.8
    out = dict(picture=picture, nothing=nothing, latents=latents, tokens=tokens, alpha=alpha)
    out |= weights(image, "image") | weights(music, "music")
    features = capture(image, picture, nothing)
    for i, (keys, values) in enumerate(features):
        out |= {f"keys.{i}": keys, f"values.{i}": values}
    out["text"] = music(latents, 250, tokens).sample
    for name, grid in (("grid", (2, 3)), ("sequence", None)):
        for block, share, kv in zip(decoder_blocks(music), alpha, features):
            sees = torch.tensor([0.0, 1.0]).view(2, 1, 1) * share * influence
            block.attn2.processor = Blended(*(pooled(t, grid, 6) for t in kv), sees)
        out[name] = music(latents, 250, tokens).sample
    save("denoiser_synapse", out)


if __name__ == "__main__":
    with torch.no_grad():
        plain("denoiser_plain_linear", True)
        plain("denoiser_plain_conv", False)
        circular()
        synapse()
