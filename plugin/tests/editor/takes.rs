//! The editor's logic, driven by labels as a screen reader would, without a window.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::stage::{Call, Stage, take};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use melfusion::audio::wav;
use melfusion::clip::Recipe;
use melfusion::error::Stage as Doing;
use melfusion::request::Mode;
use melfusion::text::Reading;
use melfusion_plugin::editor::desktop::Arrival;
use melfusion_plugin::editor::export;
use melfusion_plugin::editor::host::Dial;
use melfusion_plugin::project::{Frame, Take};
use melfusion_plugin::session::{Fitting, Job, Notice, Place};
use melfusion_plugin::worker::EngineState;

fn job(ahead: usize) -> Job {
    Job { cue: None, ahead, stage: Doing::Music, done: 0.5, seconds_left: Some(2.2) }
}

#[test]
fn generate_works_with_no_picture_and_no_words() {
    let mut stage = Stage::new();
    stage.click("Generate");
    assert_eq!(stage.host.calls(), [Call::Generate]);
}

#[test]
fn while_a_clip_is_made_there_is_progress_and_cancel_instead() {
    let mut stage = Stage::new();
    stage.session.status.lock().job = Some(job(0));
    stage.step();
    assert!(stage.window.query_by_label("Generate").is_none());
    stage.window.get_by_label("Composing, 3 s left");
    stage.click("Cancel");
    assert_eq!(stage.host.calls(), [Call::Cancel]);
    stage.session.status.lock().job = Some(job(2));
    stage.step();
    stage.window.get_by_label("Waiting for 2 other clips, in the queue");
    stage.session.status.lock().job = None;
    stage.step();
    stage.window.get_by_label("Generate");
}

#[test]
fn generate_is_off_while_there_is_no_room_for_a_take() {
    let mut stage = Stage::new();
    for id in 1..=16 {
        stage.add(id, "full");
    }
    stage.step();
    assert!(stage.window.get_by_label("Generate").accesskit_node().is_disabled());
    stage.click("Generate");
    assert_eq!(stage.host.calls(), []);
    stage.session.project.lock().takes[7] = None;
    stage.click("Generate");
    assert_eq!(stage.host.calls(), [Call::Generate]);
}

#[test]
fn the_engines_panel_says_where_clips_are_made_and_why() {
    let mut stage = Stage::new();
    *stage.host.engine.borrow_mut() = EngineState::Loaded {
        bundle: "mini 0.2.0".into(),
        device: "A card, worker process".into(),
        why: "Your settings say so.".into(),
        memory: 212_000_000,
    };
    stage.click("Engine");
    for said in ["mini 0.2.0", "A card, worker process", "212 MB", "Your settings say so."] {
        stage.window.get_by_label(said);
    }
}

#[test]
fn a_deleted_take_comes_back_with_its_sound() {
    let mut stage = Stage::new();
    stage.add(1, "keep");
    stage.add(2, "regret");
    stage.step();
    let sound = stage.take(1).expect("was just added").sound.clone();
    stage.click("Delete regret");
    assert!(stage.take(1).is_none());
    stage.click("Undo");
    assert!(stage.take(1).is_some_and(|take| Arc::ptr_eq(&take.sound, &sound)));
    stage.click("Redo");
    assert!(stage.take(1).is_none() && stage.take(0).is_some());
}

#[test]
fn undo_keeps_the_sound_that_was_fitted_meanwhile() {
    let mut stage = Stage::new();
    stage.add(1, "one");
    stage.rename("one", "two");
    let fitted = take(1, "two", 90.0);
    stage.session.project.lock().takes[0] = Some(fitted.clone());
    stage.click("Undo");
    let after = stage.take(0).expect("undo of a name keeps the take");
    assert_eq!((after.name.as_str(), after.sound.bpm), ("one", 90.0));
    assert!(Arc::ptr_eq(&after.sound, &fitted.sound));
}

