//! The storyboard's lane, driven by labels and by the pointer, without a window.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::stage::{Call, Stage, take};
use egui::{Key, Modifiers, Pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use melfusion::image::Crop;
use melfusion::storyboard::Transition;
use melfusion_plugin::editor::desktop::Arrival;
use melfusion_plugin::editor::host::{Dial, Host};
use melfusion_plugin::link::{BOARD, CUES, cue_slot};
use melfusion_plugin::project::{Board, Cue, Frame};
use melfusion_plugin::readout::Mode;
use melfusion_plugin::session::{Job, Place};

fn still(shade: u8) -> Frame {
    Frame::from_rgb(64, 48, vec![shade; 64 * 48 * 3], &format!("still {shade}.png")).expect("is a picture")
}

/// An editor of three cues, 4, 2 and 6 bars long, each with a take.
fn stage() -> Stage {
    let mut stage = Stage::new();
    {
        let mut project = stage.session.project.lock();
        for (id, bars) in [(1, 4), (2, 2), (3, 6)] {
            let mut cue = Cue { bars, ..Cue::new(id, Some(Arc::new(still(id as u8 * 40)))) };
            assert!(cue.add(take(id * 10, "made", 120.0)));
            project.board.cues.push(cue);
        }
    }
    stage.host.set(Dial::Board, 1.0);
    stage.step();
    stage.host.calls();
    stage
}

fn board(stage: &Stage) -> Board {
    stage.session.project.lock().board.clone()
}

fn ids(stage: &Stage) -> Vec<u64> {
    board(stage).cues.iter().map(|cue| cue.id).collect()
}

fn bars(stage: &Stage) -> Vec<u32> {
    board(stage).cues.iter().map(|cue| cue.bars).collect()
}

fn centre(stage: &Stage, label: &str) -> Pos2 {
    stage.window.get_by_label_contains(label).rect().center()
}

/// Drags from one place to another.
fn drag(stage: &mut Stage, from: Pos2, to: Pos2) {
    stage.window.drag_at(from);
    stage.step();
    stage.window.hover_at(from + (to - from) * 0.5);
    stage.step();
    stage.window.hover_at(to);
    stage.step();
    stage.window.drop_at(to);
    stage.step();
}

fn await_cues(stage: &mut Stage, count: usize) {
    let began = Instant::now();
    while board(stage).cues.len() != count {
        assert!(began.elapsed() < Duration::from_secs(300), "waited in vain for {count} cues");
        stage.step();
    }
    stage.step();
}

fn frames(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| format!("{}/../examples/frames/{name}.png", env!("CARGO_MANIFEST_DIR")).into()).collect()
}

#[test]
fn several_frames_make_a_storyboard_that_is_heard_and_one_undo_takes_it_back() {
    let mut stage = Stage::new();
    stage.host.arrive(Arrival::Frames(frames(&["harbour", "open_road", "castle_in_the_storm"])));
    await_cues(&mut stage, 3);
    assert_eq!(stage.host.value(Dial::Board), 1.0);
    let names: Vec<_> = board(&stage).cues.iter().map(|cue| cue.name.clone()).collect();
    assert_eq!(names, ["harbour", "open_road", "castle_in_the_storm"]);
    assert!(board(&stage).cues.iter().all(|cue| cue.picture.is_some() && cue.bars == 4));
    stage.window.get_by_label("Cue 2: open_road, 4 bars, no music yet");
    stage.click("Generate all");
    assert!(stage.host.calls().contains(&Call::GenerateBoard));
    while !board(&stage).is_empty() {
        stage.click("Undo");
    }
}

#[test]
fn frames_that_cannot_be_read_are_named_and_the_others_are_there() {
    let mut stage = stage();
    let mut paths = frames(&["harbour"]);
    paths.push("/nowhere/lost.png".into());
    stage.host.arrive(Arrival::Frames(paths));
    await_cues(&mut stage, 4);
    let began = Instant::now();
    let said = |stage: &Stage| stage.session.status.lock().notices.iter().any(|notice| notice.place == Place::Board);
    while !said(&stage) {
        assert!(began.elapsed() < Duration::from_secs(300), "nothing was said");
        stage.step();
    }
    let notices = stage.session.status.lock().notices.clone();
    assert!(notices.iter().any(|notice| notice.text.contains("/nowhere/lost.png")), "{notices:?}");
}

