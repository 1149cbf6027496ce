//! Finds the window that a file can be dropped on.

use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;

use super::Result;
use super::atoms::Atoms;

/// Oldest version of XDND that is spoken.
const OLDEST: u32 = 3;

/// A window that takes drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// What messages name.
    pub window: Window,
    /// Who gets them: the window, or its proxy.
    pub to: Window,
    /// XDND's version.
    pub version: u32,
}

/// The outermost window at a point of the screen that takes drops.
pub fn target(connection: &RustConnection, atoms: &Atoms, root: Window, x: i16, y: i16) -> Result<Option<Target>> {
    let mut window = root;
    loop {
        window = connection.translate_coordinates(root, window, x, y)?.reply()?.child;
        if window == x11rb::NONE {
            return Ok(None);
        }
        let to = proxy(connection, atoms, window)?.unwrap_or(window);
        if let Some(version) = number(connection, to, atoms.XdndAware, AtomEnum::ATOM)?
            && version >= OLDEST
        {
            return Ok(Some(Target { window, to, version: version.min(5) }));
        }
    }
}

/// A proxy counts only if it names itself: else its owner has died.
fn proxy(connection: &RustConnection, atoms: &Atoms, window: Window) -> Result<Option<Window>> {
    let Some(proxy) = number(connection, window, atoms.XdndProxy, AtomEnum::WINDOW)? else { return Ok(None) };
    let itself = number(connection, proxy, atoms.XdndProxy, AtomEnum::WINDOW).unwrap_or(None);
    Ok(Some(proxy).filter(|_| itself == Some(proxy)))
}

fn number(connection: &RustConnection, window: Window, name: Atom, kind: AtomEnum) -> Result<Option<u32>> {
    let property = connection.get_property(false, window, name, kind, 0, 1)?.reply()?;
    Ok(property.value32().and_then(|mut values| values.next()))
}
