//! What is asked of what a piece is composed on, where the model says that in its latents: how it feels, a style of cue that is named, and
//! chords.

use score::{ChordSymbol, Key};

use super::{Engine, Morph, Plan};
use crate::decoder::score::{KnownRow, ScoreDecoder};
use crate::decoder::{Decoder, DecoderConfig};
use crate::error::{Error, InStage, Stage};
use crate::request::Request;
use crate::text::{self, Mood};

impl Engine {
    /// The name of the style of cue that a prompt, as it is read, names.
    pub(super) fn named_cue(&self, prompt: &str) -> Option<&str> {
        let DecoderConfig::Score(config) = &self.manifest.decoder.config else { return None };
        text::named(prompt, &config.cues).map(|cue| config.cues[cue][0].as_str())
    }

    /// What is known of what a piece is composed on, when its pictures have been looked at at these timesteps.
    pub(super) fn outline(
        &self,
        request: &Request,
        morph: Option<&Morph>,
        plan: &Plan,
        timesteps: &[usize],
    ) -> Result<Vec<KnownRow>, Error> {
        let decoder = self.decoder()?;
        let Decoder::Score(decoder) = &*decoder else { return Ok(Vec::new()) };
        let own = self.intent(request, timesteps)?;
        let next = morph.map(|morph| self.intent(&morph.next, timesteps)).transpose()?.unwrap_or(own);
        let bar = plan.columns / request.bars.max(1) as usize;
        let leaning = plan.columns - morph.map_or(0, |morph| morph.bars as usize * bar).min(plan.columns);
        let at = |column: usize| if column < leaning { own } else { next };
        // What is asked of each bar's intensity goes before.
        let intensity = |column: usize| request.arrangement.intensity.get(column / bar.max(1)).copied();
        let mood = |column: usize| Mood { energy: intensity(column).or(at(column).mood.energy), ..at(column).mood };
        let moods: Vec<Mood> = (0..plan.columns).map(mood).collect();
        let cues: Vec<Option<usize>> = (0..plan.columns).map(|column| at(column).cue).collect();
        let rows = [Some(decoder.known_mood(&moods)), decoder.known_cues(&cues), harmony(request, decoder, plan)?];
        Ok(rows.into_iter().flatten().collect())
    }

    /// How much energy a piece is to have on the average, if anything says so.
    pub(super) fn energy(&self, request: &Request, timesteps: &[usize]) -> Result<Option<f64>, Error> {
        let intensity = &request.arrangement.intensity;
        if intensity.is_empty() {
            return Ok(self.intent(request, timesteps)?.mood.energy);
        }
        Ok(Some(intensity.iter().sum::<f64>() / intensity.len() as f64))
    }

    /// How the music is to feel, as the words say and the picture shows, and the style that the words name. A variation is as what it varies.
    fn intent(&self, request: &Request, timesteps: &[usize]) -> Result<Intent, Error> {
        if request.keep.as_ref().is_some_and(|keep| keep.vary.is_some()) {
            return Ok(Intent::default());
        }
        let reading = self.texts(request).in_stage(Stage::Text)?.reading;
        let seen = self.impression(request, timesteps)?.map_or_else(Mood::default, |seen| Mood {
            valence: Some(seen.valence.into()),
            energy: Some(seen.energy.into()),
        });
        let DecoderConfig::Score(config) = &self.manifest.decoder.config else { return Ok(Intent::default()) };
        let cue = text::named(&reading.prompt, &config.cues);
        Ok(Intent { mood: reading.mood.beside(seen, request.influence), cue })
    }
}

/// What a request says of a piece as a whole.
#[derive(Debug, Clone, Copy, Default)]
struct Intent {
    mood: Mood,
    /// By its place among the decoder's.
    cue: Option<usize>,
}

/// The chords that are asked for.
fn harmony(request: &Request, decoder: &ScoreDecoder, plan: &Plan) -> Result<Option<KnownRow>, Error> {
    let Some(chart) = &request.arrangement.chords else { return Ok(None) };
    let laid = chart.laid(request.bars, request.meter)?;
    let ticks = request.meter.ticks(request.bars) as usize;
    let mut columns: Vec<Option<&ChordSymbol>> = vec![None; plan.columns];
    for laid in &laid {
        let column = |tick: u32| tick as usize * plan.columns / ticks;
        columns[column(laid.ticks.start)..column(laid.ticks.end)].fill(laid.chord.as_ref());
    }
    Ok(decoder.known_harmony(&columns, request.key.map_or(0, Key::transposition)))
}
