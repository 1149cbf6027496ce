//! Takes what is dropped on the editor: the target's side of XDND.

use std::sync::atomic::Ordering::Relaxed;

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::*;

use super::proxy::Proxies;
use super::selection::Transfer;
use super::source::OWN;
use super::{Result, Warden};
use crate::editor::desktop::{Arrival, files, uris};

/// Oldest version of XDND that is spoken.
const OLDEST: u32 = 3;
/// Types that fit into the first message.
const FEW: usize = 3;
/// Most bytes of text that are taken for a prompt.
const LONGEST_TEXT: usize = 1 << 20;

/// Something is dragged over one of the windows.
#[derive(Debug)]
struct Session {
    source: Window,
    /// The window that the source talks to, which its messages name and ours must.
    over: Window,
    /// As it came, to be passed on.
    enter: ClientMessageEvent,
    /// The type to ask for; `None` if nothing fits.
    kind: Option<Atom>,
    /// It is over the editor.
    inside: bool,
    /// Where, in pixels of the window.
    place: Option<(i16, i16)>,
    /// Who has been told that it came, other than the editor.
    told: Option<Window>,
    /// It was dropped, and its data is under way.
    transfer: Option<Transfer>,
}

/// The target's side of drag and drop.
#[derive(Debug, Default)]
pub struct Drops {
    session: Option<Session>,
}

