//! `melfusion storyboard`.

mod beds;
mod notes;
mod report;
mod tracks;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use melfusion::bundle::Bundle;
use melfusion::error::Error;
use melfusion::progress::{Progress, Silent};
use melfusion::storyboard::{Board, Draft, Import, TempoMap};
use melfusion::{Clip, Engine};

use self::beds::Beds;
use self::report::Report;
use super::args::{self, Storyboard};
use super::watch::{self, Watch};
use super::{cancel, studio};

/// Reads the board, makes the cues that are not there yet and mixes them.
pub fn run(args: &Storyboard) -> anyhow::Result<ExitCode> {
    let draft = read(args)?;
    if !args.setup.quiet && !args.setup.json {
        report::say_import(&draft)?;
    }
    let bundle = Bundle::find(args.setup.bundle.as_deref())?;
    notes::check(args, bundle.manifest().plays_notes(), &bundle.manifest().name)?;
    // Before it is saved, so that what is saved can be scored.
    let board = draft.board(&bundle.manifest().defaults)?;
    let chosen = chosen(args, &board)?;
    if let Some(path) = &args.save {
        save(&draft, path)?;
    }
    let Some(out) = &args.out else { return Ok(ExitCode::SUCCESS) };
    let beds = Beds::open(out, &board, args.setup.format.into())?;
    let (engine, load_ms) = studio::load(&bundle, &args.setup)?;
    let mut report = Report::new(&engine, &args.setup, load_ms);
    let clips = score(&engine, &beds, args, (&chosen, &mut report))?;
    finish(&engine, &beds, &clips, args, &mut report)?;
    report.close()?;
    Ok(ExitCode::SUCCESS)
}

fn read(args: &Storyboard) -> Result<Draft, Error> {
    let args::Import { bpm, meter, bars, fps, key, style, transition, seed, steps } = &args.import;
    let says = [
        ("--bpm", bpm.is_some()),
        ("--meter", meter.is_some()),
        ("--bars", bars.is_some()),
        ("--fps", fps.is_some()),
        ("--key", key.is_some()),
        ("--style", style.is_some()),
        ("--transition", transition.is_some()),
        ("--seed", seed.is_some()),
        ("--steps", steps.is_some()),
    ];
    let is_written = args.board.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    if let Some((option, _)) = says.iter().find(|(_, said)| is_written && *said) {
        let problem = format!("{option} is for boards that are no .toml; write it into the file");
        return Err(Error::File { path: args.board.clone(), problem });
    }
    let library = Import::default();
    let import = Import {
        tempo: bpm.map_or(Ok(TempoMap::default()), TempoMap::constant)?,
        meter: meter.unwrap_or_default(),
        bars: bars.unwrap_or(library.bars),
        fps: *fps,
    };
    let mut draft = Draft::read(&args.board, &import)?;
    let sheet = &mut draft.sheet;
    sheet.key = key.or(sheet.key);
    sheet.style = style.clone().unwrap_or(std::mem::take(&mut sheet.style));
    sheet.transition = transition.unwrap_or(sheet.transition);
    sheet.seed = seed.unwrap_or(sheet.seed);
    sheet.steps = steps.or(sheet.steps);
    Ok(draft)
}

/// Cues to make, from 0, in order.
fn chosen(args: &Storyboard, board: &Board) -> Result<Vec<usize>, Error> {
    let count = board.cues.len();
    if let Some(wrong) = args.cue.iter().find(|cue| !(1..=count).contains(cue)) {
        let problem = format!("{wrong} is not on the board; give a number from 1 to {count}");
        return Err(Error::Request { what: "cue", problem });
    }
    Ok((0..count).filter(|index| args.cue.is_empty() || args.cue.contains(&(index + 1))).collect())
}

fn save(draft: &Draft, path: &Path) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    melfusion::files::replace(path, |file| file.write_all(draft.to_toml(folder).as_bytes()))
}

/// One clip per cue; `None` where it was neither there nor chosen.
fn score(
    engine: &Engine,
    beds: &Beds<'_>,
    args: &Storyboard,
    (chosen, report): (&[usize], &mut Report<'_>),
) -> anyhow::Result<Vec<Option<Clip>>> {
    let kept = beds.kept();
    let count = beds.board().cues.len();
    let mut made: Vec<Option<Clip>> = Vec::with_capacity(count);
    for index in 0..count {
        let watch = Watch::new(watch::style(&args.setup), format!("cue {}/{count}: ", index + 1));
        let score = |of: usize| made.get(of).and_then(Option::as_ref).and_then(|clip: &Clip| clip.score.as_ref());
        let board = beds.board().with_reprise(index, score);
        let mut clip = None;
        if let Some(found) = kept.find(engine, (beds, &board), index) {
            let kept = beds.keep(engine, index, found, &watch)?;
            report.cue(beds, index, (&kept, watch.finish(), true))?;
            clip = Some(kept);
        } else if chosen.contains(&index) {
            if watch.is_cancelled() {
                return Err(Error::Cancelled.into());
            }
            report.reading(index, &board.request(index))?;
            let composed = engine.score(&board, index, &watch);
            let timings = watch.finish();
            let composed = composed?;
            beds.write(index, &composed)?;
            report.cue(beds, index, (&composed, timings, false))?;
            clip = Some(composed);
        }
        made.push(clip);
    }
    Ok(made)
}

/// Everything that is of all cues together.
fn finish(
    engine: &Engine,
    beds: &Beds<'_>,
    clips: &[Option<Clip>],
    args: &Storyboard,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let missing = clips.iter().filter(|clip| clip.is_none()).count();
    report.notes(notes::write(engine, beds, clips, args)?)?;
    if missing > 0 {
        return report.say(&format!("no bed yet: {missing} of {} cues are still to be made", clips.len()));
    }
    let watch = Watch::new(watch::style(&args.setup), "bed: ".into());
    let bed = engine.bed(beds.board(), clips, &watch);
    watch.finish();
    let bed = bed?;
    let _writing = cancel::writing();
    if cancel::asked() {
        return Err(Error::Cancelled.into());
    }
    let sheets = beds.write_bed(&bed, clips)?;
    let projects = tracks::write(engine, beds, (clips, &bed), args, &Silent)?;
    report.bed(beds, &bed, (sheets, projects))
}
