//! What the editor needs of the desktop around it: files, clipboard, drag and drop.

mod clipboard;
mod dialogs;
mod files;
mod mail;
mod native;
mod reveal;
mod uris;
#[cfg(target_os = "linux")]
pub mod x11;

use std::path::{Path, PathBuf};

use nice_plug_egui::{Frame, RepaintNotifier};

pub use self::mail::Mail;
pub use self::native::Native;
use crate::session::Place;

/// Connects a window that has just been built with the desktop. Dropping the result, or closing the window, ends all
/// that was set up for it.
pub fn open(frame: &Frame, context: &egui::Context, repaint: RepaintNotifier) -> Box<dyn Desktop> {
    Box::new(Native::new(frame.baseview_window(), context, repaint))
}

/// Services of the desktop. Every call returns at once; what comes of it arrives through [`Desktop::poll`].
pub trait Desktop: Send {
    /// Asks the user for a picture; ends in [`Arrival::PictureFile`].
    fn choose_picture(&self);

    /// Asks the user for frames of a storyboard; ends in [`Arrival::Frames`].
    fn choose_frames(&self);

    /// Asks the user for a text file; ends in [`Arrival::Words`].
    fn choose_words(&self);

    /// Asks the user where to write a WAV file and suggests a file name; ends in [`Arrival::ExportTo`].
    fn choose_export(&self, suggested: &str);

    /// Fetches the clipboard's picture; ends in [`Arrival::PictureRgb`], or in [`Arrival::PictureFile`] if a file was
    /// copied.
    fn paste_image(&self);

    /// Fetches the clipboard's text; ends in [`Arrival::Words`].
    fn paste_words(&self);

    /// Lets the user drop a finished file on another window. To be called while the mouse button is down; ends in
    /// [`Arrival::DragEnded`].
    fn drag_out(&self, wav: PathBuf);

    /// Shows a file in the desktop's file manager and copies its path.
    fn reveal(&self, path: &Path);

    /// Says whether a text field has the focus, so that the host's shortcuts can be kept from taking its keys.
    fn text_focus(&self, wanted: bool);

    /// The next thing that came.
    fn poll(&self) -> Option<Arrival>;

    /// Where in the editor, in egui's points, something hovers that could be dropped.
    fn hovering(&self) -> Option<egui::Pos2>;

    /// Where in the editor, in egui's points, what came last was dropped; said once. `None` if it came another way.
    fn dropped(&self) -> Option<egui::Pos2> {
        None
    }
}

/// What comes from the desktop.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrival {
    /// A file that was dropped, chosen or pasted.
    PictureFile(PathBuf),
    /// Several pictures that were dropped or chosen together, in the order of their names.
    Frames(Vec<PathBuf>),
    /// A pasted picture, rows from the top, three bytes a pixel.
    PictureRgb {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// `width * height * 3` bytes.
        rgb: Vec<u8>,
    },
    /// Text that was dropped, pasted or read from a file.
    Words(String),
    /// Where to write the WAV file that is being exported.
    ExportTo(PathBuf),
    /// Something went wrong, and what to do about it.
    Failed(Place, String),
    /// A drag has ended; `true` if the other side took the file.
    DragEnded(bool),
}

/// A desktop without services, for tests.
#[derive(Debug, Default)]
pub struct NoDesktop;

impl Desktop for NoDesktop {
    fn choose_picture(&self) {}

    fn choose_frames(&self) {}

    fn choose_words(&self) {}

    fn choose_export(&self, _suggested: &str) {}

    fn paste_image(&self) {}

    fn paste_words(&self) {}

    fn drag_out(&self, _wav: PathBuf) {}

    fn reveal(&self, _path: &Path) {}

    fn text_focus(&self, _wanted: bool) {}

    fn poll(&self) -> Option<Arrival> {
        None
    }

    fn hovering(&self) -> Option<egui::Pos2> {
        None
    }
}
