//! Drag and drop and the keyboard on X11, between windows that stand for host, editor, file manager and track.
//!
//! Each test has an X server of its own; without Xvfb there is nothing to test on.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use melfusion_plugin::editor::desktop::{Arrival, Mail, x11};
use nice_plug_egui::RepaintNotifier;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::server::{Hand, Server};
use crate::source::{Outcome, Search, Source};
use crate::target::{Mood, Target};

/// Where the host's window is, and the editor in it.
const HOST: (i16, i16) = (100, 50);
const PANE: (i16, i16) = (30, 20);
const SIZE: (u16, u16) = (400, 300);
/// A point of the screen over the editor, and the same point in the editor.
const ON_EDITOR: (i16, i16) = (200, 150);
const IN_EDITOR: (i16, i16) = (70, 80);
/// A point of the screen over the host beside the editor.
const ON_HOST: (i16, i16) = (110, 60);
const NOWHERE: (i16, i16) = (1300, 900);

const SPACE: u32 = 0x20;
const LETTER_A: u32 = 0x61;
const ESCAPE: u32 = 0xff1b;
const ALT: u32 = 0xffe9;

/// Longest wait for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A host's window around an editor's, each of a connection of its own as in life, and what looks after the editor.
struct Stage {
    host: RustConnection,
    window: Window,
    editor: RustConnection,
    pane: Window,
    mail: Mail,
    link: Option<x11::Link>,
    server: Server,
}

impl Stage {
    fn new() -> Option<Self> {
        let server = Server::start()?;
        let (host, editor) = (connect(&server), connect(&server));
        let root = host.setup().roots[0].root;
        let size = (SIZE.0 + 60, SIZE.1 + 40);
        let mask = EventMask::KEY_PRESS | EventMask::FOCUS_CHANGE;
        let window = window(&host, root, HOST, size, mask);
        let mask = EventMask::KEY_PRESS | EventMask::KEY_RELEASE | EventMask::FOCUS_CHANGE;
        let pane = self::window(&editor, window, PANE, SIZE, mask);
        set(&editor, pane, "XdndAware", &[5]);
        set(&host, window, "WM_STATE", &[1, 0]);
        let mail = Mail::new(RepaintNotifier::new());
        let mut stage = Self { host, window, editor, pane, mail, link: None, server };
        stage.link();
        Some(stage)
    }

    /// Looks after the editor, and waits until that shows.
    fn link(&mut self) {
        self.link = Some(x11::Link::new(Some(&self.server.display), self.pane, self.mail.clone()).expect("it starts"));
        until("the proxy", || self.proxy(self.pane).and(self.proxy(self.window)));
    }

    fn connect(&self) -> RustConnection {
        connect(&self.server)
    }

    fn hand(&self) -> Hand {
        Hand::new(&self.server.display)
    }

    fn proxy(&self, window: Window) -> Option<Window> {
        let atom = atom(&self.host, "XdndProxy");
        let reply = self.host.get_property(false, window, atom, AtomEnum::WINDOW, 0, 1).expect("sent").reply().ok()?;
        reply.value32()?.next()
    }

    fn source(&self, search: Search, types: &[(&str, &[u8])]) -> Source {
        Source::new(self.connect(), search, types)
    }

    fn arrival(&self) -> Arrival {
        until("an arrival", || self.mail.take())
    }

    fn hovering(&self) -> Option<(i16, i16)> {
        self.link.as_ref().and_then(x11::Link::hovering)
    }

    fn drag_out(&self, file: &str) {
        x11::drag_out(Some(self.server.display.clone()), file.into(), self.mail.clone());
    }

    fn focus(&self) -> Window {
        self.host.get_input_focus().expect("sent").reply().expect("answered").focus
    }

