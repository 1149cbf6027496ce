"""Writes text_tokenizer.json, text.json and text.safetensors: a tiny unigram tokenizer and T5EncoderModel.

`text.json` lists prompts (repeated `repeat` times) and the ids that Python's tokenizer gives them.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

HERE = Path(__file__).parent
LIMIT = 32
FIXED = 16
CORPUS = [
    "A calm piano piece for a quiet night by the sea.",
    "An energetic drum beat with a driving bass and bright synths.",
    "Slow strings, sad and dark, under falling rain.",
    "Joyful guitar and hand claps for a sunny morning in the hills.",
    "Un café près de la mer, très doux, über den Wolken, mañana señor.",
]
PROMPTS = [
    ("", 1),
    (" ", 1),
    ("calm piano", 1),
    ("  Calm,   PIANO!\n\tnight\r\n", 1),
    ("A calm piano piece for a quiet night by the sea, with strings and a driving bass in the rain.", 1),
    ("café, señor, Ångström, naïve, cafe\u0301", 1),
    ("🎹🎻 happy 🥁 family 👩‍👩‍👧‍👦 flag 🇫🇷", 1),
    ("静かな夜のピアノ", 1),
    ("هادئ بيانو", 1),
    ("\u200b\ufeff\u0000 nul", 1),
    ("ﬁne ½ Ⅳ ﷺ", 1),
    ("</s> <pad> <unk> piano", 1),
    ("rain ", 20000),
    ("é", 50000),
    ("🎹", 25000),
]


def make_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("\n", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def make_model(vocab_size: int) -> T5EncoderModel:
    config = T5Config(
        vocab_size=vocab_size,
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=20,
        feed_forward_proj="gated-gelu",
        pad_token_id=0,
        eos_token_id=1,
    )
    model = T5EncoderModel(config).eval()
    for name, parameter in model.named_parameters():
        if "layer_norm" in name:
            parameter.data += 0.1 * torch.randn_like(parameter)
        if name.endswith("relative_attention_bias.weight"):
            parameter.data = torch.randn_like(parameter)
        parameter.data = parameter.half().float()
    return model


@torch.no_grad()
def main() -> None:
    torch.manual_seed(7)
    path = HERE / "text_tokenizer.json"
    make_tokenizer().save(str(path), pretty=False)
    words = PreTrainedTokenizerFast(
        tokenizer_file=str(path), pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=LIMIT
    )
    ids = [words(prompt * repeat, truncation=True)["input_ids"] for prompt, repeat in PROMPTS]
    cases = [{"prompt": p, "repeat": n, "ids": i} for (p, n), i in zip(PROMPTS, ids)]
    (HERE / "text.json").write_text(json.dumps(cases, indent=1) + "\n")

    model = make_model(vocab_size=len(words))
    tensors = {f"hidden.{i}": model(torch.tensor([row])).last_hidden_state for i, row in enumerate(ids)}
    calm = words(PROMPTS[2][0], truncation=True, padding="max_length", max_length=FIXED)["input_ids"]
    # Without a mask: padding is read like any other token.
    tensors["fixed"] = model(torch.tensor([calm]), attention_mask=torch.ones(1, FIXED)).last_hidden_state
    weights = {k: v.half() for k, v in model.state_dict().items() if k != "encoder.embed_tokens.weight"}
    tensors |= {f"weights.{key}": value for key, value in weights.items()}
    save_file({key: value.contiguous() for key, value in tensors.items()}, HERE / "text.safetensors")


if __name__ == "__main__":
    main()
