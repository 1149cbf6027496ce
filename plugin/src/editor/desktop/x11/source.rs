//! Drags a file out of the editor: the source's side of XDND.
//!
//! No pointer grab is needed: the window has the button's implicit one, and the pointer is asked for.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::atoms::Atoms;
use super::find::{Target, target};
use super::{Result, connect, helper};
use crate::editor::desktop::{Arrival, Mail, uris};

/// The window that a drag of this process comes from; 0 if none is under way.
pub static OWN: AtomicU32 = AtomicU32::new(0);

/// How often the pointer is asked for.
const PACE: Duration = Duration::from_millis(8);
/// A target that does not answer within this time gets the next position anyway.
const SILENCE: Duration = Duration::from_millis(250);
/// How long the target may take for a word: whether it takes the file, and that it has.
const VERDICT: Duration = Duration::from_millis(500);
/// How long the target may take to fetch what was dropped.
const FETCH: Duration = Duration::from_secs(10);
const ESCAPE: u32 = 0xff1b;

/// Lets the user drop `file` on a window of the display (`None` for the usual one) while the first mouse button is
/// down. Ends in [`Arrival::DragEnded`].
pub fn drag_out(display: Option<String>, file: PathBuf, mail: Mail) {
    std::thread::spawn(move || {
        let taken = Drag::new(display.as_deref(), file).and_then(|mut drag| drag.run()).unwrap_or(false);
        OWN.store(0, Relaxed);
        mail.send(Arrival::DragEnded(taken));
    });
}

/// A drag under way.
struct Drag {
    connection: RustConnection,
    atoms: Atoms,
    root: Window,
    window: Window,
    /// When the drag began, in the server's time.
    time: Timestamp,
    escape: Option<Keycode>,
    file: PathBuf,
    over: Option<Target>,
    /// The position that `over` was told last.
    told: Option<(i16, i16)>,
    /// When a position was sent that has not been answered.
    asked: Option<Instant>,
    accepted: bool,
    /// When the target fetched the data.
    fetched: Option<Instant>,
    /// The target's last word.
    finished: Option<bool>,
}

impl Drag {
    fn new(display: Option<&str>, file: PathBuf) -> Result<Self> {
        let (connection, screen) = connect(display)?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let root = connection.setup().roots[screen].root;
        let window = helper(&connection, root)?;
        let time = server_time(&connection, &atoms, window)?;
        connection.set_selection_owner(window, atoms.XdndSelection, time)?;
        let escape = keycode(&connection, ESCAPE)?;
        OWN.store(window, Relaxed);
        Ok(Self {
            connection,
            atoms,
            root,
            window,
            time,
            escape,
            file,
            over: None,
            told: None,
            asked: None,
            accepted: false,
            fetched: None,
            finished: None,
        })
    }

    /// Returns whether somebody took the file.
    fn run(&mut self) -> Result<bool> {
        let taken = match self.carry()? {
            Some(at) => self.let_go(at)?,
            None => false,
        };
        if !taken {
            self.leave()?;
        }
        // The server reads what is sent before it sees that we are gone.
        self.connection.sync()?;
        Ok(taken)
    }

    /// Follows the pointer until the button is up, and returns where. `None` if the user thought better of it.
    fn carry(&mut self) -> Result<Option<(i16, i16)>> {
        loop {
            self.answer_all()?;
            if self.cancelled()? {
                return Ok(None);
            }
            let pointer = self.connection.query_pointer(self.root)?.reply()?;
            let at = (pointer.root_x, pointer.root_y);
            if !pointer.mask.contains(KeyButMask::BUTTON1) {
                return Ok(Some(at));
            }
            self.follow(at)?;
            std::thread::sleep(PACE);
        }
    }

    fn follow(&mut self, at: (i16, i16)) -> Result<()> {
        if self.told == Some(at) || self.asked.is_some_and(|asked| asked.elapsed() < SILENCE) {
            return Ok(());
        }
        // Windows come and go under the pointer.
        let over = target(&self.connection, &self.atoms, self.root, at.0, at.1).unwrap_or(None);
        if over != self.over {
            self.leave()?;
            self.over = over;
            let version = over.map_or(0, |over| over.version) << 24;
            self.send(self.atoms.XdndEnter, [self.window, version, self.atoms.UriList, 0, 0])?;
        }
        self.told = Some(at);
        if self.over.is_some() {
            let place = u32::from(at.0 as u16) << 16 | u32::from(at.1 as u16);
            self.send(self.atoms.XdndPosition, [self.window, 0, place, self.time, self.atoms.XdndActionCopy])?;
            self.asked = Some(Instant::now());
        }
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        self.send(self.atoms.XdndLeave, [self.window, 0, 0, 0, 0])?;
        (self.over, self.told, self.asked, self.accepted) = (None, None, None, false);
        Ok(())
    }

