//! The folder that a board's files are written to, and what is there already.

use std::fs;
use std::path::{Path, PathBuf};

use hound::WavReader;
use melfusion::audio::Audio;
use melfusion::audio::wav::{self, Labels, SampleFormat};
use melfusion::clip::{Recipe, State};
use melfusion::engine::Redecoding;
use melfusion::error::Error;
use melfusion::plot::ContactSheet;
use melfusion::progress::Progress;
use melfusion::storyboard::{Bed, Board};
use melfusion::{Clip, Engine};

use crate::cli::cancel;
use crate::cli::destination::make_folder;

/// Longest name that a cue's file gets, beside its number.
const LONGEST_NAME: usize = 40;

/// A folder of beds.
pub struct Beds<'a> {
    folder: PathBuf,
    board: &'a Board,
    format: SampleFormat,
}

/// Clips found in the folder.
pub struct Kept(Vec<(PathBuf, State)>);

/// A clip found in the folder.
pub type Found<'a> = &'a (PathBuf, State);

impl<'a> Beds<'a> {
    /// Makes the folder and tries whether it can be written to.
    pub fn open(folder: &Path, board: &'a Board, format: SampleFormat) -> Result<Self, Error> {
        make_folder(folder)?;
        Ok(Self { folder: folder.to_path_buf(), board, format })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How its sounds are stored.
    pub fn format(&self) -> SampleFormat {
        self.format
    }

    /// What is in it.
    pub fn board(&self) -> &'a Board {
        self.board
    }

    /// The file of a cue: `03-the-storm.wav`.
    pub fn wav(&self, index: usize) -> PathBuf {
        let digits = self.board.cues.len().to_string().len().max(2);
        self.folder.join(format!("{:0digits$}-{}.wav", index + 1, file_name(self.board, index)))
    }

    /// The file of the bed.
    pub fn bed(&self) -> PathBuf {
        self.folder.join("bed.wav")
    }

    /// All clips that are in the folder, whatever they are called.
    pub fn kept(&self) -> Kept {
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut paths: Vec<PathBuf> =
            names.filter(|path| path.extension().is_some_and(|extension| extension == "wav")).collect();
        paths.sort();
        let clip = |path: PathBuf| Clip::read_state(&path).ok().map(|state| (path, state));
        Kept(paths.into_iter().filter_map(clip).collect())
    }

    /// Takes a clip that was found for cue `index`; its file is written anew where it is not just what it would become.
    pub fn keep(&self, engine: &Engine, index: usize, found: Found<'_>, watch: &dyn Progress) -> Result<Clip, Error> {
        let (path, state) = found;
        let State { latents, recipe, score } = state;
        let is_format = WavReader::open(path).is_ok_and(|reader| {
            let spec = reader.spec();
            let is_float = spec.sample_format == hound::SampleFormat::Float;
            spec.sample_rate == self.board.sample_rate && is_float == (self.format == SampleFormat::Float32)
        });
        // Notes that others played are played again.
        let is_played = score.is_none() || recipe.instruments == engine.instruments().recipe();
        let is_whole = |audio: &Audio| is_format && is_played && audio.frames() == self.frames(index);
        let audio = wav::read(path).ok().filter(is_whole);
        let clip = match audio {
            Some(audio) => Clip { audio, latents: latents.clone(), recipe: recipe.clone(), score: score.clone() },
            None => {
                let to = Redecoding { sample_rate: self.board.sample_rate, ..Redecoding::default() };
                engine.redecode(state, to, watch)?
            }
        };
        // What the picture is called is for people, but it should be what they call it now.
        let picture = self.board.cues[index].picture.as_ref().and_then(|p| p.name()?.file_name());
        let picture = picture.map(|name| name.to_string_lossy().into_owned());
        let clip = Clip { recipe: Recipe { picture: picture.clone(), ..clip.recipe }, ..clip };
        let start = wav::read_start_frame(path).ok().flatten();
        let is_placed = start == Some(self.start_frame(index) as u64) && *path == self.wav(index);
        if !(is_format && is_played && is_placed && recipe.picture == picture) {
            self.write(index, &clip)?;
        }
        Ok(clip)
    }

