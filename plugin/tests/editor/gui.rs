//! The whole editor in a host's window, worked with mouse and keyboard on an X server of the test's own.
//!
//! Without Xvfb there is nothing to test on.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use melfusion::clip::Recipe;
use melfusion::request::Meter;
use melfusion_plugin::link;
use melfusion_plugin::project::{Project, Sound, Take};
use melfusion_plugin::session::Session;
use melfusion_plugin::state::Saved;
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;

use crate::host::{Host, Manners};
use crate::server::{Hand, Server};
use crate::source::{Outcome, Search, Source};
use crate::target::{Mood, Target};

/// Set for the process that has the window. Its value is the display.
const STAGE: &str = "MELFUSION_TEST_DISPLAY";
/// What a scene leaves in the user's folder when it is over.
const PLAYED: &str = "played";
/// The display and a folder for the user's files.
type Scene = fn(&str, &Path);

/// Places in the editor at its first size, in its logical pixels.
const PROMPT: (i16, i16) = (199, 556);
const FIRST_TAKE: (i16, i16) = (418, 548);
const PICTURE: (i16, i16) = (199, 260);
/// The middle of the storyboard's lane.
const LANE: (i16, i16) = (500, 150);

/// Runs `scene` in a process of its own: the editor finds its display in the environment, and keeps what it makes in
/// the user's folders.
fn stage(name: &str, scene: Scene) {
    if let Ok(display) = std::env::var(STAGE) {
        let home = std::env::var("HOME").expect("is set with it");
        let before = threads();
        scene(&display, Path::new(&home));
        wait_for_threads(before);
        return std::fs::write(Path::new(&home).join(PLAYED), "").expect("the folder is ours");
    }
    // One at a time: each draws its window without a graphics card.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(server) = Server::start() else { return };
    let home = tempfile::tempdir().expect("there is room");
    let mut command = Command::new(std::env::current_exe().expect("it runs"));
    command
        .args(["--exact", &format!("gui::{name}"), "--nocapture"])
        .env(STAGE, &server.display)
        .env("DISPLAY", &server.display);
    command.env("HOME", home.path()).env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
    let status = command.status().expect("it starts");
    assert!(status.success(), "{name} failed on its stage: {status}");
    assert!(home.path().join(PLAYED).exists(), "no test is called gui::{name}");
}

