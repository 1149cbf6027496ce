//! A model on disk: a folder with a `manifest.toml` and safetensors, f16 on disk.
//!
//! [`Manifest`] documents the folder's format. Bundles may come from anywhere, so nothing in one is believed before it
//! is checked: opening looks at the manifest and at the presence and size of the files, loading refuses numbers that
//! are not finite, and [`Bundle::verify`] checks everything, hashes included.
//!
//! Files are read into memory rather than mapped: mapping is `unsafe` (whoever truncates a mapped file kills the
//! process, and with it the host), and of the few megabytes that we ship every byte is converted to f32 anyway.

mod embedded;
mod integrity;
mod manifest;
mod places;

pub use manifest::{
    DecoderManifest, Defaults, FileEntry, Guide, ImageManifest, Latent, Manifest, MusicManifest, SynapseManifest,
    TextManifest,
};
pub use places::places;

use crate::error::Error;
use crate::hash;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use parking_lot::Mutex;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The manifest's name in the folder.
const MANIFEST: &str = "manifest.toml";

/// Longest manifest that is read, in bytes.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The name of the bundle that ships with the product.
pub const MINI: &str = "mini";

/// A model on disk, opened.
#[derive(Debug, Clone)]
pub struct Bundle {
    manifest: Manifest,
    /// Of the manifest's text, in hexadecimal.
    hash: String,
    source: Source,
    /// When files were last changed whose contents have been checked; components may be read many times.
    checked: Arc<Mutex<HashMap<String, SystemTime>>>,
}

