//! The UNet and the synapse against diffusers (`tests/golden/denoiser.py`), and what holds without a reference.

use crate::golden::{Golden, assert_close};
use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use melfusion::denoiser::{Context, DownBlock, Unet, UnetConfig};
use melfusion::synapse::{Blend, KeyValue, Pool, Synapse, Taps};
use serde_json::{Value, json};

fn config(value: Value) -> UnetConfig {
    serde_json::from_value(value).unwrap()
}

fn plain(is_linear: bool) -> UnetConfig {
    config(json!({
        "in_channels": 4, "out_channels": 4, "block_out_channels": [8, 8, 16], "layers_per_block": 1,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        "attention_head_dim": [1, 2, 4], "cross_attention_dim": 24, "norm_num_groups": 8,
        "use_linear_projection": is_linear,
    }))
}

fn ours() -> UnetConfig {
    config(json!({
        "in_channels": 5, "out_channels": 3, "block_out_channels": [8, 12, 16], "layers_per_block": 2,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        "attention_head_dim": [2, 3, 4], "cross_attention_dim": 10, "norm_num_groups": 4, "norm_eps": 1e-6,
        "use_linear_projection": true, "resnet_time_scale_shift": "scale_shift",
        "projection_class_embeddings_input_dim": 6, "circular_time": true,
    }))
}

/// One half of the pair that the synapse joins.
fn half(channels: usize, cross_attention_dim: usize) -> UnetConfig {
    config(json!({
        "in_channels": channels, "out_channels": channels, "block_out_channels": [8, 12], "layers_per_block": 1,
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "attention_head_dim": [2, 2], "cross_attention_dim": cross_attention_dim, "norm_num_groups": 4,
        "use_linear_projection": true,
    }))
}

fn text(tokens: Tensor) -> Context {
    Context { tokens, bias: None, class: None }
}

fn bits(xs: &Tensor) -> Vec<u32> {
    xs.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()
}

fn matches_diffusers(name: &str, is_linear: bool) {
    let golden = Golden::open(name);
    let unet = Unet::new(&plain(is_linear), golden.weights()).unwrap();
    let mut context = text(golden.get("tokens"));
    let open = unet.forward(&golden.get("latents"), 481., &context, &mut Taps::None).unwrap();
    assert_close(&open, &golden.get("open"), 1e-4);

    context.bias = Some(golden.get("mask").affine(10_000., -10_000.).unwrap());
    let masked = unet.forward(&golden.get("latents"), 481., &context, &mut Taps::None).unwrap();
    assert_close(&masked, &golden.get("masked"), 1e-4);
}

#[test]
fn unet_with_linear_projections_matches_diffusers_on_odd_sizes_and_hidden_tokens() {
    matches_diffusers("denoiser_plain_linear", true);
}

#[test]
fn unet_with_pointwise_convolutions_matches_diffusers_on_odd_sizes_and_hidden_tokens() {
    matches_diffusers("denoiser_plain_conv", false);
}

#[test]
fn circular_scale_shift_class_unet_matches_diffusers() {
    let golden = Golden::open("denoiser_circular");
    let unet = Unet::new(&ours(), golden.weights()).unwrap();
    let context = Context { class: Some(golden.get("label")), ..text(golden.get("tokens")) };
    let output = unet.forward(&golden.get("latents"), 37.5, &context, &mut Taps::None).unwrap();
    assert_close(&output, &golden.get("output"), 1e-4);
}

#[test]
fn rolling_latents_along_time_rolls_what_a_circular_unet_answers() {
    let golden = Golden::open("denoiser_circular");
    let unet = Unet::new(&ours(), golden.weights()).unwrap();
    let context = Context { class: Some(golden.get("label")), ..text(golden.get("tokens")) };
    let latents = golden.get("latents");
    let output = unet.forward(&latents, 37.5, &context, &mut Taps::None).unwrap();
    for shift in [4, 8, -4] {
        let rolled = latents.roll(shift, 2).unwrap().contiguous().unwrap();
        let answer = unet.forward(&rolled, 37.5, &context, &mut Taps::None).unwrap();
        assert_close(&answer, &output.roll(shift, 2).unwrap(), 1e-5);
    }
}