impl Drops {
    /// Takes part in the protocol.
    pub fn handle(&mut self, warden: &Warden, proxies: &Proxies, event: &Event) -> Result<()> {
        match event {
            Event::ClientMessage(message) => self.message(warden, proxies, message),
            Event::SelectionNotify(answer) if answer.requestor == warden.helper => self.answer(warden, answer),
            Event::PropertyNotify(change) if change.window == warden.helper => self.chunk(warden, change),
            Event::DestroyNotify(gone)
                if self.session.as_ref().is_some_and(|session| session.source == gone.window) =>
            {
                self.end(warden);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn message(&mut self, warden: &Warden, proxies: &Proxies, message: &ClientMessageEvent) -> Result<()> {
        let atoms = &warden.atoms;
        if message.format != 32 {
            return Ok(());
        }
        let source = message.data.as_data32()[0];
        if message.type_ == atoms.XdndEnter {
            return self.enter(warden, message);
        }
        let Some(session) = self.session.as_mut().filter(|session| session.source == source) else {
            return Ok(());
        };
        if message.type_ == atoms.XdndPosition {
            session.position(warden, proxies, message)
        } else if message.type_ == atoms.XdndLeave {
            session.tell_other(warden, message)?;
            self.end(warden);
            Ok(())
        } else if message.type_ == atoms.XdndDrop {
            self.drop(warden, message)
        } else {
            Ok(())
        }
    }

    fn enter(&mut self, warden: &Warden, message: &ClientMessageEvent) -> Result<()> {
        self.end(warden);
        let [source, flags, listed @ ..] = message.data.as_data32();
        if flags >> 24 < OLDEST {
            return Ok(());
        }
        let watch = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        warden.connection.change_window_attributes(source, &watch)?;
        let mut types = listed[..FEW].to_vec();
        if flags & 1 != 0 {
            let property = warden.atoms.XdndTypeList;
            let list = warden.connection.get_property(false, source, property, AtomEnum::ATOM, 0, 1024)?.reply()?;
            types.extend(list.value32().into_iter().flatten());
        }
        let kind = if source == OWN.load(Relaxed) { None } else { choose(warden, &types) };
        let over = message.window;
        self.session = Some(Session {
            source,
            over,
            enter: *message,
            kind,
            inside: false,
            told: None,
            place: None,
            transfer: None,
        });
        Ok(())
    }

    fn drop(&mut self, warden: &Warden, message: &ClientMessageEvent) -> Result<()> {
        let Some(session) = &mut self.session else { return Ok(()) };
        warden.hover(None);
        if !session.inside {
            session.tell_other(warden, message)?;
            self.end(warden);
            return Ok(());
        }
        let Some(kind) = session.kind else {
            session.finished(warden, false)?;
            self.end(warden);
            return Ok(());
        };
        let time = message.data.as_data32()[2];
        let (selection, property) = (warden.atoms.XdndSelection, warden.atoms._MELFUSION_DROP);
        warden.connection.delete_property(warden.helper, property)?;
        warden.connection.convert_selection(warden.helper, selection, kind, property, time)?;
        session.transfer = Some(Transfer::default());
        Ok(())
    }

    fn answer(&mut self, warden: &Warden, answer: &SelectionNotifyEvent) -> Result<()> {
        let Some(transfer) = self.session.as_mut().and_then(|session| session.transfer.as_mut()) else {
            return Ok(());
        };
        if answer.property == x11rb::NONE {
            return self.finish(warden, None);
        }
        match transfer.begin(warden)? {
            Some(data) => self.finish(warden, Some(data)),
            None => Ok(()),
        }
    }

    fn chunk(&mut self, warden: &Warden, change: &PropertyNotifyEvent) -> Result<()> {
        if change.atom != warden.atoms._MELFUSION_DROP || change.state != Property::NEW_VALUE {
            return Ok(());
        }
        let Some(transfer) = self.session.as_mut().and_then(|session| session.transfer.as_mut()) else {
            return Ok(());
        };
        match transfer.go_on(warden)? {
            Some(data) => self.finish(warden, Some(data)),
            None => Ok(()),
        }
    }

    fn finish(&mut self, warden: &Warden, data: Option<Vec<u8>>) -> Result<()> {
        let Some(session) = self.session.take() else { return Ok(()) };
        let kind = session.kind.unwrap_or(x11rb::NONE);
        let arrivals = data.map(|data| arrivals(warden, kind, &data)).unwrap_or_default();
        let accepted = !arrivals.is_empty();
        warden.dropped(session.place.filter(|_| accepted));
        arrivals.into_iter().for_each(|arrival| warden.mail.send(arrival));
        session.finished(warden, accepted)
    }

    fn end(&mut self, warden: &Warden) {
        self.session = None;
        warden.hover(None);
    }
}

impl Session {
    fn position(&mut self, warden: &Warden, proxies: &Proxies, message: &ClientMessageEvent) -> Result<()> {
        let at = message.data.as_data32()[2];
        let place = warden.inside((at >> 16) as i16, at as i16)?;
        self.inside = place.is_some();
        self.place = place;
        warden.hover(place.filter(|_| self.kind.is_some()));
        if self.inside {
            self.take_back(warden)?;
            return self.status(warden, self.kind.is_some());
        }
        if self.told.is_none()
            && let Some(other) = proxies.beyond(warden, self.over)?
        {
            send(warden, other, self.enter)?;
            self.told = Some(other);
        }
        // Whoever gets the position answers the source.
        if self.told.is_some() { self.tell_other(warden, message) } else { self.status(warden, false) }
    }

    /// Tells the window around the editor that the drag has left it.
    fn take_back(&mut self, warden: &Warden) -> Result<()> {
        let Some(other) = self.told.take() else { return Ok(()) };
        let leave = ClientMessageEvent::new(32, self.over, warden.atoms.XdndLeave, [self.source, 0, 0, 0, 0]);
        send(warden, other, leave)
    }

    fn tell_other(&self, warden: &Warden, message: &ClientMessageEvent) -> Result<()> {
        self.told.map_or(Ok(()), |other| send(warden, other, *message))
    }

    fn status(&self, warden: &Warden, accepted: bool) -> Result<()> {
        // Bit 1: go on telling where it is.
        let flags = u32::from(accepted) | 2;
        let action = if accepted { warden.atoms.XdndActionCopy } else { x11rb::NONE };
        let status = [self.over, flags, 0, 0, action];
        send(warden, self.source, ClientMessageEvent::new(32, self.source, warden.atoms.XdndStatus, status))
    }

    fn finished(&self, warden: &Warden, accepted: bool) -> Result<()> {
        let action = if accepted { warden.atoms.XdndActionCopy } else { x11rb::NONE };
        let finished = [self.over, u32::from(accepted), action, 0, 0];
        send(warden, self.source, ClientMessageEvent::new(32, self.source, warden.atoms.XdndFinished, finished))
    }
}

fn send(warden: &Warden, to: Window, message: ClientMessageEvent) -> Result<()> {
    warden.connection.send_event(false, to, EventMask::NO_EVENT, message)?;
    Ok(warden.connection.flush()?)
}

/// Files rather than text, and text whose encoding is known.
fn choose(warden: &Warden, types: &[Atom]) -> Option<Atom> {
    let atoms = &warden.atoms;
    let known = [atoms.UriList, atoms.Utf8Text, atoms.UTF8_STRING, atoms.PlainText, AtomEnum::STRING.into()];
    known.into_iter().find(|kind| types.contains(kind))
}

fn arrivals(warden: &Warden, kind: Atom, data: &[u8]) -> Vec<Arrival> {
    if kind == warden.atoms.UriList {
        return files::sort(uris::read(data));
    }
    let data = &data[..data.len().min(LONGEST_TEXT)];
    let text = match std::str::from_utf8(data) {
        Ok(text) => text.to_owned(),
        // ICCCM's STRING is Latin-1, whose code points are Unicode's.
        Err(_) => data.iter().copied().map(char::from).collect(),
    };
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    if text.is_empty() { Vec::new() } else { vec![Arrival::Words(text.to_owned())] }
}
