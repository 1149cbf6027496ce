//! Keeps the keyboard on the editor while text is typed.
//!
//! Hosts take keys from a plugin's window in two ways. Some take the focus back after a click: it is fetched again, a
//! few times. Some grab single keys (the space bar, that starts the transport) whoever has the focus: against that, and
//! against hosts that insist on the focus, only a grab of the whole keyboard helps. It is taken once a host has been
//! seen to do so, and only while a text field waits *and* the pointer is over the editor, so that moving the pointer
//! away is always enough to get the keys back; Alt and the Super key, which window managers wait for, end it as well.

use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::*;

use super::{Result, Warden};

/// A host that takes the focus this often within [`WHILE`] insists on it.
const INSISTS: usize = 3;
const WHILE: Duration = Duration::from_secs(1);
/// After a click into a text field, any loss of focus is the host's doing.
const FRESH: Duration = Duration::from_millis(500);
/// Alt and Super, left and right, and Meta and Hyper.
const LEAVING: std::ops::RangeInclusive<Keysym> = 0xffe7..=0xffee;

/// What is known about the host's manners.
#[derive(Debug, Default)]
pub struct Keyboard {
    /// When a text field began to wait.
    wanted: Option<Instant>,
    /// When the focus was fetched back.
    fetched: Vec<Instant>,
    /// The host takes keys although the editor has the focus.
    hostile: bool,
    grabbed: bool,
    /// A key was pressed that window managers wait for. Lasts until the focus or the pointer comes back.
    paused: bool,
}

impl Keyboard {
    /// A text field waits, or no longer does.
    pub fn want(&mut self, warden: &Warden, wanted: bool) -> Result<()> {
        self.wanted = wanted.then(Instant::now);
        self.paused = false;
        if !wanted {
            return self.release(warden);
        }
        if focus(warden)? != warden.window {
            fetch(warden)?;
        }
        self.grab(warden)
    }

    /// Follows the focus, the pointer and grabbed keys.
    pub fn handle(&mut self, warden: &Warden, event: &Event) -> Result<()> {
        match event {
            Event::KeyPress(key) if self.grabbed => self.pass_on(warden, key),
            Event::KeyRelease(key) if self.grabbed => {
                forward(warden, KeyReleaseEvent { event: warden.window, child: x11rb::NONE, ..*key })
            }
            Event::FocusOut(out) if out.event == warden.window && self.wanted.is_some() => self.lost(warden, out),
            Event::FocusIn(back) if back.event == warden.window && back.mode != NotifyMode::GRAB => {
                self.paused &= back.mode == NotifyMode::UNGRAB;
                self.grab(warden)
            }
            Event::EnterNotify(enter) if enter.event == warden.window => {
                self.paused &= enter.mode != NotifyMode::NORMAL;
                self.grab(warden)
            }
            Event::LeaveNotify(leave) if leave.event == warden.window && leave.mode == NotifyMode::NORMAL => {
                self.release(warden)
            }
            _ => Ok(()),
        }
    }

    fn lost(&mut self, warden: &Warden, out: &FocusOutEvent) -> Result<()> {
        if out.mode == NotifyMode::GRAB {
            // A grab with Alt, Super or Control held is a shortcut that the user means.
            if !self.grabbed && !modified(warden)? {
                self.hostile = true;
            }
            return Ok(());
        }
        if out.mode == NotifyMode::UNGRAB || !self.stolen(warden)? {
            return self.release(warden);
        }
        self.fetched.retain(|then| then.elapsed() < WHILE);
        self.fetched.push(Instant::now());
        if self.fetched.len() > INSISTS {
            self.hostile = true;
            return self.grab(warden);
        }
        fetch(warden)
    }

    /// The user cannot have clicked elsewhere while the pointer is here; but may have changed windows by a key.
    fn stolen(&self, warden: &Warden) -> Result<bool> {
        if pointer_inside(warden)?.is_none() {
            return Ok(false);
        }
        let fresh = self.wanted.is_some_and(|wanted| wanted.elapsed() < FRESH);
        Ok(fresh || around(warden, focus(warden)?)?)
    }

    fn grab(&mut self, warden: &Warden) -> Result<()> {
        let idle = self.grabbed || self.paused || !self.hostile || self.wanted.is_none();
        if idle || pointer_inside(warden)?.is_none() {
            return Ok(());
        }
        let (now, free) = (x11rb::CURRENT_TIME, GrabMode::ASYNC);
        let request = warden.connection.grab_keyboard(false, warden.window, now, free, free)?;
        // While the host's own grab lasts ours fails; the focus comes back after it, and then we try again.
        self.grabbed = request.reply()?.status == GrabStatus::SUCCESS;
        if self.grabbed {
            // The window was told that it lost the focus to the grab, and would draw no caret.
            let back = FocusInEvent {
                response_type: FOCUS_IN_EVENT,
                detail: NotifyDetail::NONLINEAR,
                sequence: 0,
                event: warden.window,
                mode: NotifyMode::NORMAL,
            };
            forward(warden, back)?;
        }
        Ok(())
    }

    fn release(&mut self, warden: &Warden) -> Result<()> {
        if std::mem::take(&mut self.grabbed) {
            warden.connection.ungrab_keyboard(x11rb::CURRENT_TIME)?;
            warden.connection.flush()?;
        }
        Ok(())
    }

    fn pass_on(&mut self, warden: &Warden, key: &KeyPressEvent) -> Result<()> {
        forward(warden, KeyPressEvent { event: warden.window, child: x11rb::NONE, ..*key })?;
        let map = warden.connection.get_keyboard_mapping(key.detail, 1)?.reply()?;
        if map.keysyms.first().is_some_and(|symbol| LEAVING.contains(symbol)) {
            self.paused = true;
            return self.release(warden);
        }
        Ok(())
    }
}

/// To the one who made the window, who cannot tell it from the server's own.
fn forward(warden: &Warden, event: impl Into<[u8; 32]>) -> Result<()> {
    warden.connection.send_event(false, warden.window, EventMask::NO_EVENT, event)?;
    Ok(warden.connection.flush()?)
}

fn focus(warden: &Warden) -> Result<Window> {
    Ok(warden.connection.get_input_focus()?.reply()?.focus)
}

fn fetch(warden: &Warden) -> Result<()> {
    warden.connection.set_input_focus(InputFocus::POINTER_ROOT, warden.window, x11rb::CURRENT_TIME)?;
    Ok(warden.connection.flush()?)
}

fn modified(warden: &Warden) -> Result<bool> {
    let pointer = warden.connection.query_pointer(warden.root)?.reply()?;
    Ok(pointer.mask.intersects(KeyButMask::CONTROL | KeyButMask::MOD1 | KeyButMask::MOD4))
}

fn pointer_inside(warden: &Warden) -> Result<Option<(i16, i16)>> {
    let pointer = warden.connection.query_pointer(warden.root)?.reply()?;
    warden.inside(pointer.root_x, pointer.root_y)
}

/// Whether `window` is in the same host's window as the editor, or nobody's.
fn around(warden: &Warden, window: Window) -> Result<bool> {
    // 0 is nobody and 1 is whoever is under the pointer.
    Ok(window <= 1 || outermost(warden, window)? == outermost(warden, warden.window)?)
}

fn outermost(warden: &Warden, mut window: Window) -> Result<Window> {
    loop {
        let parent = warden.connection.query_tree(window)?.reply()?.parent;
        if parent == warden.root || parent == x11rb::NONE {
            return Ok(window);
        }
        window = parent;
    }
}
