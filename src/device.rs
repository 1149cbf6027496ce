//! Where the engine computes, and in which type of numbers.
//!
//! On the CPU everything is f32. On a GPU the denoisers and the picture's autoencoder, which take nearly all of the time and
//! the memory, are bf16; the text encoder and the sound decoder stay f32 everywhere. Both are small beside the rest, T5 is
//! known to overflow in f16, and the 8 bits of a bf16 are a hiss at −48 dB where they become samples.

mod free;

use std::fmt;
use std::str::FromStr;

use candle_core::{DType, Device};

use crate::error::Error;

pub use free::free_bytes;

/// Where to compute, as a user says it: `auto`, `cpu`, `cuda`, `cuda:1`, `metal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first GPU that this build can use and this machine has, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// NVIDIA's GPU of this number, from 0.
    Cuda(usize),
    /// Apple's GPU.
    Metal,
}

impl DeviceChoice {
    /// The device itself.
    ///
    /// # Errors
    ///
    /// [`Error::Request`]: this build or this machine has no such device.
    pub fn open(self) -> Result<Device, Error> {
        match self {
            Self::Auto => Ok(first_gpu().unwrap_or(Device::Cpu)),
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(number) => open_cuda(number),
            Self::Metal => open_metal(),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

/// What was typed is no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no device {0:?}; choose auto, cpu, cuda, cuda:N or metal")]
pub struct UnknownDevice(String);

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match text.trim().to_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            other => {
                let number = other.strip_prefix("cuda:").and_then(|number| number.parse().ok());
                number.map(Self::Cuda).ok_or_else(|| UnknownDevice(text.into()))
            }
        }
    }
}

/// What a device is called in reports: `cpu`, `cuda:0`, `metal`.
pub fn name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => DeviceChoice::Cpu.to_string(),
        candle_core::DeviceLocation::Cuda { gpu_id } => DeviceChoice::Cuda(gpu_id).to_string(),
        candle_core::DeviceLocation::Metal { .. } => DeviceChoice::Metal.to_string(),
    }
}

/// What a type of numbers is called: `f32`, `bf16`, `f16`.
///
/// # Errors
///
/// What is wrong and what to do, where it is none that denoisers can compute in.
pub fn parse_dtype(text: &str) -> Result<DType, String> {
    match text.trim().to_lowercase().as_str() {
        "f32" => Ok(DType::F32),
        "bf16" => Ok(DType::BF16),
        "f16" => Ok(DType::F16),
        _ => Err(format!("{text:?} is no type to compute in; choose f32, bf16 or f16")),
    }
}

/// Where and how an engine computes; a [`Device`] alone is one with the device's own defaults.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Where.
    pub device: Device,
    /// Type of the denoisers and of the picture's autoencoder.
    pub dtype: DType,
    /// How much memory it may take; `None` decides by what is free.
    pub memory: Option<Memory>,
}

impl From<Device> for Placement {
    fn from(device: Device) -> Self {
        let dtype = if device.is_cpu() { DType::F32 } else { DType::BF16 };
        Self { device, dtype, memory: None }
    }
}

/// How sparing an engine is with memory, from the fastest to the smallest; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Memory {
    /// All components stay loaded.
    #[default]
    Resident,
    /// A component (text encoder, image model, music model, decoder) is loaded when its turn comes, and leaves before the next.
    Staged,
    /// And the two halves of guidance run one after the other.
    Halves,
    /// And latents of a fixed hop are decoded in tiles along time of one window of the model, however few there are. Only this
    /// changes the sound: with random weights the mel is off by 2 to 5 % of its largest value (`decoder::tiles`).
    Tiles,
}

impl Memory {
    /// All, from the fastest to the smallest.
    pub const ALL: [Self; 4] = [Self::Resident, Self::Staged, Self::Halves, Self::Tiles];

    /// The next smaller; none after the smallest.
    pub fn tighter(self) -> Option<Self> {
        Self::ALL.into_iter().find(|other| *other > self)
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::Staged => "staged",
            Self::Halves => "halves",
            Self::Tiles => "tiles",
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether an error says that a device has no memory left. Of the CPU there is no such error: a system that is short of
/// memory ends the process instead.
pub fn is_out_of_memory(error: &candle_core::Error) -> bool {
    // candle keeps its backends' errors as boxes, and wraps them in backtraces and contexts; their words are all that is left.
    let text = error.to_string().to_lowercase();
    let says = |words: &str| text.contains(words);
    says("out_of_memory") || says("out of memory") || says("alloc_failed") || says("failed to allocate")
}

/// The first GPU that this build can use and this machine has.
fn first_gpu() -> Option<Device> {
    open_cuda(0).or_else(|_| open_metal()).ok()
}

fn open_cuda(number: usize) -> Result<Device, Error> {
    if !candle_core::utils::cuda_is_available() {
        return refuse("this build has no CUDA; take the one that has, or leave --device out to compute on the CPU");
    }
    Device::new_cuda(number).or_else(|error| {
        refuse(format!(
            "there is no GPU cuda:{number} ({error}); see nvidia-smi for those there are, or leave --device out"
        ))
    })
}

fn open_metal() -> Result<Device, Error> {
    if !candle_core::utils::metal_is_available() {
        return refuse(
            "this build has no Metal; take the one for a Mac's GPU, or leave --device out to compute on the CPU",
        );
    }
    Device::new_metal(0).or_else(|error| {
        refuse(format!("there is no GPU for Metal ({error}); leave --device out to compute on the CPU"))
    })
}

fn refuse<T>(problem: impl Into<String>) -> Result<T, Error> {
    Err(Error::Request { what: "device", problem: problem.into() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn devices_are_written_as_they_are_read() {
        for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(0), DeviceChoice::Cuda(7)] {
            assert_eq!(choice.to_string().parse::<DeviceChoice>().unwrap(), choice);
        }
        assert_eq!(" CUDA ".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        assert_eq!("metal".parse::<DeviceChoice>().unwrap(), DeviceChoice::Metal);
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda0", "cpu:0"] {
            let error = wrong.parse::<DeviceChoice>().unwrap_err().to_string();
            assert!(error.contains("choose auto, cpu, cuda"), "{wrong}: {error}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_this_build_has_not_is_refused_with_what_to_do() {
        let Err(Error::Request { what: "device", problem }) = DeviceChoice::Cuda(3).open() else { panic!("opened") };
        assert!(problem.contains("this build has no CUDA") && problem.contains("leave --device out"), "{problem}");
        #[cfg(not(feature = "metal"))]
        assert!(DeviceChoice::Auto.open().unwrap().is_cpu());
    }

    #[test]
    fn what_devices_say_when_memory_runs_out_is_understood() {
        let driver = "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")";
        let blas = "CublasError(CUBLAS_STATUS_ALLOC_FAILED)";
        for text in [driver, blas] {
            let error = candle_core::Error::Cuda(text.into());
            assert!(is_out_of_memory(&error) && is_out_of_memory(&error.bt()), "{text}");
        }
        assert!(!is_out_of_memory(&candle_core::Error::Msg("shape mismatch".into())));
    }

    #[test]
    fn memory_is_tightened_step_by_step_to_an_end() {
        let mut seen = vec![Memory::default()];
        seen.extend(std::iter::successors(Memory::Resident.tighter(), |memory| memory.tighter()));
        assert_eq!(seen, Memory::ALL);
    }
}
