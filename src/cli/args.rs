//! What can be typed. Numbers are only parsed here: the library knows their ranges and explains them.

mod bundle;
mod storyboard;

use std::path::PathBuf;

use candle_core::DType;
use clap::{Parser, Subcommand, ValueEnum};
use melfusion::audio::wav::SampleFormat;
use melfusion::clip::Timing;
use melfusion::device::{DeviceChoice, Memory, Placement, parse_dtype};
use melfusion::error::Error;
use melfusion::request::{Bars, Chart, Hit, Key, Meter, Register, SamplerKind, SynapseKind, Theme};
use score::{Mix, Part};

pub use self::bundle::{Bundle, ImportBundle, Pull};
pub use self::storyboard::{Daw, Import, Storyboard, Tracks};

/// Compose loops of music from a picture and a few words
#[derive(Debug, Parser)]
#[command(name = "melfusion", version, after_help = super::EXIT_CODES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compose clips and write them as WAV files
    #[command(after_help = super::EXIT_CODES, args_override_self = true)]
    Generate(Box<Generate>),
    /// Score a storyboard: cues that follow one another on bar lines, mixed to one bed
    #[command(after_help = super::EXIT_CODES, args_override_self = true)]
    Storyboard(Box<Storyboard>),
    /// Render a clip anew: at another tempo, in another key, with other instruments or levels; nothing is composed
    #[command(after_help = super::EXIT_CODES, args_override_self = true, alias = "redecode")]
    Render(Render),
    /// Show what is in a clip: its parts, instruments and chords, and how it was made
    #[command(after_help = super::EXIT_CODES)]
    Show(Show),
    /// List, show, verify, download or import bundles: models on disk
    #[command(subcommand)]
    Bundle(Bundle),
    /// Run every stage of a bundle on its reference.safetensors and print how far off it is
    #[command(after_help = super::EXIT_CODES)]
    Check(Check),
    /// Make the clips of an evaluation set and measure them
    #[command(after_help = super::EXIT_CODES, args_override_self = true)]
    Eval(Box<super::eval::Eval>),
    #[command(after_help = super::EXIT_CODES)]
    Worker(super::worker::Worker),
}

#[derive(Debug, clap::Args)]
pub struct Generate {
    /// Picture to look at: PNG, JPEG, WebP, GIF, BMP or TIFF
    #[arg(long, value_name = "PATH")]
    pub image: Option<PathBuf>,
    /// What to hear; may be empty or left out. "no drums" in it is drums to avoid
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub prompt: String,
    /// Read the prompt from a text file
    #[arg(long, value_name = "PATH", conflicts_with = "prompt")]
    pub prompt_file: Option<PathBuf>,
    /// What not to hear
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub negative: String,
    /// Length in bars, 1 to 64 [default: 4, or that of what is kept]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub bars: Option<u32>,
    /// Time signature [default: 4/4, or that of what is kept]
    #[arg(long, value_name = "BEATS/UNIT")]
    pub meter: Option<Meter>,
    /// Tempo in quarter notes per minute, 20 to 300 [default: 96, or that of what is kept]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub bpm: Option<f64>,
    /// Key, such as C, F#m or "Bb minor" [default: left to the model, or that of what is kept]
    #[arg(long, value_name = "KEY")]
    pub key: Option<Key>,
    /// Parts that play, and no others: some of pad, bass, keys, ostinato, lead, counter, mallets, drums [default: left to the model]
    #[arg(long, value_name = "PARTS", value_delimiter = ',', value_parser = parse_part)]
    pub parts: Vec<Part>,
    /// Where the noise starts: the same request with the same seed is the same clip [default: random]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Denoising steps, 1 to 200 [default: the bundle's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub steps: Option<u32>,
    /// How strictly the prompt is followed, 0 to 20 [default: the bundle's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub guidance: Option<f64>,
    /// How much the picture is heard, 0 to 1; 0 is the same as no picture
    #[arg(long, value_name = "N", default_value_t = 1.0, allow_negative_numbers = true)]
    pub influence: f64,
    /// What to say of the picture before the prompt; an empty text says nothing
    /// [default: nothing, or a description where the bundle cannot see]
    #[arg(long, value_name = "TEXT", requires = "image", allow_hyphen_values = true)]
    pub picture_words: Option<String>,
    /// How the picture enters: paper, or official as in the code that MeLFusion's authors published
    #[arg(long, value_name = "KIND", default_value = "paper")]
    pub synapse: SynapseKind,
    /// How noise is removed: dpm-solver-2m, ddim or ddpm [default: the bundle's]
    #[arg(long, value_name = "NAME")]
    pub sampler: Option<SamplerKind>,
    /// Number of takes, with the seeds SEED, SEED+1, ...; written to bed-1.wav, bed-2.wav, ...
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=999))]
    pub takes: u32,
    /// Sample rate in Hz, 8000 to 192000
    #[arg(long, value_name = "HZ", default_value_t = 48_000, allow_negative_numbers = true)]
    pub rate: u32,
    #[command(flatten)]
    pub arrange: Arrange,
    #[command(flatten)]
    pub keep: Keep,
    #[command(flatten)]
    pub run: Run,
}

