//! A project to text.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use melfusion::request::Key;

use super::VERSION;
use super::library::Library;
use super::parallel::in_parallel;
use super::sheet::{CueSheet, OriginSheet, ProjectSheet, SoundSheet, TakeSheet};
use super::text::Writer;
use crate::project::{Cue, Packed, Project, Sound, Take};

/// A saved project.
#[derive(Debug)]
pub struct Written {
    /// What the host keeps.
    pub text: String,
    /// What the user should know about it.
    pub remark: Option<String>,
}

/// Sounds that lie in files instead, by their takes' ids.
#[derive(Default)]
struct Moved {
    files: HashMap<u64, PathBuf>,
    /// Bytes of base64 that stay.
    left: usize,
    megabytes: f64,
    /// Why a sound that should have gone did not.
    refused: Option<String>,
}

/// Writes `project`. If its cues' pictures and its sounds take more than `cap` bytes, the largest sounds go to files in `library`
/// until the rest fits; those that are heard, of the slot `selected` and of cues, go last. What cannot be put there stays: a large project is better than a lost sound.
/// What sounds were stretched from goes in as far as there is room then: without it they are as good, and only the next
/// change of tempo begins at a sound that was stretched before.
pub fn write(project: &Project, selected: Option<usize>, cap: usize, library: &Library) -> Written {
    pack(project);
    let moved = move_out(project, selected, cap, library);
    let origins = origins_within(project, cap.saturating_sub(moved.left));
    let mut writer = Writer::new(VERSION, cap.min(2 * moved.left) + (1 << 16));
    let thumbnail = project.brief.picture.as_ref().map(|frame| writer.data(&frame.thumbnail));
    writer.json("project", &ProjectSheet::of(project, thumbnail));
    for cue in &project.board.cues {
        let thumbnail = cue.picture.as_ref().map(|frame| writer.data(&frame.thumbnail));
        writer.json("cue", &CueSheet::of(cue, thumbnail));
    }
    let mut unpacked = 0;
    for (place, take) in takes(project) {
        let mut sound = sound(take, moved.files.get(&take.id), &mut writer);
        unpacked += usize::from(sound.sha256.is_empty() && !take.sound.is_missing());
        sound.origin = origin(take).filter(|_| origins.contains(&take.id)).and_then(|origin| origin.sheet(&mut writer));
        let latents = writer.data(&take.latents);
        writer.json("take", &TakeSheet::of(place, take, latents, sound));
    }
    Written { text: writer.finish(), remark: moved.remark(library, unpacked) }
}

/// All takes, each with its cue, if it has one, and its place there or among the brief's.
fn takes(project: &Project) -> impl Iterator<Item = ((Option<u64>, usize), &Arc<Take>)> {
    let briefs = project.takes.iter().enumerate().filter_map(|(slot, take)| Some(((None, slot), take.as_ref()?)));
    let cues = project.board.cues.iter();
    let cues = cues.flat_map(|cue| cue.takes.iter().enumerate().map(|(place, take)| ((Some(cue.id), place), take)));
    briefs.chain(cues)
}

/// Ids of the takes that are heard.
fn heard(project: &Project, selected: Option<usize>) -> HashSet<u64> {
    let slot = selected.and_then(|slot| project.takes.get(slot)?.as_ref());
    slot.into_iter().chain(project.board.cues.iter().filter_map(Cue::take)).map(|take| take.id).collect()
}

/// Bytes of base64 that the pictures of cues take; the brief's is only one.
fn pictures(project: &Project) -> usize {
    let frames = project.board.cues.iter().filter_map(|cue| cue.picture.as_ref());
    let sizes: HashMap<_, _> = frames.map(|frame| (&frame.sha256, frame.thumbnail.len().div_ceil(3) * 4)).collect();
    sizes.values().sum()
}

/// Packs what was not packed in the background, all at once.
fn pack(project: &Project) {
    let origins = takes(project).filter_map(|(_, take)| origin(take)).map(|origin| origin.sound);
    let sounds: Vec<_> = takes(project).map(|(_, take)| &take.sound).chain(origins).collect();
    in_parallel(sounds.len(), |index| sounds[index].is_missing() || sounds[index].packed().is_ok());
}

/// What a take's sound was stretched from.
struct Origin<'a> {
    sound: &'a Arc<Sound>,
    key: Option<Key>,
}

