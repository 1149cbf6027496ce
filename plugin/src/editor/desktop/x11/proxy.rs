//! Makes the helper the proxy of the editor's window for drops (`XdndProxy`).
//!
//! Who drags looks for the first window under the pointer that is `XdndAware`, from the screen inwards; some only look
//! at the window that the window manager knows. In most hosts that is the host's window, which does not pass drops on.
//! So the helper also stands in for the windows around the editor, keeps what is dropped on the editor, and
//! [passes on](Proxies::beyond) everything else.

use x11rb::protocol::Event;
use x11rb::protocol::xproto::*;
use x11rb::wrapper::ConnectionExt as _;

use super::{Result, Warden};

/// Newest version of XDND.
const VERSION: u32 = 5;

/// A window that the helper stands in for.
#[derive(Debug, Clone, Copy)]
struct Placed {
    window: Window,
    /// Who stood in for it before.
    before: Option<Window>,
}

/// The windows that the helper stands in for.
#[derive(Debug, Default)]
pub struct Proxies {
    placed: Vec<Placed>,
}

impl Proxies {
    /// Marks the helper as a proxy. The windows follow with [`Proxies::refresh`].
    pub fn new(warden: &Warden) -> Self {
        let (connection, atoms, helper) = (&warden.connection, &warden.atoms, warden.helper);
        // A failure is the connection's end, and shows at the next call.
        let _ = connection.change_property32(PropMode::REPLACE, helper, atoms.XdndAware, AtomEnum::ATOM, &[VERSION]);
        let _ = connection.change_property32(PropMode::REPLACE, helper, atoms.XdndProxy, AtomEnum::WINDOW, &[helper]);
        Self::default()
    }

    /// Looks again which windows are around the editor.
    pub fn refresh(&mut self, warden: &Warden) -> Result<()> {
        let wanted = wanted(warden)?;
        let (keep, gone) =
            std::mem::take(&mut self.placed).into_iter().partition(|placed| wanted.contains(&placed.window));
        self.placed = keep;
        for placed in gone {
            warden.survive(take_off(warden, placed))?;
        }
        for window in wanted {
            if !self.placed.iter().any(|placed| placed.window == window) {
                let before = named_proxy(warden, window)?.filter(|before| *before != warden.helper);
                set_proxy(warden, window, Some(warden.helper))?;
                self.placed.push(Placed { window, before });
            }
        }
        Ok(())
    }

    /// Follows changes of the windows around the editor.
    pub fn handle(&mut self, warden: &Warden, event: &Event) -> Result<()> {
        let changed = match event {
            Event::ReparentNotify(_) | Event::MapNotify(_) => true,
            Event::PropertyNotify(change) => [warden.atoms.WM_STATE, warden.atoms.XdndAware].contains(&change.atom),
            _ => false,
        };
        if changed { self.refresh(warden) } else { Ok(()) }
    }

    /// Who gets what was meant for `window` but not for the editor.
    pub fn beyond(&self, warden: &Warden, window: Window) -> Result<Option<Window>> {
        if window == warden.window {
            return Ok(None);
        }
        let before = self.placed.iter().find(|placed| placed.window == window).and_then(|placed| placed.before);
        if let Some(before) = before
            && named_proxy(warden, before).is_ok_and(|proxy| proxy == Some(before))
        {
            return Ok(Some(before));
        }
        Ok(has(warden, window, warden.atoms.XdndAware)?.then_some(window))
    }

    /// Leaves the windows as they were found.
    pub fn remove(&mut self, warden: &Warden) -> Result<()> {
        for placed in self.placed.drain(..) {
            warden.survive(take_off(warden, placed))?;
        }
        Ok(())
    }
}

/// The editor's window, those around it that take drops, and the one that the window manager knows.
fn wanted(warden: &Warden) -> Result<Vec<Window>> {
    let mut around = vec![warden.window];
    let mut window = warden.window;
    let mut known = None;
    loop {
        let watch = ChangeWindowAttributesAux::new().event_mask(watch(window == warden.window));
        warden.connection.change_window_attributes(window, &watch)?;
        let parent = warden.connection.query_tree(window)?.reply()?.parent;
        if has(warden, window, warden.atoms.WM_STATE)? {
            known = known.or(Some(around.len() - 1));
        }
        if parent == warden.root || parent == x11rb::NONE {
            break;
        }
        around.push(parent);
        window = parent;
    }
    // What is beyond the window that the window manager knows is the window manager's.
    let last = known.unwrap_or(around.len() - 1);
    let mut wanted = Vec::new();
    for (index, &window) in around[..=last].iter().enumerate() {
        if index == 0 || index == last || has(warden, window, warden.atoms.XdndAware)? {
            wanted.push(window);
        }
    }
    Ok(wanted)
}

fn watch(editor: bool) -> EventMask {
    let around = EventMask::STRUCTURE_NOTIFY | EventMask::PROPERTY_CHANGE;
    let keys = EventMask::FOCUS_CHANGE | EventMask::ENTER_WINDOW | EventMask::LEAVE_WINDOW;
    if editor { around | keys } else { around }
}

fn take_off(warden: &Warden, placed: Placed) -> Result<()> {
    // Another may have been put on top of ours since; it stays.
    if named_proxy(warden, placed.window)? == Some(warden.helper) {
        set_proxy(warden, placed.window, placed.before)?;
    }
    Ok(())
}

fn set_proxy(warden: &Warden, window: Window, proxy: Option<Window>) -> Result<()> {
    let atom = warden.atoms.XdndProxy;
    match proxy {
        Some(proxy) => {
            warden.connection.change_property32(PropMode::REPLACE, window, atom, AtomEnum::WINDOW, &[proxy])?
        }
        None => warden.connection.delete_property(window, atom)?,
    };
    Ok(())
}

fn named_proxy(warden: &Warden, window: Window) -> Result<Option<Window>> {
    let atom = warden.atoms.XdndProxy;
    let property = warden.connection.get_property(false, window, atom, AtomEnum::WINDOW, 0, 1)?.reply()?;
    Ok(property.value32().and_then(|mut values| values.next()))
}

fn has(warden: &Warden, window: Window, atom: Atom) -> Result<bool> {
    let property = warden.connection.get_property(false, window, atom, AtomEnum::ANY, 0, 0)?.reply()?;
    Ok(property.type_ != x11rb::NONE)
}
