//! The project as the host saves it: text with the sound in it, which opens the same on a machine without a bundle.
//!
//! [`text`] has the format. What cannot be read is never written over: it goes back to the host as it was until the user
//! makes something new, and a copy of it lies in the [`library`].

mod exact;
pub mod flac;
pub mod library;
mod migrate;
mod parallel;
mod read;
mod sheet;
pub mod text;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::PluginState;
use parking_lot::Mutex;

pub use self::library::Library;
pub use self::read::{Reading, Trouble, read};
pub use self::write::{Written, write};
use crate::presses::Openings;
use crate::project::Project;
use crate::session::{Notice, Place, Session};
use crate::worker::fit;

/// The name of the field in the plugin's state.
const FIELD: &str = "project";
/// The parameter that makes a take.
const GENERATE: &str = "generate";
/// The version of the text that [`write()`] writes.
pub const VERSION: u32 = 3;
/// Bytes of sound and pictures, as base64, that go into a project at most.
pub const CAP: usize = 32_000_000;

/// What numbers in a project may be.
mod range {
    use std::ops::RangeInclusive;

    pub const ANCHOR_BAR: RangeInclusive<i32> = -100_000..=100_000;
    pub const WINDOW: RangeInclusive<u32> = 100..=16_384;
    /// As the engine's requests.
    pub const BARS: RangeInclusive<u32> = 1..=64;
    /// As the engine's requests.
    pub const BPM: RangeInclusive<f64> = 20.0..=300.0;
    /// Hosts go further than the engine.
    pub const FITTED_BPM: RangeInclusive<f64> = 1.0..=10_000.0;
    pub const RATE: RangeInclusive<u32> = 1_000..=655_350;
}

/// Writes the session's project as text, and reads it back.
///
/// The host may save and load from any thread but the audio thread. Neither waits for a job: the project is locked only
/// to be cloned or exchanged.
pub struct Saved {
    session: Arc<Session>,
    library: Library,
    cap: usize,
    /// What the host gave and could not be read as a whole.
    kept: Mutex<Option<Kept>>,
    remarks: Mutex<Remarks>,
}

/// A text that goes back to the host as long as the project is what was read from it.
struct Kept {
    text: Arc<String>,
    project: Project,
}

/// What the user was told.
#[derive(Default, PartialEq, Clone)]
struct Remarks {
    opening: Option<(String, bool)>,
    saving: Option<String>,
}

impl Saved {
    /// Saves and restores the project of `session`; sounds above [`CAP`] go to the user's library.
    pub fn new(session: Arc<Session>) -> Self {
        Self::with(session, Library::of_user(), CAP)
    }

    /// The same with another library and another cap, in bytes.
    pub fn with(session: Arc<Session>, library: Library, cap: usize) -> Self {
        Self { session, library, cap, kept: Mutex::default(), remarks: Mutex::default() }
    }

    /// What the host is to keep.
    pub fn text(&self) -> Arc<String> {
        let kept = self.kept.lock().as_ref().map(|kept| (kept.text.clone(), kept.project.clone()));
        let project = self.session.project.lock().clone();
        if let Some((text, _)) = kept.filter(|(_, as_read)| as_read.is_same_work(&project)) {
            return text;
        }
        let selected = self.session.params().map(|params| params.slot());
        let Written { text, remark } = write(&project, selected, self.cap, &self.library);
        self.tell(|remarks| remarks.saving = remark);
        Arc::new(text)
    }

    /// Makes what `text` says the session's project.
    pub fn open(&self, text: String) {
        let Reading { project, trouble, without_sound } = read(&text, &self.library);
        let opening = trouble.map(|trouble| (self.explain(trouble, &text), true));
        let opening = opening.or_else(|| silent(&without_sound).map(|remark| (remark, false)));
        let anchor_bar = project.anchor_bar;
        let kept = trouble.map(|_| Kept { text: Arc::new(text), project: project.clone() });
        let before = {
            let mut current = self.kept.lock();
            let before = std::mem::replace(&mut *self.session.project.lock(), project);
            (std::mem::replace(&mut *current, kept), before)
        };
        // Frees what may be a hundred megabytes, without a lock.
        drop(before);
        self.session.desk.set_anchor_bar(anchor_bar);
        // A host that plays already does not activate anew, and an offline render may begin at once.
        fit::conform(&self.session, self.session.readout.rate());
        self.tell(|remarks| *remarks = Remarks { opening, saving: None });
    }

    fn explain(&self, trouble: Trouble, text: &str) -> String {
        let what = match trouble {
            Trouble::Newer => "This project was saved by a newer MeLFusion; install that one to open it.",
            Trouble::Foreign => "What the host saved is no project of MeLFusion, or too damaged to be read.",
            Trouble::Damaged => "A part of this project is damaged; what could be read is here.",
        };
        let copy = match self.library.keep_aside(text) {
            Ok(path) => format!("A copy of it is in {}.", path.display()),
            Err(error) => format!("It could not be copied to {} ({error}).", self.library.folder().display()),
        };
        format!("{what} Until you make something here, the host keeps saving it as it was. {copy}")
    }

    fn tell(&self, change: impl FnOnce(&mut Remarks)) {
        let mut remarks = self.remarks.lock();
        let before = remarks.clone();
        change(&mut remarks);
        // Else a remark that the user has read would come back with every saving.
        if *remarks != before {
            self.session.tell(Place::Project, remarks.notice());
        }
    }
}

/// What to say about takes whose sound is gone.
fn silent(names: &[String]) -> Option<String> {
    let names = names.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ");
    let remark = format!(
        "The sound of {names} was saved in a file that is not here or has changed. Bring the library folder of the \
         computer that saved it and open the project again; or decode the take again, which needs its bundle."
    );
    (!names.is_empty()).then_some(remark)
}

impl Remarks {
    fn notice(&self) -> Option<Notice> {
        let is_error = self.opening.as_ref().is_some_and(|(_, is_error)| *is_error);
        let texts = self.opening.iter().map(|(text, _)| text.as_str()).chain(self.saving.as_deref());
        let text = texts.collect::<Vec<_>>().join("\n");
        (!text.is_empty()).then_some(Notice { place: Place::Project, text, is_error })
    }
}

/// Readies what a host saved for the framework, which sets the parameters first and hands the project to [`Saved`] then. For
/// [`Plugin::filter_state`](nice_plug::prelude::Plugin::filter_state).
pub fn prepare(state: &mut PluginState) {
    rescue(&mut state.fields);
    match state.fields.contains_key(FIELD) {
        true => Openings::begin(),
        // Without a project nobody would know that this is no press.
        false => drop(state.params.remove(GENERATE)),
    }
}

/// Makes a text of a saved field that is none, so that [`Saved`] is told and nothing is lost: the framework drops what
/// does not parse.
pub fn rescue(fields: &mut BTreeMap<String, String>) {
    if let Some(json) = fields.get_mut(FIELD)
        && serde_json::from_str::<String>(json).is_err()
    {
        *json = serde_json::Value::String(std::mem::take(json)).to_string();
    }
}

impl PersistentField<'_, String> for Saved {
    fn set(&self, text: String) {
        self.session.openings.end();
        self.open(text);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.text())
    }
}
