//! What opening a project does.

use std::fs;

use melfusion_plugin::link;
use melfusion_plugin::project::Frame;
use melfusion_plugin::session::Session;
use melfusion_plugin::state::{CAP, Library, Saved};

use super::house::{Bench, project, text_of};

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
