//! How sparing the engine is, and what it does when memory runs out.

use candle_core::{DType, Device};
use parking_lot::Mutex;

use super::Engine;
use crate::bundle::Manifest;
use crate::device::{self, Memory, free_bytes, is_out_of_memory};
use crate::error::Error;

/// Bundles of fewer bytes stay loaded, however little memory there is.
const SMALL_BYTES: u64 = 256 << 20;
/// Bytes in memory per byte of a file of f16, by type: of f32 on the CPU, where our kernels keep weights transformed for
/// Winograd's way beside the plain ones. Measured: a bundle of 426 MB took 1.96 GB resident and 1.07 GB staged, at most.
const CPU_BYTES: f64 = 5.0;
/// The same of f32 on a GPU, and of what stays f16 or bf16.
const F32_BYTES: f64 = 2.0;
const HALF_BYTES: f64 = 1.0;
/// What is left to activations.
const WEIGHTS_SHARE: f64 = 0.75;

/// The engine's present degree of thrift. It is never loosened: what did not fit once will not fit the next time.
pub(super) struct Thrift(Mutex<Memory>);

impl Thrift {
    pub fn new(memory: Memory) -> Self {
        Self(Mutex::new(memory))
    }

    pub fn now(&self) -> Memory {
        *self.0.lock()
    }

    /// One step further than `from`, unless another thread has gone it already; `false` if there is none.
    fn tighten(&self, from: Memory) -> bool {
        let Some(tighter) = from.tighter() else { return false };
        let mut now = self.0.lock();
        *now = tighter.max(*now);
        true
    }

    /// Runs `work`; where memory runs out, `release`s what it can and runs it again with less, to the last step.
    ///
    /// # Errors
    ///
    /// Those of `work`; [`Error::Memory`] if memory runs out at the last step too. `device` is named in it.
    pub fn retrying<T>(
        &self,
        device: &str,
        release: impl Fn(),
        mut work: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let memory = self.now();
            match work() {
                Err(Error::Stage { stage, source }) if is_out_of_memory(&source) => {
                    release();
                    if !self.tighten(memory) {
                        return Err(Error::Memory { stage, device: device.into(), source });
                    }
                }
                result => return result,
            }
        }
    }
}

/// Whether all of a bundle fits into what is free, or its components have to take turns.
pub(super) fn choose(manifest: &Manifest, device: &Device, dtype: DType) -> Memory {
    decide(manifest, device.is_cpu(), dtype, free_bytes(device))
}

fn decide(manifest: &Manifest, is_cpu: bool, dtype: DType, free: Option<u64>) -> Memory {
    let bytes = |file: &str| manifest.files.get(file).map_or(0, |entry| entry.bytes);
    let networks = [&manifest.image.weights, &manifest.music.weights].map(|file| bytes(file)).iter().sum::<u64>();
    let others = [&manifest.text.weights, &manifest.decoder.weights].map(|file| bytes(file)).iter().sum::<u64>();
    let Some(free) = free.filter(|_| networks + others > SMALL_BYTES) else { return Memory::Resident };
    let per_byte = match (dtype, is_cpu) {
        (DType::F32, true) => CPU_BYTES,
        (DType::F32, false) => F32_BYTES,
        _ => HALF_BYTES,
    };
    let wanted = networks as f64 * per_byte + others as f64 * F32_BYTES;
    if wanted <= free as f64 * WEIGHTS_SHARE { Memory::Resident } else { Memory::Staged }
}

impl Engine {
    /// How sparing it is at present: what it was told or decided when it was loaded, or less where memory has run out.
    pub fn memory(&self) -> Memory {
        self.thrift.now()
    }

    /// Whether components stay.
    pub(super) fn keeps(&self) -> bool {
        self.memory() == Memory::Resident
    }

