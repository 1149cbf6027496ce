//! Writes takes as WAV files that samplers, DAWs and `melfusion redecode` read.

use std::path::{Path, PathBuf};

use melfusion::audio::{Audio, wav};
use melfusion::error::Error;

use crate::project::Take;

/// Writes a take, 24 bits, with tempo, loop, latents and recipe in it.
///
/// # Errors
///
/// [`Error::File`]; what was at `path` is then untouched.
pub fn write(take: &Take, path: &Path) -> Result<(), Error> {
    if take.sound.frames.is_empty() {
        let problem = "not written: the sound of this take is missing; generate it again or choose another take";
        return Err(Error::File { path: path.to_path_buf(), problem: problem.to_owned() });
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let failed = |error: std::io::Error| Error::File {
            path: folder.to_path_buf(),
            problem: format!("this folder cannot be made ({error}); choose another"),
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let frames = &take.sound.frames;
    let side = |side: usize| frames.iter().map(|frame| frame[side]).collect();
    let audio = Audio::new(side(0), side(1), take.sound.rate);
    let labels = wav::Labels {
        title: &take.name,
        comment: &take.recipe.prompt,
        bpm: take.sound.bpm,
        quarters: take.quarters(),
        meter: take.recipe.meter,
        key: take.key.or(take.recipe.key),
        recipe: &take.latents,
        is_loop: true,
        start_frame: None,
        markers: &[],
    };
    wav::write(path, &audio, wav::SampleFormat::Int24, &labels)
}

/// A file name that says what is in it, and that no other take has.
pub fn file_name(take: &Take) -> String {
    let title: String = take.name.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let title = title.split_whitespace().collect::<Vec<_>>().join("-");
    let title: String = title.chars().take(48).collect();
    let title = if title.is_empty() { "take".to_owned() } else { title };
    let key = take.key.or(take.recipe.key).map_or(String::new(), |key| format!("_{key}").replace(' ', "-"));
    let tempo = format!("{:.3}", take.sound.bpm);
    let tempo = tempo.trim_end_matches('0').trim_end_matches('.');
    format!("{title}_{tempo}bpm{}_{:08x}.wav", key.replace('#', "sharp"), fingerprint(take))
}

/// Where files go that are dragged to a track: they must stay there as long as the host's project refers to them.
pub fn library() -> PathBuf {
    let base = directories::ProjectDirs::from("", "", "MeLFusion");
    base.map_or_else(|| std::env::temp_dir().join("MeLFusion"), |dirs| dirs.data_dir().to_path_buf()).join("clips")
}

/// Tells takes apart that are called the same, also in other projects: of the latents, and of how they are fitted.
fn fingerprint(take: &Take) -> u32 {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(take.id.to_le_bytes());
    hash.update(&take.latents);
    hash.update(take.sound.bpm.to_le_bytes());
    hash.update(take.sound.rate.to_le_bytes());
    hash.update(take.key.map_or(String::new(), |key| key.to_string()));
    let digest = hash.finalize();
    u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]])
}
