//! All that a client and a worker say to each other, whether it is a process or threads of the client's own.

use std::path;

use score::Score;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Failure, Parcel};
use crate::bundle::Bundle;
use crate::clip::Recipe;
use crate::error::Stage;

/// What a client says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToWorker {
    /// The first message.
    Hello {
        /// Version of the client's engine.
        engine: String,
        /// The bundle that is to compose for it; `None` is the worker's own.
        bundle: Option<Wanted>,
    },
    /// Make this. Answered by [`Progress`](FromWorker::Progress) and then one [`Clip`](FromWorker::Clip) or
    /// [`Failed`](FromWorker::Failed).
    Submit {
        /// Names the job in what follows; not used before by this client.
        job: u64,
        /// What to make; not checked yet.
        parcel: Parcel,
    },
    /// This job is no longer wanted. It fails within one denoising step, if it is not done.
    Cancel {
        /// Which.
        job: u64,
    },
    /// Read the weights, if they are not in memory. Answered by [`Ready`](FromWorker::Ready) or
    /// [`Failed`](FromWorker::Failed).
    Load {
        /// Names this in the answer, as if it were a job.
        job: u64,
    },
    /// Free the weights, unless there are jobs or other clients.
    Unload,
    /// The last message.
    Goodbye,
}

/// A bundle that a client wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Its hash.
    pub sha256: String,
    /// Where it is, if not among those that are found by name: an absolute path on the client's machine.
    pub folder: Option<String>,
}

impl From<&Bundle> for Wanted {
    fn from(bundle: &Bundle) -> Self {
        let folder = bundle.folder().and_then(|folder| path::absolute(folder).ok());
        Self { sha256: bundle.hash().into(), folder: folder.and_then(|folder| Some(folder.to_str()?.to_owned())) }
    }
}

/// What a worker says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromWorker {
    /// Answers the client's; jobs may be submitted.
    Hello(Facts),
    /// Answers what cannot be answered; the line ends.
    Refused {
        /// For people.
        reason: String,
        /// The worker ends, too: the client may start another.
        is_ending: bool,
    },
    /// The weights that were asked for are in memory.
    Ready {
        /// The number of what asked for them.
        job: u64,
    },
    /// A job runs.
    Progress {
        /// Which.
        job: u64,
        /// Where it is.
        stage: Stage,
        /// Steps done in it.
        done: u32,
        /// Of so many.
        total: u32,
    },
    /// A part of a clip's sound, from its beginning on.
    Sound {
        /// Whose.
        job: u64,
        /// Left side; little-endian f32 where it is bytes.
        #[serde(with = "samples")]
        left: Vec<f32>,
        /// Right side, likewise.
        #[serde(with = "samples")]
        right: Vec<f32>,
    },
    /// A clip is done; all of its sound has been sent.
    Clip {
        /// Whose.
        job: u64,
        /// Rate of the sound in Hz.
        sample_rate: u32,
        /// Shape of the latents.
        shape: [usize; 4],
        /// The latents: little-endian f16.
        latents: ByteBuf,
        /// How it came to be.
        recipe: Box<Recipe>,
        /// What is played, where the latents are notes.
        score: Option<Box<Score>>,
    },
    /// There will be no clip.
    Failed {
        /// Whose.
        job: u64,
        /// Why.
        failure: Failure,
    },
    /// What the engine is doing, whenever that changes.
    Engine(EngineState),
}

/// What a worker says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Version of its engine.
    pub engine: String,
    /// Name and version of the bundle that composes for this client.
    pub bundle: String,
    /// Where it computes.
    pub device: String,
    /// That is no CPU.
    pub is_gpu: bool,
    /// Number of the process.
    pub process: u32,
}

/// What a worker's engine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EngineState {
    /// No weights in memory.
    Unloaded,
    /// Weights are being read.
    Loading,
    /// Ready.
    Loaded {
        /// Bytes of memory that the process uses.
        memory: u64,
    },
}

/// Samples as bytes.
mod samples {
    use serde::de::{Deserializer, Error};
    use serde::{Deserialize, Serializer};
    use serde_bytes::ByteBuf;

    pub fn serialize<S: Serializer>(samples: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        serializer.serialize_bytes(&bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
        let bytes = ByteBuf::deserialize(deserializer)?;
        let (samples, rest) = bytes.as_chunks();
        let is_whole = rest.is_empty();
        let samples = samples.iter().map(|sample| f32::from_le_bytes(*sample)).collect();
        is_whole.then_some(samples).ok_or_else(|| D::Error::custom("a sample is cut short"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// As a message's part is to a reader that knows no samples.
    #[derive(Serialize, Deserialize)]
    enum Bytes {
        Sound { job: u64, left: ByteBuf, right: ByteBuf },
    }

    #[test]
    fn samples_travel_as_bytes_of_which_each_bit_arrives() {
        let left = vec![0.1, -0.0, f32::MIN_POSITIVE / 2.0, f32::from_bits(0x7fc0_0001)];
        let sent = FromWorker::Sound { job: 1, left: left.clone(), right: vec![1.0] };
        let sent = rmp_serde::to_vec_named(&sent).unwrap();
        let Bytes::Sound { right, .. } = rmp_serde::from_slice(&sent).unwrap();
        assert_eq!(*right, 1.0f32.to_le_bytes());
        let FromWorker::Sound { left: arrived, .. } = rmp_serde::from_slice(&sent).unwrap() else { panic!() };
        assert!(arrived.iter().map(|x| x.to_bits()).eq(left.iter().map(|x| x.to_bits())));
        let cut = Bytes::Sound { job: 1, left: vec![0; 7].into(), right: vec![0; 4].into() };
        let cut = rmp_serde::to_vec_named(&cut).unwrap();
        assert!(rmp_serde::from_slice::<FromWorker>(&cut).unwrap_err().to_string().contains("cut short"));
    }
}
