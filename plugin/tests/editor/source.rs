//! Drags data over the screen as file managers do: the source's side of XDND, written after the specification.

use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// How a source looks for the window to talk to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Search {
    /// The outermost aware window at the point, as Qt.
    Outermost,
    /// The window that the window manager knows and no other, as GTK.
    Known,
}

/// How a drag ended.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// The last status.
    pub accepted: bool,
    /// What `XdndFinished` said.
    pub finished: Option<bool>,
}

/// A source with data.
pub struct Source {
    x: RustConnection,
    root: Window,
    window: Window,
    search: Search,
    types: Vec<(Atom, Vec<u8>)>,
    /// Hands the data out in pieces of this many bytes.
    pieces: Option<usize>,
    under_way: Option<(Window, Atom, Atom, Vec<u8>)>,
    target: Option<(Window, Window)>,
    outcome: Outcome,
    answered: bool,
}

impl Source {
    pub fn new(x: RustConnection, search: Search, types: &[(&str, &[u8])]) -> Self {
        let root = x.setup().roots[0].root;
        let window = x.generate_id().expect("ids are left");
        let look = CreateWindowAux::new();
        x.create_window(0, window, root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &look).expect("sent");
        let mut source = Self {
            x,
            root,
            window,
            search,
            types: Vec::new(),
            pieces: None,
            under_way: None,
            target: None,
            outcome: Outcome::default(),
            answered: false,
        };
        source.types = types.iter().map(|(name, data)| (source.atom(name), data.to_vec())).collect();
        let list: Vec<Atom> = source.types.iter().map(|(atom, _)| *atom).collect();
        let property = source.atom("XdndTypeList");
        source.x.change_property32(PropMode::REPLACE, window, property, AtomEnum::ATOM, &list).expect("sent");
        let selection = source.atom("XdndSelection");
        source.x.set_selection_owner(window, selection, x11rb::CURRENT_TIME).expect("sent");
        source
    }

    pub fn in_pieces(mut self, bytes: usize) -> Self {
        self.pieces = Some(bytes);
        self
    }

    /// Moves to a point and waits for the answer, if there is somebody to give it.
    pub fn hover(&mut self, x: i16, y: i16) -> bool {
        let target = self.find(x, y);
        if target != self.target {
            self.leave();
            self.target = target;
            let more = u32::from(self.types.len() > 3);
            let few = |index: usize| self.types.get(index).map_or(0, |(atom, _)| *atom);
            self.send("XdndEnter", [self.window, 5 << 24 | more, few(0), few(1), few(2)]);
        }
        if self.target.is_none() {
            return false;
        }
        self.answered = false;
        let place = u32::from(x as u16) << 16 | u32::from(y as u16);
        self.send("XdndPosition", [self.window, 0, place, 0, self.atom("XdndActionCopy")]);
        self.serve(|source| source.answered);
        self.outcome.accepted
    }

    pub fn leave(&mut self) {
        self.send("XdndLeave", [self.window, 0, 0, 0, 0]);
        self.target = None;
        self.outcome = Outcome::default();
    }

    /// Lets go.
    pub fn drop(mut self) -> Outcome {
        if self.outcome.accepted {
            self.send("XdndDrop", [self.window, 0, 0, 0, 0]);
            self.serve(|source| source.outcome.finished.is_some());
        } else {
            self.leave();
        }
        self.outcome
    }

    fn serve(&mut self, done: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !done(self) && began.elapsed() < Duration::from_secs(5) {
            self.x.flush().expect("the server lives");
            while let Some(event) = self.x.poll_for_event().expect("the server lives") {
                self.handle(&event);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn handle(&mut self, event: &Event) {
        match event {
            Event::ClientMessage(message) => {
                let [window, flags, ..] = message.data.as_data32();
                let ours = self.target.is_some_and(|(target, _)| target == window);
                if ours && message.type_ == self.atom("XdndStatus") {
                    self.answered = true;
                    self.outcome.accepted = flags & 1 != 0;
                } else if ours && message.type_ == self.atom("XdndFinished") {
                    self.outcome.finished = Some(flags & 1 != 0);
                }
            }
            Event::SelectionRequest(request) => self.hand_over(request),
            Event::PropertyNotify(change) if change.state == Property::DELETE => self.next_piece(change),
            _ => {}
        }
    }

    fn hand_over(&mut self, request: &SelectionRequestEvent) {
        let found = self.types.iter().find(|(atom, _)| *atom == request.target).cloned();
        let (requestor, property) = (request.requestor, request.property);
        match (found.clone(), self.pieces) {
            (Some((kind, data)), Some(_)) => {
                let watch = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
                self.x.change_window_attributes(requestor, &watch).expect("sent");
                let size = [data.len() as u32];
                let incr = self.atom("INCR");
                self.x.change_property32(PropMode::REPLACE, requestor, property, incr, &size).expect("sent");
                self.under_way = Some((requestor, property, kind, data));
            }
            (Some((kind, data)), None) => {
                self.x.change_property8(PropMode::REPLACE, requestor, property, kind, &data).expect("sent");
            }
            (None, _) => {}
        }
        let notice = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor,
            selection: request.selection,
            target: request.target,
            property: if found.is_some() { property } else { x11rb::NONE },
        };
        self.x.send_event(false, requestor, EventMask::NO_EVENT, notice).expect("sent");
    }

    fn next_piece(&mut self, change: &PropertyNotifyEvent) {
        let Some((requestor, property, kind, mut data)) = self.under_way.take() else { return };
        if (change.window, change.atom) != (requestor, property) {
            self.under_way = Some((requestor, property, kind, data));
            return;
        }
        let rest = data.split_off(data.len().min(self.pieces.unwrap_or(usize::MAX)));
        self.x.change_property8(PropMode::REPLACE, requestor, property, kind, &data).expect("sent");
        if !data.is_empty() {
            self.under_way = Some((requestor, property, kind, rest));
        }
    }

    fn find(&self, x: i16, y: i16) -> Option<(Window, Window)> {
        let mut window = self.root;
        loop {
            let at = self.x.translate_coordinates(self.root, window, x, y).expect("sent").reply().ok()?;
            window = Some(at.child).filter(|child| *child != x11rb::NONE)?;
            let known = self.number(window, "WM_STATE").is_some();
            if self.search == Search::Known && !known {
                continue;
            }
            let proxy =
                self.number(window, "XdndProxy").filter(|&proxy| self.number(proxy, "XdndProxy") == Some(proxy));
            // Qt asks the window itself whether it is aware, GTK its proxy.
            let asked = if self.search == Search::Known { proxy.unwrap_or(window) } else { window };
            if self.number(asked, "XdndAware").is_some() {
                return Some((window, proxy.unwrap_or(window)));
            }
            if known && self.search == Search::Known {
                return None;
            }
        }
    }

    fn number(&self, window: Window, name: &str) -> Option<u32> {
        let reply =
            self.x.get_property(false, window, self.atom(name), AtomEnum::ANY, 0, 1).expect("sent").reply().ok()?;
        reply.value32()?.next()
    }

    fn atom(&self, name: &str) -> Atom {
        self.x.intern_atom(false, name.as_bytes()).expect("sent").reply().expect("answered").atom
    }

    fn send(&self, kind: &str, data: [u32; 5]) {
        if let Some((window, to)) = self.target {
            let message = ClientMessageEvent::new(32, window, self.atom(kind), data);
            self.x.send_event(false, to, EventMask::NO_EVENT, message).expect("sent");
            self.x.flush().expect("the server lives");
        }
    }
}
