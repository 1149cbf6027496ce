//! The decoder of the musical grid: latents whose columns are sixteenth notes, to a stereo loop of any length.

use super::{EncoderConfig, FineStructure, FineStructureConfig, LoopVocoder, PatchCodec, widen};
use candle_core::{DType, Result, Tensor, bail};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Sizes and constants of a grid decoder; the default is the mini bundle's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GridConfig {
    /// Rate of the sound, in Hz.
    pub sample_rate: u32,
    /// Length of the analysis window, in samples; even.
    pub n_fft: usize,
    /// Distance between the vocoder's frames, in samples, to the nearest that divides the loop evenly.
    pub hop: usize,
    /// Mel bands: `rows * patch_bands`.
    pub bands: usize,
    /// Centre of the filter below the lowest band, in Hz.
    pub f_min: f64,
    /// Centre of the filter above the highest band, in Hz.
    pub f_max: f64,
    /// Bands are even in `ln(1 + f / warp)`, in Hz: near linear below, near logarithmic above.
    pub warp: f64,
    /// Smallest band magnitude; a full-scale sine has 1.
    pub floor: f64,
    /// Largest natural log of a band magnitude that is believed.
    pub ceiling: f64,
    /// Rows of the latents, from low to high.
    pub rows: usize,
    /// Channels of the latents.
    pub channels: usize,
    /// Mel frames in a latent column.
    pub patch_frames: usize,
    /// Mel bands in a latent row.
    pub patch_bands: usize,
    /// Channels of the decoder's [`Correction`](super::Correction).
    pub width: usize,
    /// Its residual blocks.
    pub blocks: usize,
    /// The net that corrects the latents when a mel is encoded; without it that is the linear map alone.
    pub encoder: Option<EncoderConfig>,
    /// Groups of all their normalisations; divides their widths.
    pub groups: usize,
    /// Updates of the filter bank's inversion.
    pub inversion_steps: usize,
    /// Griffin-Lim iterations.
    pub iterations: usize,
    /// Griffin-Lim momentum, 0..1.
    pub momentum: f32,
    /// Stereo width, 0 (mono) to 1.
    pub stereo_width: f32,
    /// The network from which the inversion starts; without it from an even spread.
    pub fine_structure: Option<FineStructureConfig>,
}

impl Default for GridConfig {
    fn default() -> Self {
        Self {
            sample_rate: 32_000,
            n_fft: 2048,
            hop: 256,
            bands: 128,
            f_min: 30.,
            f_max: 14_000.,
            warp: 400.,
            floor: 1e-4,
            ceiling: 1.5,
            rows: 16,
            channels: 16,
            patch_frames: 8,
            patch_bands: 8,
            width: 96,
            blocks: 3,
            encoder: None,
            groups: 8,
            inversion_steps: 30,
            iterations: 24,
            momentum: 0.99,
            stereo_width: 0.4,
            fine_structure: None,
        }
    }
}

impl GridConfig {
    /// Mel values in one latent cell.
    pub(super) fn patch(&self) -> usize {
        self.patch_frames * self.patch_bands
    }

    /// Rejects what the code below could only answer with a panic.
    fn validate(&self) -> Result<()> {
        let sizes = [self.sample_rate as usize, self.hop, self.bands, self.channels, self.patch_frames, self.groups];
        if sizes.contains(&0) {
            bail!("grid decoder: sizes must be at least 1");
        }
        if self.n_fft < 4 || !self.n_fft.is_multiple_of(2) {
            bail!("grid decoder: n_fft must be even and at least 4, not {}", self.n_fft);
        }
        if self.rows * self.patch_bands != self.bands {
            bail!("grid decoder: {} rows of {} bands are not {} bands", self.rows, self.patch_bands, self.bands);
        }
        let widths = [Some(self.width), self.encoder.as_ref().map(|encoder| encoder.width)];
        if let Some(width) = widths.into_iter().flatten().find(|width| !width.is_multiple_of(self.groups)) {
            bail!("grid decoder: width {width} is not a multiple of {} groups", self.groups);
        }
        let scale = 0. <= self.f_min && self.f_min < self.f_max && self.f_max.is_finite() && self.warp > 0.;
        if !(scale && self.floor > 0. && self.floor.ln() < self.ceiling) {
            bail!("grid decoder: f_min < f_max, warp > 0 and 0 < floor < exp(ceiling) must hold");
        }
        Ok(())
    }
}