/// The framework closes the window on its own thread and waits for it only if that is quick to begin. A program that
/// ends meanwhile crashes in the graphics driver.
fn wait_for_threads(before: usize) {
    let began = Instant::now();
    while threads() > before && began.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// A host with the editor open, and a hand on mouse and keyboard.
struct Desk {
    host: Host,
    hand: Hand,
    x: RustConnection,
    display: String,
    scale: i16,
}

impl Desk {
    fn new(display: &str, manners: Manners) -> Self {
        let host = Host::new(Some(display), manners).expect("the plugin starts");
        let x = RustConnection::connect(Some(display)).expect("the server runs").0;
        Self { host, hand: Hand::new(display), x, display: display.into(), scale: 1 }
    }

    fn open(&mut self) -> (u32, u32) {
        self.host.open().expect("the editor opens");
        let editor = self.until("the editor's window", |desk| desk.host.editor());
        self.until("the editor's first frame", |desk| desk.number(editor, "XdndProxy"));
        // The size that the project remembers is asked for with the first frames.
        self.host.rest(Duration::from_millis(500)).expect("the server lives");
        self.size()
    }

    fn size(&self) -> (u32, u32) {
        let editor = self.host.editor().expect("is open");
        let size = self.x.get_geometry(editor).expect("sent").reply().expect("answered");
        (size.width.into(), size.height.into())
    }

    /// Where a place in the editor is on the screen.
    fn at(&self, place: (i16, i16)) -> (i16, i16) {
        let origin = self.host.origin().expect("the server lives");
        (origin.0 + place.0 * self.scale, origin.1 + place.1 * self.scale)
    }

    fn until<T>(&mut self, what: &str, mut ready: impl FnMut(&mut Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(value) = ready(self) {
                return value;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{what} did not happen");
            self.host.rest(Duration::from_millis(10)).expect("the server lives");
        }
    }

    fn project(&mut self) -> Project {
        let text = self.host.project().expect("the state has it");
        let session = Session::new(link::pair().0);
        Saved::new(session.clone()).open(text);
        session.project.lock().clone()
    }

    /// Lets files be dropped on the picture well by another program.
    fn drop_on_picture(&self, path: &Path) -> Outcome {
        self.drop_at(PICTURE, &[path.to_owned()])
    }

    /// The same, several at once, on any place.
    fn drop_at(&self, place: (i16, i16), paths: &[PathBuf]) -> Outcome {
        let escaped = |path: &PathBuf| path.to_str().expect("is UTF-8").replace(' ', "%20").replace('ü', "%C3%BC");
        let list: String = paths.iter().map(|path| format!("file://{}\r\n", escaped(path))).collect();
        let x = RustConnection::connect(Some(&self.display)).expect("the server runs").0;
        let mut source = Source::new(x, Search::Outermost, &[("text/uri-list", list.as_bytes())]);
        let (x, y) = self.at(place);
        source.hover(x, y);
        source.drop()
    }

    fn click(&mut self, place: (i16, i16)) {
        let (x, y) = self.at(place);
        self.hand.point(x, y);
        self.host.rest(Duration::from_millis(100)).expect("the server lives");
        self.hand.press(1);
        self.host.rest(Duration::from_millis(50)).expect("the server lives");
        self.hand.release(1);
        self.host.rest(Duration::from_millis(200)).expect("the server lives");
    }

    fn type_in(&mut self, text: &str) {
        for letter in text.chars() {
            self.hand.key(letter.into());
            self.host.rest(Duration::from_millis(30)).expect("the server lives");
        }
    }

    fn number(&self, window: Window, name: &str) -> Option<u32> {
        let atom = self.x.intern_atom(false, name.as_bytes()).ok()?.reply().ok()?.atom;
        let reply = self.x.get_property(false, window, atom, AtomEnum::ANY, 0, 1).ok()?.reply().ok()?;
        reply.value32()?.next()
    }
}

fn picture(home: &Path) -> PathBuf {
    still(home, "Küste im Sturm.png")
}

fn still(home: &Path, name: &str) -> PathBuf {
    let path = home.join(name);
    let original = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/frames/harbour.png");
    std::fs::copy(original, &path).expect("there is room");
    path
}

#[test]
fn a_dropped_picture_is_in_the_project_at_any_scale_and_after_reopening() {
    stage("a_dropped_picture_is_in_the_project_at_any_scale_and_after_reopening", |display, home| {
        let mut desk = Desk::new(display, Manners { aware: true, ..Manners::default() });
        let path = picture(home);
        let first = desk.open();
        for scale in [1, 2] {
            assert_eq!(desk.drop_on_picture(&path), Outcome { accepted: true, finished: Some(true) });
            desk.until("the picture", |desk| {
                let picture = desk.project().brief.picture?;
                assert_eq!(picture.path.as_deref(), Some(path.as_path()));
                Some(())
            });
            assert_eq!(desk.host.drag_messages, 0);
            // Closing leaves no mark on the host's window.
            let window = desk.host.window();
            desk.host.close();
            desk.until("leaving", |desk| desk.number(window, "XdndProxy").is_none().then_some(()));
            if scale == 1 {
                desk.host.set_project(&desk_text(&Project::default())).expect("it loads");
                (desk.scale, _) = (2, desk.host.set_scale(2.0));
                assert_eq!(desk.open(), (first.0 * 2, first.1 * 2));
            }
        }
    });
}

#[test]
fn frames_that_are_dropped_together_are_a_storyboard_and_one_on_the_lane_goes_between() {
    stage("frames_that_are_dropped_together_are_a_storyboard_and_one_on_the_lane_goes_between", |display, home| {
        let mut desk = Desk::new(display, Manners::default());
        desk.open();
        let frames: Vec<PathBuf> = [10, 9, 1].map(|number| still(home, &format!("frame {number}.png"))).into();
        assert!(desk.drop_at(PICTURE, &frames).finished == Some(true));
        let names =
            |desk: &mut Desk| -> Vec<String> { desk.project().board.cues.iter().map(|cue| cue.name.clone()).collect() };
        let expected = ["frame 1", "frame 9", "frame 10"];
        desk.until("the cues", |desk| (names(desk) == expected).then_some(()));
        // The lane shows them side by side; the second third of its width is the second's.
        desk.host.rest(Duration::from_millis(500)).expect("the server lives");
        let late = still(home, "late.png");
        assert!(desk.drop_at(LANE, &[late]).finished == Some(true));
        let expected = ["frame 1", "late", "frame 9", "frame 10"];
        desk.until("the late one", |desk| (names(desk) == expected).then_some(()));
        assert!(desk.project().brief.picture.is_none());
    });
}

#[test]
fn a_resized_editor_comes_back_with_its_size() {
    stage("a_resized_editor_comes_back_with_its_size", |display, _| {
        let mut desk = Desk::new(display, Manners::default());
        desk.open();
        let agreed = (1100, 750);
        desk.until("the size", |desk| {
            // A drag of the window's edge; what comes before the first frames were drawn is the host's guess.
            for width in [1090, 1100] {
                assert_eq!(desk.host.resize(width, 750).expect("it is resizable"), (width, 750));
                desk.host.rest(Duration::from_millis(100)).expect("the server lives");
            }
            (desk.size() == agreed && desk.project().window == agreed).then_some(())
        });
        desk.host.close();
        assert_eq!(desk.open(), agreed);
    });
}

#[test]
fn a_prompt_is_typed_although_the_host_takes_the_space_bar_and_the_focus() {
    let name = "a_prompt_is_typed_although_the_host_takes_the_space_bar_and_the_focus";
    stage(name, |display, _| {
        let polite = Manners::default();
        for manners in [
            polite,
            Manners { grabs_space: true, ..polite },
            Manners { steals_focus: true, ..polite },
            Manners { grabs_space: true, steals_focus: true, ..polite },
        ] {
            let mut desk = Desk::new(display, manners);
            desk.open();
            desk.click(PROMPT);
            // A slow editor has not taken the click yet.
            desk.until(&format!("the field's focus, {manners:?},"), |desk| {
                desk.type_in("x");
                desk.host.rest(Duration::from_millis(200)).expect("the server lives");
                (!desk.project().brief.prompt.is_empty()).then_some(())
            });
            if manners.grabs_space {
                // The first press shows what the host does, and is its; unless it has been found out before.
                desk.type_in(" ");
                desk.until("the space", |desk| {
                    let typed = desk.project().brief.prompt.ends_with(' ');
                    (typed || desk.host.keys.contains(&desk.hand.code(0x20))).then_some(())
                });
                desk.host.rest(Duration::from_millis(200)).expect("the server lives");
            }
            desk.host.keys.clear();
            desk.type_in("rain on a tin roof");
            let prompt = desk.until("the last letter", |desk| {
                Some(desk.project().brief.prompt).filter(|prompt| prompt.ends_with('f'))
            });
            assert_eq!(prompt.trim_start_matches('x').trim(), "rain on a tin roof", "{manners:?}");
            assert!(desk.host.keys.is_empty(), "{manners:?}");
        }
    });
}

#[test]
fn a_take_is_dragged_onto_a_track() {
    stage("a_take_is_dragged_onto_a_track", |display, home| {
        let mut desk = Desk::new(display, Manners::default());
        desk.host.set_project(&desk_text(&with_a_take())).expect("it loads");
        desk.open();
        let x = RustConnection::connect(Some(display)).expect("the server runs").0;
        let mut track = Target::new(x, Mood::Takes, (1150, 800), (200, 150));
        let (x, y) = desk.at(FIRST_TAKE);
        desk.hand.point(x, y);
        desk.host.rest(Duration::from_millis(100)).expect("the server lives");
        desk.hand.press(1);
        let mut aside = 0;
        desk.until("the drag", |desk| {
            // Within the row: a slow editor looks where the pointer is when it hears of the button.
            aside = (aside + 4) % 80;
            desk.hand.point(x + aside, y);
            home.join(".local/share/melfusion/clips").exists().then_some(())
        });
        desk.hand.point(1200, 850);
        desk.until("reaching the track", |_| {
            track.pump();
            track.heard.contains(&"XdndPosition".to_owned()).then_some(())
        });
        desk.hand.release(1);
        let list = desk.until("the drop", |_| {
            track.pump();
            track.data.take()
        });
        let list = String::from_utf8(list).expect("is ASCII");
        let path = Path::new(list.trim_end().strip_prefix("file://").expect("is a file"));
        assert!(path.starts_with(home), "{path:?}");
        let wav = std::fs::read(path).expect("was written before");
        assert_eq!(&wav[..4], b"RIFF");
    });
}

/// One bar of a ramp.
fn with_a_take() -> Project {
    let recipe = Recipe {
        engine: "0.1.0".into(),
        bundle: "mini".into(),
        bundle_sha256: String::new(),
        prompt: "rain".into(),
        negative: String::new(),
        picture: None,
        picture_sha256: None,
        bars: 1,
        meter: Meter::default(),
        bpm: 120.0,
        key: None,
        seed: 1,
        steps: 20,
        guidance: 3.0,
        influence: 1.0,
        sampler: Default::default(),
        composed_bpm: 120.0,
        morph: None,
        reading: None,
        impression: None,
        instruments: Vec::new(),
        parts: Vec::new(),
        keep: None,
        arrangement: Default::default(),
        picture_words: None,
        synapse: Default::default(),
    };
    let frames = (0..96_000).map(|frame| [frame as f32 / 96_000.0; 2]).collect();
    let sound = Arc::new(Sound::new(frames, 48_000, 120.0));
    let mut project = Project::default();
    let latents = Arc::new([]);
    let take = Take { id: 1, name: "Rain".into(), recipe, latents, key: None, measured: None, seen: None, sound };
    project.takes[0] = Some(Arc::new(take));
    project
}

/// The project as the plugin saves it.
fn desk_text(project: &Project) -> String {
    let session = Session::new(link::pair().0);
    *session.project.lock() = project.clone();
    Saved::new(session).text().to_string()
}
