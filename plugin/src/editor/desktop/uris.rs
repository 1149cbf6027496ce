//! Lists of files as desktops pass them around (`text/uri-list`, RFC 2483).

use std::path::{Path, PathBuf};

/// What a line of a list names.
#[derive(Debug, PartialEq)]
pub enum Named {
    /// A file on this machine.
    File(PathBuf),
    /// Something else, such as a web address.
    Other(String),
}

/// What a list names, in order. Comments and empty lines are skipped.
pub fn read(list: &[u8]) -> Vec<Named> {
    list.split(|byte| matches!(byte, b'\r' | b'\n' | 0))
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(name)
        .collect()
}

/// A list of one file, which must be absolute.
pub fn write(path: &Path) -> Vec<u8> {
    format!("{}\r\n", uri(path)).into_bytes()
}

/// The file's URI.
pub fn uri(path: &Path) -> String {
    let mut uri = String::from("file://");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn name(line: &[u8]) -> Named {
    // A host name may stand before the path; a file manager only hands out files that can be opened here.
    let path = strip_scheme(line)
        .and_then(|rest| Some(&rest[rest.iter().position(|byte| *byte == b'/')?..]))
        .or_else(|| line.starts_with(b"/").then_some(line));
    match path {
        Some(path) => Named::File(path_of(decode(path))),
        None => Named::Other(String::from_utf8_lossy(line).into_owned()),
    }
}

fn strip_scheme(line: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = line.split_at_checked(5)?;
    if !scheme.eq_ignore_ascii_case(b"file:") {
        return None;
    }
    // `file:/path` is as good as `file:///path`.
    Some(rest.strip_prefix(b"//").unwrap_or(rest))
}

fn decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &str) -> Vec<PathBuf> {
        read(list.as_bytes())
            .into_iter()
            .map(|named| match named {
                Named::File(path) => path,
                Named::Other(other) => panic!("{other} is no file"),
            })
            .collect()
    }

    #[test]
    fn a_list_is_read_line_by_line() {
        let list =
            "# from a file manager\r\nfile:///a/one.png\r\n\r\nfile://desk/b/two.png\r\nfile:/c/three.png\n/d/four.png";
        let expected = ["/a/one.png", "/b/two.png", "/c/three.png", "/d/four.png"].map(PathBuf::from);
        assert_eq!(files(list), expected);
    }

    #[test]
    fn escapes_become_bytes() {
        assert_eq!(files("file:///Bilder/K%C3%BCste%20im%20Sturm.png"), [PathBuf::from("/Bilder/Küste im Sturm.png")]);
        assert_eq!(files("file:///100%25.png\r\n"), [PathBuf::from("/100%.png")]);
        assert_eq!(files("file:///50%zz%"), [PathBuf::from("/50%zz%")]);
    }

    #[test]
    fn web_addresses_are_no_files() {
        assert_eq!(read(b"https://example.org/a.png"), [Named::Other("https://example.org/a.png".into())]);
    }

    #[cfg(unix)]
    #[test]
    fn any_path_survives_the_way_there_and_back() {
        use std::os::unix::ffi::OsStrExt;
        let bytes: Vec<u8> = std::iter::once(b'/').chain(1..=255).collect();
        let path = Path::new(std::ffi::OsStr::from_bytes(&bytes));
        assert!(write(path).is_ascii());
        assert_eq!(read(&write(path)), [Named::File(path.into())]);
    }

    #[test]
    fn long_lists_are_read_whole() {
        let list: String = (0..10_000).map(|index| format!("file:///frames/{index}.png\r\n")).collect();
        assert_eq!(files(&list).last(), Some(&PathBuf::from("/frames/9999.png")));
    }
}