    /// Whether another program can have all keys.
    fn keyboard_is_free(&self) -> bool {
        let other = self.connect();
        let (now, free) = (x11rb::CURRENT_TIME, GrabMode::ASYNC);
        let status = other.grab_keyboard(false, self.window, now, free, free).expect("sent").reply().expect("answered");
        status.status == GrabStatus::SUCCESS
    }

    /// Waits until the editor is told that it has the focus by another than the server: that comes with the grab.
    fn wait_for_grab(&self) {
        until("the grab", || match self.editor.poll_for_event().expect("the server lives")? {
            Event::FocusIn(event) => (event.response_type & 0x80 != 0).then_some(()),
            Event::KeyPress(key) => panic!("{key:?} was meant to be lost"),
            _ => None,
        });
    }

    /// Key codes that reached the editor.
    fn keys(&self) -> Vec<u8> {
        let mut keys = Vec::new();
        while let Some(event) = self.editor.poll_for_event().expect("the server lives") {
            if let Event::KeyPress(key) = event {
                assert_eq!(key.event, self.pane);
                keys.push(key.detail);
            }
        }
        keys
    }
}

/// Waits until `ready` returns something.
fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn connect(server: &Server) -> RustConnection {
    RustConnection::connect(Some(&server.display)).expect("the server runs").0
}

fn window(x: &RustConnection, parent: Window, at: (i16, i16), size: (u16, u16), mask: EventMask) -> Window {
    let window = x.generate_id().expect("ids are left");
    let look = CreateWindowAux::new().event_mask(mask);
    x.create_window(0, window, parent, at.0, at.1, size.0, size.1, 0, WindowClass::INPUT_OUTPUT, 0, &look)
        .expect("sent");
    x.map_window(window).expect("sent");
    x.sync().expect("the server lives");
    window
}

fn atom(x: &RustConnection, name: &str) -> Atom {
    x.intern_atom(false, name.as_bytes()).expect("sent").reply().expect("answered").atom
}

fn set(x: &RustConnection, window: Window, name: &str, value: &[u32]) {
    x.change_property32(PropMode::REPLACE, window, atom(x, name), AtomEnum::CARDINAL, value).expect("sent");
    x.sync().expect("the server lives");
}

#[test]
fn a_dropped_file_arrives_however_the_source_searches() {
    for search in [Search::Outermost, Search::Known] {
        for host_is_aware in [false, true] {
            let Some(stage) = Stage::new() else { return };
            if host_is_aware {
                set(&stage.host, stage.window, "XdndAware", &[5]);
            }
            let list = b"file:///Bilder/K%C3%BCste%20im%20Sturm.png\r\n";
            let mut source = stage.source(search, &[("text/uri-list", list)]);
            assert!(source.hover(ON_EDITOR.0, ON_EDITOR.1), "{search:?}, aware: {host_is_aware}");
            assert_eq!(stage.hovering(), Some(IN_EDITOR));
            assert_eq!(source.drop(), Outcome { accepted: true, finished: Some(true) });
            assert_eq!(stage.arrival(), Arrival::PictureFile(PathBuf::from("/Bilder/Küste im Sturm.png")));
            assert_eq!((stage.mail.take(), stage.hovering()), (None, None));
        }
    }
}

#[test]
fn nothing_hovers_after_the_drag_has_left() {
    let Some(stage) = Stage::new() else { return };
    let mut source = stage.source(Search::Outermost, &[("text/uri-list", b"file:///a.png\r\n")]);
    assert!(source.hover(ON_EDITOR.0, ON_EDITOR.1));
    assert!(!source.hover(NOWHERE.0, NOWHERE.1));
    until("leaving", || stage.hovering().is_none().then_some(()));
    assert!(source.hover(ON_EDITOR.0, ON_EDITOR.1));
    // A source that dies does not leave its mark either.
    std::mem::drop(source);
    until("leaving", || stage.hovering().is_none().then_some(()));
    assert_eq!(stage.mail.take(), None);
}

