//! The bundle inside the library: the plugin is then one file, and the first run needs no installation.

use super::broken;
use crate::error::Error;

/// What stands for a folder in messages.
pub(super) const LOCATION: &str = "built-in/mini";

#[cfg(feature = "embed-mini")]
macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/mini/", $name)))),*]
    };
}

/// Names with contents; empty in a build without the feature.
#[cfg(feature = "embed-mini")]
pub(super) const FILES: &[(&str, &[u8])] = embed![
    "manifest.toml",
    "tokenizer.json",
    "text.safetensors",
    "image.safetensors",
    "music.safetensors",
    "synapse.safetensors",
    "decoder.safetensors",
    "instruments.sf3",
];

/// Names with contents; empty in a build without the feature.
#[cfg(not(feature = "embed-mini"))]
pub(super) const FILES: &[(&str, &[u8])] = &[];

pub(super) fn find(files: &[(&str, &'static [u8])], name: &str) -> Result<&'static [u8], Error> {
    match files.iter().find(|(other, _)| *other == name) {
        Some((_, bytes)) => Ok(bytes),
        None => Err(broken(format!("{LOCATION}/{name}"), "not built in; name the bundle's folder instead")),
    }
}