/// Turns the latents of a grid bundle into a stereo loop.
#[derive(Debug, Clone)]
pub struct GridDecoder {
    codec: PatchCodec,
    vocoder: LoopVocoder,
    config: GridConfig,
}

impl GridDecoder {
    /// Largest transposition, in semitones either way; it bounds the memory that [`Self::decode`] takes.
    pub const MAX_SEMITONES: f64 = 24.;

    /// Reads the tensors that [`PatchCodec::new`] names and, under `fine_structure`, those of [`FineStructure::new`].
    ///
    /// # Errors
    ///
    /// A missing tensor, one of the wrong shape, or sizes that do not fit together.
    pub fn new(config: &GridConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let fine = config.fine_structure.as_ref();
        let fine = fine.map(|sizes| FineStructure::new(config, sizes, vb.pp("fine_structure"))).transpose()?;
        Ok(Self {
            codec: PatchCodec::new(config, vb)?,
            vocoder: LoopVocoder::new(config, fine),
            config: config.clone(),
        })
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &GridConfig {
        &self.config
    }

    /// The vocoder alone.
    pub fn vocoder(&self) -> &LoopVocoder {
        &self.vocoder
    }

    /// The codec alone, as trained.
    pub fn codec(&self) -> &PatchCodec {
        &self.codec
    }

    /// `latents (1, c, t, rows)` → log mel `(t * patch_frames, bands)`, f32, natural log, within floor and ceiling.
    ///
    /// # Errors
    ///
    /// A wrong shape, latents that are not finite, or the device's own.
    pub fn mel(&self, latents: &Tensor) -> Result<Tensor> {
        let mel = self.codec.decode(latents)?.to_dtype(DType::F32)?;
        // A maximum or minimum would quietly turn a NaN into silence.
        if !mel.sum_all()?.to_scalar::<f32>()?.is_finite() {
            bail!("the latents are not finite");
        }
        mel.clamp(self.config.floor.ln(), self.config.ceiling)
    }

    /// `mel (frames, bands)`, natural log → mono loop of `samples` samples at the configuration's `sample_rate`.
    ///
    /// # Errors
    ///
    /// The device's own.
    pub fn render(&self, mel: &Tensor, samples: usize) -> Result<Vec<f32>> {
        self.vocoder.render(&mel.flatten_all()?.to_vec1::<f32>()?, samples, 0.)
    }

    /// Turns latents into sound.
    ///
    /// - `latents (1, c, t, rows)`, as the sampler left them.
    /// - `samples`: length of the loop at the configuration's `sample_rate`, at least 1; this is the tempo.
    /// - `semitones`: transposition, at most [`Self::MAX_SEMITONES`] either way. The length stays.
    /// - Returns left and right, `samples` long each, which loop without a seam. Their sum is twice the mono sound.
    ///
    /// The same arguments give the same bytes, whatever the number of threads.
    ///
    /// # Errors
    ///
    /// An argument out of range, latents that are not finite, or the device's own. The decoder can be called again.
    pub fn decode(&self, latents: &Tensor, samples: usize, semitones: f64) -> Result<[Vec<f32>; 2]> {
        if samples == 0 {
            bail!("a loop has at least one sample");
        }
        if semitones.is_nan() || semitones.abs() > Self::MAX_SEMITONES {
            bail!("a transposition is at most {} semitones, not {semitones}", Self::MAX_SEMITONES);
        }
        let mel = self.mel(latents)?.flatten_all()?.to_vec1::<f32>()?;
        let mono = self.vocoder.render(&mel, samples, semitones)?;
        Ok(widen(&mono, self.config.sample_rate, self.config.stereo_width))
    }
}
