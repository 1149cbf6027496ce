//! What a bundle says of its music model.

use crate::denoiser::{DenoiserConfig, DitConfig, UnetConfig};
use crate::sampler::ScheduleConfig;
use crate::windows::Position;
use serde::{Deserialize, Serialize};

/// The music latent-diffusion model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct MusicManifest {
    /// File of the weights.
    pub weights: String,
    /// The denoiser: the table `unet` or the table `dit`.
    pub denoiser: DenoiserConfig,
    /// Its noise schedule.
    pub schedule: ScheduleConfig,
    /// Shape of the latents.
    pub latent: Latent,
    /// Planes beside the latents; none in models of a fixed hop.
    pub position: Option<Position>,
    /// Pairs of sine and cosine of the tempo in the class vector; 0 is none.
    pub tempo_features: usize,
    /// Whether the mean of the text's tokens is in the class vector.
    pub text_features: bool,
}

/// Shape of the music's latents: `(1, channels, window, rows)`, time before frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latent {
    /// Channels.
    pub channels: usize,
    /// Time columns that the model sees at once.
    pub window: usize,
    /// Time columns of four bars in three, if the model was trained to see those at once too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triple_window: Option<usize>,
    /// Frequency rows.
    pub rows: usize,
}

impl MusicManifest {
    /// Whether the denoiser has the latents' shape.
    pub(super) fn check_channels(&self) -> Result<(), String> {
        let (channels, planes) = (self.latent.channels, self.position.as_ref().map_or(0, Position::count));
        match &self.denoiser {
            DenoiserConfig::Unet(unet) => {
                let inputs = channels + planes;
                if (unet.in_channels, unet.out_channels) == (inputs, channels) {
                    return Ok(());
                }
                Err(format!("music.unet should have {inputs} channels in (with the planes) and {channels} out"))
            }
            DenoiserConfig::Dit(dit) => self.check_dit(dit, planes),
        }
    }

    fn check_dit(&self, dit: &DitConfig, planes: usize) -> Result<(), String> {
        let Latent { channels, window, triple_window, rows } = self.latent;
        if (dit.channels, dit.row_channels.len(), dit.planes) != (channels, rows, planes) {
            return Err(format!(
                "music.dit should have {channels} channels, row_channels of {rows} rows and {planes} planes, as \
                 music.latent and music.position say"
            ));
        }
        if self.position.as_ref().is_some_and(|position| position.frequency) {
            return Err(
                "music.position should have frequency = false: music.dit sees all rows of a column at once".into()
            );
        }
        match [Some(window), triple_window].into_iter().flatten().find(|window| !dit.windows.contains(window)) {
            Some(window) => Err(format!("music.dit.windows should have {window}, which music.latent names")),
            None => Ok(()),
        }
    }
}

/// A [`MusicManifest`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    weights: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unet: Option<UnetConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dit: Option<DitConfig>,
    schedule: ScheduleConfig,
    latent: Latent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    #[serde(default)]
    tempo_features: usize,
    #[serde(default)]
    text_features: bool,
}

impl TryFrom<Fields> for MusicManifest {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let Fields { weights, unet, dit, schedule, latent, position, tempo_features, text_features } = fields;
        let denoiser = match (unet, dit) {
            (Some(unet), None) => DenoiserConfig::Unet(unet),
            (None, Some(dit)) => DenoiserConfig::Dit(dit),
            (None, None) => return Err("music has no denoiser; give it [music.unet] or [music.dit]".into()),
            (Some(_), Some(_)) => return Err("music has two denoisers; leave out [music.unet] or [music.dit]".into()),
        };
        Ok(Self { weights, denoiser, schedule, latent, position, tempo_features, text_features })
    }
}

impl From<MusicManifest> for Fields {
    fn from(music: MusicManifest) -> Self {
        let MusicManifest { weights, denoiser, schedule, latent, position, tempo_features, text_features } = music;
        let (unet, dit) = match denoiser {
            DenoiserConfig::Unet(unet) => (Some(unet), None),
            DenoiserConfig::Dit(dit) => (None, Some(dit)),
        };
        Self { weights, unet, dit, schedule, latent, position, tempo_features, text_features }
    }
}
