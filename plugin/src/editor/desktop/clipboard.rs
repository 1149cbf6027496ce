//! The clipboard, beside the text that the window itself copies and pastes.

use std::path::Path;
use std::sync::Arc;

use arboard::{Clipboard, Error, ImageData};
use parking_lot::Mutex;

use super::uris::Named;
use super::{Arrival, Mail, Place, files};

/// Access to the clipboard. It stays open: on X11, what was copied is gone when the one who copied leaves.
#[derive(Clone, Default)]
pub struct Pasteboard(Arc<Mutex<Option<Clipboard>>>);

impl Pasteboard {
    /// Fetches a picture, or files that were copied, on a thread: the one who copied may take seconds to answer.
    pub fn paste_image(&self, mail: &Mail) {
        let (board, mail) = (self.clone(), mail.clone());
        std::thread::spawn(move || {
            for arrival in board.with(picture).unwrap_or_else(|error| vec![failed(Place::Picture, &error)]) {
                mail.send(arrival);
            }
        });
    }

    /// Fetches text, on a thread.
    pub fn paste_words(&self, mail: &Mail) {
        let (board, mail) = (self.clone(), mail.clone());
        std::thread::spawn(move || {
            mail.send(match board.with(Clipboard::get_text) {
                Ok(text) => Arrival::Words(text),
                Err(Error::ContentNotAvailable) => {
                    Arrival::Failed(Place::Request, "The clipboard holds no text. Copy some first.".into())
                }
                Err(error) => failed(Place::Request, &error),
            });
        });
    }

    /// Copies a path, on a thread.
    pub fn copy_path(&self, path: &Path) {
        let (board, text) = (self.clone(), path.display().to_string());
        // Without a clipboard there is nobody to paste it either.
        std::thread::spawn(move || board.with(|clipboard| clipboard.set_text(text)));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Clipboard) -> Result<T, Error>) -> Result<T, Error> {
        let mut board = self.0.lock();
        let clipboard = match board.take() {
            Some(clipboard) => clipboard,
            None => Clipboard::new()?,
        };
        work(board.insert(clipboard))
    }
}

fn picture(clipboard: &mut Clipboard) -> Result<Vec<Arrival>, Error> {
    match clipboard.get_image() {
        Ok(image) => return Ok(vec![flatten(&image)]),
        Err(Error::ContentNotAvailable) => {}
        Err(error) => return Err(error),
    }
    let files = clipboard.get().file_list().unwrap_or_default();
    if files.is_empty() {
        let text = "The clipboard holds no picture. Copy a picture or a file first, or drop one here.";
        return Ok(vec![Arrival::Failed(Place::Picture, text.into())]);
    }
    Ok(files::sort(files.into_iter().map(Named::File).collect()))
}

fn failed(place: Place, error: &Error) -> Arrival {
    Arrival::Failed(place, format!("The clipboard could not be read: {error}"))
}

/// Over white: that is how a picture with holes is seen where it was copied.
fn flatten(image: &ImageData) -> Arrival {
    let rgb = image.bytes.chunks_exact(4).flat_map(|pixel| {
        let alpha = u32::from(pixel[3]);
        [pixel[0], pixel[1], pixel[2]].map(|value| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
    });
    Arrival::PictureRgb { width: image.width as u32, height: image.height as u32, rgb: rgb.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_with_holes_lies_on_white() {
        let bytes = [10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 255, 51];
        let image = ImageData { width: 3, height: 1, bytes: bytes[..].into() };
        let rgb = vec![10, 20, 30, 255, 255, 255, 204, 224, 255];
        assert_eq!(flatten(&image), Arrival::PictureRgb { width: 3, height: 1, rgb });
    }
}
