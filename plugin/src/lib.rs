//! MeLFusion as a VST3 and CLAP instrument: a picture and a few words become a bed of music that plays in time.
//!
//! ```text
//! editor ─ generate ─► worker (one per process) ─ Delivery ─► rtrb ─► player (audio thread) ─ spent clips ─► rtrb ─► freed
//!    ▲                    │ Status, takes                                │ Readout (atomics)
//!    └──── session ◄──────┴───────────────────────◄──────────────────────┘
//! host's project ◄─ state (brief, cues, takes as FLAC) ─ session
//! ```
//!
//! A storyboard's cues have takes as the brief has. The worker mixes those that are heard into one bed, as the command line
//! does, and the player has it as one more clip.
//!
//! **Architecture invariants**, each visible in `use` lines: [`player`], [`clip`], [`link`], [`passages`], [`presses`] and
//! [`readout`] name neither the engine nor candle; the editor never touches the player; only [`worker`] runs the engine.
//! [`params`], [`state`], [`worker`] and [`session`] use one another in this order only.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod clip;
pub mod desk;
pub mod editor;
pub mod link;
pub mod params;
pub mod passages;
#[cfg(feature = "assert_process_allocs")]
mod planted;
pub mod player;
pub mod presses;
pub mod project;
pub mod readout;
pub mod session;
pub mod state;
pub mod worker;

use std::num::NonZeroU32;
use std::sync::{Arc, Once};

use nice_plug::midi::Key;
use nice_plug::prelude::*;
use nice_plug_egui::EguiEditor;

use crate::params::MelfusionParams;
use crate::player::{Controls, Moment, Notes, Player};
use crate::presses::Presses;
use crate::session::Session;
use crate::worker::Seat;

/// The plugin.
pub struct MelfusionPlugin {
    session: Arc<Session>,
    params: Arc<MelfusionParams>,
    seat: Arc<Seat>,
    player: Player,
    presses: Presses,
    /// Whether the song ran at the last block, and how fast.
    transport: (bool, Option<f64>),
}

impl Default for MelfusionPlugin {
    fn default() -> Self {
        let (outbox, inbox) = link::pair();
        let session = Session::new(outbox);
        let params = Arc::new(MelfusionParams::new(&session));
        session.set_params(Arc::downgrade(&params));
        let seat = Arc::new(Seat::take(session.clone()));
        let player = Player::new(inbox, session.readout.clone());
        Self { session, params, seat, player, presses: Presses::default(), transport: (false, None) }
    }
}

impl Plugin for MelfusionPlugin {
    const NAME: &'static str = "MeLFusion";
    const VENDOR: &'static str = "MeLFusion";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[AudioIOLayout {
        main_input_channels: None,
        main_output_channels: NonZeroU32::new(2),
        ..AudioIOLayout::const_default()
    }];
    // Splitting blocks at parameter changes would shift positions after a transport event within a block.
    const SAMPLE_ACCURATE_AUTOMATION: bool = false;
    // Notes may choose cues.
    const MIDI_INPUT: MidiConfig = MidiConfig::Basic;

    type Editor = EguiEditor<editor::Window>;
    type SysExMessage = ();
    // The framework's background thread is shared by all instances and can abort the host.
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _async_executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        editor::create(self.session.clone(), self.params.clone(), self.seat.clone())
    }

    fn filter_state(state: &mut PluginState) {
        state::prepare(state);
    }

    fn activate(
        &mut self,
        _layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        if cfg!(target_os = "linux") && context.plugin_api() == PluginApi::Vst3 {
            keep_notifier();
        }
        #[cfg(feature = "assert_process_allocs")]
        planted::look();
        self.player.prepare(config.sample_rate, config.max_buffer_size as usize);
        worker::fit::conform(&self.session, config.sample_rate.round() as u32);
        self.seat.wake();
        true
    }

    fn deactivate(&mut self) {
        self.seat.rest();
    }

    fn reset(&mut self) {
        self.player.reset();
        self.presses.forget();
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        #[cfg(feature = "assert_process_allocs")]
        planted::allocate();
        let moment = moment(context.transport());
        if (moment.playing, moment.tempo) != self.transport {
            self.transport = (moment.playing, moment.tempo);
            self.session.repaint.request_repaint();
        }
        if self.presses.hear(&self.session.openings, || self.params.generate.value()) {
            self.session.readout.press_generate();
        }
        let controls = Controls { notes: self.notes(context), ..self.controls() };
        let [left, right] = buffer.as_slice() else { return ProcessStatus::Error("the output is not stereo") };
        self.pass(&moment, left.len());
        self.player.process(&moment, &controls, left, right);
        ProcessStatus::KeepAlive
    }
}

