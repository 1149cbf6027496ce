//! The diffusion transformer against the recipe's PyTorch (`tests/golden/dit.py`), and what holds without a reference.

use crate::golden::{Golden, assert_close};
use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use melfusion::denoiser::{Context, Dit, DitConfig};
use melfusion::synapse::{Blend, KeyValue, Taps};

const TIMESTEP: f64 = 481.;
/// Both windows of the golden, the first with a batch of 2.
const WINDOWS: [usize; 2] = [16, 12];

fn config() -> DitConfig {
    DitConfig {
        channels: 6,
        row_channels: vec![6, 4, 3],
        row_codes: vec![2, 1, 0],
        row_bits: vec![6, 4],
        row_onsets: vec![3, 4],
        planes: 4,
        class_width: 9,
        text_width: 24,
        windows: WINDOWS.to_vec(),
        width: 64,
        hidden: 96,
        cross_widths: vec![32, 32, 64, 32],
        picture_layers: 2,
        timesteps: 1000,
    }
}

/// The golden's network and one of its inputs.
struct Case {
    golden: Golden,
    dit: Dit,
    window: usize,
}

impl Case {
    fn open(window: usize) -> Self {
        let golden = Golden::open("dit");
        Self { dit: Dit::new(&config(), golden.weights()).unwrap(), golden, window }
    }

    fn get(&self, name: &str) -> Tensor {
        self.golden.get(&format!("{}.{name}", self.window))
    }

    fn context(&self) -> Context {
        Context { tokens: self.get("words"), bias: None, class: Some(self.get("vector")) }
    }

    /// The golden's picture, `influence` times.
    fn blends(&self, influence: f64) -> Vec<Blend> {
        let tensor = |what: &str, layer: usize| self.get(&format!("{what}.{layer}"));
        let blend = |layer| Blend {
            image: KeyValue { keys: tensor("keys", layer), values: tensor("values", layer), grid: (1, 7) },
            alpha: (tensor("alpha", layer) * influence).unwrap(),
        };
        (0..config().picture_layers).map(blend).collect()
    }

    fn answer(&self, input: &Tensor, taps: &mut Taps) -> Tensor {
        self.dit.forward(input, TIMESTEP, &self.context(), taps).unwrap()
    }
}

