//! What the host saves is what it gets back.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use melfusion::clip::Recipe;
use melfusion::image::Crop;
use melfusion::request::{Key, Meter, Mode, SamplerKind};
use melfusion::storyboard::Transition;
use melfusion_plugin::link;
use melfusion_plugin::project::{Board, Brief, Cue, Frame, Link, Look, Measured, Project, Seen, Sound, Take};
use melfusion_plugin::session::{Place, Session};
use melfusion_plugin::state::{self, CAP, Library, Saved, Trouble};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;

fn recipe(seed: u64) -> Recipe {
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
    }
}

/// Noise, as it is the hardest to pack.
fn sound(seed: u64, frames: usize) -> Sound {
    let mut random = StdRng::seed_from_u64(seed);
    let frames = (0..frames).map(|_| [random.random_range(-1.0..1.0), random.random_range(-1.0..1.0)]).collect();
    Sound::new(frames, 48_000, 95.000_000_056_123_4)
}

fn take(id: u64, frames: usize) -> Arc<Take> {
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

fn frame() -> Frame {
    let rgb = (0..64 * 48 * 3).map(|i| (i * 7 % 251) as u8).collect();
    Frame::from_rgb(64, 48, rgb, "pasted").unwrap()
}

fn brief() -> Brief {
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
fn project() -> Project {
    let mut project = Project { brief: brief(), anchor_bar: -3, window: (1200, 777), ..Project::default() };
    for (slot, id) in [(0, 11), (3, u64::MAX), (15, 7)] {
        project.takes[slot] = Some(take(id, 1000 + slot));
    }
    project
}

/// The same with a storyboard.
fn project_with_board() -> Project {
    let mut project = Project { board: board(), ..project() };
    // What has a take has one that is heard, once it was saved.
    project.board.cues[2].chosen = Some(603);
    project
}

/// An instance's state, and a library of its own.
struct Bench {
    folder: TempDir,
    session: Arc<Session>,
    saved: Saved,
    _inbox: link::Inbox,
}

impl Bench {
    fn new(cap: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::at(folder, cap)
    }

    fn at(folder: TempDir, cap: usize) -> Self {
        let (outbox, inbox) = link::pair();
        let session = Session::new(outbox);
        let saved = Saved::with(session.clone(), Library::new(folder.path()), cap);
        Self { folder, session, saved, _inbox: inbox }
    }

    fn library(&self) -> Library {
        Library::new(self.folder.path())
    }

    fn notice(&self) -> Option<(String, bool)> {
        let status = self.session.status.lock();
        let notice = status.notices.iter().find(|notice| notice.place == Place::Project)?;
        Some((notice.text.clone(), notice.is_error))
    }

    fn aside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("aside")).into_iter().flatten();
        entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
    }

    fn edit(&self, change: impl FnOnce(&mut Project)) {
        change(&mut self.session.project.lock());
    }
}

fn text_of(project: &Project) -> String {
    let nowhere = Library::new("/nonexistent/library");
    let written = state::write(project, None, CAP, &nowhere);
    assert_eq!(written.remark, None);
    written.text
}

