//! Weights as they came, until a kernel packs them.

use half::f16;

/// Any number of f32s; in half the memory where halving loses nothing, as with weights from a file of f16.
#[derive(Debug, Clone)]
pub(super) enum Weights {
    Half(Vec<f16>),
    Full(Vec<f32>),
}

impl Weights {
    /// Keeps `values`.
    pub fn new(values: &[f32]) -> Self {
        let halves = values.iter().map(|value| Some(f16::from_f32(*value)).filter(|half| half.to_f32() == *value));
        halves.collect::<Option<_>>().map_or_else(|| Self::Full(values.to_vec()), Self::Half)
    }

    /// One of them.
    ///
    /// # Panics
    ///
    /// There is no such.
    pub fn at(&self, index: usize) -> f32 {
        match self {
            Self::Half(values) => values[index].to_f32(),
            Self::Full(values) => values[index],
        }
    }
}