/// What is asked of the notes themselves.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for what is played")]
pub struct Arrange {
    /// Chords, one a bar: "Am F C G/B"; "Am:2 F:2" are two beats each, N is none, % the one before. Fewer than the bars begin anew.
    /// Without --key they say the key, too
    #[arg(long, value_name = "CHORDS")]
    pub chords: Option<Chart>,
    /// Play no note outside the scale of the key, but for those of --chords
    #[arg(long)]
    pub key_lock: bool,
    /// In how many sixteenths a bar notes of a part begin, such as lead=2,drums=12
    #[arg(long, value_name = "PART=N", value_delimiter = ',', value_parser = parse_density)]
    pub density: Vec<(Part, f64)>,
    /// Range of a part's notes, an octave at least, such as lead=C5-C6; C4 is middle C
    #[arg(long, value_name = "PART=RANGE", value_delimiter = ',', value_parser = parse_register)]
    pub register: Vec<(Part, Register)>,
    /// Clip whose lead returns in this one, in its key, mode, metre and tempo: a WAV written by melfusion
    #[arg(long, value_name = "CLIP")]
    pub theme: Option<PathBuf>,
    /// How much of the theme returns, from 0 to 1, which is note for note
    #[arg(long, value_name = "N", default_value_t = Theme::STRENGTH, requires = "theme", allow_negative_numbers = true)]
    pub theme_strength: f64,
    /// Where all have an accent: bar.beat.sixteenth such as 3.2.1, or seconds such as 4.5s; several with commas between
    #[arg(long, value_name = "PLACE", value_delimiter = ',')]
    pub hit: Vec<Hit>,
    /// End with the last bar, instead of leading into the first again
    #[arg(long)]
    pub end: bool,
    /// Have parts enter one after another and leave again, on bar lines
    #[arg(long)]
    pub build: bool,
}

/// What of another clip stays.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for composing around notes that are there")]
pub struct Keep {
    /// Clip whose notes are kept: a WAV written by melfusion; --keep-parts, --redo-bars or --vary says which, or how nearly
    #[arg(long, value_name = "CLIP")]
    pub keep: Option<PathBuf>,
    /// MIDI file whose notes are kept: a lead, chords or drums of yours; which track is which part is guessed and said
    #[arg(long, value_name = "FILE", conflicts_with = "keep")]
    pub keep_midi: Option<PathBuf>,
    /// Which track of --keep-midi is a part, by its number from 1 or its name; may be given several times
    #[arg(long, value_name = "PART=TRACK", value_parser = parse_track, requires = "keep_midi")]
    pub track: Vec<(Part, String)>,
    /// Parts that are kept note for note, such as bass,drums; all others are composed to them [default: of --keep-midi all]
    #[arg(long, value_name = "PARTS", value_delimiter = ',', value_parser = parse_part)]
    pub keep_parts: Vec<Part>,
    /// Bars that are composed anew, such as 3 or 3-4; outside them everything is kept
    #[arg(long, value_name = "BARS")]
    pub redo_bars: Option<Bars>,
    /// How far a take may go from what is not kept of the clip: 0 is the clip again, 1 a new one
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub vary: Option<f64>,
}

