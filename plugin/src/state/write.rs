//! A project to text.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::VERSION;
use super::library::Library;
use super::parallel::in_parallel;
use super::sheet::{ProjectSheet, SoundSheet, TakeSheet};
use super::text::Writer;
use crate::link::SLOTS;
use crate::project::{Packed, Project, Take};

/// A saved project.
#[derive(Debug)]
pub struct Written {
    /// What the host keeps.
    pub text: String,
    /// What the user should know about it.
    pub remark: Option<String>,
}

/// Sounds that lie in files instead, by slot.
#[derive(Default)]
struct Moved {
    files: HashMap<usize, PathBuf>,
    megabytes: f64,
    /// Why a sound that should have gone did not.
    refused: Option<String>,
}

/// Writes `project`. If its sounds take more than `cap` bytes, the largest go to files in `library` until the rest fits;
/// that of the slot `selected` goes last. What cannot be put there stays: a large project is better than a lost sound.
pub fn write(project: &Project, selected: Option<usize>, cap: usize, library: &Library) -> Written {
    pack(project);
    let moved = move_out(project, selected, cap, library);
    let sounds: usize = packed(project).map(|(_, packed)| packed.base64.len()).sum();
    let mut writer = Writer::new(VERSION, sounds + (1 << 16));
    let thumbnail = project.brief.picture.as_ref().map(|frame| writer.data(&frame.thumbnail));
    writer.json("project", &ProjectSheet::of(project, thumbnail));
    let mut unpacked = 0;
    for (slot, take) in takes(project) {
        let sound = sound(take, moved.files.get(&slot), &mut writer);
        unpacked += usize::from(sound.sha256.is_empty() && !take.sound.is_missing());
        let latents = writer.data(&take.latents);
        writer.json("take", &TakeSheet::of(slot, take, latents, sound));
    }
    Written { text: writer.finish(), remark: moved.remark(library, unpacked) }
}

fn takes(project: &Project) -> impl Iterator<Item = (usize, &Arc<Take>)> {
    (0..SLOTS).zip(&project.takes).filter_map(|(slot, take)| Some((slot, take.as_ref()?)))
}

/// Packs what was not packed in the background, all at once.
fn pack(project: &Project) {
    let takes: Vec<_> = takes(project).filter(|(_, take)| !take.sound.is_missing()).collect();
    in_parallel(takes.len(), |index| takes[index].1.sound.packed().is_ok());
}

/// The sounds that there are, by slot.
fn packed(project: &Project) -> impl Iterator<Item = (usize, &Packed)> {
    let here = takes(project).filter(|(_, take)| !take.sound.is_missing());
    here.filter_map(|(slot, take)| Some((slot, take.sound.packed().ok()?)))
}

fn move_out(project: &Project, selected: Option<usize>, cap: usize, library: &Library) -> Moved {
    let mut moved = Moved::default();
    let mut sounds: Vec<_> = packed(project).collect();
    let mut bytes: usize = sounds.iter().map(|(_, packed)| packed.base64.len()).sum();
    sounds.sort_by_key(|(slot, packed)| (Some(*slot) == selected, usize::MAX - packed.base64.len(), *slot));
    for (slot, packed) in sounds {
        if bytes <= cap {
            break;
        }
        match library.store(packed) {
            Ok(path) => {
                bytes -= packed.base64.len();
                moved.megabytes += packed.base64.len() as f64 * 0.75e-6;
                moved.files.insert(slot, path);
            }
            Err(error) => moved.refused = Some(error.to_string()),
        }
    }
    moved
}

fn sound(take: &Take, file: Option<&PathBuf>, writer: &mut Writer) -> SoundSheet {
    let sound = &take.sound;
    let sheet = SoundSheet { rate: sound.rate, bpm: sound.bpm, sha256: String::new(), file: None };
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
