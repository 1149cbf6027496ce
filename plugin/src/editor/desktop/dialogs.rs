//! The desktop's own file dialogs, each on a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Release};
use std::time::{Duration, Instant};

use rfd::FileDialog;

use super::native::Parent;

use super::{Arrival, Mail, Place, files};

/// Endings of the pictures that the engine reads.
const PICTURES: &[&str] = &["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"];
/// Nobody cancels a dialog that fast: it never came up.
const SEEN: Duration = Duration::from_millis(150);

/// Opens dialogs, one at a time.
#[derive(Clone)]
pub struct Dialogs {
    /// The window that dialogs stay above.
    parent: Option<Parent>,
    open: Arc<AtomicBool>,
    mail: Mail,
}

impl Dialogs {
    /// Dialogs above `parent` that report to `mail`.
    pub fn new(parent: Option<Parent>, mail: Mail) -> Self {
        Self { parent, open: Arc::default(), mail }
    }

    /// Asks for a picture.
    pub fn choose_picture(&self) {
        let dialog = FileDialog::new().set_title("Choose a picture");
        let dialog = dialog.add_filter("Pictures", PICTURES).add_filter("All files", &["*"]);
        self.ask(Place::Picture, dialog, FileDialog::pick_file, Arrival::PictureFile);
    }

    /// Asks for frames of a storyboard.
    pub fn choose_frames(&self) {
        let dialog = FileDialog::new().set_title("Choose the frames of a storyboard");
        let dialog = dialog.add_filter("Pictures", PICTURES).add_filter("All files", &["*"]);
        self.ask(Place::Board, dialog, FileDialog::pick_files, files::frames);
    }

    /// Asks for a text file.
    pub fn choose_words(&self) {
        let dialog = FileDialog::new().set_title("Choose a text for the prompt");
        let dialog = dialog.add_filter("Texts", &["txt", "md", "text"]).add_filter("All files", &["*"]);
        self.ask(Place::Request, dialog, FileDialog::pick_file, |path| files::words(&path));
    }

    /// Asks where to write a WAV file.
    pub fn choose_export(&self, suggested: &str) {
        let dialog = FileDialog::new().set_title("Export WAV").set_file_name(suggested);
        let dialog = dialog.add_filter("WAV", &["wav"]);
        self.ask(Place::Takes, dialog, FileDialog::save_file, |path| Arrival::ExportTo(as_wav(path)));
    }

    fn ask<T: 'static>(
        &self,
        place: Place,
        dialog: FileDialog,
        show: fn(FileDialog) -> Option<T>,
        arrival: fn(T) -> Arrival,
    ) {
        if self.open.swap(true, AcqRel) {
            return;
        }
        let dialogs = self.clone();
        std::thread::spawn(move || {
            let dialog = dialogs.parent.iter().fold(dialog, |dialog, parent| parent.hold(dialog));
            let asked = Instant::now();
            let chosen = show(dialog);
            dialogs.open.store(false, Release);
            match chosen {
                Some(chosen) => dialogs.mail.send(arrival(chosen)),
                None if asked.elapsed() < SEEN => dialogs.mail.send(Arrival::Failed(place, unseen(place))),
                None => {}
            }
        });
    }
}

fn unseen(place: Place) -> String {
    let instead = match place {
        Place::Picture => "Drop the picture on this window, paste it, or press Path and type where it is.",
        Place::Board => "Drop the frames on this window.",
        Place::Takes => "Drag the clip onto a track or a folder instead.",
        _ => "Drop the text file on this window, or copy the text and paste.",
    };
    format!("No file dialog came up: this desktop runs neither xdg-desktop-portal nor zenity. {instead}")
}

fn as_wav(mut path: PathBuf) -> PathBuf {
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("wav")) {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".wav");
        path.set_file_name(name);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_end_in_wav() {
        assert_eq!(as_wav("/a/b.wav".into()), PathBuf::from("/a/b.wav"));
        assert_eq!(as_wav("/a/b.WAV".into()), PathBuf::from("/a/b.WAV"));
        assert_eq!(as_wav("/a/v1.2".into()), PathBuf::from("/a/v1.2.wav"));
    }
}
