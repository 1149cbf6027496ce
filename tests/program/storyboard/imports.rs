//! Boards from folders, tables, lists and Reaper.

use std::fs;
use std::path::{Path, PathBuf};

use melfusion::Error;
use melfusion::storyboard::{Draft, Gaps, Import, TempoMap, Transition};
use tempfile::TempDir;

/// A folder with pictures that are none yet: names are enough until a board is made.
fn folder(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

/// 120 bpm: a bar is two seconds.
fn import() -> Import {
    Import { tempo: TempoMap::constant(120.0).unwrap(), fps: "25".parse().ok(), ..Import::default() }
}

fn written(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn read(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> Draft {
    Draft::read(&written(folder, name, text), &import()).unwrap()
}

/// Refused with a message that names the file and has all of `words`.
#[track_caller]
fn refused(text: impl AsRef<[u8]>, name: &str, words: &[&str]) {
    let folder = folder(&[]);
    let error = Draft::read(&written(folder.path(), name, text), &import()).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error:?}");
    for word in [&[name], words].concat() {
        assert!(error.to_string().contains(word), "no {word:?} in: {error}");
    }
}

/// Bars of every cue: where it begins and how long it is.
fn bars(draft: &Draft) -> Vec<(Option<u32>, u32)> {
    draft.sheet.cues.iter().map(|cue| (cue.start_bar, cue.bars)).collect()
}

fn pictures(draft: &Draft) -> Vec<Option<&str>> {
    draft.sheet.cues.iter().map(|cue| cue.picture.as_ref().map(|path| path.to_str().unwrap())).collect()
}

fn names(draft: &Draft) -> Vec<&str> {
    draft.sheet.cues.iter().map(|cue| cue.name.as_str()).collect()
}

#[test]
fn a_folder_is_read_in_natural_order() {
    let folder = folder(&["frame10.png", "frame2.PNG", "frame1_wide.jpg", "notes.txt", ".hidden.png"]);
    let draft = Draft::read(folder.path(), &Import { bars: 3, ..import() }).unwrap();
    assert_eq!(pictures(&draft), [Some("frame1_wide.jpg"), Some("frame2.PNG"), Some("frame10.png")]);
    assert_eq!(names(&draft), ["frame1 wide", "frame2", "frame10"]);
    assert_eq!(bars(&draft), [(None, 3); 3]);
    let empty = tempfile::tempdir().unwrap();
    assert!(Draft::read(empty.path(), &import()).unwrap_err().to_string().contains("no pictures"));
}

#[test]
fn a_table_may_come_from_any_spreadsheet() {
    let folder = folder(&["harbour.png", "frames/storm.png"]);
    let rows = "Name,Frame,Words,Bars,Transition,Influence\r\n\
                Harbour,C:\\film\\frames\\harbour.png,\"calm, warm\",4,,\r\n\
                ,,,,,\r\n\
                Storm,frames\\storm.png,drums,2,crossfade 1,0.5\r\n";
    let expect = |draft: &Draft| {
        assert_eq!(pictures(draft), [Some("harbour.png"), Some("frames/storm.png")]);
        assert_eq!((names(draft), bars(draft)), (vec!["Harbour", "Storm"], vec![(None, 4), (None, 2)]));
        assert_eq!(draft.sheet.cues[0].prompt, "calm, warm");
        assert_eq!(draft.sheet.cues[1].transition, Some(Transition::Crossfade { bars: 1 }));
        assert_eq!(draft.sheet.cues[1].influence, 0.5);
    };
    expect(&read(folder.path(), "a.csv", rows));
    expect(&read(folder.path(), "bom.csv", format!("\u{feff}{rows}")));
    let semicolons =
        rows.replace("\"calm, warm\"", "<>").replace(',', ";").replace("<>", "calm, warm").replace("0.5", "0,5");
    expect(&read(folder.path(), "semicolons.csv", semicolons));
}

#[test]
fn a_table_may_have_times() {
    let folder = folder(&[]);
    let draft = read(folder.path(), "a.csv", "name,start,end\na,01:00:00:00,01:00:04:10\nb,01:00:04:10,01:00:11:00\n");
    assert_eq!(bars(&draft), [(Some(1), 2), (Some(3), 4)]);
    // Bar 3 begins at 4 s, 0.4 s before the cut; 11 s are half way between two bar lines.
    assert_eq!(draft.residues[0], Some(0.0));
    assert!((draft.residues[1].unwrap() + 0.4).abs() < 1e-9, "{:?}", draft.residues);
    assert_eq!(bars(&read(folder.path(), "b.csv", "cue,time\na,0\nb,1:02.5\n")), [(Some(1), 31), (Some(32), 4)]);
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_its_line() {
    refused("name,bars\na,4\n\nb,four\n", "a.csv", &["line 4", "bars", "\"four\"", "whole number"]);
    refused("name,frame\na,no/such.png\n", "a.csv", &["line 2", "no/such.png", "check the path"]);
    refused("name,transition\na,fade\n", "a.csv", &["line 2", "crossfade 2"]);
    refused("name,start\na,0\nb,soon\n", "a.csv", &["line 3", "\"soon\" is no time"]);
    refused("name,start\na,0\nb,0.5\nc,4\n", "a.csv", &["shorter than half a bar", "--bpm"]);
    refused("one,two\n1,2\n", "a.csv", &["line 1", "names no column", "picture"]);
    refused("", "a.csv", &["line 1"]);
    refused(b"name\nm\xfcnchen\n", "a.csv", &["line 2", "UTF-8"]);
    refused(b"\xff\xfen\0a\0", "a.csv", &["UTF-16", "Excel"]);
}

#[test]
fn what_is_said_of_pictures_is_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let frame = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/frames/harbour.png");
    fs::copy(frame, folder.path().join("harbour.png")).unwrap();
    let cue = |words: &str| format!("[[cue]]\npicture = \"harbour.png\"\n{words}\n\n");
    let text = [cue("picture_words = \"grey, \\\"wet\\\"\""), cue("picture_words = \"\""), cue("")].concat();
    let draft = read(folder.path(), "a.toml", &text);
    let said = |draft: &Draft| -> Vec<Option<String>> {
        draft.sheet.cues.iter().map(|cue| cue.picture_words.clone()).collect()
    };
    assert_eq!(said(&draft), [Some("grey, \"wet\"".into()), Some(String::new()), None]);
    let again = read(folder.path(), "b.toml", draft.to_toml(folder.path()));
    assert_eq!(again.sheet, draft.sheet);
    let bundle = melfusion::Bundle::mini().unwrap();
    let defaults = &bundle.manifest().defaults;
    let board = again.board(defaults).unwrap();
    assert_eq!(board.cues.iter().map(|cue| cue.picture_words.clone()).collect::<Vec<_>>(), said(&draft));

    let rows = "picture,Picture words,words\nharbour.png,\"grey, wet\",calm\nharbour.png,,calm\n";
    assert_eq!(said(&read(folder.path(), "a.csv", rows)), [Some("grey, wet".into()), None]);

    let blind = read(folder.path(), "c.toml", "[[cue]]\nname = \"dark\"\nbars = 2\npicture_words = \"night\"\n");
    let error = blind.board(defaults).unwrap_err().to_string();
    for word in ["c.toml", "line 4", "cue 1 \"dark\"", "no picture", "into its prompt"] {
        assert!(error.contains(word), "no {word:?} in: {error}");
    }
}

const EDL: &str = "TITLE: The crossing\r\nFCM: NON-DROP FRAME\r\n\r\n\
    001  AX       V     C        00:00:00:00 00:00:08:00 01:00:00:00 01:00:08:00\r\n\
    * FROM CLIP NAME: harbour.png\r\n\
    * LOC: 01:00:01:00 RED     calm strings\r\n\
    001  AX       AA    C        00:00:00:00 00:00:08:00 01:00:00:00 01:00:08:00\r\n\
    002  AX       V     C        00:00:00:00 00:00:00:00 01:00:08:00 01:00:08:00\r\n\
    002  REEL2    V     D    025 00:00:00:00 00:00:04:05 01:00:08:00 01:00:12:05\r\n\
    * FROM CLIP NAME: harbour.png\r\n* TO CLIP NAME: storm\r\n\
    003  AX       V     C        00:00:00:00 00:00:06:00 01:00:16:00 01:00:22:00\r\n";

#[test]
fn an_edit_list_becomes_cues_on_the_nearest_bars() {
    let folder = folder(&["harbour.png", "storm.jpg"]);
    let draft = read(folder.path(), "cut.edl", EDL);
    assert_eq!(draft.sheet.title, "The crossing");
    assert_eq!(names(&draft), ["harbour", "storm", "003"]);
    assert_eq!(bars(&draft), [(Some(1), 4), (Some(5), 2), (Some(9), 3)]);
    assert_eq!(pictures(&draft), [Some("harbour.png"), Some("storm.jpg"), None]);
    assert_eq!(draft.sheet.cues[0].prompt, "calm strings");
    assert_eq!(draft.sheet.cues[1].transition, Some(Transition::Crossfade { bars: 1 }));
    assert_eq!(draft.sheet.gaps, Gaps::Silence);
    assert!(draft.notes.len() == 1 && draft.notes[0].contains("line 12"), "{:?}", draft.notes);
}

#[test]
fn drop_frame_lists_keep_to_the_clock() {
    let folder = folder(&[]);
    let hour = "FCM: DROP FRAME\n001 AX V C 00:00:00;00 00:10:00;00 01:00:00;00 01:01:40;00\n\
                002 AX V C 00:00:00;00 00:00:08;00 01:01:40;00 01:03:20;00\n";
    let path = written(folder.path(), "a.edl", hour);
    let draft = Draft::read(&path, &Import { fps: None, ..import() }).unwrap();
    assert_eq!(bars(&draft), [(Some(1), 50), (Some(51), 50)]);
    // Within the two frames that the clock is off in the first minutes of an hour; counted straight it were 0.1 s.
    assert!(draft.residues[1].unwrap().abs() < 0.05, "{:?}", draft.residues);
    refused(hour, "a.edl", &["line 2", "29.97", "--fps"]);
    let left_out = hour.replace("01:01:40;00 01:03", "01:02:00;00 01:03");
    let path = written(folder.path(), "b.edl", left_out);
    let error = Draft::read(&path, &Import { fps: None, ..import() }).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("leaves out"), "{error}");
}

#[test]
fn what_is_wrong_with_a_list_is_said_with_its_line() {
    let event = |times: &str| format!("TITLE: x\n001 AX V C 00:00:00:00 00:00:01:00 {times}\n");
    refused(event("01:00:00:00 01:00:00:99"), "a.edl", &["line 2", "frame 99", "25 to the second"]);
    refused(event("01:00:00:00"), "a.edl", &["line 2", "four timecodes"]);
    refused(event("01:00:09:00 01:00:01:00"), "a.edl", &["line 2", "ends before it begins"]);
    refused(event("01:00:00:00 01:00:00:10"), "a.edl", &["line 2", "shorter than half a bar"]);
    refused("TITLE: nothing\n", "a.edl", &["no cues"]);
    let folder = folder(&[]);
    let path = written(folder.path(), "a.edl", event("01:00:00:00 01:00:09:00"));
    let error = Draft::read(&path, &Import { fps: None, ..import() }).unwrap_err().to_string();
    assert!(error.contains("--fps"), "{error}");
}

#[test]
fn reapers_regions_and_markers_are_read() {
    let folder = folder(&["intro.png", "storm.jpg"]);
    let regions = "#,Name,Start,End,Length,Color\nM1,hit,2.1.00,,,\nR2,storm,5.1.00,7.3.00,2.2.00,\nR1,intro,1.1.00,5.1.00,4.0.00,\n";
    let draft = read(folder.path(), "regions.csv", regions);
    assert_eq!((names(&draft), bars(&draft)), (vec!["intro", "storm"], vec![(Some(1), 4), (Some(5), 3)]));
    assert_eq!(pictures(&draft), [Some("intro.png"), Some("storm.jpg")]);
    assert_eq!(draft.residues, [Some(0.0), Some(0.0)]);
    let markers = "#,Name,Start,End,Length,Color\nM1,intro,0:00.000,,,\nM2,calm,0:03.900,,,\n";
    let draft = read(folder.path(), "markers.csv", markers);
    assert_eq!(bars(&draft), [(Some(1), 2), (Some(3), 4)]);
    assert!((draft.residues[1].unwrap() - 0.1).abs() < 1e-9 && draft.notes[0].contains("calm"));
    refused("#,Name,Start,End,Length,Color\nR1,a,soon,,,\n", "a.csv", &["line 2", "soon", "ruler"]);
}

#[test]
fn what_was_read_can_be_saved_edited_and_read_again() {
    let folder = folder(&["harbour.png", "storm.jpg"]);
    let draft = read(folder.path(), "cut.edl", EDL);
    fs::create_dir(folder.path().join("boards")).unwrap();
    let path = written(&folder.path().join("boards"), "board.toml", draft.to_toml(&folder.path().join("boards")));
    let again = Draft::read(&path, &Import::default()).unwrap();
    assert_eq!(pictures(&again), [Some("../harbour.png"), Some("../storm.jpg"), None]);
    assert_eq!((names(&again), bars(&again)), (names(&draft), bars(&draft)));
    assert_eq!((&again.sheet.tempo, again.sheet.gaps), (&draft.sheet.tempo, draft.sheet.gaps));
}

#[test]
fn the_example_is_a_board() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/storyboard/board.toml");
    let mini = melfusion::Bundle::open(concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/mini")).unwrap();
    let draft = Draft::read(path.as_ref(), &Import::default()).unwrap();
    let board = draft.board(&mini.manifest().defaults).unwrap();
    assert_eq!((board.cues.len(), board.end_bar()), (6, 25));
    assert!(board.cues.iter().all(|cue| cue.picture.is_some()));
}

#[test]
fn a_board_written_under_windows_finds_its_frames() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("frames")).unwrap();
    let harbour = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/frames/harbour.png");
    fs::copy(harbour, folder.path().join("frames/harbour.png")).unwrap();
    let mini = melfusion::Bundle::open(concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/mini")).unwrap();
    for path in ["frames\\harbour.png", "C:\\film\\harbour.png", "frames/harbour.png"] {
        let draft = read(folder.path(), "board.toml", format!("\u{feff}[[cue]]\r\npicture = '{path}'\r\n"));
        assert!(draft.board(&mini.manifest().defaults).unwrap().cues[0].picture.is_some(), "{path}");
        assert!(draft.to_toml(folder.path()).contains("frames/harbour.png"));
    }
}
