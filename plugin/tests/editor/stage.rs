//! A plugin around the editor that only writes down what it is asked.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use egui::{Key as Button, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use melfusion::clip::Recipe;
use melfusion::request::{Key, Meter, SamplerKind};
use melfusion_plugin::editor::desktop::{Arrival, Desktop};
use melfusion_plugin::editor::host::{Dial, Host};
use melfusion_plugin::editor::{screen::Screen, theme};
use melfusion_plugin::link::{self, Inbox};
use melfusion_plugin::params::MelfusionParams;
use melfusion_plugin::project::{Sound, Take};
use melfusion_plugin::session::Session;
use melfusion_plugin::worker::EngineState;
use parking_lot::Mutex;

/// What the editor asked of the plugin.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    Begin(Dial),
    Set(Dial),
    End(Dial),
    Generate,
    GenerateBoard,
    GenerateCue(u64),
    Cancel,
    Transpose(u64, String),
    Adopt,
    PasteWords,
    DragOut(PathBuf),
}

/// Writes calls down, and keeps values as a host would.
pub struct Book {
    /// What the plugin says that the engine is doing.
    pub engine: RefCell<EngineState>,
    /// Whether its bundle hears pictures through words.
    pub describes_pictures: Cell<bool>,
    values: RefCell<HashMap<Dial, f32>>,
    calls: RefCell<Vec<Call>>,
    listed: Cell<usize>,
    desktop: Paper,
}

/// The desktop's part of the book.
#[derive(Default)]
struct Paper {
    arrivals: Mutex<VecDeque<Arrival>>,
    calls: Mutex<Vec<Call>>,
    typing: Mutex<Option<bool>>,
}

impl Book {
    /// What was asked since the last call, without choices of takes.
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.calls.borrow();
        let new = calls[self.listed.replace(calls.len())..].to_vec();
        new.into_iter().chain(std::mem::take(&mut *self.desktop.calls.lock())).collect()
    }

    /// The slot that was chosen last.
    pub fn slot(&self) -> usize {
        (self.value(Dial::Take) * 15.0).round() as usize
    }

    /// Lets something come from the desktop.
    pub fn arrive(&self, arrival: Arrival) {
        self.desktop.arrivals.lock().push_back(arrival);
    }

    /// What the desktop was told about text fields.
    pub fn desktop_says(&self) -> Option<bool> {
        *self.desktop.typing.lock()
    }

    fn write(&self, call: Call) {
        self.calls.borrow_mut().push(call);
    }
}

impl Host for Book {
    fn value(&self, dial: Dial) -> f32 {
        self.values.borrow().get(&dial).copied().unwrap_or_default()
    }

    fn begin(&self, dial: Dial) {
        self.write(Call::Begin(dial));
    }

    fn set(&self, dial: Dial, value: f32) {
        self.values.borrow_mut().insert(dial, value);
        self.write(Call::Set(dial));
    }

    fn end(&self, dial: Dial) {
        self.write(Call::End(dial));
    }

    fn generate(&self) {
        self.write(Call::Generate);
    }

    fn generate_board(&self) {
        self.write(Call::GenerateBoard);
    }

    fn generate_cue(&self, cue: u64) {
        self.write(Call::GenerateCue(cue));
    }

    fn cancel(&self) {
        self.write(Call::Cancel);
    }

    fn transpose(&self, take: u64, key: Option<Key>) {
        self.write(Call::Transpose(take, key.map_or(String::new(), |key| key.to_string())));
    }

    fn adopt(&self) {
        self.write(Call::Adopt);
    }

    fn engine(&self) -> EngineState {
        self.engine.borrow().clone()
    }

    fn describes_pictures(&self) -> bool {
        self.describes_pictures.get()
    }

    fn load(&self) {}

    fn unload(&self) {}

    fn desktop(&self) -> &dyn Desktop {
        &self.desktop
    }
}

impl Desktop for Paper {
    fn choose_picture(&self) {}

    fn choose_frames(&self) {}

    fn choose_words(&self) {}

    fn choose_export(&self, _suggested: &str) {}

    fn paste_image(&self) {}

    fn paste_words(&self) {
        self.calls.lock().push(Call::PasteWords);
    }

    fn drag_out(&self, wav: PathBuf) {
        self.calls.lock().push(Call::DragOut(wav));
    }

    fn reveal(&self, _path: &Path) {}

    fn text_focus(&self, wanted: bool) {
        *self.typing.lock() = Some(wanted);
    }

    fn poll(&self) -> Option<Arrival> {
        self.arrivals.lock().pop_front()
    }

    fn hovering(&self) -> Option<egui::Pos2> {
        None
    }
}