#[test]
fn what_is_dropped_beside_the_editor_is_the_hosts() {
    for search in [Search::Outermost, Search::Known] {
        let Some(mut stage) = Stage::new() else { return };
        let other = stage.connect();
        let host = std::mem::replace(&mut stage.host, other);
        let mut host = Target::on(host, stage.window, Mood::Takes);
        let done = std::thread::spawn(move || {
            let began = Instant::now();
            while host.data.is_none() && began.elapsed() < Duration::from_secs(10) {
                host.pump();
                std::thread::sleep(Duration::from_millis(1));
            }
            host
        });
        let mut source = stage.source(search, &[("text/uri-list", b"file:///a.png\r\n")]);
        assert!(source.hover(ON_HOST.0, ON_HOST.1));
        assert!(source.hover(ON_EDITOR.0, ON_EDITOR.1));
        assert!(source.hover(ON_HOST.0, ON_HOST.1));
        assert_eq!(source.drop(), Outcome { accepted: true, finished: Some(true) });
        let host = done.join().expect("the host lives");
        assert_eq!(host.data.as_deref(), Some(&b"file:///a.png\r\n"[..]));
        let heard = ["XdndEnter", "XdndPosition", "XdndLeave", "XdndEnter", "XdndPosition", "XdndDrop"];
        assert_eq!(host.heard, heard);
        assert_eq!(stage.mail.take(), None);
    }
}

#[test]
fn a_host_that_takes_no_drops_gets_none() {
    let Some(stage) = Stage::new() else { return };
    let mut source = stage.source(Search::Known, &[("text/uri-list", b"file:///a.png\r\n")]);
    assert!(!source.hover(ON_HOST.0, ON_HOST.1));
    assert_eq!(source.drop(), Outcome::default());
}

#[test]
fn long_lists_come_in_pieces() {
    let Some(stage) = Stage::new() else { return };
    let list: String = (0..20_000).map(|index| format!("file:///frames/{index}.png\r\n")).collect();
    let mut source = stage.source(Search::Outermost, &[("text/uri-list", list.as_bytes())]).in_pieces(60_000);
    assert!(source.hover(ON_EDITOR.0, ON_EDITOR.1));
    assert_eq!(source.drop(), Outcome { accepted: true, finished: Some(true) });
    let Arrival::Frames(frames) = stage.arrival() else { panic!("no frames came") };
    let expected = (0..20_000).map(|index| PathBuf::from(format!("/frames/{index}.png")));
    assert!(frames.iter().eq(expected.collect::<Vec<_>>().iter()), "all, in the order of their names");
}

#[test]
fn text_becomes_words_and_files_go_before_text() {
    let Some(stage) = Stage::new() else { return };
    let types: [(&str, &[u8]); 5] = [
        ("x/a", b""),
        ("x/b", b""),
        ("STRING", b"K\xfcste"),
        ("UTF8_STRING", "Küste".as_bytes()),
        ("text/uri-list", b"file:///a.png\r\n"),
    ];
    for (count, expected) in [
        (3, Arrival::Words("Küste".into())),
        (4, Arrival::Words("Küste".into())),
        (5, Arrival::PictureFile("/a.png".into())),
    ] {
        let mut source = stage.source(Search::Outermost, &types[..count]);
        assert!(source.hover(ON_EDITOR.0, ON_EDITOR.1));
        assert_eq!(source.drop().finished, Some(true));
        assert_eq!(stage.arrival(), expected);
    }
    let mut source = stage.source(Search::Outermost, &types[..2]);
    assert!(!source.hover(ON_EDITOR.0, ON_EDITOR.1));
    assert_eq!(stage.hovering(), None);
}