#[test]
fn more_frames_than_there_is_room_for_are_left_out_and_that_is_said() {
    let mut stage = stage();
    {
        let mut project = stage.session.project.lock();
        for id in 100..100 + CUES as u64 - 4 {
            project.board.cues.push(Cue::new(id, None));
        }
    }
    stage.host.arrive(Arrival::Frames(frames(&["harbour", "open_road"])));
    await_cues(&mut stage, CUES);
    let began = Instant::now();
    while !stage.session.status.lock().notices.iter().any(|notice| notice.text.contains("room for 64 cues")) {
        assert!(began.elapsed() < Duration::from_secs(300), "nothing was said");
        stage.step();
    }
}

#[test]
fn dragging_a_frame_reorders_and_its_takes_go_with_it() {
    let mut stage = stage();
    let (first, last) = (centre(&stage, "Cue 1"), centre(&stage, "Cue 3"));
    drag(&mut stage, first, last);
    assert_eq!(ids(&stage), [2, 3, 1]);
    assert_eq!(board(&stage).cues[2].take().map(|take| take.id), Some(10));
    stage.click("Undo");
    assert_eq!(ids(&stage), [1, 2, 3]);
    let (last, first) = (centre(&stage, "Cue 3"), centre(&stage, "Cue 1"));
    drag(&mut stage, last, first);
    assert_eq!(ids(&stage), [3, 1, 2]);
}

#[test]
fn dragging_an_end_resizes_in_bars_and_keeps_the_takes() {
    let mut stage = stage();
    let bar = stage.window.get_by_label_contains("Cue 1").rect().width() / 4.0;
    let end = centre(&stage, "End of still 40");
    drag(&mut stage, end, end + vec2(3.0 * bar, 0.0));
    assert_eq!(bars(&stage), [7, 2, 6]);
    let end = centre(&stage, "End of still 40");
    drag(&mut stage, end, end - vec2(2000.0, 0.0));
    assert_eq!(bars(&stage), [1, 2, 6]);
    assert_eq!(board(&stage).cues[0].takes.len(), 1);
    while bars(&stage) != [4, 2, 6] {
        stage.click("Undo");
    }
    assert_eq!(board(&stage).cues[0].takes.len(), 1);
}

#[test]
fn what_is_selected_is_what_picture_words_and_bars_belong_to() {
    let mut stage = stage();
    let second = centre(&stage, "Cue 2");
    drag(&mut stage, second, second);
    stage.window.get_by_label("Picture still 80.png");
    stage.type_into("This cue", "rain");
    stage.type_into("All cues", "strings");
    stage.key(Key::Escape);
    stage.click("More bars");
    let cues = board(&stage).cues;
    assert_eq!((cues[1].words.as_str(), cues[1].bars, cues[0].words.as_str()), ("rain", 4, ""));
    assert_eq!(stage.session.project.lock().brief.prompt, "strings");
    stage.host.arrive(Arrival::PictureFile(frames(&["harbour"]).remove(0)));
    let began = Instant::now();
    while board(&stage).cues[1].name != "harbour" {
        assert!(began.elapsed() < Duration::from_secs(300), "the picture did not come");
        stage.step();
    }
    assert_eq!(board(&stage).cues[0].name, "still 40");
}

