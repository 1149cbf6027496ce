//! A safetensors file of f16, written one tensor at a time.

use super::bad;
use super::needed::Needed;
use super::source::Source;
use crate::bundle::FileEntry;
use crate::error::Error;
use crate::hash::hex;
use candle_core::{DType, Tensor};
use half::f16;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

/// A tensor of a file to be.
#[derive(Clone)]
pub(super) struct Piece {
    /// Its name in the file.
    pub name: String,
    pub shape: Vec<usize>,
    pub origin: Origin,
}

/// Where a tensor comes from.
#[derive(Clone)]
pub(super) enum Origin {
    /// A file, and its name there.
    File(Arc<Source>, String),
    Made(Tensor),
}

impl Piece {
    /// One that a stage needs, from `source`; `prefix` stands before its name in the file to be.
    ///
    /// # Errors
    ///
    /// It is not there, or of another shape.
    pub fn of(needed: Needed, prefix: &str, source: &Arc<Source>) -> Result<Self, Error> {
        let Needed { name, shape } = needed;
        match source.shape(&name) {
            // Latent diffusion writes its linear layers as convolutions of one pixel.
            Some(found) if found == shape || found.strip_suffix(&[1, 1]) == Some(&shape) => {
                Ok(Self { name: format!("{prefix}{name}"), shape, origin: Origin::File(source.clone(), name) })
            }
            Some(found) => Err(bad(
                source.path(),
                format!(
                    "{name} has the shape {found:?} where the configuration wants {shape:?}; these are the files of two \
                     different models"
                ),
            )),
            None => Err(bad(
                source.path(),
                format!("has no tensor {name}; it is not the file of that name from the model's own repository"),
            )),
        }
    }

    /// Bytes in f16.
    pub fn bytes(&self) -> u64 {
        2 * self.shape.iter().product::<usize>() as u64
    }

    /// Its values, little endian.
    fn values(&self) -> Result<Vec<u8>, Error> {
        let (tensor, path) = match &self.origin {
            Origin::File(source, name) => (source.read(name)?, source.path()),
            Origin::Made(tensor) => (tensor.clone(), Path::new(&self.name)),
        };
        let halves = tensor.to_dtype(DType::F16).and_then(|tensor| tensor.flatten_all()?.to_vec1::<f16>());
        let halves = halves.map_err(super::unreadable(path))?;
        if halves.iter().any(|value| !value.is_finite()) {
            let problem = "holds numbers that are not finite or do not fit 16 bits; download it again";
            return Err(bad(path, format!("{} {problem}", self.name)));
        }
        Ok(halves.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

/// Writes `pieces` to a new file; `progress` is told the bytes of each and may stop it.
///
/// # Errors
///
/// A tensor cannot be read or the file not be written; what is there of it then is the caller's to remove.
pub(super) fn write(
    path: &Path,
    pieces: &[Piece],
    progress: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<FileEntry, Error> {
    let full = |error: io::Error| unwritable(path, &error);
    let mut file = Hashed::create(path).map_err(full)?;
    file.write_all(&header(pieces)).map_err(full)?;
    for piece in pieces {
        file.write_all(&piece.values()?).map_err(full)?;
        progress(piece.bytes())?;
    }
    file.finish().map_err(full)
}

/// The same of a file that is small and there already.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<FileEntry, Error> {
    let write = || {
        let mut file = Hashed::create(path)?;
        file.write_all(bytes)?;
        file.finish()
    };
    write().map_err(|error| unwritable(path, &error))
}

/// What is told where a file cannot be written.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            bad(path, "the disk is full; make room, or name a folder on another disk with --out")
        }
        _ => bad(path, format!("cannot be written ({error}); name a folder that can, with --out")),
    }
}

/// Length and JSON, padded so that the tensors begin on a multiple of 8 bytes.
fn header(pieces: &[Piece]) -> Vec<u8> {
    let (mut table, mut end) = (Map::new(), 0);
    for piece in pieces {
        let start = end;
        end += piece.bytes();
        let entry = json!({ "dtype": "F16", "shape": piece.shape, "data_offsets": [start, end] });
        table.insert(piece.name.clone(), entry);
    }
    let mut json = Value::Object(table).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(8), b' ');
    [&(json.len() as u64).to_le_bytes()[..], &json].concat()
}

/// A file whose hash is known when it is written.
struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Hashed {
    fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(File::create_new(path)?), hash: Sha256::new(), bytes: 0 })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// Everything on the disk, so that a full one is noticed now.
    fn finish(mut self) -> io::Result<FileEntry> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok(FileEntry { sha256: hex(self.hash), bytes: self.bytes })
    }
}
