//! Prompt to embeddings.
//!
//! ```text
//! prompt ─ Words (tokenizer) ─► ids (l) ─ T5 encoder ─► tokens (1, l, d)
//! ```

mod config;
mod distance;
mod encoder;
mod lexicon;
mod negation;
mod orchestration;
mod pad;
mod reader;
mod reading;
mod spelling;
pub(crate) mod t5;
mod words;

pub use config::{FeedForward, T5Config, TextConfig};
pub use encoder::TextEncoder;
pub(crate) use negation::Wish;
pub use orchestration::{Asked, Forces, Orchestration, Silenced};
pub use pad::pad;
pub use reader::Reader;
pub use reading::Reading;
pub(crate) use reading::avoid;
