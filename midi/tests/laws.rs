//! Laws of what is written and read.
#![allow(clippy::unwrap_used, reason = "tests")]

use midi::{Error, File, Frame, Played, Section, Song, write};
use score::{Instrument, Note, Part, Player, Score, ScoreFields};

/// A score of every part, with notes of many lengths.
fn score(bars: u32, meter: &str, bpm: f64, key: &str) -> Score {
    let players = Part::ALL.into_iter().map(|part| {
        let instrument =
            if part.is_drums() { Instrument::Kit(48) } else { Instrument::Program(part.index() as u8 * 9) };
        Player { level_db: 3.0, dynamics_db: vec![-12.0, -6.0, -3.0, -6.0], ..Player::new(part, instrument) }
    });
    let meter: score::Meter = meter.parse().unwrap();
    let ticks = (f64::from(bars) * meter.quarters() * 960.0) as u32;
    let notes = Part::ALL.into_iter().flat_map(|part| {
        (0..ticks / 480).map(move |i| Note {
            part,
            pitch: 36 + (i * 7 % 48) as u8,
            velocity: 1 + (i * 31 % 127) as u8,
            start: i * 480,
            length: 120 + 240 * (i % 3),
        })
    });
    Score::new(ScoreFields {
        bars,
        meter,
        bpm,
        key: key.parse().unwrap(),
        players: players.collect(),
        notes: notes.collect(),
        ..Default::default()
    })
    .unwrap()
}

/// Notes of a part, those that sound over the end cut there, moved by `start`.
fn wanted(score: &Score, part: Part, start: u32) -> Vec<Played> {
    let note = |note: &Note| Played {
        start: start + note.start,
        pitch: note.pitch,
        velocity: note.velocity,
        length: note.length.min(score.ticks() - note.start),
    };
    let mut notes: Vec<Played> = score.notes_of(part).map(note).collect();
    notes.sort();
    notes
}

#[test]
fn what_is_written_reads_back_note_for_note() {
    for (bars, meter, bpm, key) in [(4, "4/4", 96.0, "C"), (3, "6/8", 133.7, "F#m"), (16, "3/4", 61.0, "D dorian")] {
        let score = score(bars, meter, bpm, key);
        let file = File::parse(&write(&Song::of("a bed", &score))).unwrap();
        assert_eq!(file.end, score.ticks(), "it ends on the bar line");
        assert_eq!(file.meters, [(0, score.meter)]);
        assert!((file.tempi[0].1 - bpm).abs() < 1e-3 && file.tempi.len() == 1);
        assert_eq!(file.tracks.len(), 8);
        for (track, part) in file.tracks.iter().zip(Part::ALL) {
            let player = score.player(part).unwrap();
            assert_eq!(track.notes, wanted(&score, part, 0));
            assert_eq!(track.name, format!("{part}: {}", player.instrument));
            assert_eq!((track.program, track.is_drums), (Some(player.instrument.number()), part.is_drums()));
        }
    }
}

#[test]
fn sections_follow_each_other_with_their_own_tempo_and_metre() {
    let scores = [score(2, "4/4", 100.0, "C"), score(1, "3/4", 80.0, "Am"), score(2, "7/8", 150.0, "Eb")];
    let (names, starts) = (["dawn", "chase", "rest"], [0, 7680, 2 * 7680]);
    let section = |i: usize| Section { name: names[i], start: starts[i], score: &scores[i] };
    let tempi = vec![(0, 100.0), (3840, 90.0), (7680, 80.0)];
    let song = Song { title: "board", tempi, sections: (0..3).map(section).collect() };
    let file = File::parse(&write(&song)).unwrap();
    assert_eq!(file.end, 2 * 7680 + scores[2].meter.ticks(2));
    assert_eq!(file.tempi.iter().map(|(tick, bpm)| (*tick, bpm.round())).collect::<Vec<_>>(), song.tempi);
    for (i, score) in scores.iter().enumerate() {
        assert_eq!(file.meters[i], (starts[i], score.meter));
        assert!(file.markers.contains(&(starts[i], names[i].to_string())));
        for chord in score.chords() {
            assert!(file.markers.contains(&(starts[i] + chord.start, chord.to_string())));
        }
    }
    let bass: Vec<Played> =
        scores.iter().zip(starts).flat_map(|(score, start)| wanted(score, Part::Bass, start)).collect();
    assert_eq!(file.tracks[1].notes, bass);
}

#[test]
fn a_key_that_is_struck_again_is_let_go_before() {
    let note = |start, length| Note { part: Part::Keys, pitch: 60, velocity: 80, start, length };
    let score = Score::new(ScoreFields {
        players: vec![Player::new(Part::Keys, Instrument::Program(0))],
        notes: vec![note(0, 3000), note(960, 500)],
        ..Default::default()
    });
    let score = score.unwrap();
    let file = File::parse(&write(&Song::of("", &score))).unwrap();
    let lengths: Vec<u32> = file.tracks[0].notes.iter().map(|note| note.length).collect();
    assert_eq!(lengths, [960, 500]);
}