fn bits(xs: &Tensor) -> Vec<u32> {
    xs.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn a_dit_matches_the_recipe_in_every_window_with_a_picture_and_without() {
    for window in WINDOWS {
        let case = Case::open(window);
        let input = case.get("input");
        assert_close(&case.answer(&input, &mut Taps::None), &case.get("text"), 1e-5);
        assert_close(&case.answer(&input, &mut Taps::Blend(&case.blends(1.))), &case.get("picture"), 1e-5);
    }
}

#[test]
fn where_nothing_is_known_it_is_zeros_with_an_empty_mask() {
    for window in WINDOWS {
        let case = Case::open(window);
        let (input, channels) = (case.get("input"), config().channels);
        let nothing = input.narrow(1, channels, channels + 2).unwrap().zeros_like().unwrap();
        let blind = input.slice_assign(&[0..input.dims()[0], channels..2 * channels + 2, 0..window, 0..3], &nothing);
        let answer = case.answer(&blind.unwrap(), &mut Taps::None);
        assert_close(&answer, &case.get("unknown"), 1e-5);
        assert_ne!(bits(&answer), bits(&case.answer(&input, &mut Taps::None)));
    }
}

#[test]
fn without_influence_the_music_of_a_dit_is_the_texts_bit_for_bit() {
    for window in WINDOWS {
        let case = Case::open(window);
        let input = case.get("input");
        let silent = case.answer(&input, &mut Taps::Blend(&case.blends(0.)));
        assert_eq!(bits(&silent), bits(&case.answer(&input, &mut Taps::None)));
    }
}

/// Latents, what is known of them, masks and planes go around together.
#[test]
fn rotating_all_columns_rotates_what_a_dit_answers() {
    for window in WINDOWS {
        let case = Case::open(window);
        let (input, blends) = (case.get("input"), case.blends(1.));
        let answer = case.answer(&input, &mut Taps::Blend(&blends));
        for shift in [1, 5, -3] {
            let rolled = input.roll(shift, 2).unwrap().contiguous().unwrap();
            let rotated = case.answer(&rolled, &mut Taps::Blend(&blends));
            assert_close(&rotated, &answer.roll(shift, 2).unwrap(), 1e-5);
        }
        let mirrored: Vec<u32> = (0..window as u32).rev().collect();
        let mirrored = input.index_select(&Tensor::new(mirrored, &Device::Cpu).unwrap(), 2).unwrap();
        let reversed = case.answer(&mirrored, &mut Taps::Blend(&blends));
        assert_ne!(bits(&reversed.narrow(2, 0, 1).unwrap()), bits(&answer.narrow(2, window - 1, 1).unwrap()));
    }
}

#[test]
fn channels_that_a_row_does_not_use_are_zero_and_change_nothing() {
    let case = Case::open(16);
    let input = case.get("input");
    let answer = case.answer(&input, &mut Taps::None);
    for (row, used) in config().row_channels.into_iter().enumerate() {
        let unused = answer.narrow(3, row, 1).unwrap().narrow(1, used, config().channels - used).unwrap();
        assert!(bits(&unused).iter().all(|bits| *bits == 0), "row {row}");
    }
    let loud = Tensor::full(9f32, (2, 2, 16, 1), &Device::Cpu).unwrap();
    let louder = input.slice_assign(&[0..2, 4..6, 0..16, 1..2], &loud).unwrap();
    assert_eq!(bits(&case.answer(&louder, &mut Taps::None)), bits(&answer));
}

#[test]
fn what_a_dit_prepared_serves_every_step_and_hides_words() {
    let case = Case::open(16);
    let hide = |index: usize| (0..2 * 7).map(|i| if i % 7 == index { -1e4f32 } else { 0. }).collect::<Vec<_>>();
    let bias = Some(Tensor::from_vec(hide(3), (2, 7), &Device::Cpu).unwrap());
    let (context, input) = (Context { bias, ..case.context() }, case.get("input"));
    let told = case.dit.prepare(&context).unwrap();
    assert_eq!(told.batch(), 2);
    for timestep in [900., 37.5] {
        let prepared = case.dit.forward_prepared(&input, timestep, &told, &mut Taps::None).unwrap();
        assert_eq!(bits(&prepared), bits(&case.dit.forward(&input, timestep, &context, &mut Taps::None).unwrap()));
    }
    let left: Vec<u32> = vec![0, 1, 2, 4, 5, 6];
    let tokens = context.tokens.index_select(&Tensor::new(left, &Device::Cpu).unwrap(), 1).unwrap();
    let without = Context { tokens, ..case.context() };
    let hidden = case.dit.forward(&input, TIMESTEP, &context, &mut Taps::None).unwrap();
    assert_close(&case.dit.forward(&input, TIMESTEP, &without, &mut Taps::None).unwrap(), &hidden, 1e-5);
}

/// As many entries as a guided step has, together and one after another.
#[test]
fn entries_of_a_batch_do_not_hear_each_other() {
    let case = Case::open(16);
    let (input, blends) = (case.get("input"), case.blends(1.));
    let whole = case.answer(&input, &mut Taps::Blend(&blends));
    for entry in 0..2 {
        let one = |xs: &Tensor| xs.narrow(0, entry, 1).unwrap();
        let blends: Vec<Blend> =
            blends.iter().map(|blend| Blend { image: blend.image.clone(), alpha: one(&blend.alpha) }).collect();
        let context = Context { tokens: one(&case.get("words")), bias: None, class: Some(one(&case.get("vector"))) };
        let alone = case.dit.forward(&one(&input), TIMESTEP, &context, &mut Taps::Blend(&blends)).unwrap();
        assert_eq!(bits(&alone), bits(&one(&whole)));
    }
}

#[test]
fn keys_and_values_of_a_text_are_those_of_the_layers_that_see() {
    let case = Case::open(16);
    let (input, words) = (case.get("input"), case.get("words"));
    let layers = case.dit.keys_values(&vec![words; config().picture_layers]).unwrap();
    let widths: Vec<usize> = layers.iter().map(|layer| layer.keys.dim(2).unwrap()).collect();
    assert_eq!(widths, config().decoder_widths());
    let alpha = || Tensor::ones((2, 1, 1), DType::F32, &Device::Cpu).unwrap();
    let blends: Vec<Blend> = layers.into_iter().map(|image| Blend { image, alpha: alpha() }).collect();
    assert_eq!(bits(&case.answer(&input, &mut Taps::Blend(&blends))), bits(&case.answer(&input, &mut Taps::None)));
    assert!(case.dit.keys_values(&[case.get("words")]).is_err());
}

#[test]
fn a_dit_refuses_what_it_was_not_made_for() {
    let case = Case::open(16);
    let input = case.get("input");
    let refusal = |input: &Tensor, context: &Context, taps: &mut Taps| {
        case.dit.forward(input, TIMESTEP, context, taps).unwrap_err().to_string()
    };
    let short = input.narrow(2, 0, 13).unwrap();
    let error = refusal(&short, &case.context(), &mut Taps::None);
    assert!(error.contains("windows of [16, 12] columns got 13"), "{error}");
    let error = refusal(&input.narrow(3, 0, 2).unwrap(), &case.context(), &mut Taps::None);
    assert!(error.contains("3 rows"), "{error}");
    let error = refusal(&input, &Context { class: None, ..case.context() }, &mut Taps::None);
    assert!(error.contains("class vector"), "{error}");
    let error = refusal(&input, &case.context(), &mut Taps::Blend(&case.blends(1.)[1..]));
    assert!(error.contains("1 blends for 2 layers"), "{error}");
    let error = refusal(&input, &case.context(), &mut Taps::Capture(&mut vec![]));
    assert!(error.contains("nothing for others to see"), "{error}");
}

#[test]
fn a_dit_that_contradicts_itself_is_refused() {
    for (broken, word) in [
        (DitConfig { row_codes: vec![2, 0], ..config() }, "row_codes"),
        (DitConfig { row_channels: vec![6, 7, 3], ..config() }, "row 1"),
        (DitConfig { row_codes: vec![2, 1, 6], ..config() }, "row 2"),
        (DitConfig { row_onsets: vec![3], ..config() }, "row_onsets of 1"),
        (DitConfig { row_bits: vec![6, 1], ..config() }, "2 components of 1 bits"),
        (DitConfig { row_bits: vec![5, 4], ..config() }, "5 bits of 3 pitches"),
        (DitConfig { width: 48, ..config() }, "heads of 32"),
        (DitConfig { cross_widths: vec![32, 40], ..config() }, "cross_widths"),
        (DitConfig { picture_layers: 5, ..config() }, "4 blocks"),
        (DitConfig { windows: vec![], ..config() }, "windows"),
    ] {
        let error = Dit::new(&broken, Golden::open("dit").weights()).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_dit_reads_every_tensor_of_the_recipes_checkpoint() {
    let created = VarMap::new();
    Dit::new(&config(), VarBuilder::from_varmap(&created, DType::F32, &Device::Cpu)).unwrap();
    let mut read: Vec<String> = created.data().lock().unwrap().keys().cloned().collect();
    read.sort();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/dit.safetensors");
    let stored = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
    let mut stored: Vec<&str> = stored.keys().filter_map(|key| key.strip_prefix("weights.")).collect();
    stored.sort();
    assert_eq!(read, stored);
}

#[test]
fn a_dit_in_sixteen_bits_is_near_the_one_in_thirty_two() {
    let case = Case::open(16);
    let (input, blends) = (case.get("input"), case.blends(1.));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/dit.safetensors");
    let stored = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
    let weights = stored.into_iter().filter_map(|(k, v)| Some((k.strip_prefix("weights.")?.to_string(), v)));
    let weights: std::collections::HashMap<_, _> = weights.collect();
    for (dtype, tolerance) in [(DType::F16, 3e-2), (DType::BF16, 2e-1)] {
        let vb = VarBuilder::from_tensors(weights.clone(), dtype, &Device::Cpu);
        let dit = Dit::new(&config(), vb).unwrap();
        let answer = dit.forward(&input, TIMESTEP, &case.context(), &mut Taps::Blend(&blends)).unwrap();
        assert_close(&answer, &case.get("picture"), tolerance);
    }
}
