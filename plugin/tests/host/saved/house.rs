//! Projects to save, an instance that saves them, and whether two are the same.

use std::fs;
use std::sync::Arc;

use melfusion::clip::Recipe;
use melfusion::image::Crop;
use melfusion::request::{Key, Meter, Mode, SamplerKind};
use melfusion::storyboard::Transition;
use melfusion_plugin::link;
use melfusion_plugin::project::{Board, Brief, Cue, Frame, Look, Measured, Project, Seen, Sound, Take};
use melfusion_plugin::session::{Place, Session};
use melfusion_plugin::state::{self, CAP, Library, Saved};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;

pub fn recipe(seed: u64) -> Recipe {
    Recipe {
        engine: "0.1.0".into(),
        bundle: "mini".into(),
        bundle_sha256: "5".repeat(64),
        prompt: "calm piano, \"quoted\"\nsecond line \u{1f3b9}".into(),
        negative: String::new(),
        picture: Some("harbour.png".into()),
        picture_sha256: None,
        bars: 2,
        meter: "6/8".parse().unwrap(),
        bpm: 95.000_000_056_123_4,
        key: Some(Key::new(9, Mode::Minor)),
        seed,
        steps: 20,
        guidance: 3.1,
        influence: 0.1 + 0.2,
        sampler: SamplerKind::default(),
        composed_bpm: 96.0 / 7.0 * 7.0,
        picture_words: None,
        synapse: Default::default(),
        morph: None,
        reading: None,
        impression: None,
        instruments: Vec::new(),
        parts: Vec::new(),
        keep: None,
        arrangement: Default::default(),
    }
}

/// Noise, as it is the hardest to pack.
pub fn sound(seed: u64, frames: usize) -> Sound {
    let mut random = StdRng::seed_from_u64(seed);
    let frames = (0..frames).map(|_| [random.random_range(-1.0..1.0), random.random_range(-1.0..1.0)]).collect();
    Sound::new(frames, 48_000, 95.000_000_056_123_4)
}

pub fn take(id: u64, frames: usize) -> Arc<Take> {
    Arc::new(Take {
        id,
        name: format!("Take {id} – «ß»"),
        recipe: recipe(u64::MAX - id),
        latents: (0..200).map(|i| (i * id) as u8).collect(),
        key: None,
        measured: Some(Measured { bpm: 1.0 / 3.0 + 90.0, confidence: 0.7 }),
        seen: None,
        sound: Arc::new(sound(id, frames)),
    })
}

pub fn frame() -> Frame {
    let rgb = (0..64 * 48 * 3).map(|i| (i * 7 % 251) as u8).collect();
    Frame::from_rgb(64, 48, rgb, "pasted").unwrap()
}

pub fn brief() -> Brief {
    Brief {
        prompt: "rain on a tin roof\t\u{0}\r\n\u{2028}end".into(),
        negative: "drums".into(),
        picture: Some(Arc::new(frame())),
        picture_words: Some(" rain\n\u{1f327} ".into()),
        bars: 8,
        meter: Some(Meter::new(7, 8).unwrap()),
        bpm: Some(120.1),
        key: "F#m".parse().ok(),
        seed: u64::MAX,
        seed_locked: true,
    }
}

/// Takes in slots 0, 3 and 15.
pub fn project() -> Project {
    let mut project = Project { brief: brief(), anchor_bar: -3, window: (1200, 777), ..Project::default() };
    for (slot, id) in [(0, 11), (3, u64::MAX), (15, 7)] {
        project.takes[slot] = Some(take(id, 1000 + slot));
    }
    project
}

/// The same with a storyboard.
pub fn project_with_board() -> Project {
    let mut project = Project { board: board(), ..project() };
    // What has a take has one that is heard, once it was saved.
    project.board.cues[2].chosen = Some(603);
    project
}

/// An instance's state, and a library of its own.
pub struct Bench {
    pub folder: TempDir,
    pub session: Arc<Session>,
    pub saved: Saved,
    _inbox: link::Inbox,
}

