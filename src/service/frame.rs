//! Messages as bytes: a length, then the message in MessagePack.
//!
//! MessagePack with named fields, as parts of the messages are written in forms that only such an encoding can hold: a
//! tempo map that is one number or a list, a recipe that leaves out what is not so. It keeps every bit of a number, which
//! JSON's parser does not, and bytes are bytes.

use std::io::{self, ErrorKind, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest message in bytes. The words of a job take 5 MB at most and its two pictures 6, the latents of ten minutes of notes
/// 14 and the notes some; sound goes in parts.
pub const MAX_FRAME: usize = 32 << 20;

/// Why no message could be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other end has closed the line, between two messages.
    #[error("the line was closed")]
    Closed,
    /// It was closed in the midst of a message, or cannot be read.
    #[error("the line broke ({0})")]
    Broken(io::Error),
    /// A message of so many bytes is none.
    #[error("a message of {0} bytes is longer than any can be")]
    TooLong(usize),
    /// The bytes are no message.
    #[error("what came is no message ({0})")]
    Garbage(String),
}

/// Writes a message.
///
/// # Errors
///
/// The line is broken, or the message is longer than [`MAX_FRAME`]; then nothing was written.
pub fn write_frame(mut line: impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut frame = vec![0; 4];
    rmp_serde::encode::write_named(&mut frame, message).map_err(io::Error::other)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME {
        return Err(io::Error::new(ErrorKind::InvalidInput, FrameError::TooLong(length)));
    }
    frame[..4].copy_from_slice(&(length as u32).to_le_bytes());
    line.write_all(&frame)?;
    line.flush()
}

/// Whether a message is short enough to be sent, with room for what it is wrapped in.
pub(super) fn fits(message: &impl Serialize) -> bool {
    let mut count = Count(0);
    rmp_serde::encode::write_named(&mut count, message).is_ok() && count.0 + 100 <= MAX_FRAME
}

/// Counts what is written.
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a message, and waits until there is one. Memory grows with what has come, not with the length that was said.
///
/// # Errors
///
/// There is none; nothing more can be read after that.
pub fn read_frame<T: DeserializeOwned>(mut line: impl Read) -> Result<T, FrameError> {
    let mut length = [0; 4];
    match line.read(&mut length[..1]) {
        Ok(0) => return Err(FrameError::Closed),
        Ok(_) => line.read_exact(&mut length[1..]).map_err(FrameError::Broken)?,
        Err(error) if error.kind() == ErrorKind::Interrupted => return read_frame(line),
        Err(error) => return Err(FrameError::Broken(error)),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    let mut frame = Vec::new();
    line.take(length as u64).read_to_end(&mut frame).map_err(FrameError::Broken)?;
    if frame.len() < length {
        return Err(FrameError::Broken(ErrorKind::UnexpectedEof.into()));
    }
    let mut rest = frame.as_slice();
    let message = rmp_serde::from_read(&mut rest).map_err(|error| FrameError::Garbage(error.to_string()))?;
    if rest.is_empty() { Ok(message) } else { Err(FrameError::Garbage("more than one in a frame".into())) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn frame() -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &("words", 0.1, vec![1u8, 2])).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<(String, f64, Vec<u8>), FrameError> {
        read_frame(bytes)
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = frame().repeat(2);
        let mut line = bytes.as_slice();
        for _ in 0..2 {
            let message: (String, f64, Vec<u8>) = read_frame(&mut line).unwrap();
            assert_eq!(message, ("words".into(), 0.1, vec![1, 2]));
        }
        assert!(matches!(read(line), Err(FrameError::Closed)));
    }

    #[test]
    fn every_cut_is_noticed() {
        let whole = frame();
        for length in 1..whole.len() {
            assert!(matches!(read(&whole[..length]), Err(FrameError::Broken(_))), "{length}");
        }
    }

    #[test]
    fn rubbish_is_told_from_messages_and_takes_no_memory() {
        assert!(matches!(read(&[255; 64]), Err(FrameError::TooLong(0xffff_ffff))));
        let mut bytes = (MAX_FRAME as u32).to_le_bytes().to_vec();
        assert!(matches!(read(&bytes), Err(FrameError::Broken(_))));
        bytes = 8u32.to_le_bytes().to_vec();
        bytes.extend([0xc1; 8]);
        assert!(matches!(read(&bytes), Err(FrameError::Garbage(_))));
        // An array that says it has four thousand million strings.
        bytes = 5u32.to_le_bytes().to_vec();
        bytes.extend([0xdd, 255, 255, 255, 255]);
        assert!(matches!(read_frame::<Vec<String>>(bytes.as_slice()), Err(FrameError::Garbage(_))));
    }

    #[test]
    fn no_message_is_written_that_would_not_be_read() {
        let mut bytes = Vec::new();
        let long = serde_bytes::ByteBuf::from(vec![0; MAX_FRAME]);
        assert_eq!(write_frame(&mut bytes, &long).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(bytes.is_empty());
    }
}
