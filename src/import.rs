//! Bundles of full-size public weights, from files that the user has.
//!
//! ```text
//! Tango folder ──────────── pytorch_model_main.bin ─► text.safetensors, music.safetensors
//!                           pytorch_model_vae.bin ──► decoder.safetensors
//! Stable Diffusion folder ─ unet/, vae/ ────────────► image.safetensors
//!                           text_encoder/ on "" ────┘
//! FLAN-T5 tokenizer ────────────────────────────────► tokenizer.json
//! ```
//!
//! What a stage needs, the stage itself says: it is built once on tensors without contents, and what it asks for, by name
//! and shape, is what is copied (`needed`). Weights are copied one tensor at a time, so that memory stays far below the
//! size of the files, and rounded to f16 on the way. Pickles are read with candle's reader, which knows tensors and
//! nothing that could be executed.

mod clip;
mod diffusers;
mod folder;
mod json;
mod licence;
mod manifest;
mod needed;
mod plan;
mod published;
mod source;
mod tango;
mod write;

pub use licence::{LICENCES, Licence};
pub use plan::{Copied, Plan};

use crate::error::Error;
use std::path::{Path, PathBuf};

/// Where the parts of a bundle are.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Folder of a model of the Tango family.
    pub tango: PathBuf,
    /// Folder of Stable Diffusion 2.1, in diffusers' layout.
    pub stable_diffusion: PathBuf,
    /// FLAN-T5's `tokenizer.json`, or the folder that it is in; a `config.json` beside it is read too.
    pub tokenizer: PathBuf,
    /// A safetensors file with trained shares of the picture, `alpha (layers,)`; without one they are 0, and the picture
    /// speaks through words.
    pub alpha: Option<PathBuf>,
}

fn bad(path: impl AsRef<Path>, problem: impl Into<String>) -> Error {
    Error::File { path: path.as_ref().to_path_buf(), problem: problem.into() }
}

/// Of what candle says of a file.
fn unreadable(path: &Path) -> impl Fn(candle_core::Error) -> Error + '_ {
    move |error| bad(path, format!("cannot be read ({error}); download it again"))
}
