//! One end of a connection: messages in both directions at once, none of which ever keeps the other end's thread waiting.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};
use std::{io, thread};

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Stream as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::frame::{FrameError, read_frame, write_frame};

/// Version of the messages. Another one is known by the greeting, before anything of it is read.
pub const PROTOCOL: u32 = 1;
/// What both ends say first, before the version.
pub const GREETING: [u8; 4] = *b"mlfn";

/// Where messages to the other end are put. Never waits; they are sent in order by a thread of its own, which ends the
/// line when the last of these is dropped.
pub struct Outgoing<T>(Sender<T>);

/// Where messages from the other end come from.
pub struct Incoming {
    stream: Arc<Stream>,
}

/// Ends a line from any thread.
#[derive(Clone)]
pub struct Cutter {
    stream: Arc<Stream>,
    /// Set by the writing thread when it ends.
    is_flushed: Arc<AtomicBool>,
}

/// Why there is no talking to the other end.
#[derive(Debug, thiserror::Error)]
pub enum GreetingError {
    /// It is something else that listens there.
    #[error("the other end is no melfusion")]
    Stranger,
    /// It is of another version.
    #[error("the other end speaks version {0} of the protocol and this one version {PROTOCOL}")]
    Version(u32),
    /// It has gone.
    #[error(transparent)]
    Broken(#[from] io::Error),
}

/// Makes a line of a stream, and greets.
///
/// # Errors
///
/// There is no thread to be had.
pub fn open<Out: Serialize + Send + 'static>(stream: Stream) -> io::Result<(Outgoing<Out>, Incoming, Cutter)> {
    let stream = Arc::new(stream);
    let cutter = Cutter { stream: stream.clone(), is_flushed: Arc::default() };
    let (sender, receiver) = mpsc::channel();
    let writer = cutter.clone();
    thread::Builder::new().name("mlfn-line-out".into()).spawn(move || writer.write_all(&receiver))?;
    Ok((Outgoing(sender), Incoming { stream }, cutter))
}

impl<T> Outgoing<T> {
    /// Sends a message. If the line has ended nobody hears it, which whoever reads from the line learns.
    pub fn send(&self, message: T) {
        let _ = self.0.send(message);
    }
}

impl<T> Clone for Outgoing<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Incoming {
    /// Reads the greeting.
    ///
    /// # Errors
    ///
    /// It is another one.
    pub fn greet(&self) -> Result<(), GreetingError> {
        let mut greeting = [0; 8];
        (&*self.stream).read_exact(&mut greeting)?;
        let [a, b, c, d, version @ ..] = greeting;
        let version = u32::from_le_bytes(version);
        match ([a, b, c, d], version) {
            (GREETING, PROTOCOL) => Ok(()),
            (GREETING, version) => Err(GreetingError::Version(version)),
            _ => Err(GreetingError::Stranger),
        }
    }

    /// Waits for the next message.
    ///
    /// # Errors
    ///
    /// There will be none.
    pub fn next<T: DeserializeOwned>(&self) -> Result<T, FrameError> {
        read_frame(&*self.stream)
    }

    /// How long reading waits; `None` is for ever. Where a system has no such limit there is none.
    pub fn set_patience(&self, patience: Option<Duration>) {
        let _ = self.stream.set_recv_timeout(patience);
    }
}

impl Cutter {
    /// The writing thread.
    fn write_all<T: Serialize>(&self, messages: &Receiver<T>) {
        let mut greeting = GREETING.to_vec();
        greeting.extend(PROTOCOL.to_le_bytes());
        let is_greeted = (&*self.stream).write_all(&greeting).is_ok();
        let send = |message: &T| match write_frame(&*self.stream, message) {
            // Only the message was wrong. What is too long never gets here: its maker has measured it.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => true,
            result => result.is_ok(),
        };
        let _ = is_greeted && messages.iter().all(|message| send(&message));
        // What was written arrives all the same.
        self.cut();
        self.is_flushed.store(true, SeqCst);
    }

    /// Ends both directions at once: whoever reads or writes at either end is told. Elsewhere than on Unix, the other end
    /// has to close the line.
    pub fn cut(&self) {
        #[cfg(unix)]
        {
            let Stream::UdSocket(stream) = &*self.stream;
            let _ = stream.inner().shutdown(std::net::Shutdown::Both);
        }
    }

    /// Waits until all that was put into [`Outgoing`] has been sent or never will be, but no longer than `patience`. All of
    /// those must have been dropped.
    pub fn await_flush(&self, patience: Duration) {
        let began = Instant::now();
        while !self.is_flushed.load(SeqCst) && began.elapsed() < patience {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
