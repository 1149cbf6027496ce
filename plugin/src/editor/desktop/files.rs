//! What the editor gets of files that were dropped, pasted or chosen.

use std::path::{Path, PathBuf};

use super::uris::Named;
use super::{Arrival, Place};

/// Most bytes of a text that is taken for a prompt.
const LONGEST_TEXT: u64 = 1 << 20;

/// All pictures and the first text among `named`, and a word on what was left out.
pub fn sort(named: Vec<Named>) -> Vec<Arrival> {
    let count = named.len();
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for named in named {
        match named {
            Named::File(path) => files.push(path),
            Named::Other(other) => others.push(other),
        }
    }
    let (texts, pictures): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(|path| is_text(path));
    let mut arrivals = Vec::new();
    arrivals.extend(texts.first().map(|path| words(path)));
    let count = count - pictures.len().saturating_sub(1);
    arrivals.extend(pictures_of(pictures));
    if let Some(other) = others.first().filter(|_| arrivals.is_empty()) {
        let text = format!("{other} is not a file. Save the picture first, then drop the file.");
        arrivals.push(Arrival::Failed(Place::Picture, text));
    } else if count > arrivals.len() && !arrivals.is_empty() {
        let text = "More came than can be used: pictures, and one text. The rest was left out.".to_owned();
        arrivals.push(Arrival::Failed(Place::Picture, text));
    }
    arrivals
}

/// The text in a file, as a prompt.
pub fn words(path: &Path) -> Arrival {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let failed = |problem: &str| Arrival::Failed(Place::Request, format!("{name}: {problem}"));
    match std::fs::metadata(path) {
        Ok(file) if file.len() > LONGEST_TEXT => return failed("is too long for a prompt. Take a shorter text."),
        Ok(_) => {}
        Err(error) => return failed(&format!("cannot be read ({error}).")),
    }
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Arrival::Words(text.trim_start_matches('\u{feff}').trim().to_owned()),
        Ok(Err(_)) => failed("is not a text in UTF-8. Save it as plain text in UTF-8."),
        Err(error) => failed(&format!("cannot be read ({error}).")),
    }
}

fn pictures_of(mut paths: Vec<PathBuf>) -> Option<Arrival> {
    if paths.len() > 1 {
        return Some(frames(paths));
    }
    paths.pop().map(picture)
}

/// Frames of a storyboard, in the order of their names: whoever sends them may have any order. A folder is no frame.
pub fn frames(mut paths: Vec<PathBuf>) -> Arrival {
    paths.retain(|path| !path.is_dir());
    // `frame2` comes before `frame10`.
    alphanumeric_sort::sort_path_slice(&mut paths);
    match paths.is_empty() {
        true => Arrival::Failed(Place::Board, "These are folders. Drop the picture files in them.".to_owned()),
        false => Arrival::Frames(paths),
    }
}

fn picture(path: PathBuf) -> Arrival {
    if path.is_dir() {
        let text = format!("{} is a folder. Drop a picture file.", path.display());
        return Arrival::Failed(Place::Picture, text);
    }
    Arrival::PictureFile(path)
}

fn is_text(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    matches!(ending.as_deref(), Some("txt" | "text" | "md"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Named {
        Named::File(path.into())
    }

    #[test]
    fn one_picture_arrives_alone() {
        assert_eq!(sort(vec![file("/a.png")]), [Arrival::PictureFile("/a.png".into())]);
    }

    #[test]
    fn several_pictures_are_frames_in_the_order_of_their_names() {
        let arrivals = sort(["/b10.png", "/b9.png", "/A.png"].map(file).into());
        let frames = ["/A.png", "/b9.png", "/b10.png"].map(PathBuf::from);
        assert_eq!(arrivals, [Arrival::Frames(frames.into())]);
    }

    #[test]
    fn a_text_and_a_picture_both_arrive() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("Prompt.TXT");
        std::fs::write(&path, "\u{feff}rain on a tin roof\r\n")?;
        let arrivals = sort(vec![file("/a.png"), Named::File(path)]);
        let expected = [Arrival::Words("rain on a tin roof".into()), Arrival::PictureFile("/a.png".into())];
        assert_eq!(arrivals, expected);
        Ok(())
    }

    #[test]
    fn what_cannot_be_used_is_said_in_words() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let latin = folder.path().join("latin.txt");
        std::fs::write(&latin, b"K\xfcste")?;
        let said = |named| match &sort(vec![named])[..] {
            [Arrival::Failed(_, text)] => text.clone(),
            other => panic!("{other:?}"),
        };
        assert!(said(Named::File(latin)).contains("UTF-8"));
        assert!(said(Named::File(folder.path().into())).contains("is a folder"));
        assert!(said(file("/none/such.txt")).contains("cannot be read"));
        assert!(said(Named::Other("https://example.org/a.png".into())).contains("not a file"));
        Ok(())
    }
}
