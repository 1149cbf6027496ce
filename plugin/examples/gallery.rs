//! Opens the editor without a host, in a state named on the command line: `empty`, `words`, `making`, `takes`, `error`,
//! `board`, `scoring`; `told-` before it is with a bundle that hears pictures through words.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use melfusion::clip::{MorphRecipe, Recipe};
use melfusion::error::Stage;
use melfusion::image::Crop;
use melfusion::request::{Key, Meter, Mode};
use melfusion::storyboard::Transition;
use melfusion_plugin::editor::desktop::{Desktop, NoDesktop};
use melfusion_plugin::editor::host::{Dial, Host};
use melfusion_plugin::editor::{screen::Screen, theme};
use melfusion_plugin::link;
use melfusion_plugin::params::MelfusionParams;
use melfusion_plugin::project::{Board, Brief, Cue, Frame as Still, Measured, Sound, Take};
use melfusion_plugin::readout;
use melfusion_plugin::session::{Job, Notice, Place, Session};
use melfusion_plugin::worker::EngineState;
use nice_plug_egui::baseview::dpi::{LogicalSize, Size};
use nice_plug_egui::{App, EguiWindow, EguiWindowSettings, Frame};

struct Stand {
    values: RefCell<HashMap<Dial, f32>>,
    engine: EngineState,
    describes_pictures: bool,
}

impl Host for Stand {
    fn value(&self, dial: Dial) -> f32 {
        self.values.borrow().get(&dial).copied().unwrap_or_default()
    }
    fn begin(&self, _: Dial) {}
    fn set(&self, dial: Dial, value: f32) {
        self.values.borrow_mut().insert(dial, value);
    }
    fn end(&self, _: Dial) {}
    fn generate(&self) {}
    fn generate_board(&self) {}
    fn generate_cue(&self, _: u64) {}
    fn cancel(&self) {}
    fn transpose(&self, _: u64, _: Option<Key>) {}
    fn adopt(&self) {}
    fn engine(&self) -> EngineState {
        self.engine.clone()
    }
    fn describes_pictures(&self) -> bool {
        self.describes_pictures
    }
    fn load(&self) {}
    fn unload(&self) {}
    fn desktop(&self) -> &dyn Desktop {
        &NoDesktop
    }
}

struct Gallery {
    screen: Screen,
    host: Stand,
    session: Arc<Session>,
}

impl App for Gallery {
    fn build(&mut self, ctx: egui::Context, frame: &mut Frame) -> Result<(), nice_plug_egui::baseview::HandlerError> {
        theme::install(&ctx);
        frame.set_clear_color(theme::GROUND.into());
        Ok(())
    }
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut Frame) {
        if self.session.readout.playing() {
            self.session.readout.raise_peaks([0.5, 0.42]);
        }
        self.screen.ui(ui, &self.host);
    }
}

fn sound(bars: u32, seed: u32) -> Arc<Sound> {
    let length = 48_000 * 2 * bars as usize;
    let mut noise = seed.wrapping_mul(2_654_435_761) | 1;
    let frames: Vec<[f32; 2]> = (0..length)
        .map(|i| {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let beat = (i % 24_000) as f32 / 24_000.0;
            let swell = (0.35 + 0.3 * (i as f32 / length as f32 * 6.3 * (1 + seed % 3) as f32).sin()).abs();
            let x = (noise as f32 / u32::MAX as f32 * 2.0 - 1.0) * swell * 1.4 * (0.35 + 0.65 * (-beat * 5.0).exp());
            [x, x * 0.9]
        })
        .collect();
    Arc::new(Sound::new(frames, 48_000, 120.0))
}

