//! The engine as a service: a worker that composes for its clients in turn, and the way to it.
//!
//! ```text
//!               ┌─ local socket, MessagePack ─┐
//! Client ─ Job ─┤                             ├─► Guest ─► queue, in turn ─► lane ─► Maker: the Engine
//!    ▲          └─ channels, no bytes ────────┘     │                         │
//!    └──── Progress, Sound, Clip, Failed ◄──────────┴─────────────────────────┘
//! ```
//!
//! The worker is one process for every program of a user, or threads of its client's own process ([`Client::here`]).
//! [`ToWorker`] and [`FromWorker`] are all that is ever said in either case, and nothing that was said is believed before it
//! is checked; a client cannot tell the one from the other but by [`Facts`]. A clip is the clip that
//! [`Engine`](crate::Engine) makes, bit for bit, whichever way it came. A panic in the engine fails its job and no other.
//!
//! As for the process: a crash of it is a failed clip and not a dead project, and a program that links no GPU library gets to
//! use a GPU all the same. There is one [`Server`] to each [`Place`], which a lock that it holds makes sure of. It is started
//! by the first client that needs it ([`Program`]) and ends when nobody has needed it for a while. Threads end with their
//! client.

mod client;
mod failure;
mod frame;
mod job;
mod line;
mod message;
mod place;
pub mod pool;
mod program;
pub mod queue;
mod server;
mod workshop;

pub use self::client::{Client, Ticket};
pub use self::failure::{Failure, panic_words};
pub use self::frame::{FrameError, MAX_FRAME, read_frame, write_frame};
pub use self::job::{Job, Parcel};
pub use self::line::{GREETING, PROTOCOL};
pub use self::message::{EngineState, Facts, FromWorker, ToWorker, Wanted};
pub use self::place::Place;
pub use self::program::{Probe, Program};
pub use self::server::{Ending, Options, Server};
pub use self::workshop::{Maker, Workshop};

use crate::error::Error;

/// The engine's version. Both ends must be of the same: another one may make other music.
pub const ENGINE: &str = env!("CARGO_PKG_VERSION");

fn lost(problem: impl Into<String>) -> Error {
    Error::Worker { problem: problem.into() }
}
