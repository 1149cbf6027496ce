//! `melfusion render`.

use std::path::Path;
use std::process::ExitCode;

use melfusion::audio::wav;
use melfusion::bundle::Bundle;
use melfusion::clip::{Clip, Recipe, State};
use melfusion::engine::Redecoding;
use melfusion::error::Error;
use melfusion::request::{Request, RequestFields};

use super::args::Render;
use super::destination::Destination;
use super::studio::Studio;

/// Reads what a clip was made of, finds a bundle that can make sound of it and has it do so.
pub fn run(args: &Render) -> anyhow::Result<ExitCode> {
    let mut state = Clip::read_state(&args.clip)?;
    let problem = || format!("{} has no notes in it; only clips whose bundle composes notes have", args.clip.display());
    if let Some(mix) = &args.mix {
        let score = state.score.as_ref().ok_or_else(|| Error::Request { what: "--mix", problem: problem() })?;
        state.score = Some(mix.apply(score).map_err(Error::from)?);
    }
    args.run.export.check(state.score.is_some(), problem)?;
    let sample_rate = match args.rate {
        Some(rate) => rate,
        None => wav::read(&args.clip)?.sample_rate(),
    };
    check(args, &state.recipe, sample_rate)?;
    let bundle = find_bundle(args.run.setup.bundle.as_deref(), &state, &args.clip)?;
    let destination = Destination::new(&args.run, 1);
    destination.check(None)?;
    let to = Redecoding { bpm: args.bpm, key: args.key, sample_rate };
    let mut studio = Studio::open(&bundle, &args.run.setup)?;
    studio.record(String::new(), &destination.files(0), |engine, watch| engine.redecode(&state, to, watch))?;
    studio.close()?;
    Ok(ExitCode::SUCCESS)
}

/// What is asked for has the ranges of a new request; and so must the recipe, which comes from a file.
fn check(args: &Render, recipe: &Recipe, sample_rate: u32) -> Result<(), Error> {
    Request::new(RequestFields {
        bars: recipe.bars,
        meter: recipe.meter,
        bpm: args.bpm.unwrap_or(recipe.bpm),
        sample_rate,
        ..Default::default()
    })
    .map(drop)
}

/// The bundle that was named, else the one whose hash the recipe has, else of notes any that plays notes. A name in a file
/// is not followed: it may be a path to anywhere.
fn find_bundle(named: Option<&str>, state: &State, clip: &Path) -> Result<Bundle, Error> {
    if named.is_some() {
        return Bundle::find(named);
    }
    let made_it = |bundle: &&Bundle| bundle.hash() == state.recipe.bundle_sha256;
    let recipe = &state.recipe;
    let bundles: Vec<Bundle> = Bundle::list().into_iter().flatten().collect();
    let can_play = |bundle: &&Bundle| state.score.is_some() && bundle.manifest().plays_notes();
    let found = bundles.iter().find(made_it).or_else(|| bundles.iter().find(can_play));
    found.cloned().ok_or_else(|| Error::File {
        path: clip.to_path_buf(),
        problem: format!(
            "was made by a bundle called {:?} that is not installed (hash {:.12}); give its folder with --bundle, unless it is of \
             a version before 0.12.0: those are no longer read, and the clip keeps the sound that it has",
            recipe.bundle, recipe.bundle_sha256
        ),
    })
}
