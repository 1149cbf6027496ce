//! What holds of every score.

#![allow(clippy::unwrap_used, reason = "tests")]

use score::{Chord, Instrument, Key, Meter, Mode, Note, Part, Player, Quality, Score, ScoreFields, VERSION};

fn note(part: Part, pitch: u8, start: u32, length: u32) -> Note {
    Note { part, pitch, velocity: 80, start, length }
}

/// Am, F/A, C/G, E7 with a bass, a passing lead and drums.
fn song() -> Score {
    let mut notes = Vec::new();
    let bars: [(&[u8], u8); 4] = [(&[57, 60, 64], 45), (&[57, 60, 65], 45), (&[55, 60, 64], 43), (&[56, 62, 64], 40)];
    for (bar, (chord, bass)) in bars.into_iter().enumerate() {
        let start = bar as u32 * 3840;
        notes.extend(chord.iter().map(|pitch| note(Part::Pad, *pitch, start, 3800)));
        notes.push(note(Part::Bass, bass, start, 3840));
        notes.extend(
            (0..8).map(|eighth| note(Part::Lead, 69 + [0, 2, 3, 2][eighth % 4], start + eighth as u32 * 480, 400)),
        );
        notes.extend((0..4).map(|beat| note(Part::Drums, [36, 38][beat % 2], start + beat as u32 * 960, 240)));
    }
    Score::new(ScoreFields {
        key: Key::new(9, Mode::Minor),
        players: vec![
            Player::new(Part::Pad, Instrument::Program(48)),
            Player::new(Part::Bass, Instrument::Program(33)),
            Player::new(Part::Lead, Instrument::Program(73)),
            Player::new(Part::Drums, Instrument::Kit(0)),
        ],
        notes,
        ..Default::default()
    })
    .unwrap()
}

fn chord_names(score: &Score) -> Vec<String> {
    score.chords().iter().map(Chord::to_string).collect()
}

#[test]
fn a_progression_is_read_with_its_inversions() {
    assert_eq!(chord_names(&song()), ["Am", "F/A", "C/G", "E7"]);
    let chords = song().chords();
    assert_eq!(
        chords.iter().map(|chord| (chord.start, chord.length)).collect::<Vec<_>>(),
        [0, 1, 2, 3].map(|bar| (bar * 3840, 3840))
    );
}

#[test]
fn every_chord_is_read_as_itself_in_every_key() {
    for quality in Quality::ALL {
        for root in 0..12_u8 {
            let notes = quality.tones().iter().map(|tone| note(Part::Keys, 48 + root + tone, 0, 3840)).collect();
            let players = vec![Player::new(Part::Keys, Instrument::Program(0))];
            let score = Score::new(ScoreFields { bars: 1, players, notes, ..Default::default() }).unwrap();
            let chords = score.chords();
            assert_eq!((chords.len(), chords[0].root, chords[0].quality), (1, root, quality));
        }
    }
}

#[test]
fn transposing_moves_notes_chords_and_key_but_no_drum() {
    for semitones in -11..=11 {
        let (score, moved) = (song(), song().transposed(semitones));
        assert_eq!(moved.notes_of(Part::Drums).collect::<Vec<_>>(), score.notes_of(Part::Drums).collect::<Vec<_>>());
        let up = |note: &Note| i32::from(note.pitch) + semitones;
        assert!(moved.notes_of(Part::Pad).map(|note| i32::from(note.pitch)).eq(score.notes_of(Part::Pad).map(up)));
        let roots =
            score.chords().iter().map(|chord| (i32::from(chord.root) + semitones).rem_euclid(12)).collect::<Vec<_>>();
        assert_eq!(moved.chords().iter().map(|chord| i32::from(chord.root)).collect::<Vec<_>>(), roots);
        assert_eq!(i32::from(moved.key.tonic()), (9 + semitones).rem_euclid(12));
        assert_eq!(moved.transposed(-semitones), score);
        assert_eq!(score.in_tonic(moved.key.tonic()).key, moved.key);
    }
}

