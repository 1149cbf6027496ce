//! What the editor needs of the plugin around it, so that it can be driven without one.

use std::sync::Arc;

use melfusion::request::Key;
use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::Param;

use super::desktop::Desktop;
use crate::params::MelfusionParams;
use crate::worker::{EngineState, Seat};

/// A parameter that the editor shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dial {
    /// Loudness of the output.
    Gain,
    /// Silence.
    Mute,
    /// Clips repeat.
    Loop,
    /// Which take sounds.
    Take,
    /// The storyboard sounds.
    Board,
    /// Notes choose cues.
    ByNote,
    /// How much the picture is heard.
    Influence,
    /// How strictly the words are followed.
    Guidance,
    /// Denoising steps.
    Steps,
}

/// The plugin as the editor sees it. Values are normalised to 0..=1, as hosts automate them.
pub trait Host {
    /// Where a parameter stands.
    fn value(&self, dial: Dial) -> f32;

    /// A gesture of the user begins; until it ends the host takes no automation for this parameter.
    fn begin(&self, dial: Dial);

    /// Moves a parameter, within a gesture.
    fn set(&self, dial: Dial, value: f32);

    /// The gesture ends.
    fn end(&self, dial: Dial);

    /// Makes a new take.
    fn generate(&self);

    /// Makes takes of the storyboard's cues that are wanting; if none is, of all.
    fn generate_board(&self);

    /// Makes a new take of a cue.
    fn generate_cue(&self, cue: u64);

    /// Stops making it.
    fn cancel(&self);

    /// Has a take heard in another key; `None` is the one it was made in.
    fn transpose(&self, take: u64, key: Option<Key>);

    /// Has all takes heard as they were fitted to the host's tempo.
    fn adopt(&self);

    /// What the engine is doing.
    fn engine(&self) -> EngineState;

    /// Whether its bundle hears pictures through words.
    fn describes_pictures(&self) -> bool;

    /// Reads the bundle.
    fn load(&self);

    /// Gives the engine's memory back.
    fn unload(&self);

    /// Files, clipboard, drag and drop.
    fn desktop(&self) -> &dyn Desktop;
}

/// Moves a parameter at once.
pub fn tap(host: &dyn Host, dial: Dial, value: f32) {
    host.begin(dial);
    host.set(dial, value);
    host.end(dial);
}

macro_rules! with_param {
    ($dial:expr, $params:expr, $param:ident => $body:expr) => {
        match $dial {
            Dial::Gain => {
                let $param = &$params.gain;
                $body
            }
            Dial::Mute => {
                let $param = &$params.mute;
                $body
            }
            Dial::Loop => {
                let $param = &$params.repeat;
                $body
            }
            Dial::Take => {
                let $param = &$params.take;
                $body
            }
            Dial::Board => {
                let $param = &$params.board;
                $body
            }
            Dial::ByNote => {
                let $param = &$params.by_note;
                $body
            }
            Dial::Influence => {
                let $param = &$params.influence;
                $body
            }
            Dial::Guidance => {
                let $param = &$params.guidance;
                $body
            }
            Dial::Steps => {
                let $param = &$params.steps;
                $body
            }
        }
    };
}

impl Dial {
    /// `value` in the parameter's own words.
    pub fn text(self, params: &MelfusionParams, value: f32) -> String {
        with_param!(self, params, param => param.normalized_value_to_string(value, true))
    }

    /// Reads what the user typed; `None` if it is no value.
    pub fn parse(self, params: &MelfusionParams, text: &str) -> Option<f32> {
        with_param!(self, params, param => param.string_to_normalized_value(text)).map(|value| value.clamp(0.0, 1.0))
    }

    /// Where it stands before anyone moves it.
    pub fn default_value(self, params: &MelfusionParams) -> f32 {
        with_param!(self, params, param => param.default_normalized_value())
    }

    /// `value` on the parameter's own steps.
    pub fn snap(self, params: &MelfusionParams, value: f32) -> f32 {
        with_param!(self, params, param => param.preview_normalized(param.preview_plain(value.clamp(0.0, 1.0))))
    }

    /// The next value up or down.
    pub fn step(self, params: &MelfusionParams, value: f32, up: bool, fine: bool) -> f32 {
        with_param!(self, params, param => match up {
            true => param.next_normalized_step(value, fine),
            false => param.previous_normalized_step(value, fine),
        })
    }
}

/// The slot that [`Dial::Take`] selects at `value`.
pub fn slot_of(params: &MelfusionParams, value: f32) -> usize {
    (params.take.preview_plain(value) - 1).max(0) as usize
}

/// Where [`Dial::Take`] stands to select `slot`.
pub fn value_of_slot(params: &MelfusionParams, slot: usize) -> f32 {
    params.take.preview_normalized(slot as i32 + 1)
}

/// The plugin in a host.
pub struct PluginHost {
    gui: GuiContext,
    params: Arc<MelfusionParams>,
    seat: Arc<Seat>,
    desktop: Box<dyn Desktop>,
}

impl PluginHost {
    /// Speaks to the host through `gui` and to the worker through `seat`.
    pub fn new(gui: GuiContext, params: Arc<MelfusionParams>, seat: Arc<Seat>, desktop: Box<dyn Desktop>) -> Self {
        Self { gui, params, seat, desktop }
    }
}

impl Host for PluginHost {
    fn value(&self, dial: Dial) -> f32 {
        with_param!(dial, self.params, param => param.unmodulated_normalized_value())
    }

    fn begin(&self, dial: Dial) {
        with_param!(dial, self.params, param => self.gui.param_setter().begin_set_parameter(param));
    }

    fn set(&self, dial: Dial, value: f32) {
        with_param!(dial, self.params, param => self.gui.param_setter().set_parameter_normalized(param, value));
    }

    fn end(&self, dial: Dial) {
        with_param!(dial, self.params, param => self.gui.param_setter().end_set_parameter(param));
    }

    fn generate(&self) {
        self.seat.generate();
    }

    fn generate_board(&self) {
        self.seat.generate_board();
    }

    fn generate_cue(&self, cue: u64) {
        self.seat.generate_cue(cue);
    }

    fn cancel(&self) {
        self.seat.cancel();
    }

    fn transpose(&self, take: u64, key: Option<Key>) {
        self.seat.transpose(take, key);
    }

    fn adopt(&self) {
        self.seat.adopt();
    }

    fn engine(&self) -> EngineState {
        self.seat.engine()
    }

    fn describes_pictures(&self) -> bool {
        self.seat.describes_pictures()
    }

    fn load(&self) {
        self.seat.load();
    }

    fn unload(&self) {
        self.seat.unload();
    }

    fn desktop(&self) -> &dyn Desktop {
        &*self.desktop
    }
}
