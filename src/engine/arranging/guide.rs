//! Latents that lead until a timestep: what is composed begins as they are, and leaves them from there on (SDEdit).

use candle_core::{Device, Result, Tensor};
use score::Part;

use super::super::keeping::known;
use super::super::{Engine, Plan, Rows};
use crate::decoder::score::ScoreDecoder;
use crate::error::{Error, InStage, Stage};
use crate::request::Request;

/// Source: Meng et al., "SDEdit", ICLR 2022, with the noise of the walk itself.
pub struct Guide {
    /// `(1, c, t, r)`.
    latents: Tensor,
    /// 1 where they lead, u8 of the same shape.
    mask: Tensor,
    /// The last timestep at which they do.
    until: f64,
}

/// Share of the schedule below which nothing changes any more: what begins there is the same notes to its end.
const DECIDED: f64 = 0.4;

/// The share of the schedule until which to lead, for something that may go so far from what leads it: 0 is the same notes, 1
/// others.
pub fn until(freedom: f64) -> f64 {
    if freedom > 0.0 { DECIDED + (1.0 - DECIDED) * freedom } else { 0.0 }
}

impl Guide {
    /// Of the parts and the clip's numbers, or of a part's notes.
    pub fn of(latents: &Tensor, rows: &ScoreDecoder, part: Option<Part>, until: f64, device: &Device) -> Result<Self> {
        let (_, channels, columns, count) = latents.dims4()?;
        let leads = |channel: usize, row: usize| match part {
            Some(part) => row == part.index() && rows.of(part)[0].contains(&channel),
            // A score does not say what it was composed on.
            None => row < rows.told_rows(),
        };
        let places = (0..channels).flat_map(|channel| (0..columns * count).map(move |at| (channel, at % count)));
        let mask: Vec<u8> = places.map(|(channel, row)| leads(channel, row).into()).collect();
        let mask = Tensor::from_vec(mask, latents.shape(), device)?;
        Ok(Self { latents: latents.to_device(device)?, mask, until })
    }

    /// Expected clean latents at a timestep.
    pub fn edit(&self, clean: &Tensor, timestep: usize) -> Result<Tensor> {
        if (timestep as f64) < self.until {
            return Ok(clean.clone());
        }
        self.mask.where_cond(&self.latents.to_dtype(clean.dtype())?, clean)
    }
}

impl Engine {
    /// What is varied of a clip.
    pub(super) fn varied(
        &self,
        request: &Request,
        (decoder, plan): (&ScoreDecoder, &Plan),
        until: f64,
    ) -> std::result::Result<Guide, Error> {
        let keep = request.keep.as_ref().expect("what is varied is of a clip");
        let latents = decoder.encode(&known(&keep.score, decoder.config())?, plan.columns).in_stage(Stage::Music)?;
        Guide::of(&latents, decoder, None, until, &self.device).in_stage(Stage::Music)
    }
}