fn assert_same(a: &Project, b: &Project) {
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

fn assert_same_take(a: &Take, b: &Take) {
    assert_eq!((a.id, &a.name, &a.recipe, a.key, a.measured), (b.id, &b.name, &b.recipe, b.key, b.measured));
    assert_eq!((&a.latents, &a.seen), (&b.latents, &b.seen));
    assert_eq!((a.sound.rate, a.sound.bpm.to_bits()), (b.sound.rate, b.sound.bpm.to_bits()));
    assert!(a.sound.frames == b.sound.frames, "the same samples");
}

/// Three cues: all that a cue can say, with two takes; a bare one; one with a take that is not heard.
fn board() -> Board {
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

#[test]
fn a_project_comes_back_a_hundred_times() {
    let bench = Bench::new(CAP);
    let first = project_with_board();
    bench.edit(|project| *project = first.clone());
    let text = bench.saved.text();
    for _ in 0..100 {
        let next = Bench::new(CAP);
        next.saved.open(text.to_string());
        assert_eq!(next.notice(), None);
        assert!(next.saved.text() == text);
    }
    bench.edit(|project| *project = Project::default());
    bench.saved.open(text.to_string());
    assert_same(&bench.session.project.lock(), &first);
    assert_eq!(bench.session.desk.anchor_bar(), -3);
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 0, "a small project needs no library");
}

/// What `tests/state/version-1.txt` holds; made of formulas, so that no other library has a say in it.
fn project_of_version_1() -> Project {
    let ramp = (0..2000).map(|i| [i as f32 / 2000.0, -(i as f32) / 3000.0]).collect();
    let sound = Arc::new(Sound::new(ramp, 44_100, 95.000_000_056_123_4));
    let missing = Link { sha256: "a".repeat(64), path: "/somewhere/else.flac".into() };
    let picture = Frame {
        thumbnail: (0..=255).collect(),
        sha256: "b".repeat(64),
        path: Some("/pictures/harbour.png".into()),
        name: "harbour.png".into(),
    };
    // Words of pictures came with version 3.
    let brief = Brief { picture: Some(Arc::new(picture)), picture_words: None, ..brief() };
    let mut project = Project { brief, anchor_bar: -3, window: (1200, 777), ..Project::default() };
    let take = take(11, 0);
    project.takes[0] = Some(Arc::new(Take { sound, ..Take::clone(&take) }));
    let missing = Arc::new(Sound::missing(missing, 48_000, 120.0));
    project.takes[9] = Some(Arc::new(Take { id: 12, sound: missing, measured: None, ..Take::clone(&take) }));
    project
}

#[test]
fn a_saved_project_of_version_1_opens_for_ever() {
    let text = include_str!("state/version-1.txt");
    let reading = state::read(text, &Library::new("/nonexistent"));
    assert_eq!((reading.trouble, reading.without_sound.len()), (None, 1));
    assert_same(&reading.project, &project_of_version_1());
}

/// What `tests/state/version-2.txt` holds.
fn project_of_version_2() -> Project {
    let mut project = project_of_version_3();
    project.brief.picture_words = None;
    for cue in &mut project.board.cues {
        cue.picture_words = None;
        for take in &mut cue.takes {
            let wordless = |look: Option<Look>| look.map(|look| Look { words: None, ..look });
            let seen = take.seen.clone().map(|seen| Seen { own: wordless(seen.own), next: wordless(seen.next) });
            let recipe = Recipe { picture_words: None, ..take.recipe.clone() };
            *take = Arc::new(Take { seen, recipe, ..Take::clone(take) });
        }
    }
    project
}

/// What `tests/state/version-3.txt` holds.
fn project_of_version_3() -> Project {
    let mut project = project_of_version_1();
    project.brief.picture_words = brief().picture_words;
    let picture = project.brief.picture.clone();
    let ramp = |frames: usize| (0..frames).map(|i| [i as f32 / 2000.0, -(i as f32) / 3000.0]).collect();
    let sound = |frames: usize| Arc::new(Sound::new(ramp(frames), 44_100, 95.000_000_056_123_4));
    project.board = board();
    for cue in &mut project.board.cues {
        cue.picture = cue.picture.take().and(picture.clone());
        for take in &mut cue.takes {
            let frames = 100 + take.id as usize;
            let words = cue.picture_words.clone();
            let look = |frame: &Arc<Frame>| Look { sha256: frame.sha256.clone(), crop: cue.crop, words };
            let own = take.seen.as_ref().and(picture.as_ref()).map(look);
            let seen = take.seen.as_ref().map(|_| Seen { next: own.clone(), own });
            let recipe = Recipe { picture_words: cue.picture_words.clone(), ..take.recipe.clone() };
            *take = Arc::new(Take { seen, recipe, sound: sound(frames), ..Take::clone(take) });
        }
    }
    project.board.cues[2].chosen = Some(603);
    project
}

#[test]
fn a_saved_project_of_version_2_opens_for_ever() {
    let text = include_str!("state/version-2.txt");
    let reading = state::read(text, &Library::new("/nonexistent"));
    assert_eq!((reading.trouble, reading.without_sound.len()), (None, 1));
    assert_same(&reading.project, &project_of_version_2());
}

#[test]
fn a_saved_project_of_version_3_opens_for_ever() {
    let text = include_str!("state/version-3.txt");
    let reading = state::read(text, &Library::new("/nonexistent"));
    assert_eq!((reading.trouble, reading.without_sound.len()), (None, 1));
    assert_same(&reading.project, &project_of_version_3());
}

#[test]
fn pictures_of_cues_count_and_what_is_heard_goes_last() {
    let bench = Bench::new(CAP);
    let mut whole = Project { board: board(), ..Project::default() };
    let [heard, spare] = [601, 602].map(|id| take(id, 3000 - usize::from(id == 602)));
    (whole.board.cues[0].takes, whole.board.cues[0].chosen) = (vec![heard.clone(), spare.clone()], Some(601));
    let size = |take: &Take| take.sound.packed().unwrap().base64.len();
    let pictures = frame().thumbnail.len().div_ceil(3) * 4;
    let all = pictures + size(&heard) + size(&spare) + size(&whole.board.cues[2].takes[0]);
    let is_in = |cap: usize, take: &Take| {
        let text = state::write(&whole, None, cap, &bench.library()).text;
        text.contains(&*take.sound.packed().unwrap().base64)
    };
    assert!(is_in(all, &heard) && is_in(all, &spare), "the cap is kept to the byte");
    assert!(is_in(all - 1, &heard) && !is_in(all - 1, &spare), "a take that is not heard goes first, though smaller");
    let text = state::write(&whole, None, pictures, &bench.library()).text;
    assert!(!text.contains(&*heard.sound.packed().unwrap().base64));
    assert_same(&state::read(&text, &bench.library()).project, &{
        whole.board.cues[2].chosen = Some(603);
        whole.clone()
    });
}

#[test]
fn takes_of_a_cue_that_is_damaged_find_a_place_with_the_others() {
    let text = text_of(&project_with_board());
    let begin = text.find("\ncue ").unwrap() + 1;
    let line = &text[begin..begin + text[begin..].find('\n').unwrap() + 1];
    let reading = state::read(&text.replace(line, ""), &Library::new("/nonexistent"));
    assert_eq!((reading.trouble, reading.project.board.cues.len()), (Some(Trouble::Damaged), 2));
    let ids: Vec<_> = reading.project.takes.iter().flatten().map(|take| take.id).collect();
    assert!(ids.contains(&601) && ids.contains(&602), "{ids:?}");
}

#[test]
fn what_the_skeleton_saved_opens_as_an_empty_project() {
    let bench = Bench::new(CAP);
    bench.edit(|current| *current = project());
    bench.saved.open(String::new());
    assert_same(&bench.session.project.lock(), &Project::default());
    assert_eq!(bench.notice(), None);
}

#[test]
fn a_text_that_cannot_be_read_is_kept_until_something_is_made() {
    let good = text_of(&project());
    let texts = [
        "9:a newer program's format \u{1f600}\nwhatever".to_owned(),
        "99999999999:".into(),
        "0:".into(),
        "-1:".into(),
        ":".into(),
        "1".into(),
        "{\"json\":true}".into(),
        "\u{0}\u{ffff}ÄÖÜ".into(),
        good.replacen("3:", "4:", 1),
        good[..good.len() / 2].to_owned(),
        good[..good.len() - 1].to_owned(),
        good.replace("\"seed\"", "\"sead\""),
        good.to_lowercase(),
    ];
    for text in texts {
        let bench = Bench::new(CAP);
        bench.saved.open(text.clone());
        let (notice, is_error) = bench.notice().expect("the user is told");
        assert!(is_error && notice.contains(&bench.folder.path().display().to_string()), "{notice}");
        assert_eq!(bench.aside(), std::slice::from_ref(&text));
        assert_eq!(*bench.saved.text(), text, "goes back as it came");
        // Opened again and again, it is kept once.
        bench.saved.open(text.clone());
        bench.edit(|project| project.window = (800, 600));
        assert_eq!((bench.aside().len(), &*bench.saved.text()), (1, &text));
        bench.edit(|project| project.brief.prompt = "something new".into());
        let fresh = bench.saved.text();
        assert_ne!(*fresh, text);
        let reading = state::read(&fresh, &bench.library());
        assert_eq!((reading.trouble, &*reading.project.brief.prompt), (None, "something new"));
        assert_eq!(bench.aside(), [text], "and the copy stays");
    }
}

#[test]
fn a_field_that_is_no_text_is_rescued() {
    for json in ["123", "{\"a\":[1,2]}", "null", "\"open", ""] {
        let mut fields = BTreeMap::from([("project".to_owned(), json.to_owned()), ("other".into(), "1".into())]);
        state::rescue(&mut fields);
        assert_eq!(serde_json::from_str::<String>(&fields["project"]).unwrap(), json);
        assert_eq!(fields["other"], "1");
    }
    let text = serde_json::to_string(&text_of(&project())).unwrap();
    let mut fields = BTreeMap::from([("project".to_owned(), text.clone())]);
    state::rescue(&mut fields);
    assert_eq!(fields["project"], text);
}

#[test]
fn a_damaged_line_costs_only_what_it_held() {
    let whole = project();
    let text = text_of(&whole);
    let lines: Vec<&str> = text.lines().collect();
    for lost in 1..lines.len() {
        let kept: Vec<_> = (0..lines.len()).filter(|line| *line != lost).map(|line| lines[line]).collect();
        let reading = state::read(&(kept.join("\n") + "\n"), &Library::new("/nonexistent"));
        assert_eq!(reading.trouble, Some(Trouble::Damaged), "without {:.40}", lines[lost]);
        let takes = reading.project.takes.iter().flatten().count();
        let heard = reading.project.takes.iter().flatten().filter(|take| !take.sound.is_missing()).count();
        let latents = reading.project.takes.iter().flatten().filter(|take| !take.latents.is_empty()).count();
        let has_brief = reading.project.brief.prompt == whole.brief.prompt;
        let has_picture = reading.project.brief.picture == whole.brief.picture;
        let losses = [3 - takes, 3 - heard, 3 - latents, usize::from(!has_brief), usize::from(!has_picture)];
        let expected = match lines[lost].split(' ').next() {
            Some("project") => [0, 0, 0, 1, 1],
            Some("take") => [1, 1, 1, 0, 0],
            Some("end") => [0; 5],
            _ if lost == 1 => [0, 0, 0, 0, 1],
            // A sound or latents.
            _ => [0, losses[1], 1 - losses[1], 0, 0],
        };
        assert_eq!(losses, expected, "without {:.40}", lines[lost]);
    }
}

#[test]
fn absurd_values_take_their_default() {
    let mut bad = project();
    bad.anchor_bar = i32::MIN;
    bad.window = (0, u32::MAX);
    bad.brief = Brief { bars: u32::MAX, bpm: Some(f64::MAX), ..bad.brief };
    let odd = |change: &dyn Fn(&mut Take)| {
        let mut take = Take::clone(&take(5, 100));
        change(&mut take);
        Some(Arc::new(take))
    };
    bad.takes[0] = odd(&|take| take.recipe.bars = 0);
    bad.takes[1] = odd(&|take| take.recipe.bpm = f64::NAN);
    bad.takes[2] = odd(&|take| take.sound = Arc::new(Sound::new(vec![[0.0; 2]; 10], 48_000, 0.0)));
    bad.takes[3] = odd(&|take| take.id = 0);
    bad.takes[4] = odd(&|take| take.measured = Some(Measured { bpm: -1.0, confidence: 2.0 }));
    bad.takes[5] = odd(&|take| take.measured = Some(Measured { bpm: f64::NAN, confidence: f64::INFINITY }));
    let text = state::write(&bad, None, CAP, &Library::new("/nonexistent")).text;
    let reading = state::read(&text, &Library::new("/nonexistent"));
    assert_eq!(reading.trouble, Some(Trouble::Damaged));
    let project = reading.project;
    let default = Project::default();
    assert_eq!((project.anchor_bar, project.window), (default.anchor_bar, default.window));
    assert_eq!((project.brief.bars, project.brief.bpm), (default.brief.bars, default.brief.bpm));
    assert_eq!(project.brief.prompt, bad.brief.prompt);
    let kept: Vec<_> = (0..16).filter(|slot| project.takes[*slot].is_some()).collect();
    assert_eq!(kept, [4, 5, 15]);
    let ids: Vec<_> = project.takes.iter().flatten().map(|take| take.id).collect();
    assert!(ids[0] == 5 && ids[1] != 5 && ids[1] != 0, "of two takes with one id, the second gets its own");
    assert!(project.takes.iter().flatten().take(2).all(|take| take.measured.is_none()));
}

#[test]
fn takes_for_one_slot_all_find_a_place() {
    let lines = text_of(&project());
    let text = lines.replace("\"slot\":3", "\"slot\":0").replace("\"slot\":15", "\"slot\":99");
    let reading = state::read(&text, &Library::new("/nonexistent"));
    assert_eq!(reading.trouble, Some(Trouble::Damaged));
    let slots: Vec<_> = (0..16).filter(|slot| reading.project.takes[*slot].is_some()).collect();
    assert_eq!(slots, [0, 1, 2]);
}

/// Whatever happens to a text: no panic, and either all of it was read or the text stays.
#[test]
fn ten_thousand_mutations_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::new(folder.path());
    let mut small = project();
    small.takes[0] = Some(take(11, 40));
    small.takes[3] = Some(take(12, 33));
    small.takes[15] = None;
    let text = text_of(&small);
    let mut random = StdRng::seed_from_u64(3);
    let mut read_as_damaged = 0;
    for _ in 0..10_000 {
        let mutated = mutate(&text, &mut random);
        let reading = state::read(&mutated, &library);
        if reading.trouble.is_some() {
            read_as_damaged += 1;
            continue;
        }
        assert!(tail(&mutated) == tail(&text), "{mutated:.200}");
        assert_same(&reading.project, &small);
    }
    assert!(read_as_damaged > 9_000, "{read_as_damaged}");
}