#[test]
fn transition_and_takes_of_a_cue_are_chosen_and_undone() {
    let mut stage = stage();
    {
        let mut project = stage.session.project.lock();
        assert!(project.board.cues[1].add(take(21, "second", 120.0)));
    }
    let second = centre(&stage, "Cue 2");
    drag(&mut stage, second, second);
    stage.click("More bars of transition");
    assert_eq!(board(&stage).cues[1].transition, Transition::Crossfade { bars: 2 });
    stage.click("Take 1 of cue 2");
    assert_eq!(board(&stage).cues[1].chosen, Some(20));
    stage.click("Delete take 1");
    assert_eq!(board(&stage).cues[1].chosen, Some(21));
    stage.click("Undo");
    assert_eq!((board(&stage).cues[1].takes.len(), board(&stage).cues[1].chosen), (2, Some(20)));
    stage.click("Delete cue");
    assert_eq!(ids(&stage), [1, 3]);
    stage.click("Undo");
    assert_eq!((ids(&stage), board(&stage).cues[1].takes.len()), (vec![1, 2, 3], 2));
}

#[test]
fn influence_is_the_parameter_s_until_it_is_dragged() {
    let mut stage = stage();
    stage.host.set(Dial::Influence, 0.8);
    stage.step();
    let place = stage.window.get_by_label("Influence of cue 3 auto 80 %").rect();
    drag(&mut stage, place.center(), place.left_center() + vec2(place.width() * 0.25, 0.0));
    let own = board(&stage).cues[2].influence.expect("it has its own");
    assert!((own - 0.25).abs() < 0.02, "{own}");
    stage.window.get_by_label_contains("Influence of cue 1 auto 80 %");
}

#[test]
fn a_rectangle_on_the_picture_is_the_part_that_is_scored() {
    let mut stage = stage();
    let well = stage.window.get_by_label("Picture still 40.png").rect();
    drag(&mut stage, well.center(), well.right_bottom() + vec2(200.0, 200.0));
    assert_eq!(board(&stage).cues[0].crop, Crop::new(0.5, 0.5, 0.5, 0.5).ok());
    stage.click("Whole picture");
    assert_eq!(board(&stage).cues[0].crop, None);
    stage.click("Undo");
    assert!(board(&stage).cues[0].crop.is_some());
}

#[test]
fn other_words_are_a_take_from_the_same_seed() {
    let mut stage = stage();
    stage.session.project.lock().brief.seed = 99;
    stage.click("Same picture, other words…");
    stage.window.get_by_label("Other words").type_text("brass");
    stage.step();
    stage.click("Generate with these words");
    let cue = board(&stage).cues.remove(0);
    assert_eq!((cue.words.as_str(), cue.seed), ("brass", Some(10)), "the take's seed");
    assert_eq!(stage.host.calls(), [Call::GenerateCue(1)]);
}

#[test]
fn a_click_listens_to_a_cue_and_the_current_one_follows_the_host() {
    let mut stage = stage();
    stage.click("Listen to cue 3");
    assert_eq!(stage.session.desk.audition(), Some(cue_slot(2)));
    stage.click("Stop cue 3");
    assert_eq!(stage.session.desk.audition(), None);
    stage.session.readout.set_playing(true);
    stage.session.readout.set_sounding(BOARD, 0.4, Mode::Copy);
    stage.step();
    stage.window.get_by_label_contains("Cue 2: still 80, 2 bars, changed since, heard");
}

#[test]
fn every_cue_shows_where_its_music_is() {
    let mut stage = stage();
    {
        let mut status = stage.session.status.lock();
        let stage = melfusion::error::Stage::Music;
        status.job = Some(Job { cue: Some(1), ahead: 0, stage, done: 0.42, seconds_left: Some(2.2) });
        status.queued = vec![3];
    }
    stage.step();
    stage.window.get_by_label("Cue 1: still 40, 4 bars, 42 %");
    stage.window.get_by_label("Cue 3: still 120, 6 bars, queued");
    stage.window.get_by_label("Cue 1, 1 more: Composing, 3 s left");
    stage.click("Cancel");
    assert_eq!(stage.host.calls(), [Call::Cancel]);
}

