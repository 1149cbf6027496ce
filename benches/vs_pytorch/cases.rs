//! What is compared. This table is all there is: the PyTorch side gets it from here.

use candle_core::DType;
use melfusion::autoencoder::AutoencoderConfig;
use melfusion::bundle::Manifest;
use melfusion::decoder::hifi_gan::HifiGanConfig;
use melfusion::denoiser::{DitConfig, UnetConfig};
use serde::Serialize;
use serde_json::{Value, from_value, json};

/// What the text encoder reads.
const PROMPT: &str = "calm piano over soft strings";

/// Where a case stands in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// One operation.
    Operation,
    /// One evaluation of one network of the mini bundle.
    Stage,
    /// One evaluation of a network of the public weights' kind.
    Small,
    /// One evaluation of a network as large as the public weights.
    Full,
}

impl Section {
    /// In the order of the report.
    pub const ALL: [Self; 4] = [Self::Operation, Self::Stage, Self::Small, Self::Full];

    /// For the report.
    pub fn title(self) -> &'static str {
        match self {
            Self::Operation => "Operations",
            Self::Stage => "Steps and stages of the mini bundle",
            Self::Small => "Small networks of the public weights' kind",
            Self::Full => "Networks as large as the public weights",
        }
    }
}

/// What is done; fields are the arguments of the PyTorch side's function of the same name.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// 3 x 3, keeping the size `(h, w)`.
    Conv2d {
        batch: usize,
        inputs: usize,
        outputs: usize,
        size: (usize, usize),
        circular: bool,
    },
    /// Keeps the length.
    Conv1d {
        channels: usize,
        kernel: usize,
        dilation: usize,
        length: usize,
    },
    /// `stride` times as long.
    ConvTranspose1d {
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        length: usize,
    },
    Linear {
        rows: usize,
        inputs: usize,
        outputs: usize,
    },
    /// `width` is a head's.
    Attention {
        batch: usize,
        queries: usize,
        keys: usize,
        heads: usize,
        width: usize,
    },
    GroupNorm {
        batch: usize,
        channels: usize,
        groups: usize,
        size: (usize, usize),
        silu: bool,
    },
    LayerNorm {
        rows: usize,
        width: usize,
    },
    Activation {
        function: &'static str,
        rows: usize,
        width: usize,
    },
    Upsample {
        channels: usize,
        size: (usize, usize),
    },
    /// A guided step of the mini bundle's transformer.
    Music {
        synapse: bool,
    },
    /// A step of its image UNet.
    Image,
    Picture {
        scale: f64,
    },
    Text {
        prompt: &'static str,
    },
    Unet {
        config: UnetConfig,
        batch: usize,
        size: (usize, usize),
        tokens: usize,
    },
    Dit {
        config: DitConfig,
        batch: usize,
        columns: usize,
        tokens: usize,
    },
    MelDecoder {
        config: AutoencoderConfig,
        size: (usize, usize),
    },
    HifiGan {
        config: HifiGanConfig,
        frames: usize,
    },
}

impl Work {
    /// Floating-point operations, where they are what takes the time.
    pub fn flops(&self) -> Option<f64> {
        let product = |factors: &[usize]| 2.0 * factors.iter().map(|&x| x as f64).product::<f64>();
        Some(match *self {
            Self::Conv2d { batch, inputs, outputs, size, .. } => product(&[batch, inputs, outputs, size.0, size.1, 9]),
            Self::Conv1d { channels, kernel, length, .. } => product(&[channels, channels, kernel, length]),
            Self::ConvTranspose1d { inputs, outputs, kernel, length, .. } => {
                product(&[inputs, outputs, kernel, length])
            }
            Self::Linear { rows, inputs, outputs } => product(&[rows, inputs, outputs]),
            Self::Attention { batch, queries, keys, heads, width } => {
                2.0 * product(&[batch, queries, keys, heads, width])
            }
            _ => return None,
        })
    }

    /// Largest error, relative to the largest value, that is still the same result, of numbers of type `dtype`.
    pub fn tolerance(&self, dtype: DType) -> f64 {
        match self {
            // 8 bits, rounded dozens of times on either side.
            _ if dtype != DType::F32 => 1e-1,
            // Sums of thousands of terms, and dozens of layers.
            Self::Unet { .. }
            | Self::Dit { .. }
            | Self::Music { .. }
            | Self::MelDecoder { .. }
            | Self::HifiGan { .. } => 1e-3,
            _ => 1e-4,
        }
    }
}