#[test]
fn other_resolutions_and_one_track_for_all_are_read() {
    // Type 0, 96 ticks to a quarter: a C on channel 1, a bass drum on channel 10 with running status and NoteOn of velocity 0.
    let events = [0x00, 0x90, 60, 64, 0x60, 60, 0, 0x00, 0x99, 36, 100, 0x30, 36, 0, 0x00, 0xFF, 0x2F, 0];
    let header =
        [b'M', b'T', b'h', b'd', 0, 0, 0, 6, 0, 0, 0, 1, 0, 96, b'M', b'T', b'r', b'k', 0, 0, 0, events.len() as u8];
    let bytes = [&header[..], &events].concat();
    let file = File::parse(&bytes).unwrap();
    assert_eq!(file.tracks.len(), 2);
    assert_eq!(file.tracks[0].notes, [Played { start: 0, pitch: 60, velocity: 64, length: 960 }]);
    assert_eq!(file.tracks[1].notes, [Played { start: 960, pitch: 36, velocity: 100, length: 480 }]);
    assert!(file.tracks[1].is_drums && !file.tracks[0].is_drums);
    let film = [&bytes[..12], &[0xE7, 40], &bytes[14..]].concat();
    assert_eq!(File::parse(&film), Err(Error::FilmFrames));
}

#[test]
fn hostile_files_are_refused_in_words_and_never_panic() {
    let score = score(2, "4/4", 96.0, "C");
    let whole = write(&Song::of("a bed", &score));
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut refused = 0;
    for _ in 0..1_000_000 {
        // The first part, which has the headers and the conductor: what is behind are notes like others.
        let mut bytes = whole[..600 + random() % 600].to_vec();
        for _ in 0..1 + random() % 6 {
            let at = random() % bytes.len();
            bytes[at] = random() as u8;
        }
        if let Err(error) = File::parse(&bytes) {
            refused += 1;
            assert!(!error.to_string().is_empty());
        }
    }
    assert!(refused > 0);
    for bytes in [&b""[..], b"RIFF", b"MThd", &whole[..14]] {
        assert!(File::parse(bytes).is_err());
    }
}

#[test]
fn a_board_that_was_written_is_a_score_again_part_by_part() {
    let score = score(4, "4/4", 96.0, "F#m");
    let file = File::parse(&write(&Song::of("a bed", &score))).unwrap();
    let parts = file.parts(&[]);
    assert_eq!(parts, Part::ALL.map(Some), "tracks are named after their parts");
    let frame = Frame { bars: file.bars(score.meter), meter: score.meter, bpm: 96.0, key: Some(score.key) };
    let (again, beyond) = file.score(&parts, &frame).unwrap();
    assert_eq!((again.bars, beyond), (4, 0));
    let cut = |note: &Note| Note { length: note.length.min(score.ticks() - note.start), ..*note };
    assert_eq!(again.notes, score.notes.iter().map(cut).collect::<Vec<_>>());
    let (half, beyond) = file.score(&parts, &Frame { bars: 2, ..frame }).unwrap();
    assert_eq!(half.notes.len() + beyond, score.notes.len());
}

#[test]
fn tracks_are_guessed_by_channel_name_program_and_pitch_or_told() {
    let notes = |pitches: &[u8], length: u32| -> Vec<Played> {
        let note = |(i, pitch): (usize, &u8)| Played { start: i as u32 / 3 * 960, pitch: *pitch, velocity: 80, length };
        pitches.iter().enumerate().map(note).collect()
    };
    let line = |pitches: &[u8]| -> Vec<Played> {
        let note =
            |(i, pitch): (usize, &u8)| Played { start: i as u32 * 480, pitch: *pitch, velocity: 80, length: 480 };
        pitches.iter().enumerate().map(note).collect()
    };
    let track = |name: &str, program, is_drums, notes| midi::Track { name: name.into(), program, is_drums, notes };
    let file = File {
        tracks: vec![
            track("Track 1", None, false, notes(&[60, 64, 67, 65, 69, 72], 1920)),
            track("", None, false, line(&[40, 43, 38, 40])),
            track("Violin I", Some(40), false, line(&[72, 74, 76, 79])),
            track("Beat", None, true, line(&[36, 38, 36, 38])),
            track("my chords", None, false, notes(&[60, 64, 67], 240)),
            track("another line", None, false, line(&[70, 74, 76, 79])),
        ],
        tempi: vec![],
        meters: vec![],
        markers: vec![],
        end: 3840,
    };
    let wanted = [Part::Pad, Part::Bass, Part::Lead, Part::Drums, Part::Keys, Part::Counter];
    assert_eq!(file.parts(&[]), wanted.map(Some));
    let told = file.parts(&[(5, Part::Lead)]);
    assert_eq!((told[5], told[2]), (Some(Part::Lead), Some(Part::Counter)));
    let frame = Frame { bars: 1, meter: "4/4".parse().unwrap(), bpm: 90.0, key: None };
    let (score, _) = file.score(&file.parts(&[]), &frame).unwrap();
    assert_eq!(score.key.to_string(), "C major");
}
