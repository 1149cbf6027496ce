//! The desktop that the editor's window is on.

use std::path::{Path, PathBuf};

use nice_plug_egui::RepaintNotifier;
use nice_plug_egui::baseview::WindowContext;
#[cfg(target_os = "linux")]
use raw_window_handle::{
    DisplayHandle, HandleError, HasDisplayHandle, HasWindowHandle, RawWindowHandle, WindowHandle, XcbWindowHandle,
};

use super::clipboard::Pasteboard;
use super::dialogs::Dialogs;
use super::reveal::reveal;
#[cfg(target_os = "linux")]
use super::x11;
use super::{Arrival, Desktop, Mail, Place};

/// The operating system's services for one window. Dropping files in and dragging them out are there on X11 only.
pub struct Native {
    mail: Mail,
    dialogs: Dialogs,
    pasteboard: Pasteboard,
    #[cfg(target_os = "linux")]
    context: egui::Context,
    /// `None` if the display cannot be reached a second time.
    #[cfg(target_os = "linux")]
    link: Option<x11::Link>,
}

impl Native {
    /// Services for `window`, which `context` draws.
    pub fn new(window: &WindowContext, context: &egui::Context, repaint: RepaintNotifier) -> Self {
        let mail = Mail::new(repaint);
        #[cfg(not(target_os = "linux"))]
        let _ = context;
        Self {
            dialogs: Dialogs::new(Parent::of(window), mail.clone()),
            pasteboard: Pasteboard::default(),
            #[cfg(target_os = "linux")]
            context: context.clone(),
            #[cfg(target_os = "linux")]
            link: id(window).and_then(|id| x11::Link::new(None, id, mail.clone()).ok()),
            mail,
        }
    }

    /// A place in the window, from pixels to egui's points.
    #[cfg(target_os = "linux")]
    fn points(&self, (x, y): (i16, i16)) -> egui::Pos2 {
        egui::pos2(x.into(), y.into()) / self.context.pixels_per_point()
    }

    /// What there is without a way to drag: the file is shown, from where it can be dragged.
    fn offer(&self, wav: &Path) {
        self.reveal(wav);
        self.mail.send(Arrival::DragEnded(false));
    }
}

impl Desktop for Native {
    fn choose_picture(&self) {
        self.dialogs.choose_picture();
    }

    fn choose_frames(&self) {
        self.dialogs.choose_frames();
    }

    fn choose_words(&self) {
        self.dialogs.choose_words();
    }

    fn choose_export(&self, suggested: &str) {
        self.dialogs.choose_export(suggested);
    }

    fn paste_image(&self) {
        self.pasteboard.paste_image(&self.mail);
    }

    fn paste_words(&self) {
        self.pasteboard.paste_words(&self.mail);
    }

    fn drag_out(&self, wav: PathBuf) {
        #[cfg(target_os = "linux")]
        if self.link.is_some() {
            return x11::drag_out(None, wav, self.mail.clone());
        }
        self.offer(&wav);
    }

    fn reveal(&self, path: &Path) {
        self.pasteboard.copy_path(path);
        let mail = self.mail.clone();
        reveal(path, move |text| mail.send(Arrival::Failed(Place::Takes, text)));
    }

    fn text_focus(&self, wanted: bool) {
        #[cfg(target_os = "linux")]
        if let Some(link) = &self.link {
            link.text_focus(wanted);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = wanted;
    }

    fn poll(&self) -> Option<Arrival> {
        self.mail.take()
    }

    fn hovering(&self) -> Option<egui::Pos2> {
        #[cfg(target_os = "linux")]
        return self.link.as_ref().and_then(x11::Link::hovering).map(|at| self.points(at));
        #[cfg(not(target_os = "linux"))]
        None
    }

    fn dropped(&self) -> Option<egui::Pos2> {
        #[cfg(target_os = "linux")]
        return self.link.as_ref().and_then(x11::Link::dropped).map(|at| self.points(at));
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// A window for dialogs to stay above.
#[cfg(not(target_os = "linux"))]
#[derive(Clone)]
pub struct Parent(nice_plug_egui::baseview::PlatformHandle);

#[cfg(not(target_os = "linux"))]
impl Parent {
    /// The editor's.
    pub fn of(window: &WindowContext) -> Option<Self> {
        Some(Self(window.platform_handle()))
    }

    /// Puts `dialog` above the window.
    pub fn hold(&self, dialog: rfd::FileDialog) -> rfd::FileDialog {
        dialog.set_parent(&self.0)
    }
}

/// A window for dialogs to stay above, by its number: the framework's own handle would keep the window's connection
/// open after the window, and the graphics driver that is to be closed with it is gone by then.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy)]
pub struct Parent(std::num::NonZeroU32);

#[cfg(target_os = "linux")]
impl Parent {
    /// The editor's.
    pub fn of(window: &WindowContext) -> Option<Self> {
        id(window).and_then(std::num::NonZeroU32::new).map(Self)
    }

    /// Puts `dialog` above the window.
    pub fn hold(&self, dialog: rfd::FileDialog) -> rfd::FileDialog {
        dialog.set_parent(self)
    }
}

#[cfg(target_os = "linux")]
impl HasWindowHandle for Parent {
    fn window_handle(&self) -> Result<WindowHandle<'_>, HandleError> {
        let handle = XcbWindowHandle::new(self.0);
        // SAFETY: a window's number is only a name; one of a window that is gone names nothing.
        Ok(unsafe { WindowHandle::borrow_raw(handle.into()) })
    }
}

#[cfg(target_os = "linux")]
impl HasDisplayHandle for Parent {
    fn display_handle(&self) -> Result<DisplayHandle<'_>, HandleError> {
        Err(HandleError::Unavailable)
    }
}

/// The window's number on X11.
#[cfg(target_os = "linux")]
fn id(window: &WindowContext) -> Option<u32> {
    match window.window_handle().ok()?.as_raw() {
        RawWindowHandle::Xlib(handle) => handle.window.try_into().ok(),
        RawWindowHandle::Xcb(handle) => Some(handle.window.get()),
        _ => None,
    }
}
