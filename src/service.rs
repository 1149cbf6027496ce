//! The engine as a service: one process that composes for every program of a user, and the way to it.
//!
//! ```text
//! Client ─ Job ─► Line ═ local socket ═ Line ─► Guest ─► queue, in turn ─► lane ─► Engine
//!    ▲                                             │                         │
//!    └──── Progress, Sound, Clip, Failed ◄─────────┴─────────────────────────┘
//! ```
//!
//! A crash of the worker is a failed clip and not a dead project, and a program that links no GPU library gets to use a
//! GPU all the same. [`ToWorker`] and [`FromWorker`] are all that is ever said, and nothing that came over a line is
//! believed before it is checked. A clip that went over one is the clip that [`Engine`](crate::Engine) makes, bit for
//! bit.
//!
//! There is one [`Server`] to each [`Place`], which a lock that it holds makes sure of. It is started by the first client
//! that needs it ([`Program`]) and ends when nobody has needed it for a while.

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

pub use self::client::{Client, Ticket};
pub use self::failure::{Failure, panic_words};
pub use self::frame::{FrameError, MAX_FRAME, read_frame, write_frame};
pub use self::job::{Job, Parcel};
pub use self::line::{GREETING, PROTOCOL};
pub use self::message::{EngineState, Facts, FromWorker, ToWorker};
pub use self::place::Place;
pub use self::program::{Probe, Program};
pub use self::server::{Ending, Options, Server};

use crate::error::Error;

/// The engine's version. Both ends must be of the same: another one may make other music.
pub const ENGINE: &str = env!("CARGO_PKG_VERSION");

fn lost(problem: impl Into<String>) -> Error {
    Error::Worker { problem: problem.into() }
}