/// All but the version's line: who wrote the text is for people.
fn tail(text: &str) -> Option<&str> {
    text.split_once('\n').map(|(_, tail)| tail)
}

fn mutate(text: &str, random: &mut StdRng) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.random_range(1..4) {
        let (a, b) = (random.random_range(0..bytes.len()), random.random_range(0..bytes.len()));
        match random.random_range(0..6) {
            0 => bytes[a] = random.random(),
            1 => bytes[a] ^= 1 << random.random_range(0..7),
            2 => drop(bytes.drain(a.min(b)..a.max(b))),
            3 => bytes.insert(a, b"\n {}[]\",:0-9e"[random.random_range(0..13)]),
            4 => bytes.swap(a, b),
            _ => {
                let copy = bytes[a.min(b)..a.max(b)].to_vec();
                bytes.splice(a..a, copy);
            }
        }
        if bytes.is_empty() {
            bytes.push(b'1');
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_hundred_megabytes_of_rubbish_are_kept_and_refused() {
    for rubbish in ["9", "1:x\n", "1:\ndata x ", "project {\n"] {
        let text = format!("1:{}", rubbish.repeat(100_000_000 / rubbish.len()));
        let bench = Bench::new(CAP);
        bench.saved.open(text.clone());
        assert!(bench.notice().is_some_and(|(_, is_error)| is_error));
        assert!(*bench.saved.text() == text);
    }
}

#[test]
fn large_sounds_go_to_the_library_and_come_back() {
    let bench = Bench::new(20_000);
    let mut whole = project();
    whole.takes[3] = Some(take(4, 5000));
    whole.takes[7] = Some(take(8, 4000));
    bench.edit(|project| *project = whole.clone());
    let text = bench.saved.text();
    assert!(text.len() < 20_000 + 20_000, "{}", text.len());
    let (notice, is_error) = bench.notice().expect("the user is told");
    assert!(!is_error && notice.contains("2 of them"), "{notice}");
    let files = fs::read_dir(bench.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert_eq!(files.len(), 2);

    let there = Saved::with(bench.session.clone(), bench.library(), 20_000);
    there.open(text.to_string());
    assert_same(&bench.session.project.lock(), &whole);
    assert!(there.text() == text, "and the same again");

    // Moved to another computer together with the library's folder.
    let moved = tempfile::tempdir().unwrap();
    for file in &files {
        fs::rename(file, moved.path().join(file.file_name().unwrap())).unwrap();
    }
    let reading = state::read(&text, &Library::new(moved.path()));
    assert_same(&reading.project, &whole);
}

#[test]
fn what_a_sound_was_stretched_from_is_saved_where_there_is_room() {
    let mut whole = project();
    let (first, key) = (Arc::new(sound(77, 3000)), Some(Key::new(2, Mode::Minor)));
    let fitted = sound(78, 2500).with_origin(first.clone(), key);
    whole.takes[3] = Some(Arc::new(Take { sound: Arc::new(fitted), ..Take::clone(&take(4, 0)) }));
    let library = Library::new("/nonexistent");
    let origin = |text: &str| {
        let reading = state::read(text, &library);
        assert_eq!(reading.trouble, None);
        assert_same(&reading.project, &whole);
        let sound = reading.project.takes[3].as_ref().unwrap().sound.clone();
        sound.origin().map(|(origin, key)| (origin.frames.clone(), origin.rate, origin.bpm, key))
    };
    let text = text_of(&whole);
    let (frames, rate, bpm, heard) = origin(&text).expect("there was room");
    assert!(frames == first.frames && (rate, bpm, heard) == (first.rate, first.bpm, key));
    assert!(text_of(&state::read(&text, &library).project) == text, "and the same again");

    let sounds = whole.takes.iter().flatten().map(|take| take.sound.packed().unwrap().base64.len()).sum();
    let tight = state::write(&whole, None, sounds, &library);
    assert_eq!((origin(&tight.text), tight.remark), (None, None));
    // Without its data, the rest is there all the same.
    let line = format!("data {} ", first.packed().unwrap().sha256);
    let cut: String = text.lines().filter(|text| !text.starts_with(&line)).map(|text| format!("{text}\n")).collect();
    let reading = state::read(&cut, &library);
    assert_eq!(reading.trouble, Some(state::Trouble::Damaged));
    assert_same(&reading.project, &whole);
}

#[test]
fn the_selected_take_stays_inside() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::new(folder.path());
    let whole = project();
    let largest = state::write(&whole, None, 15_000, &library).text;
    let selected = state::write(&whole, Some(15), 15_000, &library).text;
    let inside = |text: &str, slot: usize| {
        let hash = &whole.takes[slot].as_ref().unwrap().sound.packed().unwrap().sha256;
        text.contains(&format!("data {hash}"))
    };
    assert!(inside(&selected, 15) && !inside(&selected, 3));
    assert!(!inside(&largest, 15));
}

#[test]
fn a_sound_whose_file_is_gone_leaves_its_take() {
    for damage in [|path: &Path| fs::remove_file(path).unwrap(), |path: &Path| fs::write(path, "other").unwrap()] {
        let bench = Bench::new(0);
        bench.edit(|current| *current = project());
        let text = bench.saved.text().to_string();
        let sound = bench.session.project.lock().takes[3].as_ref().unwrap().sound.packed().unwrap().sha256.clone();
        damage(&bench.folder.path().join(sound).with_extension("flac"));
        let bench = Bench::at(bench.folder, 0);
        bench.saved.open(text.clone());
        let (notice, is_error) = bench.notice().expect("the user is told");
        assert!(!is_error && notice.contains(&format!("Take {}", u64::MAX)), "{notice}");
        let opened = bench.session.project.lock().clone();
        let silent = opened.takes[3].as_ref().unwrap();
        assert!(silent.sound.is_missing() && silent.sound.frames.is_empty());
        assert_eq!(silent.recipe, recipe(0));
        assert_eq!(silent.latents, take(u64::MAX, 0).latents);
        assert!(!opened.takes[0].as_ref().unwrap().sound.is_missing());
        assert!(*bench.saved.text() == text, "the link is saved again");
        assert!(bench.aside().is_empty(), "nothing is wrong with the text");
    }
}

#[test]
fn where_the_library_cannot_be_written_sounds_stay_inside() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let written = state::write(&project(), None, 0, &Library::new(&file));
    assert!(written.remark.is_some_and(|remark| remark.contains("inside the project")));
    let reading = state::read(&written.text, &Library::new(&file));
    assert_same(&reading.project, &project());
}

#[test]
fn a_link_cannot_leave_the_library_by_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret.flac"), "x").unwrap();
    let library = Library::new(folder.path().join("library"));
    let link = Link { sha256: "../secret".into(), path: "/dev/zero".into() };
    assert_eq!(library.find(&link), None);
    assert_eq!(library.find(&Link { sha256: "0".repeat(64), ..link }), None);
}

