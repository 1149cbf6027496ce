//! A prompt from a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use melfusion::error::Error;
use melfusion::request::MAX_PROMPT_BYTES;

/// Reads a prompt; white space around it is dropped.
///
/// # Errors
///
/// [`Error::File`]: it cannot be read, is too long, or is not UTF-8.
pub fn read(path: &Path) -> Result<String, Error> {
    let fail = |problem: String| Error::File { path: path.to_path_buf(), problem };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_PROMPT_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| fail(format!("the prompt cannot be read: {error}")))?;
    if bytes.len() > MAX_PROMPT_BYTES {
        return Err(fail(format!("the prompt is longer than {MAX_PROMPT_BYTES} bytes; shorten it")));
    }
    let text = String::from_utf8(bytes).map_err(|_| fail("the prompt is not text in UTF-8; save it as such".into()))?;
    // Some editors begin UTF-8 files with a byte order mark.
    Ok(text.trim_start_matches('\u{feff}').trim().to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn reading(bytes: &[u8]) -> Result<String, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompt.txt");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    #[test]
    fn marks_and_line_ends_are_no_words() {
        assert_eq!(reading("\u{feff}calm piano\r\n".as_bytes()).unwrap(), "calm piano");
        assert_eq!(reading(b"").unwrap(), "");
    }

    #[test]
    fn what_is_no_prompt_is_refused() {
        assert!(matches!(reading(b"\xff\xfe"), Err(Error::File { .. })));
        assert!(matches!(reading(&vec![b'a'; MAX_PROMPT_BYTES + 1]), Err(Error::File { .. })));
        assert!(matches!(read(Path::new("no such prompt.txt")), Err(Error::File { .. })));
    }
}