    /// Writes a cue's clip.
    pub fn write(&self, index: usize, clip: &Clip) -> Result<(), Error> {
        let _writing = cancel::writing();
        if cancel::asked() {
            return Err(Error::Cancelled);
        }
        clip.write_cue(&self.wav(index), self.format, &title(self.board, index), self.start_frame(index))
    }

    /// Writes the bed of some clips and the contact sheets; returns the latter's paths.
    pub fn write_bed(&self, bed: &Bed, clips: &[Option<Clip>]) -> Result<Vec<PathBuf>, Error> {
        let board = self.board;
        let markers: Vec<_> = (0..board.cues.len())
            .map(|index| (board.frame(board.cues[index].start_bar) as u32, title(board, index)))
            .collect();
        let labels = Labels {
            title: &board.title,
            comment: &board.style,
            bpm: board.tempo.at(1),
            quarters: f64::from(board.end_bar() - 1) * board.meter.quarters(),
            meter: board.meter,
            key: board.key,
            recipe: &[],
            is_loop: false,
            start_frame: Some(0),
            markers: &markers,
        };
        wav::write(&self.bed(), &bed.audio, self.format, &labels)?;
        let shown = |clip: &Option<Clip>| clip.as_ref()?.recipe.impression.as_ref().map(|seen| seen.words.clone());
        let shown: Vec<String> = clips.iter().map(|clip| shown(clip).unwrap_or_default()).collect();
        let sheet = ContactSheet { board, bed: &bed.audio, shown: &shown };
        let name = |page: usize| match sheet.pages() {
            1 => "contact-sheet.png".to_string(),
            _ => format!("contact-sheet-{}.png", page + 1),
        };
        let paths: Vec<PathBuf> = (0..sheet.pages()).map(|page| self.folder.join(name(page))).collect();
        paths.iter().enumerate().try_for_each(|(page, path)| sheet.save(page, path))?;
        Ok(paths)
    }

    fn start_frame(&self, index: usize) -> usize {
        self.board.frame(self.board.cues[index].start_bar)
    }

    /// Length of a cue's own clip.
    fn frames(&self, index: usize) -> usize {
        self.board.request(index).frames(self.board.sample_rate)
    }
}

impl Kept {
    /// A clip that is what cue `index` of `board`, the folder's with all that is known of it, would become; the one under its own
    /// name if there are several.
    pub fn find<'a>(&'a self, engine: &Engine, (beds, board): (&Beds<'_>, &Board), index: usize) -> Option<Found<'a>> {
        let own = beds.wav(index);
        let is_score = engine.is_score(board, index);
        let mut found = self.0.iter().filter(|(_, state)| is_score(&state.recipe));
        let first = found.next()?;
        Some(std::iter::once(first).chain(found).find(|(path, ..)| *path == own).unwrap_or(first))
    }
}

/// What people call cue `index`: its name, else its picture's, else its first words.
pub fn title(board: &Board, index: usize) -> String {
    let cue = &board.cues[index];
    let picture = || cue.picture.as_ref().and_then(|p| p.name()?.file_stem()).map(|name| name.to_string_lossy());
    let words = || cue.prompt.split_whitespace().take(5).collect::<Vec<_>>().join(" ");
    let names = [cue.name.clone(), picture().unwrap_or_default().into_owned(), words()];
    names.into_iter().find(|name| !name.trim().is_empty()).unwrap_or_else(|| format!("cue {}", index + 1))
}

/// The title without what file names cannot have.
fn file_name(board: &Board, index: usize) -> String {
    let letters = title(board, index).to_lowercase();
    let parts = letters.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    let name: String = parts.collect::<Vec<_>>().join("-").chars().take(LONGEST_NAME).collect();
    if name.is_empty() { "cue".into() } else { name }
}