#[test]
fn the_windows_are_left_as_they_were() {
    let Some(mut stage) = Stage::new() else { return };
    stage.link = None;
    until("leaving", || (stage.proxy(stage.pane), stage.proxy(stage.window)).eq(&(None, None)).then_some(()));
    // Whoever stood in for the host before does so again.
    let before = window(&stage.host, stage.host.setup().roots[0].root, (0, 0), (1, 1), EventMask::NO_EVENT);
    set_proxy(&stage.host, stage.window, before);
    set_proxy(&stage.host, before, before);
    stage.link = Some(x11::Link::new(Some(&stage.server.display), stage.pane, stage.mail.clone()).expect("it starts"));
    until("the proxy", || stage.proxy(stage.window).filter(|proxy| *proxy != before));
    // The window goes without a word, as it does when a host closes the editor.
    stage.editor.destroy_window(stage.pane).expect("sent");
    stage.editor.flush().expect("the server lives");
    until("leaving", || stage.proxy(stage.window).filter(|proxy| *proxy == before));
}

fn set_proxy(x: &RustConnection, window: Window, proxy: Window) {
    x.change_property32(PropMode::REPLACE, window, atom(x, "XdndProxy"), AtomEnum::WINDOW, &[proxy]).expect("sent");
    x.sync().expect("the server lives");
}

#[test]
fn a_moved_editor_is_followed() {
    let Some(stage) = Stage::new() else { return };
    let root = stage.host.setup().roots[0].root;
    let other = window(&stage.host, root, (700, 500), (500, 400), EventMask::NO_EVENT);
    set(&stage.host, other, "WM_STATE", &[1, 0]);
    stage.host.reparent_window(stage.pane, other, 10, 10).expect("sent");
    stage.host.map_window(stage.pane).expect("sent");
    stage.host.flush().expect("the server lives");
    until("following", || stage.proxy(other));
    until("leaving", || stage.proxy(stage.window).is_none().then_some(()));
    let mut source = stage.source(Search::Known, &[("text/uri-list", b"file:///a.png\r\n")]);
    assert!(source.hover(800, 600));
    assert_eq!(stage.hovering(), Some((90, 90)));
}

#[test]
fn two_editors_in_one_host_each_get_their_own() {
    let Some(mut stage) = Stage::new() else { return };
    let second = window(&stage.editor, stage.window, (30, 330), (400, 10), EventMask::NO_EVENT);
    set(&stage.editor, second, "XdndAware", &[5]);
    let first = stage.proxy(stage.window);
    let mail = Mail::new(RepaintNotifier::new());
    let link = x11::Link::new(Some(&stage.server.display), second, mail.clone()).expect("it starts");
    until("the second proxy", || stage.proxy(stage.window).filter(|proxy| Some(*proxy) != first));
    for (mail, y) in [(&stage.mail, ON_EDITOR.1), (&mail, 385)] {
        let mut source = stage.source(Search::Known, &[("text/uri-list", b"file:///a.png\r\n")]);
        assert!(source.hover(ON_EDITOR.0, y));
        assert_eq!(source.drop().finished, Some(true));
        assert_eq!(until("an arrival", || mail.take()), Arrival::PictureFile("/a.png".into()));
    }
    // The first goes; the second goes on.
    stage.link = None;
    until("leaving", || stage.proxy(stage.pane).is_none().then_some(()));
    let mut source = stage.source(Search::Known, &[("text/uri-list", b"file:///b.png\r\n")]);
    assert!(source.hover(ON_EDITOR.0, 385));
    assert_eq!(source.drop().finished, Some(true));
    assert_eq!(until("an arrival", || mail.take()), Arrival::PictureFile("/b.png".into()));
    std::mem::drop(link);
}

