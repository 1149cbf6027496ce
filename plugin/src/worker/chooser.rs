//! Chooses where clips are made: in a worker process that has a GPU, if there is one, else in this process.
//!
//! Chosen when a composer is needed, never before: looking for a GPU takes time. A worker that ends takes only its job
//! with it, and the next job starts another; if that ends, too, the job after it is made here.

use melfusion::progress::Progress;
use melfusion::service::{Client, ENGINE, PROTOCOL, Place, Program};
use melfusion::{Bundle, Error};

use super::composer::{Composer, Deaths, Source, find};
use super::settings::{Choice, Settings};

/// Workers that may end under a job, one after the other, before clips are made here.
const MOST_DEATHS: u32 = 2;

/// Chooses anew whenever a composer is needed.
pub struct Chooser {
    /// `None` is read from the user's file each time.
    settings: Option<Settings>,
    /// `None` is the user's own.
    place: Option<Place>,
    /// Workers that ended under their job since one was last done.
    deaths: Deaths,
}

impl Chooser {
    /// As the user's settings say.
    pub fn of_user() -> Self {
        Self { settings: None, place: None, deaths: Deaths::default() }
    }

    /// As these settings say; a worker is found at `place`.
    pub fn new(settings: Settings, place: Place) -> Self {
        Self { settings: Some(settings), place: Some(place), ..Self::of_user() }
    }

    /// A program that would have a GPU.
    ///
    /// # Errors
    ///
    /// Why there is none, for people.
    fn gpu(settings: &Settings) -> Result<Program, String> {
        let program = program(settings).ok_or("There is no melfusion program to make clips on a GPU.")?;
        let path = program.path().display().to_string();
        let probe = program.probe().map_err(|error| sentence(&error))?;
        if (probe.engine.as_str(), probe.protocol) != (ENGINE, PROTOCOL) {
            return Err(format!("{path} is version {}, and this plugin {ENGINE}: install both anew.", probe.engine));
        }
        if probe.is_gpu { Ok(program) } else { Err(format!("{path} finds no GPU.")) }
    }

    fn settings(&self) -> Result<Settings, Error> {
        self.settings.clone().map_or_else(Settings::read, Ok)
    }

    fn bundle(&self) -> Result<Bundle, Error> {
        find(self.settings()?.bundle.as_deref())
    }

    fn auto(&self, settings: &Settings, bundle: Bundle, progress: &dyn Progress) -> Result<Composer, Error> {
        if self.deaths.count() >= MOST_DEATHS {
            // Whoever unloads it and generates again has it tried again.
            self.deaths.forget();
            let why = format!("The worker process ended under {MOST_DEATHS} clips, one after the other.");
            return Composer::on_cpu(bundle, why, progress);
        }
        let program = match Self::gpu(settings) {
            Ok(program) => program,
            Err(why) => return Composer::on_cpu(bundle, why, progress),
        };
        self.worker(Some(program), &bundle, String::new(), progress).or_else(|error| match error {
            Error::Worker { .. } => Composer::on_cpu(bundle, sentence(&error), progress),
            error => Err(error),
        })
    }

    /// A worker process composes.
    fn worker(
        &self,
        program: Option<Program>,
        bundle: &Bundle,
        why: String,
        progress: &dyn Progress,
    ) -> Result<Composer, Error> {
        let place = self.place.clone().map_or_else(Place::of_user, Ok)?;
        let client = Client::new(place, program, Some(bundle.into()));
        Composer::elsewhere(client, why, self.deaths.clone(), progress)
    }
}

impl Source for Chooser {
    fn hash(&self) -> Result<String, Error> {
        Ok(self.bundle()?.hash().to_string())
    }

    fn describes_pictures(&self) -> bool {
        self.bundle().is_ok_and(|bundle| bundle.manifest().image.words)
    }

    fn plays_notes(&self) -> bool {
        self.bundle().is_ok_and(|bundle| bundle.manifest().decoder.config.bank().is_some())
    }

    fn load(&self, progress: &dyn Progress) -> Result<Composer, Error> {
        let settings = self.settings()?;
        let bundle = find(settings.bundle.as_deref())?;
        let why = || "Your settings say so.".into();
        match settings.engine {
            Choice::Auto => self.auto(&settings, bundle, progress),
            Choice::Host => Composer::on_cpu(bundle, why(), progress),
            Choice::Worker => self.worker(program(&settings), &bundle, why(), progress),
        }
    }
}

fn program(settings: &Settings) -> Option<Program> {
    settings.program.clone().map(Program::at).or_else(Program::find)
}

fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use melfusion::progress::Silent;

    use super::*;

    fn chooser(bundle: &str) -> Chooser {
        let settings = Settings { engine: Choice::Host, bundle: Some(bundle.into()), ..Settings::default() };
        Chooser { settings: Some(settings), ..Chooser::of_user() }
    }

    #[test]
    fn the_bundle_is_the_one_that_the_settings_name() {
        let chooser = chooser(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/wave"));
        let bundle = Bundle::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/wave")).unwrap();
        assert_eq!(chooser.hash().unwrap(), bundle.hash());
        let said = chooser.load(&Silent).unwrap().bundle;
        assert!(said.starts_with(&bundle.manifest().name), "{said}");
    }

    #[test]
    fn a_bundle_that_is_not_there_is_named() {
        let error = chooser("no-such-bundle").hash().unwrap_err().to_string();
        assert!(error.contains("no-such-bundle"), "{error}");
    }
}