#[derive(Debug, clap::Args)]
pub struct Show {
    /// WAV file written by melfusion
    #[arg(value_name = "CLIP")]
    pub clip: PathBuf,
    /// Also draw its notes over the bars with the waveform below, as PNG; a file of this name is replaced
    #[arg(long, value_name = "PATH")]
    pub plot: Option<PathBuf>,
    #[command(flatten)]
    pub notes: Notes,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Render {
    /// WAV file written by melfusion
    #[arg(value_name = "CLIP")]
    pub clip: PathBuf,
    /// New tempo in quarter notes per minute, 20 to 300 [default: as it is]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub bpm: Option<f64>,
    /// New key, such as D or Bm [default: as it is]
    #[arg(long, value_name = "KEY")]
    pub key: Option<Key>,
    /// Levels of parts, such as "lead +3, pad -2.5, drums off, bass on": dB more or less than now, off, or on at the usual level
    #[arg(long, value_name = "LEVELS", allow_hyphen_values = true)]
    pub mix: Option<Mix>,
    /// Sample rate in Hz, 8000 to 192000 [default: the clip's]
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    pub rate: Option<u32>,
    #[command(flatten)]
    pub run: Run,
}

/// What commands that make one clip can be told.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// WAV file to write; a file of this name is replaced
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// Also draw the notes, or without any the mel spectrogram, and the waveform over the bars, as PNG; a file of this name is replaced
    #[arg(long, value_name = "PATH")]
    pub plot: Option<PathBuf>,
    #[command(flatten)]
    pub export: Export,
    #[command(flatten)]
    pub setup: Setup,
}

/// Notes as a file.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Notes {
    /// Also write the notes as a MIDI file (.mid), a track a part; a file of this name is replaced
    #[arg(long, value_name = "PATH")]
    pub midi: Option<PathBuf>,
    /// Write MIDI on the grid, without swing and the timing of players
    #[arg(long, requires = "midi")]
    pub quantised: bool,
}

impl Notes {
    /// Where notes stand in time.
    pub fn timing(&self) -> Timing {
        if self.quantised { Timing::Quantised } else { Timing::Performed }
    }
}

/// What a clip of notes is written as besides its sound.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Export {
    #[command(flatten)]
    pub notes: Notes,
    /// Also write every part as a WAV file of its own into this folder; together they are the mix before its bus
    #[arg(long, value_name = "FOLDER")]
    pub stems: Option<PathBuf>,
}

impl Export {
    /// Refuses what only notes can give, where there are none; `why` says so.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] names the option.
    pub fn check(&self, has_notes: bool, why: impl FnOnce() -> String) -> Result<(), Error> {
        let midi = self.notes.midi.as_ref().map(|_| "--midi");
        match midi.or(self.stems.as_ref().map(|_| "--stems")) {
            Some(what) if !has_notes => Err(Error::Request { what, problem: why() }),
            _ => Ok(()),
        }
    }
}

/// What every command that makes sound can be told.
#[derive(Debug, clap::Args)]
pub struct Setup {
    /// How samples are stored: 24-bit integers or 32-bit floats
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Int24)]
    pub format: Format,
    /// Name of a bundle or path of its folder [default: mini; for a clip, the bundle that made it]
    #[arg(long, value_name = "BUNDLE")]
    pub bundle: Option<String>,
    /// Soundfont that plays the notes, .sf2 or .sf3, in place of the bundle's; PART=FILE for one part (pad, bass, keys,
    /// ostinato, lead, counter, mallets or drums); may be given several times
    #[arg(long, value_name = "[PART=]FILE", value_parser = parse_font)]
    pub instruments: Vec<(Option<Part>, PathBuf)>,
    #[command(flatten)]
    pub device: Device,
    /// Print one JSON object when done, and show no progress unless --progress says so
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors
    #[arg(long, conflicts_with_all = ["json", "progress"])]
    pub quiet: bool,
    /// Progress on standard error: a bar, a line per step, or none [default: bar on a terminal, else none]
    #[arg(long, value_enum, value_name = "HOW")]
    pub progress: Option<Style>,
}

#[derive(Debug, clap::Args)]
pub struct Check {
    /// Name of a bundle or path of its folder
    #[arg(value_name = "BUNDLE")]
    pub bundle: String,
    #[command(flatten)]
    pub device: Device,
}

