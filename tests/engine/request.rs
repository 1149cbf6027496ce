//! What can be asked for, and what cannot.

use melfusion::error::Error;
use melfusion::request::{Key, Meter, Mode, Request, RequestFields, SamplerKind};

/// The field that is refused.
fn refused(fields: RequestFields) -> &'static str {
    match Request::new(fields).unwrap_err() {
        Error::Request { what, problem } => {
            assert!(!problem.is_empty());
            what
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_defaults_are_valid() {
    let request = Request::new(RequestFields::default()).unwrap();
    assert_eq!((request.bars, request.bpm, request.steps), (4, 96.0, 20));
    assert_eq!(request.seconds(), 10.0);
}

#[test]
fn lengths_are_exact_in_every_meter() {
    let frames = |bars, meter: &str, bpm| {
        let fields = RequestFields { bars, meter: meter.parse().unwrap(), bpm, ..Default::default() };
        Request::new(fields).unwrap().frames(48_000)
    };
    assert_eq!(frames(4, "4/4", 120.0), 384_000);
    assert_eq!(frames(2, "6/8", 90.0), 192_000);
    assert_eq!(frames(1, "7/8", 120.0), 84_000);
    assert_eq!(frames(3, "3/4", 97.3), 266_393);
    assert_eq!(frames(1, "1/16", 300.0), 2_400);
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    for bpm in [0.0, -1.0, 19.9, 300.1, 1e9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(refused(RequestFields { bpm, ..Default::default() }), "bpm");
    }
    for bad in [-0.1, 21.0, f64::NAN] {
        assert_eq!(refused(RequestFields { guidance: bad, ..Default::default() }), "guidance");
        assert_eq!(refused(RequestFields { influence: bad, ..Default::default() }), "influence");
    }
    for bars in [0, 65, u32::MAX] {
        assert_eq!(refused(RequestFields { bars, ..Default::default() }), "bars");
    }
    for steps in [0, 201] {
        assert_eq!(refused(RequestFields { steps, ..Default::default() }), "steps");
    }
    for sample_rate in [0, 7_999, 192_001] {
        assert_eq!(refused(RequestFields { sample_rate, ..Default::default() }), "sample rate");
    }
}

#[test]
fn ten_minutes_are_the_limit() {
    let fields = |bars| RequestFields { bars, bpm: 20.0, meter: Meter::new(10, 4).unwrap(), ..Default::default() };
    assert_eq!(Request::new(fields(20)).unwrap().seconds(), 600.0);
    assert_eq!(refused(fields(21)), "bars");
}

#[test]
fn prompts_may_be_empty_long_or_not_ascii() {
    for prompt in [String::new(), "rain ".repeat(20_000), "🎹 ночной дождь 夜".to_owned()] {
        let request = Request::new(RequestFields { prompt: prompt.clone(), ..Default::default() }).unwrap();
        assert_eq!(request.prompt, prompt);
    }
    let prompt = "x".repeat((1 << 20) + 1);
    assert_eq!(refused(RequestFields { prompt, ..Default::default() }), "prompt");
}

#[test]
fn meters_are_written_as_musicians_write_them() {
    let meter: Meter = "6/8".parse().unwrap();
    assert_eq!((meter.beats(), meter.unit(), meter.quarters()), (6, 8, 3.0));
    assert_eq!(meter.to_string(), "6/8");
    for bad in ["", "4", "4/", "0/4", "33/4", "4/3", "4/32", "-4/4", "4/4/4", "four/four", "4294967297/4"] {
        assert!(bad.parse::<Meter>().is_err(), "{bad}");
    }
}

#[test]
fn keys_are_read_in_many_spellings() {
    use Mode::{Major, Minor};
    let spellings = [
        ("C", 0, Major),
        ("F#m", 6, Minor),
        ("Bb minor", 10, Minor),
        ("a minor", 9, Minor),
        ("Ebmaj", 3, Major),
        ("C#", 1, Major),
        ("d♭ major", 1, Major),
        ("G♯m", 8, Minor),
        ("bb", 10, Major),
        ("B", 11, Major),
        ("bm", 11, Minor),
        ("BM", 11, Major),
        ("Cb", 11, Major),
        ("E#min", 5, Minor),
        ("  A-flat Major ", 8, Major),
        ("F sharp minor", 6, Minor),
        ("FMIN", 5, Minor),
    ];
    for (text, tonic, mode) in spellings {
        assert_eq!(text.parse::<Key>().unwrap(), Key::new(tonic, mode), "{text}");
    }
    for bad in ["", "H", "C##", "Cmajor7", "major", "C minorish", "🎹", "c♯♯"] {
        assert!(bad.parse::<Key>().is_err(), "{bad}");
    }
}

#[test]
fn keys_meters_and_samplers_survive_being_written_and_read() {
    for mode in [Mode::Major, Mode::Minor] {
        for tonic in 0..12 {
            let key = Key::new(tonic, mode);
            assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
            let json = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        }
    }
    for kind in SamplerKind::ALL {
        assert_eq!(kind.to_string().parse::<SamplerKind>().unwrap(), kind);
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
    assert!("euler".parse::<SamplerKind>().is_err());
    assert!(serde_json::from_str::<Meter>("\"4/3\"").is_err());
}

#[test]
fn transposition_goes_the_nearer_way() {
    let shift = |key: &str| key.parse::<Key>().unwrap().transposition();
    assert_eq!(["C", "Am", "G", "F", "F#", "Em", "Ebm", "B", "D"].map(shift), [0, 0, -5, 5, -6, -5, -6, -1, 2]);
}

#[test]
fn a_request_serialises_with_the_picture_as_its_hash() {
    let json = serde_json::to_value(Request::new(RequestFields::default()).unwrap()).unwrap();
    assert_eq!(json["meter"], "4/4");
    assert_eq!(json["picture"], serde_json::Value::Null);
    assert_eq!(json["sampler"], "dpm-solver-2m");
}