/// An editor, and the plugin around it.
pub struct Stage {
    pub session: Arc<Session>,
    pub host: Rc<Book>,
    pub window: Harness<'static>,
    _inbox: Inbox,
}

impl Stage {
    pub fn new() -> Self {
        Self::sized(1000.0, 680.0)
    }

    pub fn sized(width: f32, height: f32) -> Self {
        let (outbox, inbox) = link::pair();
        let session = Session::new(outbox);
        let params = Arc::new(MelfusionParams::new(&session));
        let dials = [
            Dial::Gain,
            Dial::Mute,
            Dial::Loop,
            Dial::Take,
            Dial::Board,
            Dial::ByNote,
            Dial::Influence,
            Dial::Guidance,
            Dial::Steps,
        ];
        let values = dials.map(|dial| (dial, dial.default_value(&params)));
        let host = Rc::new(Book {
            engine: RefCell::new(EngineState::Unloaded { reason: None }),
            describes_pictures: Cell::new(false),
            values: RefCell::new(HashMap::from(values)),
            calls: RefCell::default(),
            listed: Cell::new(0),
            desktop: Paper::default(),
        });
        let mut screen = Screen::new(session.clone(), params);
        let book = host.clone();
        let mut dressed = false;
        let window = Harness::builder().with_size(egui::vec2(width, height)).build_ui(move |ui| {
            if !std::mem::replace(&mut dressed, true) {
                theme::install(ui.ctx());
            }
            screen.ui(ui, &*book);
        });
        let mut stage = Self { session, host, window, _inbox: inbox };
        stage.step();
        stage
    }

    /// A few frames: what is pressed in one shows in the next.
    pub fn step(&mut self) {
        self.window.run_steps(4);
    }

    pub fn click(&mut self, label: &str) {
        self.step();
        self.window.get_by_label(label).click();
        self.step();
    }

    pub fn key(&mut self, key: Button) {
        self.window.key_press(key);
        self.step();
    }

    pub fn chord(&mut self, modifiers: Modifiers, key: Button) {
        self.window.key_press_modifiers(modifiers, key);
        self.step();
    }

    pub fn type_into(&mut self, label: &str, text: &str) {
        self.click(label);
        self.window.get_by_label(label).type_text(text);
        self.step();
    }

    pub fn replace(&mut self, label: &str, text: &str) {
        self.click(label);
        self.chord(Modifiers::COMMAND, Button::A);
        self.window.get_by_label(label).type_text(text);
        self.step();
    }

    pub fn start_renaming(&mut self, name: &str) {
        self.step();
        self.window.get_by_label_contains(&format!(": {name}")).click_secondary();
        self.step();
        self.click("Rename");
        self.chord(Modifiers::COMMAND, Button::A);
    }

    pub fn rename(&mut self, from: &str, to: &str) {
        self.start_renaming(from);
        self.window.get_by_label("Name of the take").type_text(to);
        self.step();
        self.key(Button::Enter);
    }

    /// A new take in the first free slot.
    pub fn add(&mut self, id: u64, name: &str) {
        let mut project = self.session.project.lock();
        let free = project.takes.iter().position(Option::is_none).expect("tests make at most 16 takes");
        project.takes[free] = Some(take(id, name, 120.0));
    }

    pub fn take(&self, slot: usize) -> Option<Arc<Take>> {
        self.session.project.lock().takes[slot].clone()
    }
}

/// A take of one bar that is a rising line.
pub fn take(id: u64, name: &str, bpm: f64) -> Arc<Take> {
    let recipe = Recipe {
        engine: "0".into(),
        bundle: "none".into(),
        bundle_sha256: String::new(),
        prompt: "a line".into(),
        negative: String::new(),
        picture: None,
        picture_sha256: None,
        bars: 1,
        meter: Meter::default(),
        bpm: 120.0,
        key: None,
        seed: id,
        steps: 4,
        guidance: 3.0,
        influence: 1.0,
        sampler: SamplerKind::default(),
        composed_bpm: 120.0,
        picture_words: None,
        synapse: Default::default(),
        morph: None,
        reading: None,
        impression: None,
        instruments: Vec::new(),
        parts: Vec::new(),
        keep: None,
        arrangement: Default::default(),
    };
    let frames: Vec<[f32; 2]> = (0..9_600).map(|i| [i as f32 / 16_384.0, -(i as f32) / 16_384.0]).collect();
    let sound = Arc::new(Sound::new(frames, 4_800, bpm));
    Arc::new(Take {
        id,
        name: name.into(),
        recipe,
        latents: Arc::new([1, 2, 3, 4]),
        key: None,
        measured: None,
        seen: None,
        sound,
    })
}
