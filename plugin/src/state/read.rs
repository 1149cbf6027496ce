//! Text to a project.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use super::library::Library;
use super::migrate;
use super::parallel::in_parallel;
use super::sheet::{BriefSheet, CueSheet, FrameSheet, OriginSheet, ProjectSheet, SoundSheet, TakeSheet};
use super::text::{self, Lines};
use super::{VERSION, range};
use crate::link::{CUES, SLOTS};
use crate::project::{Brief, Cue, Frame, Link, Measured, Project, Sound, Take};

/// Lines that are looked at. A project has at most as many as there is room for; some more may be damaged.
const MOST_TAKES: usize = 2 * SLOTS + CUES * Cue::TAKES;
/// As for takes.
const MOST_CUES: usize = 2 * CUES;

/// What came of reading a text.
#[derive(Debug, Default)]
pub struct Reading {
    /// All that could be read.
    pub project: Project,
    /// Why it is not all there was; then the text must be kept.
    pub trouble: Option<Trouble>,
    /// Names of takes whose sound was saved in a file that is not there.
    pub without_sound: Vec<String>,
}

/// Why a text could not be read as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A newer program wrote it.
    Newer,
    /// It is no saved project.
    Foreign,
    /// Parts of it are damaged or missing.
    Damaged,
}

/// Reads what [`write`](super::write()) wrote, in this version or an older one. Never fails: what cannot be read takes
/// its default.
pub fn read(text: &str, library: &Library) -> Reading {
    if text.is_empty() {
        // Saved before there was anything to save.
        return Reading::default();
    }
    match text::version(text) {
        Some(version) if (1..=VERSION).contains(&version) => read_lines(&Lines::of(text), version, library),
        Some(version) if version > VERSION => Reading { trouble: Some(Trouble::Newer), ..Reading::default() },
        _ => Reading { trouble: Some(Trouble::Foreign), ..Reading::default() },
    }
}

fn read_lines(lines: &Lines<'_>, version: u32, library: &Library) -> Reading {
    let mut damaged = lines.damaged || lines.has_others(&["project", "cue", "take"]);
    let mut project = read_project(lines, version, &mut damaged);
    read_cues(&mut project, lines, version, &mut damaged);
    let all = lines.json("take");
    let sheets: Vec<Option<TakeSheet>> = all.take(MOST_TAKES).map(|json| migrate::take(json, version)).collect();
    damaged |= lines.json("take").count() > sheets.len();
    let takes = in_parallel(sheets.len(), |index| {
        let sheet = sheets[index].as_ref()?;
        // Decoders of other people meet bytes of anyone here.
        catch_unwind(AssertUnwindSafe(|| read_take(sheet, lines, library))).ok()?
    });
    let mut without_sound = Vec::new();
    for (sheet, take) in sheets.iter().zip(takes) {
        let Some((sheet, (take, is_damaged))) = sheet.as_ref().zip(take.flatten()) else {
            damaged = true;
            continue;
        };
        damaged |= is_damaged;
        if take.sound.is_missing() {
            without_sound.push(take.name.clone());
        }
        damaged |= !match sheet.cue {
            Some(cue) if project.board.cue(cue).is_some() => place_in_cue(&mut project, cue, take),
            // Also if its cue is damaged.
            _ => place(&mut project, sheet.slot, take),
        };
    }
    for cue in &mut project.board.cues {
        // The take that was heard may be the one that is damaged.
        if cue.take().is_none() {
            cue.chosen = cue.takes.last().map(|take| take.id);
        }
    }
    Reading { project, trouble: damaged.then_some(Trouble::Damaged), without_sound }
}

fn read_project(lines: &Lines<'_>, version: u32, damaged: &mut bool) -> Project {
    let mut sheets = lines.json("project");
    let sheet = sheets.next().and_then(|json| migrate::project(json, version));
    *damaged |= sheet.is_none() || sheets.next().is_some();
    let ProjectSheet { anchor_bar, window, mut brief } = sheet.unwrap_or_default();
    let picture = brief.picture.take().map(|sheet| read_frame(sheet, lines));
    *damaged |= matches!(picture, Some(None));
    let brief = Brief { picture: picture.flatten().map(Arc::new), ..read_brief(brief, damaged) };
    let default = Project::default();
    let anchor_bar = checked(anchor_bar, range::ANCHOR_BAR.contains(&anchor_bar), default.anchor_bar, damaged);
    let fits = range::WINDOW.contains(&window.0) && range::WINDOW.contains(&window.1);
    let window = checked(window, fits, default.window, damaged);
    Project { brief, anchor_bar, window, ..default }
}

/// All that can be read, without their takes.
fn read_cues(project: &mut Project, lines: &Lines<'_>, version: u32, damaged: &mut bool) {
    *damaged |= lines.json("cue").count() > MOST_CUES;
    for json in lines.json("cue").take(MOST_CUES) {
        let cue = migrate::cue(json, version).and_then(|sheet| read_cue(sheet, lines, damaged));
        let is_placed = cue.is_some_and(|cue| {
            let is_known = project.board.cue(cue.id).is_some();
            !is_known && project.board.insert(usize::MAX, vec![cue]) == 0
        });
        *damaged |= !is_placed;
    }
}