/// The coarser levels of the same latents at the same time are just what they were.
#[test]
fn a_shallow_pass_over_fresh_coarse_levels_is_the_whole_pass() {
    let golden = Golden::open("denoiser_circular");
    let unet = Unet::new(&ours(), golden.weights()).unwrap();
    let context = Context { class: Some(golden.get("label")), ..text(golden.get("tokens")) };
    let (latents, told) = (golden.get("latents"), unet.prepare(&context).unwrap());
    let (whole, deep) = unet.forward_deep(&latents, 37.5, &told, &mut Taps::None).unwrap();
    assert_eq!(deep.batch(), latents.dim(0).unwrap());
    let shallow = unet.forward_shallow(&latents, 37.5, &told, &mut Taps::None, &deep).unwrap();
    assert_eq!(bits(&shallow), bits(&whole));

    let later = unet.forward_shallow(&latents.affine(0.9, 0.).unwrap(), 30., &told, &mut Taps::None, &deep).unwrap();
    assert_ne!(bits(&later), bits(&whole), "the finest level looks at the latents");
    let mut captured = vec![];
    assert!(unet.forward_shallow(&latents, 37.5, &told, &mut Taps::Capture(&mut captured), &deep).is_err());
}

/// With a bias and a class vector, at more than one step.
#[test]
fn what_is_prepared_once_serves_every_step() {
    let golden = Golden::open("denoiser_circular");
    let unet = Unet::new(&ours(), golden.weights()).unwrap();
    let (tokens, latents) = (golden.get("tokens"), golden.get("latents"));
    let (b, l, _) = tokens.dims3().unwrap();
    let bias = (0..b * l).map(|i| if i % 5 == 4 { -1e4f32 } else { 0. }).collect::<Vec<_>>();
    let bias = Some(Tensor::from_vec(bias, (b, l), &Device::Cpu).unwrap());
    let context = Context { tokens, bias, class: Some(golden.get("label")) };
    let told = unet.prepare(&context).unwrap();
    assert_eq!(told.batch(), b);
    for timestep in [900., 37.5] {
        let (prepared, _) = unet.forward_deep(&latents, timestep, &told, &mut Taps::None).unwrap();
        assert_eq!(bits(&prepared), bits(&unet.forward(&latents, timestep, &context, &mut Taps::None).unwrap()));
    }
    let more = UnetConfig { down_block_types: vec![DownBlock::CrossAttnDownBlock2D; 3], ..ours() };
    let other = Unet::new(&more, VarBuilder::zeros(DType::F32, &Device::Cpu)).unwrap();
    let error = other.forward_deep(&latents, 37.5, &told, &mut Taps::None).unwrap_err().to_string();
    assert!(error.contains("another denoiser"), "{error}");
}

#[test]
fn class_vector_of_one_serves_a_whole_batch() {
    let golden = Golden::open("denoiser_circular");
    let unet = Unet::new(&ours(), golden.weights()).unwrap();
    let class = golden.get("label").narrow(0, 0, 1).unwrap();
    let answer = |class: Tensor| {
        let context = Context { class: Some(class), ..text(golden.get("tokens")) };
        unet.forward(&golden.get("latents"), 37.5, &context, &mut Taps::None).unwrap()
    };
    assert_close(&answer(class.clone()), &answer(class.repeat((2, 1)).unwrap()), 1e-6);
}

/// The pair of UNets of the golden, and what passed between them.
struct Pair {
    golden: Golden,
    music: Unet,
    features: Vec<KeyValue>,
    synapse: Synapse,
}

impl Pair {
    fn open() -> Self {
        let golden = Golden::open("denoiser_synapse");
        let image = Unet::new(&half(4, 12), golden.weights_under("image")).unwrap();
        let music = Unet::new(&half(3, 10), golden.weights_under("music")).unwrap();
        let mut features = vec![];
        let nothing = text(golden.get("nothing"));
        image.forward(&golden.get("picture"), 250., &nothing, &mut Taps::Capture(&mut features)).unwrap();
        let synapse = Synapse::new(statistics(&golden, &features)).unwrap();
        Self { golden, music, features, synapse }
    }

    fn blends(&self, pool: Pool, influence: f64) -> Vec<Blend> {
        let pooled: Vec<KeyValue> = self.features.iter().map(|layer| pool.apply(layer, 6).unwrap()).collect();
        self.synapse.blends(&pooled, influence, &[false, true]).unwrap()
    }

    fn music(&self, mut taps: Taps) -> Tensor {
        let context = text(self.golden.get("tokens"));
        self.music.forward(&self.golden.get("latents"), 250., &context, &mut taps).unwrap()
    }
}

/// A synapse's tensors: the golden's alpha, and statistics of which the mean is 0.5 and the deviation 2.
fn statistics(golden: &Golden, features: &[KeyValue]) -> VarBuilder<'static> {
    let width: usize = features.iter().map(|layer| layer.values.dim(2).unwrap()).sum();
    let constant = |value: f64| Tensor::ones(width, DType::F32, &Device::Cpu).unwrap().affine(value, 0.).unwrap();
    let tensors = [("alpha", golden.get("alpha")), ("pooled_mean", constant(0.5)), ("pooled_std", constant(2.))];
    let tensors = tensors.into_iter().map(|(name, tensor)| (name.to_string(), tensor)).collect();
    VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)
}