    fn let_go(&mut self, at: (i16, i16)) -> Result<bool> {
        self.wait(VERDICT, |drag| drag.asked.is_none())?;
        // The answer may have been about where the pointer was before.
        self.asked = None;
        self.follow(at)?;
        self.wait(VERDICT, |drag| drag.asked.is_none())?;
        if self.over.is_none() || !self.accepted {
            return Ok(false);
        }
        self.send(self.atoms.XdndDrop, [self.window, 0, self.time, 0, 0])?;
        // Some fetch the data and never say that they are done.
        let silent = |drag: &Self| drag.fetched.is_some_and(|fetched| fetched.elapsed() > VERDICT);
        self.wait(FETCH, |drag| drag.finished.is_some() || silent(drag))?;
        Ok(self.finished.unwrap_or(self.fetched.is_some()))
    }

    fn wait(&mut self, longest: Duration, done: impl Fn(&Self) -> bool) -> Result<()> {
        let began = Instant::now();
        while self.over.is_some() && !done(self) && began.elapsed() < longest {
            self.answer_all()?;
            std::thread::sleep(PACE);
        }
        Ok(())
    }

    fn answer_all(&mut self) -> Result<()> {
        self.connection.flush()?;
        while let Some(event) = self.connection.poll_for_event()? {
            match event {
                Event::SelectionRequest(request) => self.hand_over(&request)?,
                Event::ClientMessage(message) => self.hear(&message),
                _ => {}
            }
        }
        Ok(self.connection.flush()?)
    }

    fn hear(&mut self, message: &ClientMessageEvent) {
        let [window, flags, ..] = message.data.as_data32();
        if message.format != 32 || self.over.is_none_or(|over| over.window != window) {
            return;
        }
        if message.type_ == self.atoms.XdndStatus {
            self.asked = None;
            self.accepted = flags & 1 != 0;
        } else if message.type_ == self.atoms.XdndFinished {
            // Before version 5 nothing is said about success.
            let silent = self.over.is_some_and(|over| over.version < 5);
            self.finished = Some(silent || flags & 1 != 0);
        }
    }

    fn hand_over(&mut self, request: &SelectionRequestEvent) -> Result<()> {
        let property = if request.property == x11rb::NONE { request.target } else { request.property };
        let (connection, requestor) = (&self.connection, request.requestor);
        let known = if request.target == self.atoms.TARGETS {
            let targets = [self.atoms.TARGETS, self.atoms.UriList];
            connection.change_property32(PropMode::REPLACE, requestor, property, AtomEnum::ATOM, &targets)?;
            true
        } else if request.target == self.atoms.UriList {
            let list = uris::write(&self.file);
            connection.change_property8(PropMode::REPLACE, requestor, property, request.target, &list)?;
            self.fetched = Some(Instant::now());
            true
        } else {
            false
        };
        let notice = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor,
            selection: request.selection,
            target: request.target,
            property: if known { property } else { x11rb::NONE },
        };
        connection.send_event(false, requestor, EventMask::NO_EVENT, notice)?;
        Ok(())
    }

    fn cancelled(&self) -> Result<bool> {
        let Some(escape) = self.escape else { return Ok(false) };
        let keys = self.connection.query_keymap()?.reply()?.keys;
        Ok(keys[usize::from(escape / 8)] & 1 << (escape % 8) != 0)
    }

    fn send(&self, kind: Atom, data: [u32; 5]) -> Result<()> {
        if let Some(over) = self.over {
            let message = ClientMessageEvent::new(32, over.window, kind, data);
            self.connection.send_event(false, over.to, EventMask::NO_EVENT, message)?;
        }
        Ok(())
    }
}

/// The server's time, which it tells with every change of a property.
fn server_time(connection: &RustConnection, atoms: &Atoms, window: Window) -> Result<Timestamp> {
    connection.change_property32(PropMode::REPLACE, window, atoms.XdndTypeList, AtomEnum::ATOM, &[atoms.UriList])?;
    connection.flush()?;
    loop {
        if let Event::PropertyNotify(change) = connection.wait_for_event()? {
            return Ok(change.time);
        }
    }
}

fn keycode(connection: &RustConnection, symbol: Keysym) -> Result<Option<Keycode>> {
    let setup = connection.setup();
    let (first, last) = (setup.min_keycode, setup.max_keycode);
    let map = connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
    let width = usize::from(map.keysyms_per_keycode).max(1);
    let row = map.keysyms.chunks(width).position(|row| row.contains(&symbol));
    Ok(row.map(|row| first + row as u8))
}
