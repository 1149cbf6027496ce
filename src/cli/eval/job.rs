//! The lines of an evaluation set: one clip to make each.

use std::fs;
use std::path::{Path, PathBuf};

use melfusion::error::Error;
use melfusion::request::{Key, Meter, Request, RequestFields};
use serde::{Deserialize, Serialize};

use super::{SET, Settings};

/// One clip to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Names the clip's file.
    pub id: String,
    /// How the clip is asked for; clips of one way are measured together.
    pub way: String,
    /// Number within the way, from 0.
    pub clip: u32,
    bars: u32,
    meter: Meter,
    bpm: f64,
    #[serde(flatten)]
    pub make: Make,
}

/// What to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "make", rename_all = "lowercase")]
pub enum Make {
    /// Compose from words and a picture.
    Compose { prompt: String, picture: Option<PathBuf>, key: Option<Key>, seed: u64 },
    /// Play a score that is there.
    Score { score: PathBuf, seed: u64 },
}

impl Job {
    /// The request without its picture. That of a score has no words.
    pub fn fields(&self, settings: &Settings) -> RequestFields {
        let Settings { steps, guidance, influence, sampler } = *settings;
        let (bars, meter, bpm) = (self.bars, self.meter, self.bpm);
        let length = RequestFields { bars, meter, bpm, steps, guidance, influence, sampler, ..Default::default() };
        match &self.make {
            Make::Compose { prompt, key, seed, .. } => {
                RequestFields { prompt: prompt.clone(), key: *key, seed: *seed, ..length }
            }
            Make::Score { seed, .. } => RequestFields { seed: *seed, ..length },
        }
    }

    /// The file that the clip is made from, in the folder `set`.
    pub fn source(&self, set: &Path) -> Option<PathBuf> {
        match &self.make {
            Make::Compose { picture, .. } => picture.as_ref().map(|picture| set.join(picture)),
            Make::Score { score, .. } => Some(set.join(score)),
        }
    }

    fn check(&self, set: &Path, settings: &Settings) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if self.id.is_empty() || !self.id.chars().all(plain) {
            return Err(format!("the id {:?} is no file name; use letters, digits, _ and -", self.id));
        }
        Request::new(self.fields(settings)).map_err(|error| error.to_string())?;
        match self.source(set) {
            Some(source) if !source.is_file() => Err(format!("{} is missing; prepare the set again", source.display())),
            _ => Ok(()),
        }
    }
}

/// Reads and checks all lines of the set in a folder.
///
/// # Errors
///
/// [`Error::File`], which names the line.
pub fn read(set: &Path, settings: &Settings) -> Result<Vec<Job>, Error> {
    let path = set.join(SET);
    let fail = |problem: String| Error::File { path: path.clone(), problem };
    let text = fs::read_to_string(&path)
        .map_err(|error| fail(format!("cannot be read ({error}); make a set with evaluate.py prepare")))?;
    let mut jobs: Vec<Job> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fail = |problem: String| fail(format!("line {}: {problem}", number + 1));
        let job: Job = serde_json::from_str(line).map_err(|error| fail(format!("{error}; prepare the set again")))?;
        job.check(set, settings).map_err(fail)?;
        if jobs.iter().any(|other| other.id == job.id) {
            return Err(fail(format!("the id {} is there twice", job.id)));
        }
        jobs.push(job);
    }
    if jobs.is_empty() {
        return Err(fail("is empty; make a set with evaluate.py prepare".into()));
    }
    Ok(jobs)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use melfusion::request::SamplerKind;

    use super::*;

    const FINE: &str = r#"{"id": "a_0", "way": "a", "clip": 0, "make": "compose", "prompt": "", "picture": null, "key": "F# minor", "bars": 4, "meter": "3/4", "bpm": 90, "seed": 3, "about": {"x": 1}}"#;

    fn reading(lines: &str) -> Result<Vec<Job>, String> {
        let set = tempfile::tempdir().unwrap();
        fs::write(set.path().join(SET), lines).unwrap();
        let settings = Settings { steps: 2, guidance: 1.0, influence: 1.0, sampler: SamplerKind::default() };
        read(set.path(), &settings).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_only_measured_is_passed_over() {
        let jobs = reading(FINE).unwrap();
        assert!(matches!(jobs[0].make, Make::Compose { key: Some(_), seed: 3, .. }));
    }

    #[test]
    fn faults_are_told_with_their_line() {
        let faults = [
            ("{", "EOF"),
            (&FINE.replace("\"seed\": 3", "\"seed\": -3"), "-3"),
            (&FINE.replace("compose", "sing"), "sing"),
            (&FINE.replace("F# minor", "H"), "key"),
            (&FINE.replace("\"bars\": 4", "\"bars\": 0"), "bars"),
            (&FINE.replace("a_0", "../a"), "file name"),
            (&FINE.replace("a_0", "first"), "twice"),
            (&FINE.replace("null", "\"no.png\""), "no.png is missing"),
            (
                &FINE.replace("compose", "score").replace("\"prompt\": \"\"", "\"score\": \"no.json\""),
                "no.json is missing",
            ),
        ];
        let first = FINE.replace("a_0", "first");
        for (line, word) in faults {
            let error = reading(&format!("{first}\n\n{line}\n")).unwrap_err();
            assert!(error.contains("set.jsonl: line 3: ") && error.contains(word), "{error}");
        }
        assert!(reading("\n").unwrap_err().contains("empty"));
    }
}