#[test]
fn what_is_opened_is_sent_to_the_player() {
    let (outbox, mut inbox) = link::pair();
    let session = Session::new(outbox);
    let folder = tempfile::tempdir().unwrap();
    let saved = Saved::with(session.clone(), Library::new(folder.path()), CAP);
    let whole = project();
    saved.open(text_of(&whole));
    let mut slots = Vec::new();
    while let Some(delivery) = inbox.pop() {
        let link::Delivery::Place { slot, clip } = delivery else { panic!("nothing was there to be cleared") };
        assert!(clip.frames() == &*whole.takes[slot].as_ref().unwrap().sound.frames);
        slots.push(slot);
        inbox.retire(clip);
    }
    assert_eq!(slots, [0, 3, 15]);
}

#[test]
fn saving_and_opening_at_once_ends() {
    let bench = Bench::new(CAP);
    let text = text_of(&project());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..20).for_each(|_| bench.saved.open(text.clone())));
            scope.spawn(|| (0..20).for_each(|_| assert!(bench.saved.text().starts_with("3:"))));
        }
    });
    assert!(*bench.saved.text() == text);
}

#[test]
fn a_picture_is_looked_at_as_long_as_its_file_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("harbour.png");
    fs::copy("../examples/frames/harbour.png", &path).unwrap();
    let frame = Frame::open(&path).unwrap();
    assert_eq!((&*frame.name, frame.path.as_deref()), ("harbour.png", Some(&*path)));
    let (picture, from_file) = frame.picture().unwrap();
    assert!(from_file && picture.sha256() == frame.sha256);
    fs::copy("../examples/frames/harbour.png", folder.path().join("other.png")).unwrap();
    fs::write(&path, b"gone").unwrap();
    let (thumbnail, from_file) = frame.picture().unwrap();
    assert!(!from_file);
    assert!(thumbnail.width().max(thumbnail.height()) <= Frame::THUMBNAIL);
    let ratio = |width: u32, height: u32| f64::from(width) / f64::from(height);
    let (a, b) = (ratio(picture.width(), picture.height()), ratio(thumbnail.width(), thumbnail.height()));
    assert!((a - b).abs() < 0.02, "{a} {b}");
    assert!(frame.thumbnail.len() < 150_000);
}
