//! An X server of the test's own, and a hand on its mouse and keyboard.

use std::io::{BufRead, BufReader, IoSlice};
use std::process::{Child, Command, Stdio};

use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// Xvfb, until dropped.
pub struct Server {
    child: Child,
    pub display: String,
}

impl Server {
    /// `None` if Xvfb is not installed: then there is nothing to test on.
    pub fn start() -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1400x1000x24", "-noreset", "-nolisten", "tcp"]);
        let mut child = match command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("Xvfb does not start: {error}"),
        };
        let mut number = String::new();
        let pipe = child.stdout.take().expect("was asked for");
        BufReader::new(pipe).read_line(&mut number).expect("Xvfb says its number");
        let display = format!(":{}", number.trim());
        Some(Self { child, display })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Moves the pointer and presses buttons and keys, as the XTEST extension lets one.
pub struct Hand {
    x: RustConnection,
    opcode: u8,
}

impl Hand {
    pub fn new(display: &str) -> Self {
        let x = RustConnection::connect(Some(display)).expect("the server runs").0;
        let xtest = x.extension_information("XTEST").expect("the server answers").expect("Xvfb has XTEST");
        Self { x, opcode: xtest.major_opcode }
    }

    pub fn point(&self, x: i16, y: i16) {
        self.fake(6, 0, x, y);
    }

    pub fn press(&self, button: u8) {
        self.fake(4, button, 0, 0);
    }

    pub fn release(&self, button: u8) {
        self.fake(5, button, 0, 0);
    }

    /// Presses and releases the key that has this symbol without modifiers.
    pub fn key(&self, symbol: u32) {
        let code = self.code(symbol);
        self.fake(2, code, 0, 0);
        self.fake(3, code, 0, 0);
    }

    pub fn code(&self, symbol: u32) -> u8 {
        let setup = self.x.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self.x.get_keyboard_mapping(first, last - first + 1).expect("sent").reply().expect("answered");
        let width = usize::from(map.keysyms_per_keycode);
        let row = map.keysyms.chunks(width).position(|row| row.first() == Some(&symbol));
        first + row.expect("the key exists") as u8
    }

    /// As the protocol numbers events: 2 and 3 for keys, 4 and 5 for buttons, 6 for motion.
    pub fn fake(&self, kind: u8, detail: u8, x: i16, y: i16) {
        let mut request = [0; 36];
        request[..2].copy_from_slice(&[self.opcode, 2]);
        request[2..4].copy_from_slice(&9u16.to_ne_bytes());
        request[4..6].copy_from_slice(&[kind, detail]);
        request[24..26].copy_from_slice(&x.to_ne_bytes());
        request[26..28].copy_from_slice(&y.to_ne_bytes());
        let sent = self.x.send_request_without_reply(&[IoSlice::new(&request)], Vec::new());
        sent.expect("the server listens").check().expect("XTEST obeys");
        self.x.sync().expect("the server answers");
    }
}
