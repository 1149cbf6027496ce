//! What `storyboard` can be told.

use std::path::PathBuf;

use clap::ValueEnum;
use melfusion::request::{Key, Meter};
use melfusion::storyboard::{FrameRate, Transition};

use super::Setup;

#[derive(Debug, clap::Args)]
pub struct Storyboard {
    /// The board: a .toml file, a folder of frames, a .csv table, Reaper's exported regions (.csv) or a CMX 3600 .edl
    #[arg(value_name = "BOARD")]
    pub board: PathBuf,
    /// Folder to write to: a WAV file per cue, bed.wav and contact-sheet.png; cues that are there already are kept
    #[arg(long, value_name = "FOLDER", required_unless_present = "save")]
    pub out: Option<PathBuf>,
    /// Write what was read as a .toml file, to edit; a file of this name is replaced
    #[arg(long, value_name = "PATH")]
    pub save: Option<PathBuf>,
    /// Make only this cue, from 1; may be given several times [default: all]
    #[arg(long, value_name = "N")]
    pub cue: Vec<usize>,
    /// Also write the notes as MIDI: a file a cue, named as its WAV, and bed.mid for the whole board
    #[arg(long)]
    pub midi: bool,
    /// Write MIDI, and the notes of projects, on the grid, without swing and the timing of players
    #[arg(long)]
    pub quantised: bool,
    /// Also write every part of every cue as a WAV file of its own, into the folder parts
    #[arg(long)]
    pub stems: bool,
    /// Also write a project with the cues on tracks; may be given several times
    #[arg(long, value_enum, value_name = "DAW")]
    pub project: Vec<Daw>,
    /// What is on the tracks of projects: the cues, every part in a folder with its notes in another, or both
    #[arg(long, value_enum, value_name = "WHAT", default_value = "cues", requires = "project")]
    pub tracks: Tracks,
    #[command(flatten)]
    pub import: Import,
    #[command(flatten)]
    pub setup: Setup,
}

/// What a folder, table or list leaves open; a .toml says it itself.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for boards that are no .toml")]
pub struct Import {
    /// Tempo in quarter notes per minute, 20 to 300 [default: 96]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub bpm: Option<f64>,
    /// Time signature [default: 4/4]
    #[arg(long, value_name = "BEATS/UNIT")]
    pub meter: Option<Meter>,
    /// Bars of every cue that has no length [default: 4]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub bars: Option<u32>,
    /// Frames per second of timecodes, such as 24 or 29.97
    #[arg(long, value_name = "N")]
    pub fps: Option<FrameRate>,
    /// Key of all cues [default: left to the model]
    #[arg(long, value_name = "KEY")]
    pub key: Option<Key>,
    /// Words for all cues
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub style: Option<String>,
    /// Into cues that have none: cut, "crossfade 1", "morph 2" [default: cut]
    #[arg(long, value_name = "HOW")]
    pub transition: Option<Transition>,
    /// Where the noise starts [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Denoising steps, 1 to 200 [default: the bundle's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub steps: Option<u32>,
}

/// What tracks have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tracks {
    /// The cues, on two tracks in turn
    Cues,
    /// The parts, a track each, and their notes
    Parts,
    /// Both, the parts muted
    Both,
}

/// A program that opens projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Daw {
    /// An .rpp file for Reaper
    Reaper,
    /// A .dawproject file for Bitwig, Studio One and Cubase
    Dawproject,
}
