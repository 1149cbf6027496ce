//! Drag and drop, and the keyboard, on X11.
//!
//! The window belongs to the framework, which throws drops away and cannot be asked to drag. So a thread with its own
//! connection to the display looks after the window from outside: it is the window's proxy for drops, and it
//! keeps the keyboard on the window while text is typed. It ends when the window does.

mod atoms;
mod drop;
mod find;
mod keyboard;
mod proxy;
mod selection;
mod source;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use self::atoms::Atoms;
use self::drop::Drops;
use self::keyboard::Keyboard;
use self::proxy::Proxies;
pub use self::source::drag_out;
use super::Mail;

type Result<T> = std::result::Result<T, ReplyOrIdError>;

/// Nothing hovers.
const NOWHERE: u64 = u64::MAX;

/// What the thread and the editor share.
#[derive(Debug)]
struct Shared {
    /// Where something hovers in pixels, x above y; [`NOWHERE`] if nothing does.
    hover: AtomicU64,
    /// Where what came last was dropped, likewise.
    dropped: AtomicU64,
    text_focus: AtomicBool,
}

/// A thread that looks after one window. Dropping it ends the thread and takes its marks off the window.
pub struct Link {
    connection: Arc<RustConnection>,
    /// Where the thread is reached.
    helper: Window,
    nudge: Atom,
    shared: Arc<Shared>,
    mail: Mail,
}

/// The thread's side.
struct Warden {
    connection: Arc<RustConnection>,
    atoms: Atoms,
    root: Window,
    /// The editor's.
    window: Window,
    helper: Window,
    shared: Arc<Shared>,
    mail: Mail,
}

impl Link {
    /// Starts to look after `window` on a display (`None` for the usual one).
    ///
    /// # Errors
    ///
    /// The display's. Nothing was changed.
    pub fn new(display: Option<&str>, window: Window, mail: Mail) -> Result<Self> {
        let (connection, screen) = connect(display)?;
        let connection = Arc::new(connection);
        let atoms = Atoms::new(&connection)?.reply()?;
        let root = connection.setup().roots[screen].root;
        let helper = helper(&connection, root)?;
        let shared = Arc::new(Shared { hover: NOWHERE.into(), dropped: NOWHERE.into(), text_focus: false.into() });
        let link = Self {
            connection: connection.clone(),
            helper,
            nudge: atoms._MELFUSION_NUDGE,
            shared: shared.clone(),
            mail: mail.clone(),
        };
        let warden = Warden { connection, atoms, root, window, helper, shared, mail };
        std::thread::spawn(move || warden.run());
        Ok(link)
    }

    /// Where in the window something hovers that could be dropped, in pixels.
    pub fn hovering(&self) -> Option<(i16, i16)> {
        unpacked(self.shared.hover.load(Relaxed))
    }

    /// Where in the window what came last was dropped, in pixels; once.
    pub fn dropped(&self) -> Option<(i16, i16)> {
        unpacked(self.shared.dropped.swap(NOWHERE, Relaxed))
    }

    /// Says whether the editor waits for text.
    pub fn text_focus(&self, wanted: bool) {
        if self.shared.text_focus.swap(wanted, Relaxed) != wanted {
            self.nudge(false);
        }
    }

    fn nudge(&self, end: bool) {
        let message = ClientMessageEvent::new(32, self.helper, self.nudge, [u32::from(end), 0, 0, 0, 0]);
        // If the display is gone, so is the thread.
        let _ = self.connection.send_event(false, self.helper, EventMask::NO_EVENT, message);
        let _ = self.connection.flush();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.nudge(true);
        self.mail.wake();
    }
}

impl Warden {
    fn run(self) {
        let mut proxies = Proxies::new(&self);
        let mut drops = Drops::default();
        let mut keyboard = Keyboard::default();
        // An error here is the display's end, and there is nobody left to tell.
        let _ = self.serve(&mut proxies, &mut drops, &mut keyboard);
        self.hover(None);
        let _ = proxies.remove(&self);
        let _ = self.connection.destroy_window(self.helper);
        // A connection that is closed with events unread takes requests with it that the server has not read yet.
        let _ = self.connection.sync();
    }

    fn serve(&self, proxies: &mut Proxies, drops: &mut Drops, keyboard: &mut Keyboard) -> Result<()> {
        proxies.refresh(self)?;
        loop {
            self.connection.flush()?;
            let event = self.connection.wait_for_event()?;
            match &event {
                Event::ClientMessage(message) if message.type_ == self.atoms._MELFUSION_NUDGE => {
                    if message.data.as_data32()[0] != 0 {
                        return Ok(());
                    }
                    self.survive(keyboard.want(self, self.shared.text_focus.load(Relaxed)))?;
                }
                Event::DestroyNotify(gone) if gone.window == self.window => return Ok(()),
                _ => {
                    self.survive(proxies.handle(self, &event))?;
                    self.survive(drops.handle(self, proxies, &event))?;
                    self.survive(keyboard.handle(self, &event))?;
                }
            }
        }
    }

    /// Windows of others can be gone at any time; only the connection's end is ours.
    fn survive(&self, result: Result<()>) -> Result<()> {
        match result {
            Err(ReplyOrIdError::X11Error(_)) => Ok(()),
            other => other,
        }
    }

    /// Publishes where something hovers.
    fn hover(&self, at: Option<(i16, i16)>) {
        let at = packed(at);
        if self.shared.hover.swap(at, Relaxed) != at {
            self.mail.wake();
        }
    }

    /// Publishes where something was dropped, before it arrives.
    fn dropped(&self, at: Option<(i16, i16)>) {
        self.shared.dropped.store(packed(at), Relaxed);
    }

    /// Where a point of the screen is in the window, if the window is seen there.
    fn inside(&self, x: i16, y: i16) -> Result<Option<(i16, i16)>> {
        let at = self.connection.translate_coordinates(self.root, self.window, x, y)?;
        let size = self.connection.get_geometry(self.window)?;
        let attributes = self.connection.get_window_attributes(self.window)?;
        let (at, size, attributes) = (at.reply()?, size.reply()?, attributes.reply()?);
        let within = |value: i16, end: u16| value >= 0 && i32::from(value) < i32::from(end);
        let seen = attributes.map_state == MapState::VIEWABLE
            && at.same_screen
            && within(at.dst_x, size.width)
            && within(at.dst_y, size.height);
        Ok(seen.then_some((at.dst_x, at.dst_y)))
    }
}

fn connect(display: Option<&str>) -> Result<(RustConnection, usize)> {
    // Why it failed does not matter: there is no display then, and nothing to do about it.
    Ok(RustConnection::connect(display).map_err(|_| ConnectionError::UnknownError)?)
}

/// A window that is never seen.
fn helper(connection: &RustConnection, root: Window) -> Result<Window> {
    let window = connection.generate_id()?;
    let hidden = CreateWindowAux::new().override_redirect(1).event_mask(EventMask::PROPERTY_CHANGE);
    connection.create_window(0, window, root, -10, -10, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &hidden)?;
    Ok(window)
}

fn packed(at: Option<(i16, i16)>) -> u64 {
    at.map_or(NOWHERE, |(x, y)| u64::from(x as u16) << 16 | u64::from(y as u16))
}

fn unpacked(at: u64) -> Option<(i16, i16)> {
    (at != NOWHERE).then_some(((at >> 16) as i16, at as i16))
}