fn take(id: u64, name: &str, bars: u32, key: Option<Key>) -> Option<Arc<Take>> {
    let recipe = Recipe {
        engine: "0.1.0".into(),
        bundle: "mini".into(),
        bundle_sha256: String::new(),
        prompt: name.into(),
        negative: String::new(),
        picture: Some("harbour.png".into()),
        picture_sha256: None,
        bars,
        meter: Meter::default(),
        bpm: 120.0,
        key,
        seed: 48_213 + id * 977,
        steps: 20,
        guidance: 3.0,
        influence: 1.0,
        sampler: Default::default(),
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
    Some(Arc::new(Take {
        id,
        name: name.into(),
        recipe,
        latents: Arc::new([]),
        key: None,
        measured: Some(Measured { bpm: 119.87, confidence: 0.86 }),
        seen: None,
        sound: sound(bars, id as u32),
    }))
}

/// Six frames of the examples, most of them with music.
fn board(scoring: bool) -> Board {
    let cues = [
        ("open_road", "open fields, first light", 4, Transition::Cut, 2),
        ("harbour", "fog horns, low strings", 8, Transition::Crossfade { bars: 1 }, 3),
        ("chase_at_night", "restless pulse, rails", 4, Transition::Cut, 1),
        ("neon_street", "neon, slow synthesiser", 6, Transition::Crossfade { bars: 2 }, 1),
        ("castle_in_the_storm", "drums far away", 4, Transition::Morph { bars: 2 }, 1),
        ("first_planet", "", 6, Transition::Crossfade { bars: 1 }, 0),
    ];
    let cue = |(index, (name, words, bars, transition, takes)): (usize, (&str, &str, u32, Transition, u64))| {
        let path = format!("{}/../examples/frames/{name}.png", env!("CARGO_MANIFEST_DIR"));
        let id = 100 + index as u64;
        let mut cue = Cue::new(id, Still::open(path.as_ref()).ok().map(Arc::new));
        (cue.words, cue.bars, cue.transition) = (words.into(), bars, transition);
        cue.name = name.replace('_', " ");
        if index == 1 {
            (cue.influence, cue.crop) = (Some(0.62), Crop::new(0.3, 0.2, 0.6, 0.6).ok());
        }
        let brief = Brief { prompt: "chamber strings, felt piano".into(), ..Brief::default() };
        let prompt = cue.prompt(&brief);
        for number in 0..if scoring && index > 1 { 0 } else { takes } {
            let Some(take) = take(id * 10 + number, &prompt, bars, Some(Key::new(2, Mode::Minor))) else { continue };
            let recipe = Recipe { negative: "drums".into(), ..take.recipe.clone() };
            cue.add(Arc::new(Take { recipe, ..Take::clone(&take) }));
        }
        cue
    };
    let mut board = Board { cues: cues.into_iter().enumerate().map(cue).collect() };
    // As if all had been made from what is there now.
    for index in 0..board.cues.len() {
        let (seen, next) = (Some(board.seen(index)), board.cues.get(index + 1).cloned());
        let brief = Brief { prompt: "chamber strings, felt piano".into(), ..Brief::default() };
        let morph = next.filter(|next| matches!(next.transition, Transition::Morph { .. })).map(|next| MorphRecipe {
            bars: next.transition.bars(),
            prompt: next.prompt(&brief),
            picture_sha256: None,
            picture_words: None,
            influence: 1.0,
        });
        for take in &mut board.cues[index].takes {
            let recipe = Recipe { morph: morph.clone(), ..take.recipe.clone() };
            *take = Arc::new(Take { seen: seen.clone(), recipe, ..Take::clone(take) });
        }
    }
    board
}

fn fill(session: &Session, state: &str) {
    let mut project = session.project.lock();
    if state != "empty" {
        let path = format!("{}/../examples/frames/harbour.png", env!("CARGO_MANIFEST_DIR"));
        project.brief.picture = Still::open(path.as_ref()).ok().map(Arc::new);
        project.brief.prompt = "slow strings over a distant piano, low brass, fog on the water".into();
        project.brief.negative = "drums".into();
        project.brief.key = Some(Key::new(2, Mode::Minor));
        project.brief.seed = 48_213;
    }
    if ["takes", "error", "making"].contains(&state) {
        project.takes[0] = take(1, "Take 1 slow strings over a distant piano", 4, Some(Key::new(2, Mode::Minor)));
        project.takes[1] = take(2, "Take 2 slow strings, colder", 8, Some(Key::new(2, Mode::Minor)));
        project.takes[2] = take(3, "Harbour at dawn, the good one", 8, None);
        project.anchor_bar = 16;
    }
    if state == "making" {
        project.takes[2] = None;
    }
    if ["board", "scoring"].contains(&state) {
        project.board = board(state == "scoring");
        project.brief.prompt = "chamber strings, felt piano".into();
        project.anchor_bar = 8;
    }
    drop(project);
    session.readout.set_tempo(Some(120.0));
    session.readout.set_meter(Some((4, 4)));
    session.readout.set_beats(77.5);
    if state == "board" {
        session.readout.set_playing(true);
        session.readout.set_sounding(link::BOARD, 0.24, readout::Mode::Copy);
        session.readout.set_beats(62.7);
    }
    if state == "scoring" {
        let mut status = session.status.lock();
        status.job = Some(Job { cue: Some(102), ahead: 0, stage: Stage::Music, done: 0.58, seconds_left: Some(2.4) });
        status.queued = vec![103, 104, 105];
    }
    if state == "takes" {
        session.readout.set_playing(true);
        session.readout.set_sounding(2, 0.42, readout::Mode::Copy);
        session.readout.raise_peaks([0.5, 0.42]);
    }
    if state == "making" {
        session.status.lock().job =
            Some(Job { cue: None, ahead: 0, stage: Stage::Music, done: 0.58, seconds_left: Some(2.4) });
    }
    if state == "error" {
        let say = |place, text: &str, is_error| {
            session.tell(place, Some(Notice { place, text: text.into(), is_error }));
        };
        say(
            Place::Picture,
            "picture /home/me/board/07.psd: is no picture that can be read; save it as PNG or JPEG",
            true,
        );
        say(Place::Generate, "the model made silence, twice; try another seed, fewer steps or less guidance", true);
        say(Place::Takes, "Written: /home/me/Music/harbour.wav", false);
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let wanted = args.next().unwrap_or_else(|| "takes".into());
    let (state, describes_pictures) = wanted.strip_prefix("told-").map_or((&*wanted, false), |state| (state, true));
    let mut side = || args.next().and_then(|side| side.parse::<f64>().ok());
    let (width, height) = (side().unwrap_or(1000.0), side().unwrap_or(680.0));
    let (outbox, inbox) = link::pair();
    std::mem::forget(inbox);
    let session = Session::new(outbox);
    let params = Arc::new(MelfusionParams::new(&session));
    fill(&session, state);
    if let Some(cue) = session.project.lock().board.cues.get_mut(1).filter(|_| describes_pictures) {
        cue.picture_words = Some("grey water, fog".into());
        for take in &mut cue.takes {
            let picture_words = Some("bright, warm, busy scene, gentle and peaceful".into());
            let recipe = Recipe { picture_words, ..take.recipe.clone() };
            *take = Arc::new(Take { recipe, ..Take::clone(take) });
        }
    }
    let slot = if state == "takes" { 2.0 / 15.0 } else { 0.0 };
    let values = HashMap::from([
        (Dial::Take, slot),
        (Dial::Influence, 0.8),
        (Dial::Guidance, 0.3),
        (Dial::Steps, 0.17),
        (Dial::Gain, 0.72),
        (Dial::Loop, 1.0),
        (Dial::Board, f32::from(u8::from(["board", "scoring"].contains(&state)))),
    ]);
    let engine = match state {
        "error" => EngineState::Unloaded { reason: Some("no memory".into()) },
        "empty" => EngineState::Unloaded { reason: None },
        _ => EngineState::Loaded {
            bundle: "mini 0.2.0".into(),
            device: "CPU, in this host".into(),
            why: "There is no melfusion program with a GPU.".into(),
            memory: 212_000_000,
        },
    };
    let host = Stand { values: RefCell::new(values), engine, describes_pictures };
    let repaint = session.repaint.clone();
    let gallery = Gallery { screen: Screen::new(session.clone(), params), host, session };
    let settings = EguiWindowSettings::new()
        .with_title("MeLFusion")
        .with_size(Size::Logical(LogicalSize::new(width, height)))
        .with_repaint_notifier(repaint);
    if let Ok(window) = EguiWindow::create(settings, gallery) {
        let _ = window.run_until_closed();
    }
}
