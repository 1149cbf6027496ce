//! Chords, places and ranges as they are typed.

#![allow(clippy::unwrap_used, reason = "tests")]

use score::{Chart, ChordSymbol, Key, Meter, Position, Quality, Register};

/// Tones above the root.
fn tones(name: &str) -> Vec<u8> {
    let chord: ChordSymbol = name.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
    let tones = chord.tones();
    let mut above: Vec<u8> = (0..12).filter(|up| tones[usize::from((chord.root() + up) % 12)]).collect();
    above.sort_unstable();
    above
}

#[test]
fn every_chord_that_is_read_from_notes_can_be_typed() {
    for quality in Quality::ALL {
        for root in ["C", "Db", "F#", "B"] {
            let mut wanted = quality.tones().to_vec();
            wanted.sort_unstable();
            assert_eq!(tones(&format!("{root}{}", quality.suffix())), wanted, "{root}{}", quality.suffix());
        }
    }
}

#[test]
fn chords_are_read_in_their_usual_spellings() {
    let all: [(&[&str], &[u8]); 22] = [
        (&["C", "Cmaj", "CM", "c", "Eb", "F#maj"], &[0, 4, 7]),
        (&["Am", "Amin", "A-", "am", "Bbmi"], &[0, 3, 7]),
        (&["Cmaj7", "CM7", "Cma7", "CΔ", "CΔ7", "Cmaj(7)"], &[0, 4, 7, 11]),
        (&["G7", "Bb7"], &[0, 4, 7, 10]),
        (&["Dm7", "D-7", "Dmin7"], &[0, 3, 7, 10]),
        (&["Am(maj7)", "Ammaj7", "AmM7"], &[0, 3, 7, 11]),
        (&["Bdim", "B°", "Bo"], &[0, 3, 6]),
        (&["Bdim7", "B°7"], &[0, 3, 6, 9]),
        (&["Bm7b5", "Bø", "Bø7", "Bhdim"], &[0, 3, 6, 10]),
        (&["Caug", "C+"], &[0, 4, 8]),
        (&["Dsus4", "Dsus"], &[0, 5, 7]),
        (&["Dsus2"], &[0, 2, 7]),
        (&["G7sus4"], &[0, 5, 7, 10]),
        (&["C6"], &[0, 4, 7, 9]),
        (&["C6/9", "C69"], &[0, 2, 4, 7, 9]),
        (&["C9"], &[0, 2, 4, 7, 10]),
        (&["Cmaj9"], &[0, 2, 4, 7, 11]),
        (&["Cadd9", "C2"], &[0, 2, 4, 7]),
        (&["Am(add9)", "Amadd9"], &[0, 2, 3, 7]),
        (&["G7b9"], &[0, 1, 4, 7, 10]),
        (&["Cmaj7#11"], &[0, 4, 6, 7, 11]),
        (&["E5"], &[0, 7]),
    ];
    for (names, wanted) in all {
        for name in names {
            assert_eq!(tones(name), wanted, "{name}");
        }
    }
    let slash: ChordSymbol = "Bb/D".parse().unwrap();
    assert_eq!((slash.root(), slash.bass()), (10, 2));
    assert_eq!(slash.to_string(), "Bb/D");
}