#[test]
fn captured_keys_and_values_are_those_of_the_decoders_self_attention() {
    let pair = Pair::open();
    assert_eq!(pair.features.len(), pair.music.decoder_layers());
    let widths: Vec<usize> = pair.features.iter().map(|layer| layer.keys.dim(2).unwrap()).collect();
    assert_eq!(widths, half(3, 10).decoder_widths());
    for (i, layer) in pair.features.iter().enumerate() {
        assert_eq!(layer.grid, if i < 2 { (5, 5) } else { (10, 10) });
        assert_close(&layer.keys, &pair.golden.get(&format!("keys.{i}")), 1e-4);
        assert_close(&layer.values, &pair.golden.get(&format!("values.{i}")), 1e-4);
    }
}

#[test]
fn music_with_a_picture_blended_in_matches_the_reference() {
    let pair = Pair::open();
    assert_close(&pair.music(Taps::None), &pair.golden.get("text"), 1e-4);
    let grid = pair.blends(Pool::Grid { height: 2, width: 3 }, 0.8);
    assert_close(&pair.music(Taps::Blend(&grid)), &pair.golden.get("grid"), 1e-4);
    let sequence = pair.blends(Pool::Sequence, 0.8);
    assert_close(&pair.music(Taps::Blend(&sequence)), &pair.golden.get("sequence"), 1e-4);
}

#[test]
fn without_influence_the_music_is_the_texts_bit_for_bit() {
    let pair = Pair::open();
    let silent = pair.blends(Pool::Sequence, 0.);
    assert_eq!(bits(&pair.music(Taps::Blend(&silent))), bits(&pair.music(Taps::None)));
}

#[test]
fn the_half_that_sees_no_picture_is_the_texts_bit_for_bit() {
    let pair = Pair::open();
    let (blended, plain) = (pair.music(Taps::Blend(&pair.blends(Pool::Sequence, 1.))), pair.music(Taps::None));
    let entry = |xs: &Tensor, i: usize| bits(&xs.narrow(0, i, 1).unwrap());
    assert_eq!(entry(&blended, 0), entry(&plain, 0));
    assert_ne!(entry(&blended, 1), entry(&plain, 1));
}

#[test]
fn watching_a_unet_does_not_change_its_answer() {
    let pair = Pair::open();
    let mut captured = vec![];
    assert_eq!(bits(&pair.music(Taps::Capture(&mut captured))), bits(&pair.music(Taps::None)));
}

#[test]
fn global_vector_is_the_normalised_mean_of_every_layers_values() {
    let pair = Pair::open();
    let global = pair.synapse.global(&pair.features).unwrap().unwrap();
    let means: Vec<Tensor> = (0..4).map(|i| pair.golden.get(&format!("values.{i}")).mean(1).unwrap()).collect();
    let expected = Tensor::cat(&means, 1).unwrap().affine(0.5, -0.25).unwrap();
    assert_close(&global, &expected, 1e-4);
}

#[test]
fn as_many_blends_as_layers_are_wanted() {
    let pair = Pair::open();
    let blends = pair.blends(Pool::Sequence, 1.);
    let context = text(pair.golden.get("tokens"));
    let answer = pair.music.forward(&pair.golden.get("latents"), 250., &context, &mut Taps::Blend(&blends[1..]));
    assert!(answer.is_err());
}

/// Every key that a UNet reads, sorted.
fn keys(config: &UnetConfig) -> Vec<String> {
    let created = VarMap::new();
    Unet::new(config, VarBuilder::from_varmap(&created, DType::F32, &Device::Cpu)).unwrap();
    let mut keys: Vec<String> = created.data().lock().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

#[test]
fn a_unet_reads_every_tensor_of_a_diffusers_checkpoint() {
    for (name, config) in [("denoiser_plain_conv", plain(false)), ("denoiser_circular", ours())] {
        let path = format!("{}/tests/golden/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let stored = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
        let mut stored: Vec<&str> = stored.keys().filter_map(|key| key.strip_prefix("weights.")).collect();
        stored.sort();
        assert_eq!(keys(&config), stored);
    }
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    let broken = UnetConfig { attention_head_dim: vec![1], ..plain(true) };
    let weights = Golden::open("denoiser_plain_linear").weights();
    assert!(Unet::new(&broken, weights).unwrap_err().to_string().contains("head counts"));
}
