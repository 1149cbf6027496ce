//! Texts that are damaged, and fields that are none.

use std::collections::BTreeMap;
use std::sync::Arc;

use melfusion_plugin::project::{Brief, Measured, Project, Sound, Take};
use melfusion_plugin::state::{self, CAP, Library, Trouble};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::house::{Bench, assert_same, project, project_with_board, take, text_of};

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