/// Keeps an instance that no host knows, for good. On Linux the framework's VST3 side reports automation through a thread
/// that all instances share; if an instance goes with a report under way, the thread ends, and then the last instance to
/// go, not finding it, would take the host down.
fn keep_notifier() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| std::mem::forget(nice_plug::wrapper::vst3::Wrapper::<MelfusionPlugin>::new()));
}

impl MelfusionPlugin {
    /// The notes of this block, if they are to choose cues.
    fn notes(&self, context: &mut impl ProcessContext<Self>) -> Option<Notes> {
        let mut notes = Notes::default();
        while let Some(event) = context.next_event() {
            if let NoteEvent::NoteOn { timing, key: Key::Number(key), .. } = event {
                notes.add(timing, key);
            }
        }
        self.params.by_note.value().then_some(notes)
    }

    /// Notes which first bars of cues the song passes in this block.
    fn pass(&self, moment: &Moment, frames: usize) {
        let bar = moment.meter.filter(|(_, unit)| *unit > 0).map_or(4.0, |(n, d)| f64::from(n) * 4.0 / f64::from(d));
        let passages = &self.session.passages;
        match moment.beats.zip(moment.tempo).filter(|_| moment.playing && bar > 0.0) {
            Some((beats, tempo)) => {
                let per_frame = tempo / (60.0 * f64::from(self.session.readout.rate().max(1)));
                let anchor = f64::from(self.session.desk.anchor_bar());
                // A bar begins on the frame that is nearest.
                let bars = |frame: f64| (beats + (frame - 0.5) * per_frame) / bar - anchor;
                passages.pass(bars(0.0)..bars(frames as f64), self.params.influence.value());
            }
            None => passages.rest(),
        }
    }

    /// Whether the storyboard is to be heard. Without one, takes are.
    fn is_board(&self) -> bool {
        self.params.board.value() && self.session.desk.has_board()
    }

    fn controls(&self) -> Controls {
        Controls {
            gain: meant(self.params.gain.value()),
            mute: self.params.mute.value(),
            repeat: self.params.repeat.value(),
            slot: if self.is_board() { link::BOARD } else { (self.params.take.value() - 1) as usize },
            anchor_bar: self.session.desk.anchor_bar(),
            notes: None,
            audition: self.session.desk.audition(),
        }
    }
}

/// Hosts hand 0 dB back as 0.9999999, since the gain's range is bent; then the clip would not be copied bit for bit.
fn meant(gain: f32) -> f32 {
    if (gain - 1.0).abs() < 1e-6 { 1.0 } else { gain }
}

fn moment(transport: &Transport) -> Moment {
    Moment {
        playing: transport.playing,
        frame: transport.pos_samples(),
        beats: transport.pos_beats(),
        tempo: transport.tempo,
        meter: transport.time_sig_numerator.zip(transport.time_sig_denominator).map(|(n, d)| (n as u32, d as u32)),
        cycle: transport.loop_range_samples(),
    }
}

impl ClapPlugin for MelfusionPlugin {
    const CLAP_ID: &'static str = "org.melfusion.melfusion";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("Music composed by a model that looks at your picture");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[ClapFeature::Instrument, ClapFeature::Stereo];
}

impl Vst3Plugin for MelfusionPlugin {
    const VST3_CLASS_ID: [u8; 16] = *b"MeLFusionForDAWs";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[Vst3SubCategory::Instrument, Vst3SubCategory::Stereo];
}

nice_export_clap!(MelfusionPlugin);
nice_export_vst3!(MelfusionPlugin);