#[test]
fn another_key_can_be_undone_and_made_again() {
    let mut stage = Stage::new();
    stage.add(1, "one");
    stage.step();
    let made = stage.take(0).expect("was just added");
    let key = Some("D minor".parse().expect("a key"));
    let moved = Take { key, ..Take::clone(&take(1, "one", 120.0)) };
    stage.session.project.lock().takes[0] = Some(Arc::new(moved.clone()));
    stage.click("Undo");
    let before = stage.take(0).expect("undo of a key keeps the take");
    assert!(before.key == made.key && Arc::ptr_eq(&before.sound, &made.sound), "in the key that it was in");
    stage.click("Redo");
    let after = stage.take(0).expect("redo keeps the take");
    assert!(after.key == key && Arc::ptr_eq(&after.sound, &moved.sound));
}

#[test]
fn a_new_take_can_be_undone_and_made_again() {
    let mut stage = Stage::new();
    stage.add(9, "by the worker");
    stage.click("Undo");
    assert!(stage.take(0).is_none());
    stage.click("Redo");
    assert_eq!(stage.take(0).map(|take| take.id), Some(9));
}

#[test]
fn enter_renames_and_escape_does_not() {
    let mut stage = Stage::new();
    stage.add(1, "first");
    stage.rename("first", "second");
    assert_eq!(stage.take(0).map(|take| take.name.clone()).as_deref(), Some("second"));
    stage.start_renaming("second");
    stage.window.get_by_label("Name of the take").type_text("thrown away");
    stage.key(Key::Escape);
    assert_eq!(stage.take(0).map(|take| take.name.clone()).as_deref(), Some("second"));
}

