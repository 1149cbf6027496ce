//! The text encoder agrees with transformers' `T5EncoderModel` and survives any prompt.

use crate::golden::{Golden, assert_close, relative_error};
use candle_core::{DType, Device, Tensor};
use melfusion::text::{FeedForward, T5Config, TextConfig, TextEncoder, pad};

const TOKENIZER: &[u8] = include_bytes!("../golden/text_tokenizer.json");

/// A row of `text.json`: `prompt`, `repeat` times over, has these ids in Python.
#[derive(serde::Deserialize)]
struct Case {
    prompt: String,
    repeat: usize,
    ids: Vec<u32>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../golden/text.json")).unwrap()
}

/// As `tests/golden/text.py` has it.
fn config() -> TextConfig {
    let golden = Golden::open("text");
    let t5 = T5Config {
        vocab_size: golden.get("weights.shared.weight").dim(0).unwrap(),
        d_model: 32,
        d_kv: 8,
        d_ff: 48,
        num_layers: 2,
        num_heads: 4,
        relative_attention_num_buckets: 8,
        relative_attention_max_distance: 20,
        layer_norm_epsilon: 1e-6,
        feed_forward_proj: FeedForward::GatedGelu,
        pad_token_id: 0,
        eos_token_id: 1,
    };
    TextConfig { tokens: None, max_tokens: 32, spelling: false, t5 }
}

fn encoder(config: &TextConfig) -> candle_core::Result<TextEncoder> {
    TextEncoder::new(config, TOKENIZER, Golden::open("text").weights())
}

#[test]
fn ids_are_those_of_python_for_odd_prompts() {
    let encoder = encoder(&config()).unwrap();
    for case in cases() {
        assert_eq!(encoder.ids(&case.prompt.repeat(case.repeat)).unwrap(), case.ids, "{:?}", case.prompt);
    }
}

#[test]
fn embeddings_match_the_reference() {
    let (golden, encoder) = (Golden::open("text"), encoder(&config()).unwrap());
    for (i, case) in cases().iter().enumerate() {
        let tokens = encoder.encode(&case.prompt.repeat(case.repeat)).unwrap();
        assert_close(&tokens, &golden.get(&format!("hidden.{i}")), 1e-4);
    }
}

#[test]
fn a_fixed_length_is_filled_with_padding_that_is_read() {
    let encoder = encoder(&TextConfig { tokens: Some(16), ..config() }).unwrap();
    assert_close(&encoder.encode("calm piano").unwrap(), &Golden::open("text").get("fixed"), 1e-4);
}

#[test]
fn a_fixed_length_holds_for_every_prompt_and_keeps_the_closing_token() {
    let encoder = encoder(&TextConfig { tokens: Some(16), ..config() }).unwrap();
    for case in cases() {
        let ids = encoder.ids(&case.prompt.repeat(case.repeat)).unwrap();
        let words = case.ids.len().min(16) - 1;
        let mut expected = case.ids[..words].to_vec();
        expected.push(1);
        expected.resize(16, 0);
        assert_eq!(ids, expected, "{:?}", case.prompt);
    }
}

#[test]
fn one_token_of_room_is_the_closing_one() {
    let encoder = encoder(&TextConfig { max_tokens: 1, ..config() }).unwrap();
    assert_eq!(encoder.ids("calm piano").unwrap(), [1]);
}

#[test]
fn encoding_twice_gives_the_same() {
    let encoder = encoder(&config()).unwrap();
    let first = encoder.encode("calm piano").unwrap();
    encoder.encode("rain").unwrap();
    assert_eq!(relative_error(&encoder.encode("calm piano").unwrap(), &first), 0.);
}

#[test]
fn a_tokenizer_that_does_not_fit_is_an_error() {
    let weights = || Golden::open("text").weights();
    assert!(TextEncoder::new(&config(), b"{}", weights()).is_err());
    assert!(TextEncoder::new(&config(), &TOKENIZER[..1000], weights()).is_err());
    let mut small = config();
    small.t5.vocab_size -= 1;
    let message = TextEncoder::new(&small, TOKENIZER, weights()).unwrap_err().to_string();
    assert!(message.contains("vocab_size"), "{message}");
}

#[test]
fn no_room_for_any_token_is_an_error() {
    assert!(encoder(&TextConfig { max_tokens: 0, ..config() }).is_err());
    assert!(encoder(&TextConfig { tokens: Some(0), ..config() }).is_err());
}

#[test]
fn padding_adds_zeros_and_hides_them() {
    let tokens = Tensor::ones((1, 2, 3), DType::F32, &Device::Cpu).unwrap();
    let (padded, bias) = pad(&tokens, 4).unwrap();
    assert_eq!(padded.to_vec3::<f32>().unwrap(), [[[1.; 3], [1.; 3], [0.; 3], [0.; 3]]]);
    assert_eq!(bias.to_vec2::<f32>().unwrap(), [[0., 0., -1e4, -1e4]]);
}

#[test]
fn padding_to_the_same_length_hides_nothing_and_to_a_shorter_one_is_an_error() {
    let tokens = Tensor::ones((1, 2, 3), DType::F16, &Device::Cpu).unwrap();
    let (padded, bias) = pad(&tokens, 2).unwrap();
    assert_eq!((padded.dims(), bias.dims(), bias.dtype()), ([1, 2, 3].as_slice(), [1, 2].as_slice(), DType::F16));
    assert!(pad(&tokens, 1).is_err());
}

#[test]
fn the_configuration_survives_toml_and_refuses_unknown_fields() {
    for config in [config(), TextConfig { tokens: Some(64), ..config() }] {
        let written = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<TextConfig>(&written).unwrap(), config);
        assert!(toml::from_str::<TextConfig>(&format!("{written}\ndropout_rate = 0.1")).is_err());
    }
}
