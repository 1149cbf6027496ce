//! One end of a connection: messages in both directions at once, none of which ever keeps the other end's thread waiting.
//!
//! A line leads to another process, over a local socket, or to another thread of this one, over channels that carry the
//! messages as they are.

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

use super::frame::{self, FrameError, read_frame, write_frame};

/// Version of the messages. Another one is known by the greeting, before anything of it is read.
pub const PROTOCOL: u32 = 4;
/// What both ends say first, before the version.
pub const GREETING: [u8; 4] = *b"mlfn";

/// One end of a connection, where `Out` is said and `In` is heard.
pub struct Line<Out, In> {
    pub outgoing: Outgoing<Out>,
    pub incoming: Incoming<In>,
    pub cutter: Cutter,
}

/// Where messages to the other end are put. Never waits. The line ends when the last of these is dropped.
pub struct Outgoing<T> {
    messages: Sender<T>,
    /// They are sent as bytes, by a thread of its own.
    is_socket: bool,
}

/// Where messages from the other end come from.
pub enum Incoming<T> {
    /// From another process.
    Socket(Arc<Stream>),
    /// From another thread.
    Channel(Receiver<T>),
}

/// Ends a line from any thread. One between threads ends with its [`Outgoing`] only.
#[derive(Clone)]
pub struct Cutter {
    /// `None` between threads.
    stream: Option<Arc<Stream>>,
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
pub fn open<Out: Serialize + Send + 'static, In>(stream: Stream) -> io::Result<Line<Out, In>> {
    let stream = Arc::new(stream);
    let cutter = Cutter { stream: Some(stream.clone()), is_flushed: Arc::default() };
    let (messages, receiver) = mpsc::channel();
    let writer = cutter.clone();
    thread::Builder::new().name("mlfn-line-out".into()).spawn(move || writer.write_all(&receiver))?;
    Ok(Line { outgoing: Outgoing { messages, is_socket: true }, incoming: Incoming::Socket(stream), cutter })
}

/// Both ends of a line between threads.
pub fn pair<A, B>() -> (Line<A, B>, Line<B, A>) {
    let ((to_b, from_a), (to_a, from_b)) = (mpsc::channel(), mpsc::channel());
    (between_threads(to_b, from_b), between_threads(to_a, from_a))
}

fn between_threads<Out, In>(messages: Sender<Out>, heard: Receiver<In>) -> Line<Out, In> {
    // What is put into a channel has arrived.
    let cutter = Cutter { stream: None, is_flushed: Arc::new(true.into()) };
    Line { outgoing: Outgoing { messages, is_socket: false }, incoming: Incoming::Channel(heard), cutter }
}

impl<T> Outgoing<T> {
    /// Sends a message. If the line has ended nobody hears it, which whoever reads from the line learns.
    pub fn send(&self, message: T) {
        let _ = self.messages.send(message);
    }

    /// Whether what makes up most of a message is short enough to be sent.
    pub fn fits(&self, most: &impl Serialize) -> bool {
        !self.is_socket || frame::fits(most)
    }
}

impl<T> Clone for Outgoing<T> {
    fn clone(&self) -> Self {
        Self { messages: self.messages.clone(), is_socket: self.is_socket }
    }
}

impl<T: DeserializeOwned> Incoming<T> {
    /// Reads the greeting. Threads of one program know each other.
    ///
    /// # Errors
    ///
    /// It is another one.
    pub fn greet(&self) -> Result<(), GreetingError> {
        let Self::Socket(stream) = self else { return Ok(()) };
        let mut greeting = [0; 8];
        (&**stream).read_exact(&mut greeting)?;
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
    pub fn next(&self) -> Result<T, FrameError> {
        match self {
            Self::Socket(stream) => read_frame(&**stream),
            Self::Channel(messages) => messages.recv().map_err(|_| FrameError::Closed),
        }
    }

    /// How long reading waits; `None` is for ever. Where a system has no such limit there is none, nor between threads.
    pub fn set_patience(&self, patience: Option<Duration>) {
        if let Self::Socket(stream) = self {
            let _ = stream.set_recv_timeout(patience);
        }
    }
}

impl Cutter {
    /// The writing thread of a socket.
    fn write_all<T: Serialize>(&self, messages: &Receiver<T>) {
        let Some(stream) = self.stream.as_deref() else { return };
        let mut greeting = GREETING.to_vec();
        greeting.extend(PROTOCOL.to_le_bytes());
        let is_greeted = (&*stream).write_all(&greeting).is_ok();
        let send = |message: &T| match write_frame(stream, message) {
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
        if let Some(Stream::UdSocket(stream)) = self.stream.as_deref() {
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