#[test]
fn typing_is_undone_from_outside_the_field() {
    let mut stage = Stage::new();
    stage.type_into("Prompt", "rain on slate");
    assert_eq!(stage.session.project.lock().brief.prompt, "rain on slate");
    stage.key(Key::Escape);
    stage.chord(Modifiers::COMMAND, Key::Z);
    assert_eq!(stage.session.project.lock().brief.prompt, "");
    stage.chord(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(stage.session.project.lock().brief.prompt, "rain on slate");
}

#[test]
fn shortcuts_belong_to_the_field_while_one_is_typed_into() {
    let mut stage = Stage::new();
    stage.add(1, "stays");
    stage.click("Delete stays");
    stage.type_into("Avoid", "b");
    stage.chord(Modifiers::COMMAND, Key::Z);
    assert!(stage.take(0).is_none(), "the field's undo must not bring a take back");
}

#[test]
fn a_field_has_the_keys_until_escape() {
    let mut stage = Stage::new();
    assert!(!stage.window.ctx.egui_wants_keyboard_input(), "space belongs to the host");
    stage.type_into("Prompt", "a b");
    assert!(stage.window.ctx.egui_wants_keyboard_input());
    assert_eq!(stage.host.desktop_says(), Some(true));
    stage.key(Key::Escape);
    assert!(!stage.window.ctx.egui_wants_keyboard_input());
    assert_eq!(stage.host.desktop_says(), Some(false));
    assert_eq!(stage.session.project.lock().brief.prompt, "a b");
}

#[test]
fn the_seed_can_be_locked_drawn_and_typed() {
    let mut stage = Stage::new();
    stage.click("Lock seed");
    let before = stage.session.project.lock().brief.seed;
    stage.click("Draw another seed");
    let brief = stage.session.project.lock().brief.clone();
    assert!(brief.seed != before && brief.seed_locked && brief.seed < 1_000_000);
    stage.click("Unlock seed");
    stage.replace("Seed", "4711");
    stage.key(Key::Enter);
    let brief = stage.session.project.lock().brief.clone();
    assert_eq!((brief.seed, brief.seed_locked), (4711, true));
    stage.replace("Seed", "no number");
    stage.key(Key::Enter);
    assert_eq!(stage.session.project.lock().brief.seed, 4711);
}

#[test]
fn bars_double_and_halve() {
    let mut stage = Stage::new();
    stage.click("More bars");
    assert_eq!(stage.session.project.lock().brief.bars, 8);
    for _ in 0..5 {
        stage.click("Fewer bars");
    }
    assert_eq!(stage.session.project.lock().brief.bars, 1);
}

#[test]
fn a_tempo_of_its_own_is_typed_and_an_empty_one_is_the_hosts() {
    let mut stage = Stage::new();
    stage.replace("Tempo", "87,5");
    stage.key(Key::Enter);
    assert_eq!(stage.session.project.lock().brief.bpm, Some(87.5));
    stage.replace("Tempo", " ");
    stage.key(Key::Enter);
    assert_eq!(stage.session.project.lock().brief.bpm, None);
}

#[test]
fn a_key_is_chosen_from_the_menu_of_all() {
    let mut stage = Stage::new();
    stage.click("Key");
    stage.click("E major");
    let key = stage.session.project.lock().brief.key.expect("one was chosen");
    assert_eq!((key.tonic(), key.mode()), (4, Mode::Major));
}

#[test]
fn a_take_is_asked_for_in_another_key() {
    let mut stage = Stage::new();
    stage.add(3, "bed");
    stage.click("Heard in");
    stage.click("E major");
    assert_eq!(stage.host.calls(), [Call::Transpose(3, "E major".into())]);
}

#[test]
fn a_and_b_are_the_two_takes_heard_last() {
    let mut stage = Stage::new();
    for (id, name) in [(1, "one"), (2, "two"), (3, "three")] {
        stage.add(id, name);
    }
    stage.step();
    assert!(stage.window.get_by_label("A/B").accesskit_node().is_disabled());
    stage.click("Take 3: three");
    assert_eq!(stage.host.slot(), 2);
    stage.click("A/B");
    assert_eq!(stage.host.slot(), 0);
    stage.key(Key::B);
    assert_eq!(stage.host.slot(), 2);
    stage.type_into("Prompt", "b");
    stage.key(Key::B);
    assert_eq!(stage.host.slot(), 2, "a letter that is typed switches nothing");
}

#[test]
fn messages_stand_where_it_happened_until_they_are_dismissed() {
    let mut stage = Stage::sized(1000.0, 900.0);
    let places = [Place::Picture, Place::Request, Place::Generate, Place::Takes, Place::Engine, Place::Project];
    for place in places {
        let text = format!("about {place:?}");
        stage.session.tell(place, Some(Notice { place, text, is_error: true }));
    }
    stage.step();
    let at = |label: &str| stage.window.get_by_label(label).rect();
    assert!(at("about Picture").right() < at("Generate").left());
    assert!(at("about Generate").bottom() <= at("Generate").top());
    assert!(at("about Request").top() > at("Key").bottom());
    assert!(at("about Takes").top() > at("Generate").bottom());
    assert!(at("about Engine").top() >= at("Engine").bottom());
    assert!(at("about Project").bottom() < at("Key").top());
    for place in ["picture", "request", "generate", "takes", "engine", "project"] {
        stage.click(&format!("Dismiss: {place}"));
    }
    assert!(stage.session.status.lock().notices.is_empty());
    assert!(stage.window.query_by_label_contains("about").is_none());
}

#[test]
fn a_dial_takes_a_typed_value_as_one_gesture() {
    let mut stage = Stage::new();
    stage.click("Influence value 100 %");
    stage.replace("Influence value", "25");
    stage.key(Key::Enter);
    let value = melfusion_plugin::editor::host::Host::value(&*stage.host, Dial::Influence);
    assert!((value - 0.25).abs() < 1e-6, "{value}");
    let dial = Dial::Influence;
    assert_eq!(stage.host.calls(), [Call::Begin(dial), Call::Set(dial), Call::End(dial)]);
}

#[test]
fn dragging_a_knob_is_one_gesture_however_long() {
    let mut stage = Stage::new();
    let before = melfusion_plugin::editor::host::Host::value(&*stage.host, Dial::Steps);
    let from = stage.window.get_by_label("Steps").rect().center();
    stage.window.drag_at(from);
    for up in 1..=20 {
        stage.window.hover_at(from - egui::vec2(0.0, 2.0 * up as f32));
    }
    stage.window.drop_at(from - egui::vec2(0.0, 40.0));
    stage.window.run_steps(30);
    let calls = stage.host.calls();
    assert_eq!(calls.first(), Some(&Call::Begin(Dial::Steps)));
    assert_eq!(calls.last(), Some(&Call::End(Dial::Steps)));
    assert_eq!(calls.iter().filter(|call| **call == Call::Begin(Dial::Steps)).count(), 1);
    // Steps are whole numbers: what is dragged between two of them must not get lost.
    let moved = melfusion_plugin::editor::host::Host::value(&*stage.host, Dial::Steps) - before;
    assert!((moved - 40.0 / 160.0).abs() < 0.07, "{moved}");
}

#[test]
fn words_arrive_in_the_field_that_asked() {
    let mut stage = Stage::new();
    stage.click("Avoid paste");
    assert_eq!(stage.host.calls(), [Call::PasteWords]);
    stage.host.arrive(Arrival::Words(" drums\n".into()));
    stage.host.arrive(Arrival::Words("fog".into()));
    stage.step();
    let brief = stage.session.project.lock().brief.clone();
    assert_eq!((brief.prompt.as_str(), brief.negative.as_str()), ("fog", "drums"));
}

#[test]
fn a_dropped_picture_lies_in_the_well_and_can_be_cleared() {
    let mut stage = Stage::new();
    let path = format!("{}/../examples/frames/harbour.png", env!("CARGO_MANIFEST_DIR"));
    stage.host.arrive(Arrival::PictureFile(path.into()));
    let patience = Instant::now() + Duration::from_secs(60);
    while stage.session.project.lock().brief.picture.is_none() && Instant::now() < patience {
        stage.step();
    }
    stage.step();
    stage.window.get_by_label("Picture harbour.png");
    stage.click("Clear");
    assert!(stage.session.project.lock().brief.picture.is_none());
    stage.click("Undo");
    assert!(stage.session.project.lock().brief.picture.is_some());
}

#[test]
fn a_file_that_is_no_picture_is_refused_in_the_well() {
    let mut stage = Stage::new();
    stage.host.arrive(Arrival::PictureFile("/nowhere/at all.png".into()));
    let patience = Instant::now() + Duration::from_secs(60);
    while stage.session.status.lock().notices.is_empty() && Instant::now() < patience {
        stage.step();
    }
    let notices = stage.session.status.lock().notices.clone();
    assert!(notices.iter().any(|notice| notice.place == Place::Picture && notice.is_error), "{notices:?}");
}

#[test]
fn listening_to_a_take_ends_with_the_take() {
    let mut stage = Stage::new();
    stage.add(1, "one");
    stage.add(2, "two");
    stage.click("Listen to two");
    assert_eq!(stage.session.desk.audition(), Some(1));
    stage.click("Stop two");
    assert_eq!(stage.session.desk.audition(), None);
    stage.click("Listen to two");
    stage.click("Delete two");
    assert_eq!(stage.session.desk.audition(), None);
}

#[test]
fn the_bar_where_clips_begin_reaches_the_player_and_comes_back_by_undo() {
    let mut stage = Stage::new();
    stage.click("More anchor bar");
    assert_eq!((stage.session.project.lock().anchor_bar, stage.session.desk.anchor_bar()), (1, 1));
    stage.click("Undo");
    assert_eq!((stage.session.project.lock().anchor_bar, stage.session.desk.anchor_bar()), (0, 0));
}

#[test]
fn takes_at_another_tempo_are_said_to_be_fitted_and_heard_when_the_user_says_so() {
    let mut stage = Stage::new();
    let show = |stage: &mut Stage, fitting: Option<(f64, bool)>| {
        let fitting = fitting.map(|(bpm, is_ready)| Fitting { bpm, is_ready });
        stage.session.status.lock().fitting = fitting;
        stage.step();
    };
    assert!(stage.window.query_by_label_contains("Fitting").is_none());
    show(&mut stage, Some((110.0, false)));
    stage.window.get_by_label("Fitting to 110…");
    assert!(stage.window.query_by_label("Fit").is_none(), "there is nothing to hear yet");
    show(&mut stage, Some((110.0, true)));
    assert!(stage.window.query_by_label_contains("Fitting").is_none());
    assert_eq!(stage.host.calls(), [], "nothing by itself");
    stage.click("Fit");
    assert_eq!(stage.host.calls(), [Call::Adopt]);
    show(&mut stage, None);
    assert!(stage.window.query_by_label("Fit").is_none());
}

#[test]
fn everything_is_inside_the_smallest_window() {
    let (width, height) = melfusion_plugin::editor::MIN_SIZE;
    let size = egui::vec2(width as f32, height as f32);
    let mut stage = Stage::sized(size.x, size.y);
    stage.add(1, "a take with a rather long name that does not fit anywhere");
    stage.session.status.lock().fitting = Some(Fitting { bpm: 110.0, is_ready: true });
    stage.step();
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
    for label in
        ["Prompt", "Avoid", "Generate", "Undo", "Engine", "A/B", "Gain", "Loop", "Mute", "Key", "Seed", "Open…", "Fit"]
    {
        let rect = stage.window.get_by_label(label).rect();
        assert!(window.contains_rect(rect) && rect.width() > 8.0, "{label} at {rect:?}");
    }
    let row = stage.window.get_by_label_contains("Take 1: a take").rect();
    assert!(window.contains_rect(row), "{row:?}");
}

#[test]
fn an_exported_take_holds_the_same_samples_and_its_latents() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let take = take(5, "Rain/on: \"slate\"", 93.75);
    let path = folder.path().join("new folder").join(export::file_name(&take));
    export::write(&take, &path).expect("the folder can be written to");
    let audio = wav::read(&path).expect("what was written can be read");
    let [left, right] = audio.channels();
    assert!(take.sound.frames.iter().zip(left.iter().zip(right)).all(|(frame, (l, r))| frame == &[*l, *r]));
    assert_eq!((audio.frames(), audio.sample_rate()), (take.sound.frames.len(), take.sound.rate));
    let latents = wav::read_chunk(&path, &wav::RECIPE_CHUNK).expect("chunks can be read").expect("there is one");
    assert_eq!(latents, take.latents.to_vec());
}