fn read_cue(mut sheet: CueSheet, lines: &Lines<'_>, damaged: &mut bool) -> Option<Cue> {
    let picture = sheet.picture.take().map(|sheet| read_frame(sheet, lines));
    *damaged |= matches!(picture, Some(None));
    let default = Cue::new(0, None);
    sheet.bars = checked(sheet.bars, Cue::BARS.contains(&sheet.bars), default.bars, damaged);
    let is_share = sheet.influence.is_none_or(|influence| (0.0..=1.0).contains(&influence));
    sheet.influence = checked(sheet.influence, is_share, default.influence, damaged);
    (sheet.id != 0).then(|| sheet.into_cue(picture.flatten()))
}

/// All but the picture.
fn read_brief(sheet: BriefSheet, damaged: &mut bool) -> Brief {
    let default = Brief::default();
    let bars = checked(sheet.bars, range::BARS.contains(&sheet.bars), default.bars, damaged);
    let bpm = checked(sheet.bpm, sheet.bpm.is_none_or(|bpm| range::BPM.contains(&bpm)), default.bpm, damaged);
    Brief {
        prompt: sheet.prompt,
        negative: sheet.negative,
        picture: None,
        picture_words: sheet.picture_words,
        bars,
        meter: sheet.meter,
        bpm,
        key: sheet.key,
        seed: sheet.seed,
        seed_locked: sheet.seed_locked,
    }
}

fn checked<T>(value: T, is_good: bool, default: T, damaged: &mut bool) -> T {
    *damaged |= !is_good;
    if is_good { value } else { default }
}

fn read_frame(sheet: FrameSheet, lines: &Lines<'_>) -> Option<Frame> {
    let thumbnail = lines.data(&sheet.thumbnail)?;
    text::is_hash(&sheet.sha256).then(|| sheet.into_frame(thumbnail))
}

/// `None` if neither its sound nor its latents are left. A take that lost one of them stays, with the other.
fn read_take(sheet: &TakeSheet, lines: &Lines<'_>, library: &Library) -> Option<(Take, bool)> {
    let recipe = &sheet.recipe;
    let tempi = [recipe.bpm, recipe.composed_bpm, sheet.sound.bpm];
    let is_sane = sheet.id != 0
        && range::BARS.contains(&recipe.bars)
        && tempi.iter().all(|bpm| range::FITTED_BPM.contains(bpm))
        && range::RATE.contains(&sheet.sound.rate);
    let latents = lines.data(&sheet.latents);
    let (sound, mut damaged) = read_sound(&sheet.sound, lines, library);
    if !is_sane || latents.is_none() && sound.is_missing() {
        return None;
    }
    let is_tempo = |found: &Measured| range::FITTED_BPM.contains(&found.bpm) && (0.0..=1.0).contains(&found.confidence);
    let measured = sheet.measured.filter(is_tempo);
    damaged |= latents.is_none() || measured != sheet.measured;
    let take = Take {
        id: sheet.id,
        name: sheet.name.clone(),
        recipe: recipe.clone(),
        latents: latents.unwrap_or_default().into(),
        key: sheet.key,
        measured,
        seen: sheet.seen.clone(),
        sound: Arc::new(sound),
    };
    Some((take, damaged))
}

/// Also says whether it is damaged. A sound that lay in a file which is gone is not: nothing in the text is wrong.
fn read_sound(sheet: &SoundSheet, lines: &Lines<'_>, library: &Library) -> (Sound, bool) {
    let path = PathBuf::from(sheet.file.clone().unwrap_or_default());
    let link = Link { sha256: sheet.sha256.clone(), path };
    let flac = lines.data(&sheet.sha256).or_else(|| library.find(&link));
    let sound = flac.and_then(|flac| Sound::from_flac(&flac, sheet.bpm).ok());
    match (sound.filter(|sound| sound.rate == sheet.rate), &sheet.origin) {
        (Some(sound), None) => (sound, false),
        (Some(sound), Some(origin)) => match read_origin(origin, lines) {
            Some(of) => (sound.with_origin(Arc::new(of), origin.key), false),
            None => (sound, true),
        },
        (None, _) => (Sound::missing(link, sheet.rate, sheet.bpm), sheet.file.is_none() && !sheet.sha256.is_empty()),
    }
}

fn read_origin(sheet: &OriginSheet, lines: &Lines<'_>) -> Option<Sound> {
    let is_sane = range::FITTED_BPM.contains(&sheet.bpm) && range::RATE.contains(&sheet.rate);
    let flac = lines.data(&sheet.sha256).filter(|_| is_sane)?;
    Sound::from_flac(&flac, sheet.bpm).ok().filter(|sound| sound.rate == sheet.rate)
}

/// Puts a take behind the others of its cue. `false` if it found no place.
fn place_in_cue(project: &mut Project, cue: u64, take: Take) -> bool {
    if project.take(take.id).is_some() {
        return false;
    }
    let Some(cue) = project.board.cue_mut(cue) else { return false };
    let chosen = cue.chosen;
    let is_placed = cue.add(Arc::new(take));
    cue.chosen = chosen;
    is_placed
}

/// Puts a take where it was. `false` if it had to go elsewhere, or found no place.
fn place(project: &mut Project, slot: usize, mut take: Take) -> bool {
    let is_known = project.take(take.id).is_some();
    if is_known {
        take.id = project.fresh_id();
    }
    let is_free = project.takes.get(slot).is_some_and(Option::is_none);
    let place = if is_free { Some(slot) } else { project.free_slot() };
    if let Some(place) = place {
        project.takes[place] = Some(Arc::new(take));
    }
    is_free && !is_known
}
