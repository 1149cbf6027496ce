//! A window that takes, or refuses, what is dropped on it: the target's side of XDND, written after the specification.

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// What a target does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    Takes,
    Refuses,
    /// Fetches the data, and never says that it is done.
    Forgetful,
}

/// A window that records what happens to it.
pub struct Target {
    pub x: RustConnection,
    pub window: Window,
    mood: Mood,
    /// Names of the messages, in order.
    pub heard: Vec<String>,
    /// What was dropped.
    pub data: Option<Vec<u8>>,
    source: Window,
}

impl Target {
    /// A window of its own on the screen.
    pub fn new(x: RustConnection, mood: Mood, at: (i16, i16), size: (u16, u16)) -> Self {
        let window = x.generate_id().expect("ids are left");
        let root = x.setup().roots[0].root;
        let look = CreateWindowAux::new();
        x.create_window(0, window, root, at.0, at.1, size.0, size.1, 0, WindowClass::INPUT_OUTPUT, 0, &look)
            .expect("sent");
        x.map_window(window).expect("sent");
        Self::on(x, window, mood)
    }

    /// Makes a window of this connection's a target.
    pub fn on(x: RustConnection, window: Window, mood: Mood) -> Self {
        let target = Self { x, window, mood, heard: Vec::new(), data: None, source: 0 };
        let aware = target.atom("XdndAware");
        target.x.change_property32(PropMode::REPLACE, window, aware, AtomEnum::ATOM, &[5]).expect("sent");
        target.x.sync().expect("the server lives");
        target
    }

    /// Deals with what has come.
    pub fn pump(&mut self) {
        while let Some(event) = self.x.poll_for_event().expect("the server lives") {
            match event {
                Event::ClientMessage(message) => self.hear(&message),
                Event::SelectionNotify(answer) => self.fetch(&answer),
                _ => {}
            }
        }
        self.x.flush().expect("the server lives");
    }

    fn hear(&mut self, message: &ClientMessageEvent) {
        assert_eq!(message.window, self.window, "messages name the window they are meant for");
        let name = self.x.get_atom_name(message.type_).expect("sent").reply().expect("answered").name;
        let name = String::from_utf8(name).expect("XDND's names are ASCII");
        let data = message.data.as_data32();
        self.source = data[0];
        match name.as_str() {
            "XdndPosition" => {
                let takes = u32::from(self.mood != Mood::Refuses);
                self.send("XdndStatus", [self.window, takes, 0, 0, takes * self.atom("XdndActionCopy")]);
            }
            "XdndDrop" => {
                let (selection, kind) = (self.atom("XdndSelection"), self.atom("text/uri-list"));
                self.x.convert_selection(self.window, selection, kind, selection, data[2]).expect("sent");
            }
            _ => {}
        }
        if self.heard.last() != Some(&name) {
            self.heard.push(name);
        }
    }

    fn fetch(&mut self, answer: &SelectionNotifyEvent) {
        let property = answer.property;
        let reply = self.x.get_property(true, self.window, property, AtomEnum::ANY, 0, 1 << 20);
        self.data = reply.expect("sent").reply().ok().map(|reply| reply.value);
        if self.mood != Mood::Forgetful {
            self.send("XdndFinished", [self.window, 1, self.atom("XdndActionCopy"), 0, 0]);
        }
    }

    fn send(&self, kind: &str, data: [u32; 5]) {
        let message = ClientMessageEvent::new(32, self.source, self.atom(kind), data);
        self.x.send_event(false, self.source, EventMask::NO_EVENT, message).expect("sent");
    }

    fn atom(&self, name: &str) -> Atom {
        self.x.intern_atom(false, name.as_bytes()).expect("sent").reply().expect("answered").atom
    }
}