#[test]
fn no_two_takes_share_a_file_name() {
    let names = [take(1, "bed", 120.0), take(2, "bed", 120.0), take(1, "bed", 90.0), take(1, "bett", 120.0)];
    let names: std::collections::HashSet<String> = names.iter().map(|take| export::file_name(take)).collect();
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))), "{names:?}");
}

/// Waits until the field shows what is found in the picture.
fn await_phrase(stage: &mut Stage, words: &str) {
    let began = Instant::now();
    while phrase(stage).as_deref() != Some(words) {
        assert!(began.elapsed() < Duration::from_secs(300), "{:?} is shown in place of {words:?}", phrase(stage));
        stage.step();
    }
}

fn phrase(stage: &Stage) -> Option<String> {
    stage.window.query_by_label("Picture in words").and_then(|field| field.accesskit_node().value())
}

fn frame(name: &str) -> Option<Arc<Frame>> {
    let path = format!("{}/../examples/frames/{name}.png", env!("CARGO_MANIFEST_DIR"));
    Some(Arc::new(Frame::open(path.as_ref()).expect("is a picture")))
}

const HARBOUR: &str = "bright, warm, busy scene, gentle and peaceful";

#[test]
fn a_picture_s_words_are_shown_only_where_the_bundle_hears_them() {
    let mut stage = Stage::new();
    stage.host.describes_pictures.set(true);
    stage.step();
    assert_eq!(phrase(&stage), None, "there is no picture");
    stage.session.project.lock().brief.picture = frame("harbour");
    await_phrase(&mut stage, HARBOUR);
    stage.host.describes_pictures.set(false);
    stage.step();
    assert_eq!(phrase(&stage), None, "the bundle sees");
    // What would be said all the same is not hidden.
    stage.session.project.lock().brief.picture_words = Some("rust and rope".into());
    await_phrase(&mut stage, "rust and rope");
    stage.click("Automatic");
    assert_eq!((phrase(&stage), stage.session.project.lock().brief.picture_words.clone()), (None, None));
}