/// Drags a file from (10, 10) to `to`, where a target is in `mood`.
fn drag_onto(mood: Mood, to: (i16, i16)) -> Option<(Target, bool)> {
    let stage = Stage::new()?;
    let hand = stage.hand();
    let mut target = Target::new(stage.connect(), mood, (700, 500), (300, 200));
    hand.point(10, 10);
    hand.press(1);
    stage.drag_out("/tmp/Küste 1.wav");
    for step in 1..=20 {
        hand.point(10 + (to.0 - 10) / 20 * step, 10 + (to.1 - 10) / 20 * step);
        std::thread::sleep(Duration::from_millis(3));
        target.pump();
    }
    hand.point(to.0, to.1);
    until("reaching it", || {
        target.pump();
        (to == NOWHERE || target.heard.last().is_some_and(|last| last == "XdndPosition")).then_some(())
    });
    hand.release(1);
    let end = until("the end", || {
        target.pump();
        stage.mail.take()
    });
    let Arrival::DragEnded(taken) = end else { panic!("{end:?}") };
    target.pump();
    Some((target, taken))
}

#[test]
fn a_file_is_dragged_onto_a_track() {
    for mood in [Mood::Takes, Mood::Refuses] {
        let Some((target, taken)) = drag_onto(mood, (800, 600)) else { return };
        assert_eq!(taken, mood == Mood::Takes);
        let data = (mood == Mood::Takes).then_some(&b"file:///tmp/K%C3%BCste%201.wav\r\n"[..]);
        assert_eq!(target.data.as_deref(), data);
        let last = if mood == Mood::Takes { "XdndDrop" } else { "XdndLeave" };
        assert_eq!(target.heard, ["XdndEnter", "XdndPosition", last]);
    }
}

#[test]
fn a_track_that_never_says_it_is_done_has_taken_the_file() {
    let Some((target, taken)) = drag_onto(Mood::Forgetful, (800, 600)) else { return };
    assert!(taken);
    assert!(target.data.is_some());
}

#[test]
fn a_drag_that_ends_nowhere_says_so() {
    let Some((target, taken)) = drag_onto(Mood::Takes, NOWHERE) else { return };
    assert!(!taken);
    assert_eq!(target.data, None);
}

#[test]
fn escape_ends_a_drag() {
    let Some(stage) = Stage::new() else { return };
    let hand = stage.hand();
    let mut target = Target::new(stage.connect(), Mood::Takes, (700, 500), (300, 200));
    hand.point(800, 600);
    hand.press(1);
    stage.drag_out("/tmp/a.wav");
    until("reaching it", || {
        target.pump();
        target.heard.contains(&"XdndPosition".to_owned()).then_some(())
    });
    hand.fake(2, hand.code(ESCAPE), 0, 0);
    assert_eq!(stage.arrival(), Arrival::DragEnded(false));
    hand.fake(3, hand.code(ESCAPE), 0, 0);
    hand.release(1);
    until("leaving", || {
        target.pump();
        (target.heard.last().is_some_and(|last| last == "XdndLeave")).then_some(())
    });
    assert_eq!(target.data, None);
}

#[test]
fn the_editor_does_not_take_its_own_drag() {
    let Some(stage) = Stage::new() else { return };
    let hand = stage.hand();
    hand.point(ON_EDITOR.0 - 20, ON_EDITOR.1);
    hand.press(1);
    stage.drag_out("/tmp/a.wav");
    for step in 0..50 {
        hand.point(ON_EDITOR.0 + step, ON_EDITOR.1);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(stage.hovering(), None);
    }
    hand.release(1);
    assert_eq!(stage.arrival(), Arrival::DragEnded(false));
    assert_eq!(stage.mail.take(), None);
}

/// Points at the editor and tells the link that text is awaited, as a click into a text field does.
fn begin_typing(stage: &Stage) -> Hand {
    let hand = stage.hand();
    hand.point(ON_EDITOR.0, ON_EDITOR.1);
    stage.link.as_ref().expect("is linked").text_focus(true);
    until("the focus", || (stage.focus() == stage.pane).then_some(()));
    hand
}

/// Presses a key once and waits until the editor has got it, and nothing else.
fn type_one(stage: &Stage, hand: &Hand, symbol: u32) {
    hand.key(symbol);
    let keys = until("the key", || Some(stage.keys()).filter(|keys| !keys.is_empty()));
    assert_eq!(keys, [hand.code(symbol)]);
}