#[test]
fn the_switch_shows_the_takes_again_and_the_storyboard_stays() {
    let mut stage = stage();
    stage.click("Takes");
    assert_eq!(stage.host.value(Dial::Board), 0.0);
    stage.window.get_by_label("Prompt");
    assert!(stage.window.query_by_label("This cue").is_none());
    stage.click("Storyboard");
    stage.window.get_by_label("This cue");
    stage.click("Cues by note");
    assert_eq!(stage.host.value(Dial::ByNote), 1.0);
}

#[test]
fn undo_of_words_does_not_bring_an_old_tempo_back() {
    let mut stage = stage();
    stage.type_into("This cue", "rain");
    stage.key(Key::Escape);
    let fitted = take(10, "made", 90.0);
    *stage.session.project.lock().take_mut(10).expect("is there") = fitted.clone();
    stage.step();
    stage.chord(Modifiers::COMMAND, Key::Z);
    let cue = board(&stage).cues.remove(0);
    assert_eq!(cue.words, "");
    assert!(cue.take().is_some_and(|take| Arc::ptr_eq(&take.sound, &fitted.sound)));
}

#[test]
fn frames_of_which_none_can_be_read_are_named_though_there_is_no_lane() {
    let mut stage = Stage::new();
    stage.host.arrive(Arrival::Frames(vec!["/nowhere/1.png".into(), "/nowhere/2.png".into()]));
    let began = Instant::now();
    while stage.window.query_by_label_contains("/nowhere/2.png").is_none() {
        assert!(began.elapsed() < Duration::from_secs(300), "nothing was said");
        stage.step();
    }
    assert!(board(&stage).is_empty());
}

#[test]
fn each_cue_s_picture_is_told_in_words_of_its_own() {
    let mut stage = stage();
    stage.host.describes_pictures.set(true);
    let phrase = |stage: &Stage| {
        stage.window.query_by_label("Picture in words").and_then(|field| field.accesskit_node().value())
    };
    let await_phrase = |stage: &mut Stage, words: &str| {
        let began = Instant::now();
        while phrase(stage).as_deref() != Some(words) {
            assert!(began.elapsed() < Duration::from_secs(300), "{:?} is shown in place of {words:?}", phrase(stage));
            stage.step();
        }
    };
    await_phrase(&mut stage, "dark, colourless, sparse scene, mysterious and tense");
    stage.replace("Picture in words", "night rain");
    stage.key(Key::Escape);
    let third = centre(&stage, "Cue 3");
    drag(&mut stage, third, third);
    await_phrase(&mut stage, "dim, colourless, sparse scene, lonely and melancholic");
    let said = |stage: &Stage| board(stage).cues.iter().map(|cue| cue.picture_words.clone()).collect::<Vec<_>>();
    assert_eq!(said(&stage), [Some("night rain".into()), None, None]);
    let first = centre(&stage, "Cue 1");
    drag(&mut stage, first, first);
    await_phrase(&mut stage, "night rain");
    stage.click("Undo");
    assert_eq!(said(&stage), [None, None, None]);
}

#[test]
fn the_part_that_is_scored_is_the_part_that_is_told() {
    let mut stage = stage();
    stage.host.describes_pictures.set(true);
    // White on the left, black on the right.
    let rgb = (0..64 * 48).flat_map(|i| [if i % 64 < 32 { 255 } else { 0 }; 3]).collect();
    let halves = Frame::from_rgb(64, 48, rgb, "halves").expect("is a picture");
    stage.session.project.lock().board.cues[0].picture = Some(Arc::new(halves));
    for (left, word) in [(0.0, "bright"), (0.5, "dark")] {
        stage.session.project.lock().board.cues[0].crop = Crop::new(left, 0.0, 0.5, 1.0).ok();
        let began = Instant::now();
        let begins = |stage: &Stage| {
            let field = stage.window.query_by_label("Picture in words");
            field.and_then(|field| field.accesskit_node().value()).is_some_and(|words| words.starts_with(word))
        };
        while !begins(&stage) {
            assert!(began.elapsed() < Duration::from_secs(300), "not told as {word}");
            stage.step();
        }
    }
}