fn origin(take: &Take) -> Option<Origin<'_>> {
    take.sound.origin().map(|(sound, key)| Origin { sound, key })
}

/// Ids of the takes whose sounds' origins fit into `room` bytes of base64, the smallest first.
fn origins_within(project: &Project, mut room: usize) -> HashSet<u64> {
    let length = |origin: Origin<'_>| origin.sound.packed().ok().map(|packed| packed.base64.len());
    let mut origins: Vec<_> = takes(project).filter_map(|(_, take)| Some((length(origin(take)?)?, take.id))).collect();
    origins.sort_unstable();
    let fits = |(length, _): &(usize, u64)| {
        let left = room.checked_sub(*length);
        room = left.unwrap_or(0);
        left.is_some()
    };
    origins.into_iter().take_while(fits).map(|(_, id)| id).collect()
}

impl Origin<'_> {
    fn sheet(&self, writer: &mut Writer) -> Option<OriginSheet> {
        let packed = self.sound.packed().ok()?;
        writer.base64(&packed.sha256, &packed.base64);
        let (rate, bpm) = (self.sound.rate, self.sound.bpm);
        Some(OriginSheet { rate, bpm, sha256: packed.sha256.clone(), key: self.key })
    }
}

/// The sounds that there are, by their takes' ids.
fn packed(project: &Project) -> impl Iterator<Item = (u64, &Packed)> {
    let here = takes(project).filter(|(_, take)| !take.sound.is_missing());
    here.filter_map(|(_, take)| Some((take.id, take.sound.packed().ok()?)))
}

fn move_out(project: &Project, selected: Option<usize>, cap: usize, library: &Library) -> Moved {
    let mut moved = Moved::default();
    let mut sounds: Vec<_> = packed(project).collect();
    let heard = heard(project, selected);
    let mut bytes: usize = pictures(project) + sounds.iter().map(|(_, packed)| packed.base64.len()).sum::<usize>();
    // Of equally large ones, the first goes first.
    sounds.sort_by_key(|(id, packed)| (heard.contains(id), usize::MAX - packed.base64.len()));
    for (id, packed) in sounds {
        if bytes <= cap {
            break;
        }
        match library.store(packed) {
            Ok(path) => {
                bytes -= packed.base64.len();
                moved.megabytes += packed.base64.len() as f64 * 0.75e-6;
                moved.files.insert(id, path);
            }
            Err(error) => moved.refused = Some(error.to_string()),
        }
    }
    moved.left = bytes;
    moved
}

fn sound(take: &Take, file: Option<&PathBuf>, writer: &mut Writer) -> SoundSheet {
    let sound = &take.sound;
    let sheet = SoundSheet { rate: sound.rate, bpm: sound.bpm, sha256: String::new(), file: None, origin: None };
    let letters = |path: &PathBuf| Some(path.to_string_lossy().into_owned());
    if let Some(link) = sound.link() {
        return SoundSheet { sha256: link.sha256.clone(), file: letters(&link.path), ..sheet };
    }
    let Ok(packed) = sound.packed() else { return sheet };
    if file.is_none() {
        writer.base64(&packed.sha256, &packed.base64);
    }
    SoundSheet { sha256: packed.sha256.clone(), file: file.and_then(letters), ..sheet }
}

impl Moved {
    fn remark(&self, library: &Library, unpacked: usize) -> Option<String> {
        let folder = library.folder().display();
        let mut remarks = Vec::new();
        if !self.files.is_empty() {
            remarks.push(format!(
                "The sounds of this project are too large to lie in it. {} of them ({:.0} MB) are in files in {folder}: \
                 take that folder along if the project moves to another computer, or delete takes you do not need.",
                self.files.len(),
                self.megabytes,
            ));
        }
        if let Some(error) = &self.refused {
            remarks.push(format!(
                "The sounds of this project are large, and could not be put into files in {folder} ({error}); they are \
                 saved inside the project. Make room there, or delete takes you do not need.",
            ));
        }
        if unpacked > 0 {
            remarks.push(format!(
                "{unpacked} takes are too long to be saved with their sound; export them as WAV. They are saved without \
                 it and can be decoded again.",
            ));
        }
        (!remarks.is_empty()).then(|| remarks.join("\n"))
    }
}