/// Presses a key once and waits until the host has got it.
fn lose_one(stage: &Stage, hand: &Hand, symbol: u32) {
    hand.key(symbol);
    until("the key", || {
        let event = stage.host.poll_for_event().expect("the server lives")?;
        matches!(event, Event::KeyPress(key) if key.detail == hand.code(symbol)).then_some(())
    });
}

#[test]
fn a_polite_host_loses_no_key_and_is_not_grabbed_from() {
    let Some(stage) = Stage::new() else { return };
    let hand = begin_typing(&stage);
    type_one(&stage, &hand, SPACE);
    assert!(stage.keyboard_is_free());
}

/// Lets the host take the focus back `times` times, to a window of its own that is not around the editor's: X would
/// give the keys to whatever is under the pointer otherwise. Returns how often it still will.
fn take_focus_back(stage: &Stage, times: usize) -> Arc<AtomicUsize> {
    let left = Arc::new(AtomicUsize::new(times));
    let (count, connection) = (left.clone(), stage.connect());
    let catcher = window(&connection, stage.window, (0, 0), (1, 1), EventMask::NO_EVENT);
    std::thread::spawn(move || -> Option<()> {
        while left.load(Relaxed) > 0 {
            if connection.get_input_focus().ok()?.reply().ok()?.focus != catcher {
                connection.set_input_focus(InputFocus::PARENT, catcher, x11rb::CURRENT_TIME).ok()?;
                connection.sync().ok()?;
                left.fetch_sub(1, Relaxed);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Some(())
    });
    count
}

#[test]
fn the_focus_is_fetched_back_after_a_click() {
    let Some(stage) = Stage::new() else { return };
    let taken = take_focus_back(&stage, 2);
    let hand = begin_typing(&stage);
    until("the host's giving up", || (taken.load(Relaxed) == 0).then_some(()));
    until("the focus", || (stage.focus() == stage.pane).then_some(()));
    type_one(&stage, &hand, LETTER_A);
    assert_eq!(stage.focus(), stage.pane);
    assert!(stage.keyboard_is_free());
}

#[test]
fn a_host_that_insists_on_the_focus_still_leaves_the_keys() {
    let Some(stage) = Stage::new() else { return };
    take_focus_back(&stage, usize::MAX);
    let hand = stage.hand();
    hand.point(ON_EDITOR.0, ON_EDITOR.1);
    stage.link.as_ref().expect("is linked").text_focus(true);
    stage.wait_for_grab();
    type_one(&stage, &hand, SPACE);
    type_one(&stage, &hand, LETTER_A);
    stage.link.as_ref().expect("is linked").text_focus(false);
    until("giving the keys back", || stage.keyboard_is_free().then_some(()));
}

#[test]
fn a_grabbed_space_bar_is_lost_once_and_then_typed() {
    let Some(stage) = Stage::new() else { return };
    let space = stage.hand().code(SPACE);
    let grab = stage.host.grab_key(true, stage.window, ModMask::ANY, space, GrabMode::ASYNC, GrabMode::ASYNC);
    grab.expect("sent").check().expect("the key is free");
    let hand = begin_typing(&stage);
    lose_one(&stage, &hand, SPACE);
    stage.wait_for_grab();
    type_one(&stage, &hand, SPACE);
    type_one(&stage, &hand, LETTER_A);
    // The pointer's leaving gives the keys back, its coming fetches them again.
    hand.point(NOWHERE.0, NOWHERE.1);
    until("giving the keys back", || stage.keyboard_is_free().then_some(()));
    lose_one(&stage, &hand, SPACE);
    hand.point(ON_EDITOR.0, ON_EDITOR.1);
    stage.wait_for_grab();
    type_one(&stage, &hand, SPACE);
    // A window manager's shortcut ends the grab.
    hand.fake(2, hand.code(ALT), 0, 0);
    until("giving the keys back", || stage.keyboard_is_free().then_some(()));
}