#[test]
fn a_note_beyond_the_range_keeps_its_name() {
    for semitones in [-200, -75, 63, 64, 90, 201] {
        for note in song().transposed(semitones).notes_of(Part::Bass).zip(song().notes_of(Part::Bass)) {
            assert!(note.0.pitch <= 127);
            assert_eq!(i32::from(note.0.pitch) % 12, (i32::from(note.1.pitch) + semitones).rem_euclid(12));
        }
    }
}

#[test]
fn what_is_written_is_read_back_the_same() {
    let score = song();
    assert_eq!(serde_json::from_str::<Score>(&serde_json::to_string(&score).unwrap()).unwrap(), score);
    assert_eq!(rmp_serde::from_slice::<Score>(&rmp_serde::to_vec(&score).unwrap()).unwrap(), score);
    assert_eq!(rmp_serde::from_slice::<Score>(&rmp_serde::to_vec_named(&score).unwrap()).unwrap(), score);
}

#[test]
fn every_key_is_parsed_from_its_name() {
    for mode in Mode::ALL {
        for tonic in 0..12 {
            let key = Key::new(tonic, mode);
            assert_eq!(key.to_string().parse(), Ok(key));
            assert!((-6..=5).contains(&key.transposition()));
            assert!(mode.scale().iter().all(|degree| key.contains(60 + tonic + degree)));
        }
        let home = Key::new(mode.home(), mode);
        assert_eq!(home.transposition(), 0);
    }
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let with = |change: fn(&mut ScoreFields)| {
        let mut fields = song().into_fields();
        change(&mut fields);
        Score::new(fields).unwrap_err().to_string()
    };
    assert!(with(|fields| fields.version = VERSION + 1).contains("update"));
    assert!(with(|fields| fields.bpm = f64::NAN).contains("20 to 300"));
    assert!(with(|fields| fields.notes[0].pitch = 128).contains("0 to 127"));
    assert!(with(|fields| fields.notes[0].velocity = 0).contains("1 to 127"));
    assert!(with(|fields| fields.notes[0].start = 4 * 3840).contains("15360 ticks"));
    assert!(with(|fields| fields.notes[0].length = 0).contains("length 0"));
    assert!(with(|fields| fields.players[0].instrument = Instrument::Kit(0)).contains("choose a program"));
    assert!(with(|fields| fields.players[3].instrument = Instrument::Program(0)).contains("choose a kit"));
    assert!(with(|fields| fields.players[1].part = Part::Pad).contains("two play the pad"));
    assert!(with(|fields| fields.players[0].level_db = 13.0).contains("-60 to 12"));
    assert!(
        with(|fields| {
            fields.players.pop();
        })
        .contains("nobody plays the drums")
    );
}

#[test]
fn slow_music_swings_in_smaller_notes() {
    let mut fields = ScoreFields::default();
    fields.character.swing = 0.125;
    fields.character.swing_unit = 8;
    let score = Score::new(fields.clone()).unwrap();
    assert_eq!([480, 720, 960].map(|tick| score.swung(tick)), [0.5, 0.8125, 1.0]);
    let written = serde_json::to_value(&score).unwrap();
    assert_eq!(serde_json::from_value::<Score>(written.clone()).unwrap(), score);
    let mut older = written;
    older["character"].as_object_mut().unwrap().remove("swing_unit");
    assert_eq!(serde_json::from_value::<Score>(older).unwrap().character.swing_unit, 4);
    fields.character.swing_unit = 3;
    assert!(Score::new(fields).unwrap_err().to_string().contains("swing unit"));
}

#[test]
fn swing_delays_the_off_beat_and_keeps_the_order() {
    let mut fields = song().into_fields();
    fields.character.swing = 0.125;
    let score = Score::new(fields).unwrap();
    assert_eq!(score.swung(960), 1.0);
    assert_eq!(score.swung(1440), 1.625);
    let times: Vec<f64> = (0..2000).map(|tick| score.swung(tick)).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_clip_has_whole_ticks_in_every_meter() {
    for unit in [1, 2, 4, 8, 16] {
        for beats in 1..=32 {
            let meter = Meter::new(beats, unit).unwrap();
            let score = Score::new(ScoreFields { meter, ..Default::default() }).unwrap();
            assert_eq!(f64::from(score.ticks()), score.quarters() * 960.0);
        }
    }
}
