//! A file of weights, read one tensor at a time.

use super::{bad, unreadable};
use crate::error::Error;
use candle_core::pickle::PthTensors;
use candle_core::{DType, Device, Result as CandleResult, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use safetensors::tensor::Metadata;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Longest header of a safetensors file, as the format has it.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// A file of weights under names of our choice.
pub(super) struct Source {
    path: PathBuf,
    tensors: HashMap<String, Entry>,
    kind: Kind,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Name in the file.
    name: String,
    shape: Vec<usize>,
}

enum Kind {
    /// A zip of pickles, as `torch.save` writes it.
    Pickle(PthTensors),
    /// With the number of bytes before the first tensor.
    Safetensors(Box<Metadata>, u64),
}

impl Source {
    /// Reads the file's table of contents. A name that ends in `.safetensors` is one; anything else is a pickle.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (kind, tensors) = if path.extension().is_some_and(|extension| extension == "safetensors") {
            let (metadata, start) = contents(path)?;
            let tensors = metadata.tensors().into_iter().map(|(name, info)| (name, info.shape.clone())).collect();
            (Kind::Safetensors(Box::new(metadata), start), tensors)
        } else {
            let pickle = PthTensors::new(path, None).map_err(|error| no_pickle(path, &error))?;
            let shape = |info: &candle_core::pickle::TensorInfo| info.layout.dims().to_vec();
            let tensors: HashMap<_, _> =
                pickle.tensor_infos().iter().map(|(name, info)| (name.clone(), shape(info))).collect();
            (Kind::Pickle(pickle), tensors)
        };
        let entry = |(name, shape): (String, _)| (name.clone(), Entry { name, shape });
        Ok(Self { path: path.to_path_buf(), tensors: tensors.into_iter().map(entry).collect(), kind })
    }

    /// The tensors that `rename` gives a name, under that name.
    pub fn renamed(mut self, rename: impl Fn(&str) -> Option<String>) -> Self {
        let named = |(name, entry): (String, Entry)| Some((rename(&name)?, entry));
        self.tensors = self.tensors.into_iter().filter_map(named).collect();
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A tensor that is none of `names` and whose name begins with none of `elsewhere`; the first in the alphabet.
    pub fn other_than(&self, names: &HashSet<&str>, elsewhere: &[&str]) -> Option<&str> {
        let others = self.tensors.keys().map(String::as_str).filter(|name| !names.contains(name));
        others.filter(|name| !elsewhere.iter().any(|prefix| name.starts_with(prefix))).min()
    }

    /// Shape of a tensor, if there is one of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|entry| entry.shape.as_slice())
    }

    /// A tensor, on the CPU and of the file's type.
    pub fn read(&self, name: &str) -> Result<Tensor, Error> {
        let entry = self.tensors.get(name).ok_or_else(|| bad(&self.path, format!("has no tensor {name}")))?;
        match &self.kind {
            Kind::Pickle(pickle) => pickle
                .get(&entry.name)
                .map_err(unreadable(&self.path))?
                .ok_or_else(|| bad(&self.path, format!("has no tensor {name}"))),
            Kind::Safetensors(metadata, start) => self.slice(metadata, *start, &entry.name),
        }
    }

    fn slice(&self, metadata: &Metadata, start: u64, name: &str) -> Result<Tensor, Error> {
        let cut = |error: std::io::Error| bad(&self.path, format!("ends early ({error}); download it again"));
        let info = metadata.info(name).ok_or_else(|| bad(&self.path, format!("has no tensor {name}")))?;
        let (from, to) = info.data_offsets;
        let mut bytes = vec![0; to.saturating_sub(from)];
        let mut file = File::open(&self.path).map_err(cut)?;
        file.seek(SeekFrom::Start(start + from as u64)).map_err(cut)?;
        file.read_exact(&mut bytes).map_err(cut)?;
        let tensor = DType::try_from(info.dtype)
            .and_then(|dtype| Tensor::from_raw_buffer(&bytes, dtype, &info.shape, &Device::Cpu));
        tensor.map_err(unreadable(&self.path))
    }
}

/// For models that are run while importing.
impl SimpleBackend for &Source {
    fn get(&self, shape: Shape, name: &str, _: candle_nn::Init, dtype: DType, device: &Device) -> CandleResult<Tensor> {
        match self.shape(name) {
            Some(found) if found == shape.dims() => self.get_unchecked(name, dtype, device),
            Some(found) => candle_core::bail!("{name} has the shape {found:?} instead of {:?}", shape.dims()),
            None => candle_core::bail!("{name} is missing"),
        }
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> CandleResult<Tensor> {
        self.read(name).map_err(candle_core::Error::wrap)?.to_dtype(dtype)?.to_device(device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }
}

/// The header of a safetensors file, and how long it is with the number before it.
fn contents(path: &Path) -> Result<(Metadata, u64), Error> {
    let read = || -> std::io::Result<(Metadata, u64)> {
        let mut file = File::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut header = Vec::new();
        file.by_ref().take(length.min(MAX_HEADER_BYTES)).read_to_end(&mut header)?;
        let metadata: Metadata = serde_json::from_slice(&header)?;
        let end = metadata.tensors().values().map(|info| info.data_offsets.1 as u64).max().unwrap_or(0);
        if file.metadata()?.len() < 8 + length + end {
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "it ends early"));
        }
        Ok((metadata, 8 + length))
    };
    read().map_err(|error| bad(path, format!("no intact safetensors file ({error}); download it again")))
}

fn no_pickle(path: &Path, error: &candle_core::Error) -> Error {
    bad(
        path,
        format!(
            "not a file of tensors as PyTorch 1.6 and later write it, or only a part of one ({error}); download it again, \
             or give a .safetensors instead"
        ),
    )
}
