//! What a host can automate. Ids are for ever: projects and automation lanes refer to them.

use std::sync::Arc;

use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::*;

use crate::link::SLOTS;
use crate::project::Strengths;
use crate::session::{Parameters, Session};
use crate::state::Saved;

/// Range of the gain, in decibels.
const GAIN_DB: std::ops::RangeInclusive<f32> = -60.0..=6.0;

/// All parameters, and with them what the project saves.
#[derive(Params)]
pub struct MelfusionParams {
    /// The project as the host saves it.
    #[persist = "project"]
    pub project: Saved,

    /// Loudness of the output; the player smooths it.
    #[id = "gain"]
    pub gain: FloatParam,
    /// Silences the output.
    #[id = "mute"]
    pub mute: BoolParam,
    /// Repeats the clip, else plays it once.
    #[id = "loop"]
    pub repeat: BoolParam,
    /// Which take sounds, 1..=16.
    #[id = "take"]
    pub take: IntParam,
    /// Plays the storyboard; else the take.
    #[id = "board"]
    pub board: BoolParam,
    /// Notes choose which cue of the storyboard sounds, C1 the first.
    #[id = "by_note"]
    pub by_note: BoolParam,
    /// How much the picture is heard in the next clip, 0..=1.
    #[id = "influence"]
    pub influence: FloatParam,
    /// How strictly the words are followed in the next clip.
    #[id = "guidance"]
    pub guidance: FloatParam,
    /// Denoising steps of the next clip.
    #[id = "steps"]
    pub steps: IntParam,
    /// Generates when it is switched on.
    #[id = "generate"]
    pub generate: BoolParam,
    /// Counts changes of the project, so that the host knows there is something to save.
    #[id = "changes"]
    pub changes: IntParam,
}

impl MelfusionParams {
    /// Defaults, around a session.
    pub fn new(session: &Arc<Session>) -> Self {
        let gain_range = FloatRange::Skewed {
            min: util::db_to_gain(*GAIN_DB.start()),
            max: util::db_to_gain(*GAIN_DB.end()),
            factor: FloatRange::gain_skew_factor(*GAIN_DB.start(), *GAIN_DB.end()),
        };
        let Strengths { influence, guidance, steps } = Strengths::default();
        Self {
            project: Saved::new(session.clone()),
            gain: FloatParam::new("Gain", 1.0, gain_range)
                .with_unit(" dB")
                .with_value_to_string(formatters::v2s_f32_gain_to_db(1))
                .with_string_to_value(formatters::s2v_f32_gain_to_db()),
            mute: BoolParam::new("Mute", false),
            repeat: BoolParam::new("Loop", true),
            take: IntParam::new("Take", 1, IntRange::Linear { min: 1, max: SLOTS as i32 }),
            board: BoolParam::new("Storyboard", false),
            by_note: BoolParam::new("Cues by note", false),
            influence: FloatParam::new("Influence", influence as f32, FloatRange::Linear { min: 0.0, max: 1.0 })
                .with_unit(" %")
                .with_value_to_string(formatters::v2s_f32_percentage(0))
                .with_string_to_value(formatters::s2v_f32_percentage()),
            guidance: FloatParam::new("Guidance", guidance as f32, FloatRange::Linear { min: 0.0, max: 10.0 })
                .with_step_size(0.1),
            steps: IntParam::new("Steps", steps as i32, IntRange::Linear { min: 4, max: 100 }),
            generate: BoolParam::new("Generate", false),
            changes: IntParam::new("Changes", 0, IntRange::Linear { min: 0, max: 9_999 }).hide().non_automatable(),
        }
    }
}

impl Parameters for MelfusionParams {
    fn slot(&self) -> usize {
        (self.take.value() - 1) as usize
    }

    fn is_board(&self) -> bool {
        self.board.value()
    }

    fn strengths(&self) -> Strengths {
        Strengths {
            influence: as_shown(self.influence.value()),
            guidance: as_shown(self.guidance.value()),
            steps: self.steps.value().unsigned_abs(),
        }
    }

    fn select(&self, slot: usize, host: &GuiContext) {
        let setter = host.param_setter();
        setter.begin_set_parameter(&self.take);
        setter.set_parameter(&self.take, slot as i32 + 1);
        setter.end_set_parameter(&self.take);
    }

    fn count_change(&self, host: &GuiContext) {
        let setter = host.param_setter();
        let next = (self.changes.value() + 1) % 10_000;
        setter.begin_set_parameter(&self.changes);
        setter.set_parameter(&self.changes, next);
        setter.end_set_parameter(&self.changes);
    }
}

/// The number that the user sees: 0.3, not 0.300000011920929.
fn as_shown(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link;

    #[test]
    fn strengths_are_taken_as_the_user_reads_them() {
        assert_eq!(as_shown(0.3), 0.3);
        assert_eq!(as_shown(7.1), 7.1);
        let params = MelfusionParams::new(&Session::new(link::pair().0));
        assert_eq!(params.strengths(), Strengths::default());
    }
}
