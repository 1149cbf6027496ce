//! Goldens: tensors that a reference program wrote, each beside the script that made it.
#![allow(clippy::unwrap_used, dead_code, reason = "shared by several test binaries")]

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use std::collections::HashMap;
use std::path::Path;

/// One golden file.
pub struct Golden {
    tensors: HashMap<String, Tensor>,
}

impl Golden {
    /// Opens `tests/golden/<name>.safetensors`.
    pub fn open(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.safetensors"));
        Self { tensors: candle_core::safetensors::load(path, &Device::Cpu).unwrap() }
    }

    /// A tensor by name, as f32.
    pub fn get(&self, name: &str) -> Tensor {
        let tensor = self.tensors.get(name).unwrap_or_else(|| panic!("golden has no tensor {name}"));
        tensor.to_dtype(DType::F32).unwrap()
    }

    /// The tensors under `weights.`, without that prefix.
    pub fn weights(&self) -> VarBuilder<'static> {
        self.weights_under("weights")
    }

    /// The tensors under `prefix.`, without that prefix.
    pub fn weights_under(&self, prefix: &str) -> VarBuilder<'static> {
        let prefix = format!("{prefix}.");
        let tensors = self.tensors.iter().filter_map(|(k, v)| Some((k.strip_prefix(&prefix)?.to_string(), v.clone())));
        VarBuilder::from_tensors(tensors.collect(), DType::F32, &Device::Cpu)
    }
}

/// Asserts that the largest difference is at most `tolerance` of the largest reference value.
#[track_caller]
pub fn assert_close(ours: &Tensor, reference: &Tensor, tolerance: f32) {
    let error = relative_error(ours, reference);
    assert!(error <= tolerance, "relative error {error:e} is above {tolerance:e}");
}

/// Largest absolute difference over the largest absolute reference value.
#[track_caller]
pub fn relative_error(ours: &Tensor, reference: &Tensor) -> f32 {
    assert_eq!(ours.dims(), reference.dims());
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_dtype(DType::F32).unwrap();
    let largest = |t: &Tensor| t.abs().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
    let (ours, reference) = (flat(ours), flat(reference));
    largest(&(ours - &reference).unwrap()) / largest(&reference).max(f32::MIN_POSITIVE)
}
