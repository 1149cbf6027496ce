//! `melfusion generate`.

use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;

use melfusion::bundle::{Bundle, Defaults};
use melfusion::error::Error;
use melfusion::image::Picture;
use melfusion::request::{Request, RequestFields};
use melfusion::text::Settings;

use super::args::Generate;
use super::destination::Destination;
use super::keep::Kept;
use super::studio::Studio;
use super::{arrange, keep, prompt, terminal};

/// Checks what can be checked at once, then loads the bundle and makes the takes.
pub fn run(args: &Generate) -> anyhow::Result<ExitCode> {
    let kept = keep::read(args)?;
    let request = request(args, kept.as_ref())?;
    let seeds = seeds(request.seed, args.takes)?;
    let destination = Destination::new(&args.run, args.takes);
    let picture = args.image.as_deref().map(Picture::open).transpose()?;
    let bundle = Bundle::find(args.run.setup.bundle.as_deref())?;
    args.run.export.check(bundle.manifest().plays_notes(), || {
        format!(
            "the bundle {} composes sound and no notes; leave it out or choose another bundle",
            bundle.manifest().name
        )
    })?;
    arrange::check(&args.arrange, &bundle)?;
    destination.check(args.image.as_deref())?;
    let fields = RequestFields { picture, ..with_defaults(request, args, &bundle.manifest().defaults) };
    // Before loading: the bundle's own numbers may be out of range too.
    Request::new(fields.clone())?;
    let mut studio = Studio::open(&bundle, &args.run.setup)?;
    let request = Request::new(fields.clone())?;
    studio.say_reading(&request)?;
    studio.say_picture(&request);
    studio.say_arranged(arrange::remarks(&args.arrange, &request));
    studio.say_sketch(kept.and_then(|kept| kept.sketch));
    for (take, seed) in (0..args.takes).zip(seeds) {
        let request = Request::new(RequestFields { seed, ..fields.clone() })?;
        let label = if args.takes == 1 { String::new() } else { format!("take {}/{}: ", take + 1, args.takes) };
        let made_by =
            studio.record(label, &destination.files(take), |engine, watch| engine.generate(&request, watch))?;
        if made_by != seed && !args.run.setup.quiet && !args.run.setup.json {
            terminal::warn(&format!("seed {seed} made nothing to listen to; seed {made_by} took its place"));
        }
    }
    studio.close()?;
    Ok(ExitCode::SUCCESS)
}

/// What was typed, without the picture and the bundle, which take longer to check.
fn request(args: &Generate, kept: Option<&Kept>) -> Result<Request, Error> {
    let library = RequestFields::default();
    let was = kept.map(|kept| &kept.keep.score);
    let prompt = match &args.prompt_file {
        Some(path) => prompt::read(path)?,
        None => args.prompt.clone(),
    };
    let said = Settings::new(&prompt);
    let bpm = args.bpm.or(said.bpm).or(was.map(|was| was.bpm)).unwrap_or(library.bpm);
    let meter = args.meter.or(said.meter).or(was.map(|was| was.meter)).unwrap_or(library.meter);
    Request::new(RequestFields {
        prompt,
        negative: args.negative.clone(),
        picture: None,
        picture_words: args.picture_words.clone(),
        bars: args.bars.or(said.bars).or(was.map(|was| was.bars)).unwrap_or(library.bars),
        meter,
        bpm,
        key: args.key.or(said.key).or(kept.and_then(|kept| kept.key)),
        seed: args.seed.unwrap_or_else(random_seed),
        steps: args.steps.unwrap_or(library.steps),
        guidance: args.guidance.unwrap_or(library.guidance),
        influence: args.influence,
        sample_rate: args.rate,
        sampler: args.sampler.unwrap_or(library.sampler),
        synapse: args.synapse,
        parts: args.parts.clone(),
        keep: kept.map(|kept| kept.keep.clone()),
        arrangement: arrange::read(&args.arrange, bpm, meter)?,
    })
}

/// The bundle's own numbers where none were typed.
fn with_defaults(request: Request, args: &Generate, bundle: &Defaults) -> RequestFields {
    RequestFields {
        steps: args.steps.unwrap_or(bundle.steps as u32),
        guidance: args.guidance.unwrap_or(bundle.guidance),
        sampler: args.sampler.unwrap_or(bundle.sampler),
        ..request.into_fields()
    }
}

/// One seed per take, ascending.
fn seeds(first: u64, takes: u32) -> Result<std::ops::RangeInclusive<u64>, Error> {
    match first.checked_add(u64::from(takes) - 1) {
        Some(last) => Ok(first..=last),
        None => Err(Error::Request {
            what: "seed",
            problem: format!("{first} leaves no room for {takes} takes; give a smaller one"),
        }),
    }
}

/// Short enough to type again. The standard library seeds its hash maps from the system's randomness.
fn random_seed() -> u64 {
    RandomState::new().hash_one(()) & 0xFFFF_FFFF
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn takes_have_seeds_in_a_row_as_long_as_there_are_any() {
        assert_eq!(seeds(7, 3).unwrap().collect::<Vec<_>>(), [7, 8, 9]);
        assert_eq!(seeds(u64::MAX, 1).unwrap().collect::<Vec<_>>(), [u64::MAX]);
        assert!(seeds(u64::MAX, 2).is_err());
    }

    #[test]
    fn random_seeds_differ() {
        assert_ne!((random_seed(), random_seed()), (random_seed(), random_seed()));
    }
}
