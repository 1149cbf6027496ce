//! Sounds: which are inside the project, and which in the library.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use melfusion::request::{Key, Mode};
use melfusion_plugin::project::{Link, Project, Take};
use melfusion_plugin::state::{self, CAP, Library, Saved};

use super::house::{Bench, assert_same, board, frame, project, recipe, sound, take, text_of};

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
