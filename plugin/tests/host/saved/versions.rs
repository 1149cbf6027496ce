//! What earlier versions saved, and what this one does.

use std::fs;
use std::sync::Arc;

use melfusion::clip::Recipe;
use melfusion_plugin::project::{Brief, Frame, Link, Look, Project, Seen, Sound, Take};
use melfusion_plugin::state::{self, CAP, Library};

use super::house::{Bench, assert_same, board, brief, project, project_with_board, take};

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

/// What `tests/host/saved/version-1.txt` holds; made of formulas, so that no other library has a say in it.
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

/// One of its takes has no sound.
fn assert_opens(text: &str, expected: &Project) {
    let reading = state::read(text, &Library::new("/nonexistent"));
    assert_eq!((reading.trouble, reading.without_sound.len()), (None, 1));
    assert_same(&reading.project, expected);
}

#[test]
fn a_saved_project_of_version_1_opens_for_ever() {
    assert_opens(include_str!("version-1.txt"), &project_of_version_1());
}

/// What `tests/host/saved/version-2.txt` holds.
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

/// What `tests/host/saved/version-3.txt` holds.
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
    assert_opens(include_str!("version-2.txt"), &project_of_version_2());
}

#[test]
fn a_saved_project_of_version_3_opens_for_ever() {
    assert_opens(include_str!("version-3.txt"), &project_of_version_3());
}

#[test]
fn what_the_skeleton_saved_opens_as_an_empty_project() {
    let bench = Bench::new(CAP);
    bench.edit(|current| *current = project());
    bench.saved.open(String::new());
    assert_same(&bench.session.project.lock(), &Project::default());
    assert_eq!(bench.notice(), None);
}
