//! Projects whose sound is known to the sample.
#![allow(clippy::unwrap_used, dead_code, reason = "shared by several test binaries")]

use std::collections::BTreeMap;
use std::sync::Arc;

use melfusion::audio::Audio;
use melfusion::clip::Recipe;
use melfusion::request::Meter;
use melfusion::storyboard::{self, BoardFields, TempoMap, Transition};
use melfusion_plugin::link;
use melfusion_plugin::params::MelfusionParams;
use melfusion_plugin::project::{Brief, Cue, Project, Sound, Take};
use melfusion_plugin::session::{Notice, Session};
use nice_plug::prelude::{Params, PluginState};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A take's measures, and what it sounds like.
#[derive(Debug, Clone, Copy)]
pub struct Score {
    pub rate: u32,
    pub bpm: f64,
    pub bars: u32,
    pub meter: (u32, u32),
    pub sound: Timbre,
}

#[derive(Debug, Clone, Copy)]
pub enum Timbre {
    /// Every sample is different, so that none can be mistaken for another. The number is the seed.
    Noise(u64),
    /// Short pips, this many quarter notes apart, from the first frame on.
    Pips(f64),
}

impl Score {
    pub fn noise(rate: u32, bpm: f64, seed: u64) -> Self {
        Self { rate, bpm, bars: 1, meter: (4, 4), sound: Timbre::Noise(seed) }
    }

    pub fn quarters(&self) -> f64 {
        f64::from(self.bars * self.meter.0) * 4.0 / f64::from(self.meter.1)
    }

    /// Its length in frames, before rounding.
    pub fn exact_frames(&self) -> f64 {
        self.quarters() * 60.0 / self.bpm * f64::from(self.rate)
    }

    /// What must be heard: on the grid of 24-bit samples.
    pub fn frames(&self) -> Vec<[f32; 2]> {
        let length = self.exact_frames().round() as usize;
        match self.sound {
            Timbre::Noise(seed) => {
                let mut dice = StdRng::seed_from_u64(seed);
                (0..length).map(|_| [(); 2].map(|()| grid(dice.random_range(-0.5..0.5)))).collect()
            }
            Timbre::Pips(every) => {
                let period = every * 60.0 / self.bpm * f64::from(self.rate);
                (0..length).map(|frame| [grid(pip(frame as f64, period, self.rate, length)); 2]).collect()
            }
        }
    }

    pub fn take(&self, id: u64) -> Take {
        Take {
            id,
            name: format!("Take {id}"),
            recipe: Recipe {
                engine: "test".into(),
                bundle: "test".into(),
                bundle_sha256: "00".repeat(32),
                prompt: "noise".into(),
                negative: String::new(),
                picture: None,
                picture_sha256: None,
                bars: self.bars,
                meter: Meter::new(self.meter.0, self.meter.1).unwrap(),
                bpm: self.bpm,
                key: None,
                seed: id,
                steps: 4,
                guidance: 1.0,
                influence: 0.0,
                sampler: Default::default(),
                composed_bpm: self.bpm,
                morph: None,
                reading: None,
                impression: None,
                instruments: Vec::new(),
                parts: Vec::new(),
                keep: None,
                arrangement: Default::default(),
                picture_words: None,
                synapse: Default::default(),
            },
            latents: Arc::from([]),
            key: None,
            measured: None,
            seen: None,
            sound: Arc::new(Sound::new(self.frames(), self.rate, self.bpm)),
        }
    }
}

/// Half-width of a pip in seconds.
pub const PIP: f64 = 0.004;

/// A raised cosine over a tone of 1 kHz, symmetric about every multiple of `period`, on a clip of `length` frames that
/// leads into itself.
fn pip(frame: f64, period: f64, rate: u32, length: usize) -> f64 {
    let nearest = (frame / period).round() * period;
    // The last pip of the round is the first of the next.
    let from = if nearest > length as f64 - 0.5 { length as f64 } else { nearest };
    let seconds = (frame - from) / f64::from(rate);
    if seconds.abs() >= PIP {
        return 0.0;
    }
    let window = 0.5 + 0.5 * (std::f64::consts::PI * seconds / PIP).cos();
    0.5 * window * (std::f64::consts::TAU * 1000.0 * seconds).cos()
}

/// The nearest value that 24 bits can say.
fn grid(sample: f64) -> f32 {
    ((sample * 8_388_608.0).round() / 8_388_608.0) as f32
}