/// Where the bytes are.
#[derive(Debug, Clone)]
enum Source {
    Folder(PathBuf),
    /// Names with contents.
    Embedded(&'static [(&'static str, &'static [u8])]),
}

impl Bundle {
    /// Opens the bundle in the folder `dir`: reads its manifest and checks that every file the stages need is there
    /// and of the right size. Weights are not read yet.
    ///
    /// # Errors
    ///
    /// [`Error::Bundle`], which names the file and what to do.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = dir.as_ref();
        if !dir.is_dir() {
            return Err(broken(dir, "no such folder; give the folder that holds the bundle's manifest.toml"));
        }
        let path = dir.join(MANIFEST);
        let text = read_at_most(&path, MAX_MANIFEST_BYTES)?;
        if text.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(broken(path, "over a megabyte long, which no manifest is; choose another bundle"));
        }
        Self::from_source(Source::Folder(dir.to_path_buf()), &text)
    }

    /// Opens the bundle that this build carries inside itself (feature `embed-mini`).
    ///
    /// # Errors
    ///
    /// [`Error::Bundle`] if the build carries none.
    pub fn mini() -> Result<Self, Error> {
        let source = Source::Embedded(embedded::FILES);
        match embedded::FILES.iter().find(|(name, _)| *name == MANIFEST) {
            Some((_, text)) => Self::from_source(source, text),
            None => Err(broken(MINI, "this build carries no bundle; name a bundle's folder")),
        }
    }

    fn from_source(source: Source, text: &[u8]) -> Result<Self, Error> {
        let path = source.path(MANIFEST);
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(broken(path, "not text; install the bundle again"));
        };
        let manifest = Manifest::parse(text).map_err(|problem| broken(path, problem))?;
        // A checkout on Windows may have changed the line ends, which makes it no other bundle.
        let hash = hash::sha256(text.replace('\r', "").as_bytes());
        let bundle = Self { manifest, hash, source, checked: Arc::default() };
        for name in bundle.manifest.stage_files() {
            bundle.check_size(name)?;
        }
        Ok(bundle)
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder, or `built-in/mini`, which is none.
    pub fn location(&self) -> &Path {
        match &self.source {
            Source::Folder(dir) => dir,
            Source::Embedded(_) => Path::new(embedded::LOCATION),
        }
    }

    /// The folder; `None` if the bundle is built in.
    #[cfg(feature = "service")]
    pub(crate) fn folder(&self) -> Option<&Path> {
        matches!(self.source, Source::Folder(_)).then(|| self.location())
    }

    /// Identifies the bundle: the SHA-256 of its manifest, which holds those of all files, in hexadecimal.
    ///
    /// Not of the table of files alone, since the same weights under another schedule make other music.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// A file's contents; its size has been checked, its hash has not.
    ///
    /// # Errors
    ///
    /// The manifest does not list it, it cannot be read or it has another size.
    pub fn bytes(&self, name: &str) -> Result<Cow<'static, [u8]>, Error> {
        let entry = self.entry(name)?;
        let bytes = match &self.source {
            Source::Folder(dir) => Cow::Owned(read_at_most(&dir.join(name), entry.bytes)?),
            Source::Embedded(files) => Cow::Borrowed(embedded::find(files, name)?),
        };
        self.require_size(name, bytes.len() as u64, entry.bytes)?;
        Ok(bytes)
    }

    /// The tensors of a file, as `dtype` on `device`; each is converted when a layer asks for it.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes); the file is no safetensors file, or holds a number that is not finite.
    pub fn weights(&self, name: &str, dtype: DType, device: &Device) -> Result<VarBuilder<'static>, Error> {
        let weights = match self.checked_bytes(name)? {
            Cow::Borrowed(bytes) => VarBuilder::from_slice_safetensors(bytes, dtype, device),
            Cow::Owned(bytes) => VarBuilder::from_buffered_safetensors(bytes, dtype, device),
        };
        weights.map_err(|error| broken(self.source.path(name), format!("cannot be loaded ({error})")))
    }

    /// As [`bytes`](Self::bytes); also the hash has been checked, and the tensors if there are any.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes) and [`verify_file`](Self::verify_file).
    pub fn checked_bytes(&self, name: &str) -> Result<Cow<'static, [u8]>, Error> {
        let changed = self.changed(name);
        let bytes = self.bytes(name)?;
        if changed.is_none() || self.checked.lock().get(name) != changed.as_ref() {
            self.check_contents(name, &bytes)?;
            changed.map(|changed| self.checked.lock().insert(name.into(), changed));
        }
        Ok(bytes)
    }

    /// Checks every file that the manifest lists; of the built-in bundle, every file that the stages need.
    ///
    /// # Errors
    ///
    /// The first problem found; see [`verify_file`](Self::verify_file).
    pub fn verify(&self) -> Result<(), Error> {
        self.files().into_iter().try_for_each(|name| self.verify_file(name))
    }

    /// The files that [`verify`](Self::verify) checks.
    pub fn files(&self) -> Vec<&str> {
        match self.source {
            Source::Folder(_) => self.manifest.files.keys().map(String::as_str).collect(),
            Source::Embedded(_) => self.manifest.stage_files(),
        }
    }

    /// Checks one file: there, of the right size and SHA-256, and if it holds tensors, all within the file and finite.
    ///
    /// # Errors
    ///
    /// [`Error::Bundle`], which names the file and what to do.
    pub fn verify_file(&self, name: &str) -> Result<(), Error> {
        self.check_contents(name, &self.bytes(name)?)
    }

    /// When a file was last changed; `None` where the system does not say, and of what is built in.
    fn changed(&self, name: &str) -> Option<SystemTime> {
        match &self.source {
            Source::Folder(dir) => fs::metadata(dir.join(name)).and_then(|about| about.modified()).ok(),
            Source::Embedded(_) => None,
        }
    }

    fn check_contents(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let fail = |problem: String| broken(self.source.path(name), problem);
        if name.ends_with(".safetensors") {
            integrity::check_tensors(bytes).map_err(fail)?;
        }
        if hash::sha256(bytes) != self.entry(name)?.sha256 {
            return Err(fail(
                "not the file that the manifest names (its SHA-256 differs); install the bundle again".into(),
            ));
        }
        Ok(())
    }

    fn entry(&self, name: &str) -> Result<&FileEntry, Error> {
        let missing = || broken(self.source.path(name), "not listed in the manifest; choose another bundle");
        self.manifest.files.get(name).ok_or_else(missing)
    }

    fn check_size(&self, name: &str) -> Result<(), Error> {
        let expected = self.entry(name)?.bytes;
        let actual = match &self.source {
            Source::Embedded(files) => embedded::find(files, name)?.len() as u64,
            Source::Folder(dir) => {
                let path = dir.join(name);
                let metadata = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?;
                if !metadata.is_file() {
                    return Err(broken(path, "not a file; install the bundle again"));
                }
                metadata.len()
            }
        };
        self.require_size(name, actual, expected)
    }

    fn require_size(&self, name: &str, actual: u64, expected: u64) -> Result<(), Error> {
        if actual == expected {
            return Ok(());
        }
        let problem = if actual < expected {
            format!("truncated: {actual} of {expected} bytes; install the bundle again")
        } else {
            format!("{actual} bytes long, the manifest says {expected}; install the bundle again")
        };
        Err(broken(self.source.path(name), problem))
    }
}

impl Source {
    fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(dir) => dir.join(name),
            Self::Embedded(_) => Path::new(embedded::LOCATION).join(name),
        }
    }
}

fn broken(path: impl Into<PathBuf>, problem: impl Into<String>) -> Error {
    Error::Bundle { path: path.into(), problem: problem.into() }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => broken(path, "missing; install the bundle again"),
        _ => broken(path, format!("cannot be read ({error}); check its permissions")),
    }
}

/// A file's contents, or its first `limit + 1` bytes if it is longer: enough to notice.
fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let read = || {
        let file = File::open(path)?;
        let mut bytes = Vec::with_capacity(file.metadata()?.len().min(limit) as usize);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| unreadable(path, &error))
}
