//! Prompt to embeddings.
//!
//! ```text
//! prompt ─ Words (tokenizer) ─► ids (l) ─ T5 encoder ─► tokens (1, l, d)
//! ```

mod config;
mod cue;
mod distance;
mod encoder;
mod foreign;
mod lexicon;
mod mood;
mod negation;
mod orchestration;
mod pad;
mod reader;
mod reading;
mod settings;
mod spelling;
pub(crate) mod t5;
mod thesaurus;
mod words;

pub use config::{FeedForward, T5Config, TextConfig};
pub(crate) use cue::named;
pub use encoder::TextEncoder;
pub(crate) use foreign::in_english;
pub use mood::Mood;
pub(crate) use negation::Wish;
pub use orchestration::{Asked, Forces, Orchestration, Silenced};
pub use pad::pad;
pub use reader::Reader;
pub use reading::Reading;
pub(crate) use reading::avoid;
pub use settings::Settings;
pub(crate) use settings::read as settings;
pub use thesaurus::Placed;