/// Where to compute.
#[derive(Debug, clap::Args)]
pub struct Device {
    /// Where to compute: auto (a GPU if this build and this machine have one), cpu, cuda, cuda:N or metal
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Numbers that the denoisers compute in: f32, bf16 or f16 [default: f32 on the CPU, bf16 on a GPU]
    #[arg(long, value_name = "TYPE", value_parser = parse_dtype)]
    dtype: Option<DType>,
    /// How sparing to be: all components resident, staged one after the other, guidance in halves, sound in tiles [default: by
    /// what is free]
    #[arg(long, value_name = "HOW", value_parser = parse_memory)]
    memory: Option<Memory>,
}

impl Device {
    /// Where and how to compute.
    ///
    /// # Errors
    ///
    /// This build or this machine has no such device.
    pub fn open(&self) -> Result<Placement, Error> {
        let placement = Placement::from(self.device.open()?);
        Ok(Placement { dtype: self.dtype.unwrap_or(placement.dtype), memory: self.memory, ..placement })
    }
}

/// What stands before the first `=` is a part, unless it is the beginning of a path.
fn parse_font(text: &str) -> Result<(Option<Part>, PathBuf), String> {
    if text.is_empty() {
        return Err("give an .sf2 or .sf3 file, or PART=FILE".into());
    }
    let Some((name, path)) = text.split_once('=').filter(|(name, _)| !name.contains(['/', '\\', '.'])) else {
        return Ok((None, text.into()));
    };
    let part = parse_part(name)?;
    if path.is_empty() { Err(format!("give the {part} a file: {part}=FILE")) } else { Ok((Some(part), path.into())) }
}

fn parse_part(name: &str) -> Result<Part, String> {
    let part = Part::ALL.into_iter().find(|part| part.name() == name.trim().to_lowercase());
    part.ok_or_else(|| format!("there is no part {name:?}; choose {}", Part::ALL.map(Part::name).join(", ")))
}

fn parse_density(text: &str) -> Result<(Part, f64), String> {
    let found = text.split_once('=').and_then(|(part, number)| Some((part, number.trim().parse().ok()?)));
    let (part, number) = found.ok_or("write it like lead=2, in beginnings a bar")?;
    Ok((parse_part(part)?, number))
}

fn parse_register(text: &str) -> Result<(Part, Register), String> {
    let (part, range) = text.split_once('=').ok_or("write it like lead=C5-C6")?;
    Ok((parse_part(part)?, range.parse().map_err(|error: score::Error| error.problem)?))
}

fn parse_track(text: &str) -> Result<(Part, String), String> {
    match text.split_once('=') {
        Some((part, track)) if !track.trim().is_empty() => Ok((parse_part(part)?, track.trim().into())),
        _ => Err("write it like lead=2 or \"drums=My beat\"".into()),
    }
}

fn parse_memory(name: &str) -> Result<Memory, String> {
    let found = Memory::ALL.into_iter().find(|memory| memory.name() == name.trim().to_lowercase());
    found.ok_or_else(|| "choose resident, staged, halves or tiles".into())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[value(name = "24")]
    Int24,
    #[value(name = "float")]
    Float32,
}

impl From<Format> for SampleFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Int24 => Self::Int24,
            Format::Float32 => Self::Float32,
        }
    }
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Style {
    Bar,
    Lines,
    None,
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::CommandFactory;
    use score::Part;

    use super::{Args, parse_font};

    #[test]
    fn a_soundfont_is_for_a_part_or_for_all() {
        let of = |part, path: &str| Ok((part, PathBuf::from(path)));
        assert_eq!(parse_font("my fonts/a=b.sf2"), of(None, "my fonts/a=b.sf2"));
        assert_eq!(parse_font("b.sf2"), of(None, "b.sf2"));
        assert_eq!(parse_font("Lead=a=b.sf2"), of(Some(Part::Lead), "a=b.sf2"));
        for (text, word) in [("", ".sf2"), ("violin=a.sf2", "choose pad, bass"), ("pad=", "pad=FILE")] {
            assert!(parse_font(text).is_err_and(|problem| problem.contains(word)), "{text}");
        }
    }

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }
}
