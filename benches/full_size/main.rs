//! The public models' full size against PyTorch: imports random weights of that size, then one evaluation of every stage.
//!
//!     python benches/full_size/reference.py FOLDER
//!     cargo bench --bench full_size -- FOLDER [text|music|sound|image]
//!
//! One stage is in memory at a time. What is timed is only for orientation; an error above the tolerance fails.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a report on a terminal")]
#![allow(missing_docs, reason = "a program, not a library")]

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor, bail};
use melfusion::Bundle;
use melfusion::autoencoder::Encoder;
use melfusion::decoder::{DecoderConfig, WaveDecoder};
use melfusion::denoiser::{Context, Denoiser, Unet};
use melfusion::import::{Plan, Sources};
use melfusion::synapse::Taps;
use melfusion::text::TextEncoder;

/// Largest difference over the largest value of the reference.
const TOLERANCE: f32 = 1e-3;
/// Those of `reference.py`.
const PROMPT: &str = "slow strings and a calm piano for a rainy night";
const TIMESTEP: f64 = 501.;
/// Tokens of a picture that the reference keeps of every layer.
const KEPT: usize = 256;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let Some(folder) = arguments.next() else {
        println!("full_size: give the folder that benches/full_size/reference.py wrote");
        return ExitCode::SUCCESS;
    };
    match run(Path::new(&folder), arguments.next().as_deref()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Compares one stage.
type Stage = fn(&Bundle, &mut Report) -> Result<()>;

/// All stages, or `only` one.
fn run(folder: &Path, only: Option<&str>) -> Result<bool> {
    let bundle = import(folder)?;
    let reference = candle_core::safetensors::load(folder.join("reference.safetensors"), &Device::Cpu)?;
    let mut report = Report { reference, fine: true };
    let stages: [(&str, Stage); 4] = [("text", text), ("music", music), ("sound", sound), ("image", image)];
    for (_, stage) in stages.into_iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        stage(&bundle, &mut report)?;
    }
    Ok(report.fine)
}

/// The bundle in the folder, made now if it is not there.
fn import(folder: &Path) -> Result<Bundle> {
    let wrap = candle_core::Error::wrap;
    let target = folder.join("bundle");
    if !target.exists() {
        let start = Instant::now();
        let sources = Sources {
            tango: folder.join("tango"),
            stable_diffusion: folder.join("stable_diffusion"),
            tokenizer: folder.join("flan_t5"),
            alpha: None,
        };
        let plan = Plan::new(&sources, "full").map_err(wrap)?;
        println!("planned in {:.1} s", start.elapsed().as_secs_f64());
        let bytes = plan.bytes();
        plan.write(&target, &mut |_| Ok(())).map_err(wrap)?;
        let seconds = start.elapsed().as_secs_f64();
        println!("imported {:.2} GB in {seconds:.1} s, peak memory so far {}", bytes as f64 / 1e9, peak());
    }
    Bundle::open(target).map_err(wrap)
}

fn text(bundle: &Bundle, report: &mut Report) -> Result<()> {
    let config = &bundle.manifest().text;
    let tokenizer = bundle.bytes(&config.tokenizer).map_err(candle_core::Error::wrap)?;
    let encoder = TextEncoder::new(&config.encoder, &tokenizer, weights(bundle, &config.weights)?)?;
    let start = Instant::now();
    report.compare("text.tokens", &encoder.encode(PROMPT)?, start)
}

fn music(bundle: &Bundle, report: &mut Report) -> Result<()> {
    let config = &bundle.manifest().music;
    let denoiser = Denoiser::new(&config.denoiser, weights(bundle, &config.weights)?)?;
    let context = Context { tokens: report.get("text.tokens")?, bias: None, class: None };
    let start = Instant::now();
    let velocity = denoiser.forward(&report.get("music.latents")?, TIMESTEP, &context, &mut Taps::None)?;
    report.compare("music.velocity", &velocity, start)
}

fn sound(bundle: &Bundle, report: &mut Report) -> Result<()> {
    let config = &bundle.manifest().decoder;
    let DecoderConfig::Wave(wave) = &config.config else { bail!("imported bundles decode to waves") };
    let decoder = WaveDecoder::new(wave, weights(bundle, &config.weights)?)?;
    let latents = report.get("music.latents")?;
    let start = Instant::now();
    report.compare("decoder.mel", &decoder.mel(&latents)?.unsqueeze(0)?, start)?;
    let start = Instant::now();
    let samples = decoder.decode(&latents)?;
    let length = samples.len();
    report.compare("decoder.samples", &Tensor::from_vec(samples, (1, length), &Device::Cpu)?, start)
}

fn image(bundle: &Bundle, report: &mut Report) -> Result<()> {
    let config = &bundle.manifest().image;
    let vb = weights(bundle, &config.weights)?;
    let empty_prompt = vb.get_unchecked(&config.context)?;
    report.compare("image.empty_prompt", &empty_prompt, Instant::now())?;
    let start = Instant::now();
    let latents = Encoder::new(&config.vae, vb.pp("vae"))?.encode(&report.get("image.pixels")?)?;
    report.compare("image.latents", &latents, start)?;
    let unet = Unet::new(&config.unet, vb.pp("unet"))?;
    drop(vb);
    let context = Context { tokens: report.get("image.empty_prompt")?, bias: None, class: None };
    let mut seen = Vec::new();
    let start = Instant::now();
    let velocity = unet.forward(&report.get("image.noise")?, TIMESTEP, &context, &mut Taps::Capture(&mut seen))?;
    report.compare("image.velocity", &velocity, start)?;
    for (layer, seen) in seen.iter().enumerate() {
        for (name, features) in [("keys", &seen.keys), ("values", &seen.values)] {
            let kept = features.narrow(1, 0, KEPT.min(features.dim(1)?))?;
            report.compare(&format!("image.{name}.{layer}"), &kept, start)?;
        }
    }
    Ok(())
}

fn weights(bundle: &Bundle, file: &str) -> Result<candle_nn::VarBuilder<'static>> {
    bundle.weights(file, DType::F32, &Device::Cpu).map_err(candle_core::Error::wrap)
}

/// What PyTorch computed, and whether we did too.
struct Report {
    reference: HashMap<String, Tensor>,
    fine: bool,
}

impl Report {
    fn get(&self, name: &str) -> Result<Tensor> {
        match self.reference.get(name) {
            Some(tensor) => Ok(tensor.clone()),
            None => bail!("the reference has no {name}; write it again"),
        }
    }

    fn compare(&mut self, name: &str, ours: &Tensor, start: Instant) -> Result<()> {
        let seconds = start.elapsed().as_secs_f64();
        let theirs = self.get(name)?;
        let largest = |t: &Tensor| t.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>();
        let difference = (ours - &theirs)?;
        let is_finite = difference.sum_all()?.to_scalar::<f32>()?.is_finite();
        let error = if is_finite { largest(&difference)? / largest(&theirs)? } else { f32::INFINITY };
        let is_fine = error <= TOLERANCE;
        self.fine &= is_fine;
        let verdict = if is_fine { "ok" } else { "ABOVE" };
        let shape = format!("{:?}", theirs.dims());
        println!("{name:20} {shape:18} {error:.1e} {verdict:5} {seconds:6.1} s, peak memory {}", peak());
        Ok(())
    }
}

/// Most memory that the process had, where the system says it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kilobytes.map_or("unknown".into(), |kilobytes: f64| format!("{:.1} GB", kilobytes / 1e6))
}