/// One line of the report.
#[derive(Debug, Clone)]
pub struct Case {
    pub section: Section,
    pub name: String,
    pub shape: String,
    pub work: Work,
}

/// Every case.
pub fn all(manifest: &Manifest) -> Vec<Case> {
    [operations(), stages(manifest), small()].concat()
}

/// The networks of Tango and of Stable Diffusion 2.1; `reduced` ones have a fifth of the width and see less.
pub fn full(reduced: bool) -> Vec<Case> {
    let (levels, heads) =
        if reduced { ([64, 128, 256, 256], [1, 2, 4, 4]) } else { ([320, 640, 1280, 1280], [5, 10, 20, 20]) };
    let unet = |channels: usize| -> UnetConfig {
        config(json!({
            "in_channels": channels, "out_channels": channels, "block_out_channels": levels, "layers_per_block": 2,
            "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
            "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
            "attention_head_dim": heads, "cross_attention_dim": 1024, "use_linear_projection": true,
        }))
    };
    let narrow = if reduced { 4 } else { 1 };
    let autoencoder = config(json!({
        "in_channels": 1, "out_channels": 1, "latent_channels": 8, "block_out_channels": [128 / narrow, 256 / narrow, 512 / narrow],
        "layers_per_block": 2, "scaling_factor": 0.9227914214134216,
    }));
    let (columns, side) = if reduced { (64, 32) } else { (256, 64) };
    let full = |name, shape: String, work| case(Section::Full, name, shape, work);
    vec![
        full(
            "music UNet, guided step",
            format!("2 x 8 x {columns} x 16"),
            Work::Unet { config: unet(8), batch: 2, size: (columns, 16), tokens: 64 },
        ),
        full(
            "image UNet, step",
            format!("1 x 4 x {side} x {side}"),
            Work::Unet { config: unet(4), batch: 1, size: (side, side), tokens: 77 },
        ),
        full(
            "mel autoencoder, decode",
            format!("{columns} x 16 → {} x 64", 4 * columns),
            Work::MelDecoder { config: autoencoder, size: (columns, 16) },
        ),
    ]
}

fn config<T: serde::de::DeserializeOwned>(value: Value) -> T {
    from_value(value).expect("a configuration in the words of diffusers and transformers")
}

fn case(section: Section, name: &str, shape: impl Into<String>, work: Work) -> Case {
    Case { section, name: name.into(), shape: shape.into(), work }
}

fn operations() -> Vec<Case> {
    let mut cases = Vec::new();
    for (batch, inputs, outputs, size) in [
        (2, 64, 64, (64, 16)),
        (2, 128, 128, (32, 8)),
        (2, 192, 192, (16, 4)),
        (2, 384, 192, (16, 4)),
        (1, 64, 64, (256, 16)),
        (1, 320, 320, (64, 64)),
    ] {
        let work = Work::Conv2d { batch, inputs, outputs, size, circular: false };
        let shape = format!("{batch} x {inputs} → {outputs}, {} x {}", size.0, size.1);
        cases.push(case(Section::Operation, "conv2d 3x3", shape, work));
    }
    let around = Work::Conv2d { batch: 2, inputs: 64, outputs: 64, size: (64, 16), circular: true };
    cases.push(case(Section::Operation, "conv2d 3x3, circular", "2 x 64 → 64, 64 x 16", around));
    for (channels, kernel, dilation, length) in [(128, 11, 5, 20_480), (32, 7, 3, 163_840)] {
        let shape = format!("{channels}, k {kernel}, d {dilation}, {length}");
        cases.push(case(Section::Operation, "conv1d", shape, Work::Conv1d { channels, kernel, dilation, length }));
    }
    let up = Work::ConvTranspose1d { inputs: 512, outputs: 256, kernel: 16, stride: 8, length: 1024 };
    cases.push(case(Section::Operation, "conv_transpose1d", "512 → 256, k 16, s 8, 1024", up));
    cases.extend(products());
    cases.extend(elementwise());
    cases
}

fn products() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, inputs, outputs) in [(4096, 320, 320), (512, 128, 1024)] {
        let shape = format!("{rows} x {inputs} → {outputs}");
        cases.push(case(Section::Operation, "linear", shape, Work::Linear { rows, inputs, outputs }));
    }
    for (batch, queries, keys, heads, width) in [(2, 256, 256, 4, 32), (1, 1024, 1024, 4, 64), (1, 4096, 77, 5, 64)] {
        let shape = format!("{batch} x {queries} to {keys}, {heads} x {width}");
        cases.push(case(
            Section::Operation,
            "attention",
            shape,
            Work::Attention { batch, queries, keys, heads, width },
        ));
    }
    cases
}