/// A project of takes, in slots from the first on.
pub fn project(scores: &[Score]) -> Project {
    let mut project = Project::default();
    for (slot, score) in scores.iter().enumerate() {
        project.takes[slot] = Some(Arc::new(score.take(slot as u64 + 1)));
    }
    project
}

/// A project whose storyboard has a cue for each score, entered by crossfades of one bar.
pub fn project_of_cues(scores: &[Score]) -> Project {
    let mut project = Project::default();
    for (index, score) in scores.iter().enumerate() {
        let transition = Transition::Crossfade { bars: 1 };
        let mut cue = Cue { bars: score.bars, transition, ..Cue::new(100 + index as u64, None) };
        assert!(cue.add(Arc::new(score.take(index as u64 + 1))));
        project.board.cues.push(cue);
    }
    project
}

/// What the engine mixes of the same cues.
pub fn bed(scores: &[Score]) -> Vec<[f32; 2]> {
    let mut start_bar = 1;
    let cues = scores.iter().map(|score| {
        let transition = if start_bar == 1 { Transition::Cut } else { Transition::Crossfade { bars: 1 } };
        let cue = storyboard::Cue { start_bar, bars: score.bars, transition, ..storyboard::Cue::default() };
        start_bar += score.bars;
        cue
    });
    let board = storyboard::Board::new(BoardFields {
        tempo: TempoMap::constant(scores[0].bpm).unwrap(),
        sample_rate: scores[0].rate,
        cues: cues.collect(),
        ..BoardFields::default()
    });
    let sounds = scores.iter().map(|score| {
        let frames = score.frames();
        let side = |side: usize| frames.iter().map(|frame| frame[side]).collect();
        Audio::new(side(0), side(1), score.rate)
    });
    let sounds: Vec<Audio> = sounds.collect();
    let bed = storyboard::mix(&board.unwrap(), |index, _| Ok(Some(&sounds[index]))).unwrap();
    let [left, right] = bed.audio.channels();
    left.iter().zip(right).map(|(left, right)| [*left, *right]).collect()
}

/// As [`state`], with the storyboard to be heard.
pub fn board_state(project: Project) -> PluginState {
    let mut state = state(project);
    state.params = serde_json::from_value(serde_json::json!({"board": {"bool": true}})).unwrap();
    state
}

/// The framework's state of an instance with this project, as VST3 keeps it.
pub fn state(project: Project) -> PluginState {
    let (outbox, _inbox) = link::pair();
    let session = Session::new(outbox);
    *session.project.lock() = project;
    let fields = MelfusionParams::new(&session).serialize_fields();
    PluginState { version: "0.1.0".into(), params: BTreeMap::new(), fields }
}

/// A project of `scores` that one bar of music can be made for, as it was saved with Generate `on`.
pub fn generate_state(scores: &[Score], on: bool) -> PluginState {
    let brief = Brief { prompt: "calm piano".into(), bars: 1, ..Brief::default() };
    let mut state = state(Project { brief, ..project(scores) });
    let params = serde_json::json!({"steps": {"i32": 4}, "generate": {"bool": on}});
    state.params = serde_json::from_value(params).unwrap();
    state
}

/// As [`state`], as CLAP keeps it: its length comes first.
pub fn clap_state(project: Project) -> Vec<u8> {
    with_length(&serde_json::to_vec(&state(project)).unwrap())
}

pub fn with_length(json: &[u8]) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes()[..], json].concat()
}

/// Block sizes from 1 to `max`, the odd ones included.
pub fn odd_sizes(seed: u64, max: usize) -> impl FnMut() -> usize {
    let mut dice = StdRng::seed_from_u64(seed);
    move || {
        // Long and short blocks equally often.
        let bits = dice.random_range(0.0..(max as f64).log2());
        (bits.exp2().round() as usize + dice.random_range(0..3)).clamp(1, max)
    }
}

/// The project in a state that a CLAP host saved.
pub fn read(saved: &[u8]) -> Project {
    read_with_notices(saved).0
}

/// The same, and what the user is told about it.
pub fn read_with_notices(saved: &[u8]) -> (Project, Vec<Notice>) {
    let state: PluginState = serde_json::from_slice(&saved[8..]).unwrap();
    let (outbox, _inbox) = link::pair();
    let session = Session::new(outbox);
    MelfusionParams::new(&session).deserialize_fields(&state.fields);
    let (project, status) = (session.project.lock().clone(), session.status.lock().clone());
    (project, status.notices)
}