impl Bench {
    pub fn new(cap: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::at(folder, cap)
    }

    pub fn at(folder: TempDir, cap: usize) -> Self {
        let (outbox, inbox) = link::pair();
        let session = Session::new(outbox);
        let saved = Saved::with(session.clone(), Library::new(folder.path()), cap);
        Self { folder, session, saved, _inbox: inbox }
    }

    pub fn library(&self) -> Library {
        Library::new(self.folder.path())
    }

    pub fn notice(&self) -> Option<(String, bool)> {
        let status = self.session.status.lock();
        let notice = status.notices.iter().find(|notice| notice.place == Place::Project)?;
        Some((notice.text.clone(), notice.is_error))
    }

    pub fn aside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("aside")).into_iter().flatten();
        entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
    }

    pub fn edit(&self, change: impl FnOnce(&mut Project)) {
        change(&mut self.session.project.lock());
    }
}

pub fn text_of(project: &Project) -> String {
    let nowhere = Library::new("/nonexistent/library");
    let written = state::write(project, None, CAP, &nowhere);
    assert_eq!(written.remark, None);
    written.text
}

pub fn assert_same(a: &Project, b: &Project) {
    assert_eq!(a.brief, b.brief);
    assert_eq!(a.board.cues.len(), b.board.cues.len());
    for (a, b) in a.board.cues.iter().zip(&b.board.cues) {
        assert!(a.is_same_sheet(b), "{a:?} is not {b:?}");
        assert_eq!((a.chosen, a.picture.as_ref()), (b.chosen, b.picture.as_ref()));
        assert_eq!(a.takes.len(), b.takes.len());
        a.takes.iter().zip(&b.takes).for_each(|(a, b)| assert_same_take(a, b));
    }
    assert_eq!((a.anchor_bar, a.window), (b.anchor_bar, b.window));
    for (a, b) in a.takes.iter().zip(&b.takes) {
        assert_eq!(a.is_some(), b.is_some());
        let Some((a, b)) = a.as_ref().zip(b.as_ref()) else { continue };
        assert_same_take(a, b);
    }
}

pub fn assert_same_take(a: &Take, b: &Take) {
    assert_eq!((a.id, &a.name, &a.recipe, a.key, a.measured), (b.id, &b.name, &b.recipe, b.key, b.measured));
    assert_eq!((&a.latents, &a.seen), (&b.latents, &b.seen));
    assert_eq!((a.sound.rate, a.sound.bpm.to_bits()), (b.sound.rate, b.sound.bpm.to_bits()));
    assert!(a.sound.frames == b.sound.frames, "the same samples");
}

/// Three cues: all that a cue can say, with two takes; a bare one; one with a take that is not heard.
pub fn board() -> Board {
    let cue = |id: u64| Cue::new(id, Some(Arc::new(frame())));
    let mut first = Cue {
        name: "harbour «ß»".into(),
        crop: Some(Crop::new(0.1, 0.2, 1.0 / 3.0, 0.5).unwrap()),
        picture_words: Some("grey, \"wet\"".into()),
        words: "fog\nhorns".into(),
        bars: 64,
        transition: Transition::Morph { bars: 2 },
        influence: Some(0.1 + 0.2),
        seed: Some(u64::MAX),
        ..cue(501)
    };
    let sha256 = first.picture.as_ref().unwrap().sha256.clone();
    let look = Look { sha256, crop: first.crop, words: Some("grey, \"wet\"".into()) };
    let seen = Some(Seen { own: Some(look.clone()), next: Some(Look { crop: None, words: None, ..look }) });
    assert!(first.add(Arc::new(Take { seen, ..Take::clone(&take(601, 900)) })));
    assert!(first.add(take(602, 901)));
    first.chosen = Some(601);
    let bare = Cue { picture: None, ..Cue::new(502, None) };
    let mut last = Cue { transition: Transition::Cut, picture_words: Some(String::new()), ..cue(503) };
    assert!(last.add(take(603, 902)));
    last.chosen = None;
    Board { cues: vec![first, bare, last] }
}