fn elementwise() -> Vec<Case> {
    let mut cases = Vec::new();
    for (batch, channels, groups, size) in [(2, 64, 16, (64, 16)), (1, 320, 32, (64, 64))] {
        for silu in [false, true] {
            let name = if silu { "group_norm + silu" } else { "group_norm" };
            let shape = format!("{batch} x {channels}, {} x {}", size.0, size.1);
            let work = Work::GroupNorm { batch, channels, groups, size, silu };
            cases.push(case(Section::Operation, name, shape, work));
        }
    }
    cases.push(case(Section::Operation, "layer_norm", "4096 x 320", Work::LayerNorm { rows: 4096, width: 320 }));
    for (function, rows, width) in
        [("silu", 4096, 320), ("gelu", 4096, 320), ("geglu", 4096, 640), ("softmax", 5 * 1024, 1024)]
    {
        let work = Work::Activation { function, rows, width };
        cases.push(case(Section::Operation, function, format!("{rows} x {width}"), work));
    }
    for (channels, size) in [(128, (32, 8)), (320, (64, 64))] {
        let shape = format!("{channels}, {} x {}", size.0, size.1);
        cases.push(case(Section::Operation, "upsample x2", shape, Work::Upsample { channels, size }));
    }
    cases
}

fn stages(manifest: &Manifest) -> Vec<Case> {
    let scale = manifest.image.vae.scaling_factor;
    let stage = |name, shape, work| case(Section::Stage, name, shape, work);
    vec![
        stage("music transformer, guided step", "2 x 64 columns", Work::Music { synapse: false }),
        stage("the same with synapse", "2 x 64 columns", Work::Music { synapse: true }),
        stage("image UNet, step", "1 x 16 x 16", Work::Image),
        stage("image autoencoder, encode", "64 x 64", Work::Picture { scale }),
        stage("text encoder", "64 tokens", Work::Text { prompt: PROMPT }),
    ]
}

fn small() -> Vec<Case> {
    let unet = config(json!({
        "in_channels": 8, "out_channels": 8, "block_out_channels": [64, 128, 256], "layers_per_block": 2,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        "attention_head_dim": [1, 2, 4], "cross_attention_dim": 512, "use_linear_projection": true,
    }));
    // 330 numbers a column.
    let dit: DitConfig = config(json!({
        "channels": 22, "row_channels": vec![22; 15], "row_codes": vec![6; 15],
        "row_bits": vec![20; 14], "row_onsets": vec![10; 14], "timesteps": 1000, "planes": 10, "class_width": 864, "text_width": 192,
        "windows": [64, 48], "width": 256, "hidden": 640, "cross_widths": [128, 128, 128, 128, 192, 192, 128, 128],
        "picture_layers": 4,
    }));
    let dit = |batch| Work::Dit { config: dit.clone(), batch, columns: 64, tokens: 64 };
    let autoencoder = config(json!({
        "in_channels": 1, "out_channels": 1, "latent_channels": 8, "block_out_channels": [32, 64, 128],
        "layers_per_block": 2, "scaling_factor": 0.9227914214134216,
    }));
    let vocoder = config(json!({
        "model_in_dim": 64, "sampling_rate": 16000, "upsample_initial_channel": 256, "upsample_rates": [8, 5, 2, 2],
        "upsample_kernel_sizes": [16, 11, 4, 4], "resblock_kernel_sizes": [3, 7, 11],
        "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    }));
    let small = |name, shape, work| case(Section::Small, name, shape, work);
    vec![
        small(
            "UNet (64, 128, 256)",
            "2 x 8 x 256 x 16",
            Work::Unet { config: unet, batch: 2, size: (256, 16), tokens: 77 },
        ),
        small("DiT (256, 8 blocks)", "1 x 64 columns of 330", dit(1)),
        small("DiT (256, 8 blocks), guided step", "3 x 64 columns of 330", dit(3)),
        small(
            "mel autoencoder (32, 64, 128), decode",
            "256 x 16 → 1024 x 64",
            Work::MelDecoder { config: autoencoder, size: (256, 16) },
        ),
        small("HiFi-GAN 256", "1024 frames → 10.2 s at 16 kHz", Work::HifiGan { config: vocoder, frames: 1024 }),
    ]
}
