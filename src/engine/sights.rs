//! The pictures last looked at.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Sight;
use crate::synapse::SynapseKind;

/// What features depend on beside the bundle: the picture's hash, the timesteps and the synapse that they are for.
type Key = (String, Vec<usize>, SynapseKind);

/// Keeps the features of the pictures last looked at, so that a variation pays for one diffusion only.
///
/// Bounded in bytes, not in pictures: at 20 steps the mini bundle's features take 4 MB, those of a full-size image
/// model a gigabyte. The latest picture is always kept.
pub(super) struct Sights {
    most_bytes: usize,
    /// The latest last.
    known: Mutex<Vec<(Key, Arc<Sight>)>>,
}

impl Sights {
    /// An empty cache of at most `most_bytes`.
    pub fn new(most_bytes: usize) -> Self {
        Self { most_bytes, known: Mutex::default() }
    }

    /// What is known of a picture at these timesteps.
    pub fn get(&self, sha256: &str, timesteps: &[usize], kind: SynapseKind) -> Option<Arc<Sight>> {
        let mut known = self.lock();
        let at = known.iter().position(|((hash, ts, k), _)| hash == sha256 && ts == timesteps && *k == kind)?;
        let found = known.remove(at);
        let sight = found.1.clone();
        known.push(found);
        Some(sight)
    }

    /// Keeps a picture's features and forgets those of the ones not asked for longest.
    pub fn put(&self, sha256: &str, timesteps: &[usize], kind: SynapseKind, sight: Arc<Sight>) {
        let mut known = self.lock();
        known.push(((sha256.to_string(), timesteps.to_vec(), kind), sight));
        while known.len() > 1 && known.iter().map(|(_, sight)| sight.bytes()).sum::<usize>() > self.most_bytes {
            known.remove(0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Key, Arc<Sight>)>> {
        // A panic elsewhere cannot leave the list half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Tensor};

    const KIND: SynapseKind = SynapseKind::Paper;

    fn sight(floats: usize) -> Arc<Sight> {
        let inverted = Tensor::zeros(floats, DType::F32, &Device::Cpu).expect("small");
        Arc::new(Sight { timesteps: vec![9], features: vec![], clean: vec![], inverted })
    }

    #[test]
    fn the_least_recently_asked_for_is_forgotten_first() {
        let sights = Sights::new(2 * 400);
        sights.put("a", &[9], KIND, sight(100));
        sights.put("b", &[9], KIND, sight(100));
        assert!(sights.get("a", &[9], KIND).is_some());
        sights.put("c", &[9], KIND, sight(100));
        assert!(sights.get("b", &[9], KIND).is_none());
        assert!(sights.get("a", &[9], KIND).is_some() && sights.get("c", &[9], KIND).is_some());
    }

    #[test]
    fn other_steps_or_another_synapse_are_another_sight_and_one_too_large_is_still_kept() {
        let sights = Sights::new(1);
        sights.put("a", &[9], KIND, sight(100));
        assert!(sights.get("a", &[8], KIND).is_none());
        assert!(sights.get("a", &[9], SynapseKind::Official).is_none());
        assert!(sights.get("a", &[9], KIND).is_some());
    }
}