#[test]
fn a_picture_s_words_are_changed_undone_and_left_to_the_bundle_again() {
    let mut stage = Stage::new();
    stage.host.describes_pictures.set(true);
    stage.session.project.lock().brief.picture = frame("harbour");
    await_phrase(&mut stage, HARBOUR);
    let own = |stage: &Stage| stage.session.project.lock().brief.picture_words.clone();
    assert_eq!(own(&stage), None, "to look is no change");
    stage.replace("Picture in words", "rust and rope");
    assert_eq!(own(&stage).as_deref(), Some("rust and rope"));
    stage.key(Key::Enter);
    assert_eq!(own(&stage).as_deref(), Some("rust and rope"), "a phrase is one line");
    stage.key(Key::Escape);
    stage.chord(Modifiers::COMMAND, Key::Z);
    assert_eq!(own(&stage), None);
    await_phrase(&mut stage, HARBOUR);
    stage.chord(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    await_phrase(&mut stage, "rust and rope");
    stage.click("Automatic");
    await_phrase(&mut stage, HARBOUR);
    assert!(stage.window.query_by_label("Automatic").is_none());
    // All of it deleted is a wish, too: nothing is said.
    stage.click("Picture in words");
    stage.chord(Modifiers::COMMAND, Key::A);
    stage.key(Key::Delete);
    assert_eq!(own(&stage).as_deref(), Some(""));
    stage.replace("Picture in words", HARBOUR);
    assert_eq!(own(&stage), None, "what the bundle says itself is left to it");
}

#[test]
fn another_picture_is_told_in_words_of_its_own_and_undo_brings_both_back() {
    let mut stage = Stage::new();
    stage.host.describes_pictures.set(true);
    let harbour = frame("harbour");
    stage.session.project.lock().brief.picture = harbour.clone();
    await_phrase(&mut stage, HARBOUR);
    stage.replace("Picture in words", "rust and rope");
    stage.key(Key::Escape);
    let path = format!("{}/../examples/frames/first_planet.png", env!("CARGO_MANIFEST_DIR"));
    stage.host.arrive(Arrival::PictureFile(path.into()));
    await_phrase(&mut stage, "dark scene, mysterious and tense");
    assert_eq!(stage.session.project.lock().brief.picture_words, None);
    stage.click("Undo");
    await_phrase(&mut stage, "rust and rope");
    assert_eq!(stage.session.project.lock().brief.picture, harbour);
}

#[test]
fn a_take_says_what_was_said_of_its_picture() {
    let mut stage = Stage::new();
    let plain = take(1, "one", 120.0);
    let recipe = Recipe { picture_words: Some("rust and rope".into()), ..plain.recipe.clone() };
    stage.session.project.lock().takes[0] = Some(Arc::new(Take { recipe, ..Take::clone(&plain) }));
    stage.step();
    stage.window.get_by_label("Take 1: one").hover();
    stage.window.run_steps(60);
    stage.window.get_by_label("The picture was told as “rust and rope”");
}

#[test]
fn a_take_says_how_its_words_were_read() {
    let mut stage = Stage::new();
    let plain = take(1, "one", 120.0);
    let reading =
        Reading { negative: "drums".into(), avoided: vec!["drums".into()], avoids: true, ..Reading::default() };
    let recipe = Recipe { prompt: "no drums".into(), reading: Some(reading), ..plain.recipe.clone() };
    stage.session.project.lock().takes[0] = Some(Arc::new(Take { recipe, ..Take::clone(&plain) }));
    stage.step();
    stage.window.get_by_label("Take 1: one").hover();
    stage.window.run_steps(60);
    stage.window.get_by_label("the prompt is read as \"\"; avoided: drums");
}
