//! Where the user wants clips to be made: `engine.toml` in the configuration folder.
//!
//! ```toml
//! engine = "auto"                     # "host" is this process, "worker" another one
//! program = "/opt/melfusion/melfusion" # the program that the worker is; else it is looked for
//! bundle = "tango"                    # a bundle in the data folder, or its path; else the one that ships
//! ```

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use directories::ProjectDirs;
use melfusion::Error;
use serde::Deserialize;

/// The environment variable that stands above the file.
const VARIABLE: &str = "MELFUSION_ENGINE";

/// What the user has chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which engine.
    pub engine: Choice,
    /// The program that a worker is; `None` where it is installed.
    pub program: Option<PathBuf>,
    /// Name or path of the bundle that composes; `None` is `mini`.
    pub bundle: Option<String>,
}

/// Which engine makes clips.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// A worker process if it would have a GPU, else this process.
    #[default]
    Auto,
    /// This process.
    Host,
    /// A worker process, whatever it computes on.
    Worker,
}

impl Settings {
    /// Reads them, now; as they are by default where nothing is said.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if they cannot be understood.
    pub fn read() -> Result<Self, Error> {
        let path = ProjectDirs::from("", "", "melfusion").map(|project| project.config_dir().join("engine.toml"));
        let variable = env::var(VARIABLE).ok().filter(|choice| !choice.is_empty());
        Self::from(path.as_deref(), variable.as_deref())
    }

    fn from(file: Option<&Path>, variable: Option<&str>) -> Result<Self, Error> {
        let mut settings = file.map_or_else(|| Ok(Self::default()), Self::from_file)?;
        if let Some(choice) = variable {
            settings.engine = Choice::parse(choice).ok_or_else(|| Error::File {
                path: VARIABLE.into(),
                problem: format!("{choice:?} is no engine; set it to auto, host or worker"),
            })?;
        }
        Ok(settings)
    }

    fn from_file(path: &Path) -> Result<Self, Error> {
        let problem = |problem: String| Error::File { path: path.into(), problem };
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                // The first line is a position; the rest draws it for terminals.
                let what = error.message().lines().next().unwrap_or_default().to_owned();
                problem(format!(
                    "{what}; write engine = \"auto\", \"host\" or \"worker\", program = a path, bundle = a name or path"
                ))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(problem(format!("cannot be read ({error})"))),
        }
    }
}

impl Choice {
    fn parse(text: &str) -> Option<Self> {
        [("auto", Self::Auto), ("host", Self::Host), ("worker", Self::Worker)]
            .into_iter()
            .find_map(|(name, choice)| (name == text).then_some(choice))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_variable_stands_above_the_file_and_the_file_above_what_is_usual() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("engine.toml");
        let read = |variable| Settings::from(Some(&file), variable).unwrap();
        assert_eq!(read(None), Settings::default());
        fs::write(&file, "engine = \"host\"\nprogram = \"/x/melfusion\"\nbundle = \"tango\"\n").unwrap();
        let (program, bundle) = (Some("/x/melfusion".into()), Some("tango".into()));
        assert_eq!(read(None), Settings { engine: Choice::Host, program, bundle });
        assert_eq!(read(Some("worker")).engine, Choice::Worker);
        assert_eq!(Settings::from(None, Some("auto")).unwrap().engine, Choice::Auto);
    }

    #[test]
    fn what_cannot_be_understood_is_named_with_what_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("engine.toml");
        for text in ["engine = \"gpu\"", "motor = \"host\"", "engine"] {
            fs::write(&file, text).unwrap();
            let error = Settings::from(Some(&file), None).unwrap_err().to_string();
            assert!(error.contains("engine.toml") && error.contains("\"worker\""), "{error}");
        }
        let error = Settings::from(None, Some("gpu")).unwrap_err().to_string();
        assert!(error.contains(VARIABLE) && error.contains("host or worker"), "{error}");
    }
}