#[test]
fn what_is_no_chord_is_refused_with_its_place() {
    for (text, words) in [
        ("Am F Hm G", "chord 3"),
        ("Am:0", "length in beats"),
        ("Am:x", "length in beats"),
        ("Am:1.3", "length in beats"),
        ("Cmaj8", "no chord"),
        ("C/H", "no chord"),
        ("", "0 chords"),
        ("N N", "name one"),
        ("% C", "before"),
    ] {
        let error = text.parse::<Chart>().unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_chart_fills_its_bars_and_begins_anew() {
    let laid = |text: &str, bars, meter: &str| -> Vec<(String, u32, u32)> {
        let laid = text.parse::<Chart>().unwrap().laid(bars, meter.parse().unwrap()).unwrap();
        let name = |chord: &Option<ChordSymbol>| chord.as_ref().map_or("N".into(), ToString::to_string);
        laid.iter().map(|it| (name(&it.chord), it.ticks.start, it.ticks.end)).collect()
    };
    let of = |entries: &[(&str, u32, u32)]| -> Vec<(String, u32, u32)> {
        entries.iter().map(|(name, start, end)| (name.to_string(), *start, *end)).collect()
    };
    assert_eq!(laid("Am F", 3, "4/4"), of(&[("Am", 0, 3840), ("F", 3840, 7680), ("Am", 7680, 11520)]));
    assert_eq!(laid("Am:2 | %:1 N:1", 1, "4/4"), of(&[("Am", 0, 1920), ("Am", 1920, 2880), ("N", 2880, 3840)]));
    assert_eq!(laid("Dm:3 A:3", 1, "6/8"), of(&[("Dm", 0, 1440), ("A", 1440, 2880)]));
    let long = "C F G C".parse::<Chart>().unwrap().laid(3, Meter::default()).unwrap_err().to_string();
    assert!(long.contains("4 bars") && long.contains("there are 3"), "{long}");
}

#[test]
fn a_chart_is_written_as_it_is_read_and_says_its_key() {
    for text in ["Am F C G", "Am:2 F:1.5 N:0.5 G/B", "Bbmaj7 Eb7 %"] {
        let chart: Chart = text.parse().unwrap();
        assert_eq!(chart.to_string().parse::<Chart>().unwrap(), chart);
    }
    for (text, key) in [
        ("Am F C G", "A minor"),
        ("C Am F G", "C major"),
        ("Em C G D", "E minor"),
        ("Bb Gm Eb F", "Bb major"),
        ("Dm Gm A7 Dm", "D minor"),
        ("F#m D A E", "F# minor"),
        ("Ab Db Eb Ab", "Ab major"),
        ("Dm A7", "D minor"),
        ("G7 C", "C major"),
        ("Dm7 G7 Cmaj7", "C major"),
        ("Dm7 G7 Cmaj7 A7", "C major"),
        ("C G Am F", "C major"),
    ] {
        assert_eq!(text.parse::<Chart>().unwrap().key(), key.parse::<Key>().unwrap(), "{text}");
    }
}

#[test]
fn places_are_counted_as_daws_do() {
    let ticks = |text: &str, meter: &str| text.parse::<Position>().unwrap().ticks(4, meter.parse().unwrap());
    assert_eq!(ticks("1", "4/4").unwrap(), 0);
    assert_eq!(ticks("3.2.1", "4/4").unwrap(), 2 * 3840 + 960);
    assert_eq!(ticks("2.4.3", "6/8").ok(), None, "an eighth has two sixteenths");
    assert_eq!(ticks("2.4.2", "6/8").unwrap(), 2880 + 3 * 480 + 240);
    for (text, words) in [("5.1.1", "4 bars"), ("1.5", "4 beats"), ("1.1.5", "4 sixteenths")] {
        assert!(ticks(text, "4/4").unwrap_err().to_string().contains(words), "{text}");
    }
    for text in ["", "0.1.1", "1.2.3.4", "a", "-1"] {
        assert!(text.parse::<Position>().is_err(), "{text}");
    }
    for tick in (0..4 * 2880).step_by(240) {
        let meter = "6/8".parse().unwrap();
        assert_eq!(Position::nearest(f64::from(tick) + 100.0, meter).ticks(4, meter).unwrap(), tick);
    }
}

#[test]
fn ranges_are_an_octave_at_least() {
    let range = |text: &str| text.parse::<Register>().map(|register| (register.low(), register.high()));
    assert_eq!(range("C4-C5").unwrap(), (60, 72));
    assert_eq!(range("Bb2-f#4").unwrap(), (46, 66));
    assert_eq!(range("48-79").unwrap(), (48, 79));
    assert_eq!(range("Cb4-B#5").unwrap(), (59, 84));
    for text in ["C4-G4", "C5-C4", "C4", "", "H1-H3", "C4-C11", "0-200"] {
        assert!(range(text).is_err(), "{text}");
    }
    assert_eq!("C4-C5".parse::<Register>().unwrap().to_string(), "C4-C5");
}