    /// Runs `work` as often as there is a more sparing way to.
    pub(super) fn retrying<T>(&self, work: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let release = || {
            self.text.release();
            self.picture.release();
            self.music.release();
            self.decoder.release();
            self.bank.release();
        };
        self.thrift.retrying(&device::name(&self.device), release, work)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::bundle::Bundle;
    use crate::device::Placement;
    use crate::error::Stage;
    use crate::image::Picture;
    use crate::progress::Progress;
    use crate::request::{Request, RequestFields};

    fn out_of_memory() -> Error {
        let source = candle_core::Error::Cuda("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")".into());
        Error::Stage { stage: Stage::Music, source }
    }

    #[test]
    fn where_memory_runs_out_the_next_smaller_way_is_tried_and_kept() {
        for enough in Memory::ALL {
            let (thrift, mut tried) = (Thrift::new(Memory::Resident), Vec::new());
            let found = thrift.retrying(
                "cuda:0",
                || (),
                || {
                    tried.push(thrift.now());
                    if thrift.now() >= enough { Ok(7) } else { Err(out_of_memory()) }
                },
            );
            assert_eq!((found.unwrap(), thrift.now()), (7, enough));
            assert_eq!(tried, Memory::ALL[..tried.len()]);
        }
    }

    #[test]
    fn where_nothing_is_small_enough_the_error_says_what_to_do() {
        let (thrift, released) = (Thrift::new(Memory::Staged), Mutex::new(0));
        let result: Result<(), Error> = thrift.retrying("cuda:1", || *released.lock() += 1, || Err(out_of_memory()));
        let error = result.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Memory { stage: Stage::Music, .. }), "{text}");
        assert!(text.contains("cuda:1 has no memory left, composing") && text.contains("fewer bars"), "{text}");
        assert_eq!(*released.lock(), 3);
    }

    #[test]
    fn other_errors_are_not_tried_again() {
        let (thrift, mut tries) = (Thrift::new(Memory::Resident), 0);
        let result: Result<(), Error> = thrift.retrying(
            "cpu",
            || (),
            || {
                tries += 1;
                Err(Error::Cancelled)
            },
        );
        assert!(matches!(result, Err(Error::Cancelled)) && tries == 1 && thrift.now() == Memory::Resident);
    }

    /// What is loaded when a stage reports.
    struct Look<'a>(&'a Engine, Mutex<Vec<(Stage, Vec<&'static str>)>>);

    impl Progress for Look<'_> {
        fn step(&self, stage: Stage, _: usize, _: usize) {
            let Engine { text, picture, music, decoder, .. } = self.0;
            let loaded = [
                ("text", text.is_loaded()),
                ("picture", picture.is_loaded()),
                ("music", music.is_loaded()),
                ("decoder", decoder.is_loaded()),
            ];
            self.1.lock().push((stage, loaded.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect()));
        }

        fn is_cancelled(&self) -> bool {
            false
        }
    }

    /// Every stage with what was loaded during it, at most.
    fn loaded(memory: Memory) -> Vec<(Stage, usize, Vec<&'static str>)> {
        let wave = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/wave");
        let placement = Placement { memory: Some(memory), ..Device::Cpu.into() };
        let engine = Engine::load(&Bundle::open(wave).unwrap(), placement).unwrap();
        let picture = Some(Picture::from_rgb(8, 8, vec![90; 192]).unwrap());
        let fields = RequestFields { prompt: "strings".into(), picture, bars: 1, steps: 1, ..Default::default() };
        let look = Look(&engine, Mutex::default());
        engine.generate(&Request::new(fields).unwrap(), &look).unwrap();
        let mut seen: Vec<(Stage, usize, Vec<&str>)> = Vec::new();
        for (stage, loaded) in look.1.into_inner() {
            match seen.last_mut().filter(|(last, ..)| *last == stage) {
                Some((_, most, names)) => {
                    *most = loaded.len().max(*most);
                    names.extend(loaded.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
                }
                None => seen.push((stage, loaded.len(), loaded)),
            }
        }
        seen
    }

    #[test]
    fn components_take_turns_or_all_stay() {
        assert_eq!(
            loaded(Memory::Staged),
            [
                (Stage::Text, 0, vec![]),
                (Stage::Picture, 1, vec!["picture"]),
                (Stage::Music, 1, vec!["music"]),
                (Stage::Sound, 0, vec![]),
            ]
        );
        assert!(loaded(Memory::Resident).iter().all(|(_, most, _)| *most == 4));
    }

    #[cfg(feature = "embed-mini")]
    #[test]
    fn components_take_turns_where_not_all_of_them_fit() {
        let mut manifest = Bundle::mini().unwrap().manifest().clone();
        let decide = |manifest: &Manifest, is_cpu, dtype, free| decide(manifest, is_cpu, dtype, Some(free));
        assert_eq!(decide(&manifest, true, DType::F32, 1), Memory::Resident, "mini is small");
        let gigabyte = 1 << 30;
        for file in ["image", "music", "text", "decoder"] {
            manifest.files.get_mut(&format!("{file}.safetensors")).unwrap().bytes = gigabyte;
        }
        // 2 GB of networks in bf16, 2 GB of others that become 4 GB in f32.
        assert_eq!(decide(&manifest, false, DType::BF16, 9 * gigabyte), Memory::Resident);
        assert_eq!(decide(&manifest, false, DType::BF16, 7 * gigabyte), Memory::Staged);
        assert_eq!(decide(&manifest, false, DType::F32, 9 * gigabyte), Memory::Staged);
        assert_eq!(decide(&manifest, true, DType::F32, 12 * gigabyte), Memory::Staged);
        assert_eq!(super::decide(&manifest, true, DType::F32, None), Memory::Resident);
    }
}
