//! Why something is no score.

/// Something cannot be written into a score. Change it and try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {problem}")]
pub struct Error {
    /// What it is about, by the name a musician knows (`bars`, `key`, ...).
    pub what: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

pub(crate) fn refuse(what: &'static str, problem: String) -> Error {
    Error { what, problem }
}

/// `text` in quotation marks and short enough for a message.
pub(crate) fn quote(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let more = if short.len() < text.len() { "..." } else { "" };
    format!("{short:?}{more}")
}
