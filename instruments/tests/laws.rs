//! What holds of every rendering.
#![allow(clippy::unwrap_used, reason = "tests")]

mod font;

use std::f64::consts::TAU;

use instruments::{Bank, Ending, Ensemble, Error, Faders, Finish, Rendering, Stems, Stereo, render};
use score::{Instrument, Meter, Note, Part, Player, Score, ScoreFields};

fn ensemble() -> Ensemble {
    Ensemble::from(Bank::from_bytes("the test's", font::orchestra()).unwrap())
}

fn note(part: Part, pitch: u8, velocity: u8, start: u32, length: u32) -> Note {
    Note { part, pitch, velocity, start, length }
}

/// One part alone: a bar of four at 120 bpm is two seconds.
fn alone(part: Part, instrument: Instrument, bars: u32, notes: Vec<Note>) -> Score {
    let players = vec![Player::new(part, instrument)];
    Score::new(ScoreFields { bars, bpm: 120.0, players, notes, ..Default::default() }).unwrap()
}

/// Four parts, `rounds` times the same four bars; some notes sound over the end of a round.
fn song(rounds: u32) -> Score {
    let mut notes = Vec::new();
    for round in 0..rounds {
        let at = |tick: u32| round * 15_360 + tick;
        for bar in 0..4 {
            notes.extend([48, 55, 64].map(|pitch| note(Part::Pad, pitch + bar as u8, 70, at(bar * 3840), 4200)));
            notes.push(note(Part::Bass, 36, 90, at(bar * 3840), 3800));
            for beat in 0..8 {
                notes.push(note(
                    Part::Lead,
                    60 + (beat as u8 * 5) % 12,
                    60 + 8 * beat as u8,
                    at(bar * 3840 + beat * 480),
                    400,
                ));
                let drum = [36, 42, 46, 42][beat as usize % 4];
                notes.push(note(Part::Drums, drum, 90, at(bar * 3840 + beat * 480), 240));
            }
        }
    }
    let mut players = vec![
        Player::new(Part::Pad, Instrument::Program(2)),
        Player::new(Part::Bass, Instrument::Program(0)),
        Player::new(Part::Lead, Instrument::Program(1)),
        Player::new(Part::Drums, Instrument::Kit(0)),
    ];
    players[0].level_db = 3.0;
    let character = score::Character { brightness: 0.5, space: 0.4, swing: 0.1, ..Default::default() };
    Score::new(ScoreFields { bars: 4 * rounds, bpm: 131.0, players, notes, character, ..Default::default() }).unwrap()
}

fn bare(rate: u32) -> Rendering {
    Rendering { rate, finish: Finish::BARE, ..Default::default() }
}

fn play(score: &Score, rendering: &Rendering) -> Stems {
    render(score, &ensemble(), rendering).unwrap()
}

/// The left channel of a bare rendering.
fn left(score: &Score, rendering: &Rendering) -> Vec<f32> {
    play(score, rendering).sum(&Faders::default()).left
}

fn rms(frames: &[f32]) -> f64 {
    (frames.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / frames.len() as f64).sqrt()
}

fn greatest_difference(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

/// Sine and cosine parts of a frequency under a Hann window, so that others far away do not count.
fn partial(frames: &[f32], hz: f64, rate: u32) -> (f64, f64) {
    let count = frames.len() as f64;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, x) in frames.iter().enumerate() {
        let weight = 0.5 - 0.5 * (TAU * n as f64 / count).cos();
        let angle = TAU * hz * n as f64 / f64::from(rate);
        re += weight * f64::from(*x) * angle.cos();
        im += weight * f64::from(*x) * angle.sin();
    }
    (re * 4.0 / count, im * 4.0 / count)
}

/// The frequency of the strongest partial within 30 cents of `hz`.
fn frequency(frames: &[f32], hz: f64, rate: u32) -> f64 {
    let power = |hz: f64| partial(frames, hz, rate).0.hypot(partial(frames, hz, rate).1);
    let (mut low, mut high) = (hz * (-30.0_f64 / 1200.0).exp2(), hz * (30.0_f64 / 1200.0).exp2());
    for _ in 0..60 {
        let third = (high - low) / 3.0;
        if power(low + third) < power(high - third) { low += third } else { high -= third }
    }
    (low + high) / 2.0
}

#[test]
fn every_onset_is_at_the_nearest_frame_at_every_rate_and_tempo() {
    let ticks = [0, 480, 1199, 1921, 2880, 3333];
    let notes = ticks.map(|tick| note(Part::Lead, 60, 127, tick, 100)).to_vec();
    let score = alone(Part::Lead, Instrument::Program(1), 1, notes);
    for rate in [44_100, 48_000, 96_000, 192_000] {
        for bpm in [61.7, 120.0, 173.3] {
            let sound = left(&score, &Rendering { bpm: Some(bpm), ..bare(rate) });
            for tick in ticks {
                let frame = (f64::from(tick) / 960.0 * 60.0 / bpm * f64::from(rate)).round() as usize;
                let step = |frame: usize| (sound[frame] - sound[(frame + sound.len() - 1) % sound.len()]).abs();
                let before = (1..8).map(|back| step((frame + sound.len() - back) % sound.len())).fold(0.0, f32::max);
                assert!(step(frame) > 1e-3 && before < 1e-4, "{rate} {bpm} {tick}: {} {before}", step(frame));
            }
        }
    }
}

#[test]
fn a_clip_is_as_long_as_its_bars() {
    for (bars, meter, bpm, rate) in [(4, (4, 4), 97.3, 44_100), (3, (7, 8), 120.0, 48_000), (1, (3, 4), 61.0, 192_000)]
    {
        let meter = Meter::new(meter.0, meter.1).unwrap();
        let players = vec![Player::new(Part::Lead, Instrument::Program(1))];
        let notes = vec![note(Part::Lead, 60, 90, 0, 960)];
        let score = Score::new(ScoreFields { bars, meter, bpm, players, notes, ..Default::default() }).unwrap();
        let seconds = f64::from(bars) * meter.quarters() * 60.0 / bpm;
        assert_eq!(left(&score, &bare(rate)).len(), (seconds * f64::from(rate)).round() as usize);
    }
}

#[test]
fn a_transposition_is_a_ratio_of_pitch_within_a_cent() {
    let score = alone(Part::Lead, Instrument::Program(0), 1, vec![note(Part::Lead, 60, 100, 0, 1900)]);
    for rate in [44_100, 48_000, 96_000] {
        for semitones in [-24, -7, -1, 0, 1, 5, 12, 24] {
            let sound = left(&score, &Rendering { semitones, ..bare(rate) });
            let expected = 1000.0 * (f64::from(semitones) / 12.0).exp2();
            let heard = frequency(&sound[2000..26_000], expected, rate);
            assert!((1200.0 * (heard / expected).log2()).abs() < 0.1, "{rate} {semitones}: {heard} for {expected}");
        }
    }
}

#[test]
fn a_sine_raised_two_octaves_is_a_sine_and_beyond_hearing_is_silence() {
    for rate in [44_100, 48_000] {
        let raised = |program, semitones| {
            let score = alone(Part::Lead, Instrument::Program(program), 1, vec![note(Part::Lead, 60, 127, 0, 1900)]);
            left(&score, &Rendering { semitones, ..bare(rate) })[2000..26_000].to_vec()
        };
        let sound = raised(0, 24);
        let hz = frequency(&sound, 4000.0, rate);
        let (re, im) = partial(&sound, hz, rate);
        let rest: Vec<f32> = (0..sound.len())
            .map(|n| {
                let angle = TAU * hz * n as f64 / f64::from(rate);
                sound[n] - (re * angle.cos() + im * angle.sin()) as f32
            })
            .collect();
        let decibels = |frames: &[f32]| 20.0 * (rms(frames) / rms(&sound)).log10();
        assert!(decibels(&rest) < -80.0, "{rate}: images at {} dB", decibels(&rest));
        // 8 kHz raised to 32 kHz.
        let gone = raised(3, 24);
        assert!(decibels(&gone) < -80.0, "{rate}: aliases at {} dB", decibels(&gone));
    }
}

#[test]
fn no_key_moves_the_drums() {
    let (home, moved) = (play(&song(1), &bare(48_000)), play(&song(1), &Rendering { semitones: 5, ..bare(48_000) }));
    for (home, moved) in home.stems.iter().zip(&moved.stems) {
        assert_eq!(home.sound == moved.sound, home.part == Part::Drums, "{}", home.part);
    }
}

#[test]
fn the_stems_are_the_mix_before_the_bus() {
    let uncompressed = Finish { compression: 0.0, ..Finish::default() };
    let stems = play(&song(1), &Rendering { finish: uncompressed, ..Default::default() });
    let mut sum = Stereo::silence(stems.frames());
    for stem in &stems.stems {
        sum.left.iter_mut().zip(&stem.sound.left).for_each(|(sum, x)| *sum += x);
        sum.right.iter_mut().zip(&stem.sound.right).for_each(|(sum, x)| *sum += x);
    }
    let mix = stems.mix(&Faders::default());
    assert!(greatest_difference(&mix.left, &sum.left) < 1e-4 && greatest_difference(&mix.right, &sum.right) < 1e-4);
    let muted = stems.mix(&Faders::default().with(Part::Drums, 0.0).with(Part::Pad, 0.0).with(Part::Bass, 0.0));
    let lead = stems.stems.iter().find(|stem| stem.part == Part::Lead).unwrap();
    assert!(greatest_difference(&muted.left, &lead.sound.left) < 1e-6);
}

#[test]
fn a_stem_does_not_depend_on_the_other_parts() {
    let mut fields = song(1).into_fields();
    fields.notes.retain(|note| note.part == Part::Drums || note.start != 0);
    let (all, fewer) =
        (play(&song(1), &Rendering::default()), play(&Score::new(fields).unwrap(), &Rendering::default()));
    let drums = |stems: &Stems| stems.stems.iter().find(|stem| stem.part == Part::Drums).unwrap().sound.clone();
    assert_eq!(drums(&all), drums(&fewer));
}

#[test]
fn nothing_rests_beside_the_middle_and_everything_is_finite() {
    let font = font::Font {
        samples: vec![font::Sample::new(
            44_100,
            (0..441).map(|frame| 0.4 + 0.3 * (TAU * f64::from(frame) / 441.0).sin()),
        )],
        instruments: vec![vec![(vec![(font::MODES, 1)], 0)]],
        presets: vec![(0, 0, 0)],
    };
    let score = alone(Part::Pad, Instrument::Program(0), 1, vec![note(Part::Pad, 60, 127, 0, 3840)]);
    let ensemble = Ensemble::from(Bank::from_bytes("slanted", font.bytes()).unwrap());
    let mix = render(&score, &ensemble, &Rendering::default()).unwrap().mix(&Faders::default());
    for channel in [&mix.left, &mix.right] {
        let mean = channel.iter().map(|x| f64::from(*x)).sum::<f64>() / channel.len() as f64;
        assert!(mean.abs() < 1e-5 && channel.iter().all(|x| x.is_finite()) && rms(channel) > 0.01, "{mean}");
    }
}

#[test]
fn threads_change_no_byte() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| play(&song(1), &Rendering { rate: 44_100, seed: 7, ..Default::default() }))
    };
    let one = with(1);
    assert_eq!(one, with(4));
    assert_eq!(one.mix(&Faders::default()), with(3).mix(&Faders::default()));
}

#[test]
fn a_seed_is_a_performance() {
    let with = |seed| play(&song(1), &Rendering { seed, ..Default::default() });
    assert!(with(1) == with(1) && with(1) != with(2));
}

#[test]
fn harder_is_louder_by_the_square() {
    let level = |velocity| {
        let score = alone(Part::Lead, Instrument::Program(0), 1, vec![note(Part::Lead, 60, velocity, 0, 1900)]);
        rms(&left(&score, &bare(8000)))
    };
    let levels: Vec<f64> = (1..=127).map(level).collect();
    assert!(levels.windows(2).all(|pair| pair[0] < pair[1]));
    assert!((levels[126] / levels[62] - (127.0_f64 / 63.0).powi(2)).abs() < 0.01);
    let touched = |velocity| {
        let score = alone(Part::Lead, Instrument::Program(0), 1, vec![note(Part::Lead, 60, velocity, 0, 1900)]);
        rms(&left(&score, &Rendering { finish: Finish { humanising: 0.0, ..Finish::default() }, ..bare(8000) }))
    };
    assert!((1..127).step_by(18).all(|velocity| touched(velocity) < touched(velocity + 18)));
}

#[test]
fn a_loop_has_no_seam_and_two_are_a_rendering_of_two_rounds() {
    let finish = Finish { humanising: 0.0, ..Finish::default() };
    for rate in [44_100, 48_000] {
        let rendering = Rendering { rate, seed: 3, finish, ..Default::default() };
        let (once, twice) = (play(&song(1), &rendering), play(&song(2), &rendering));
        let (once, twice) = (once.mix(&Faders::default()).left, twice.mix(&Faders::default()).left);
        // The lengths are rounded, so that the second round may begin a frame aside.
        assert!(twice.len().abs_diff(2 * once.len()) <= 1);
        let steps = once.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let (seam, ordinary) = ((once[0] - once[once.len() - 1]).abs(), steps.fold(0.0, f32::max));
        assert!(seam <= ordinary, "{seam} {ordinary}");
    }
    // At 120 bpm and 48 kHz every length is whole.
    let at = Rendering { bpm: Some(120.0), seed: 3, finish, ..Default::default() };
    let (once, twice) = (play(&song(1), &at).mix(&Faders::default()), play(&song(2), &at).mix(&Faders::default()));
    let round = once.frames();
    for (once, twice) in [(&once.left, &twice.left), (&once.right, &twice.right)] {
        assert!(greatest_difference(once, &twice[..round]) < 1e-4);
        assert!(greatest_difference(once, &twice[round..]) < 1e-4);
    }
}

#[test]
fn a_loop_is_the_second_round_of_a_piece_that_began_in_silence() {
    let finish = Finish { humanising: 0.0, dynamics: 0.0, ..Finish::default() };
    let at = Rendering { bpm: Some(120.0), finish, ..Default::default() };
    let looped = play(&song(1), &at).sum(&Faders::default());
    let piece = play(&song(2), &Rendering { ending: Ending::Ring, ..at }).sum(&Faders::default());
    let round = looped.frames();
    assert!(piece.frames() > 2 * round);
    // Nothing rings into the piece's first bar.
    assert!(greatest_difference(&looped.left[..round / 8], &piece.left[..round / 8]) > 1e-2);
    assert!(greatest_difference(&looped.left, &piece.left[round..2 * round]) < 1e-4);
    assert!(rms(&piece.left[piece.frames() - 100..]) < 1e-4);
}

#[test]
fn what_comes_early_is_at_the_end_of_the_round_before() {
    let score = alone(Part::Lead, Instrument::Program(1), 1, vec![note(Part::Lead, 60, 127, 0, 100)]);
    let finish = Finish { humanising: 1.0, ..Finish::BARE };
    let early = |seed| {
        let sound = left(&score, &Rendering { seed, finish, ..bare(48_000) });
        let (head, tail) = (rms(&sound[..4800]), rms(&sound[sound.len() - 1200..]));
        assert!(head + tail > 0.01, "the note is lost");
        tail > head / 100.0
    };
    let count = (0..40).filter(|seed| early(*seed)).count();
    assert!((10..=30).contains(&count), "{count} of 40 early");
}

#[test]
fn a_closed_hat_ends_an_open_one_also_around_the_loop() {
    let hats = |notes: Vec<Note>| left(&alone(Part::Drums, Instrument::Kit(0), 1, notes), &bare(48_000));
    let open = note(Part::Drums, 46, 127, 3360, 480);
    let closed = |start| note(Part::Drums, 42, 40, start, 240);
    let (ringing, ended) = (hats(vec![open]), hats(vec![open, closed(0)]));
    // A quarter of a second after the end, beside the short closed hat.
    let later = 12_000..16_000;
    assert!(rms(&ringing[later.clone()]) > 0.01 && rms(&ended[later.clone()]) < 0.2 * rms(&ringing[later]));
    // No click where it ends: the steps are no greater than they were.
    let steps = |sound: &[f32]| sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(steps(&ended) <= 1.05 * steps(&ringing));
}

#[test]
fn a_stereo_pair_stays_apart() {
    let score = alone(Part::Lead, Instrument::Program(2), 1, vec![note(Part::Lead, 60, 127, 0, 1900)]);
    let sound = play(&score, &bare(48_000)).sum(&Faders::default());
    let strength = |frames: &[f32], hz| {
        partial(&frames[2000..26_000], hz, 48_000).0.hypot(partial(&frames[2000..26_000], hz, 48_000).1)
    };
    assert!(strength(&sound.left, 1000.0) > 1000.0 * strength(&sound.right, 1000.0));
    assert!(strength(&sound.right, 8000.0) > 1000.0 * strength(&sound.left, 8000.0));
}

#[test]
fn a_loop_of_a_sample_ends_with_the_key_where_the_font_says_so() {
    let font = |mode: i16| font::Font {
        samples: vec![font::Sample { looped: (100, 541), ..font::Sample::sine(44_100, 200, 8820) }],
        instruments: vec![vec![(vec![(font::MODES, mode), (font::RELEASE, 3000)], 0)]],
        presets: vec![(0, 0, 0)],
    };
    let after = |mode: i16| {
        let ensemble = Ensemble::from(Bank::from_bytes("looped", font(mode).bytes()).unwrap());
        let score = alone(Part::Lead, Instrument::Program(0), 2, vec![note(Part::Lead, 60, 127, 0, 960)]);
        let sound = render(&score, &ensemble, &bare(44_100)).unwrap().sum(&Faders::default()).left;
        // While it is held, while the rest of the sample plays, and after that.
        [18_000..20_000, 22_500..24_000, 60_000..70_000].map(|span| rms(&sound[span]) > 1e-3)
    };
    assert_eq!(after(0), [false, false, false]);
    assert_eq!(after(1), [true, true, true]);
    assert_eq!(after(3), [true, true, false]);
}

#[test]
fn the_players_own_dynamics_are_heard() {
    let mut fields = song(1).into_fields();
    fields.players[0].dynamics_db = vec![0.0, 0.0, -40.0, -40.0];
    let stems = play(&Score::new(fields).unwrap(), &Rendering { finish: Finish::BARE, ..Default::default() });
    let pad = &stems.stems[0].sound.left;
    let at = |place: f64| rms(&pad[(place * pad.len() as f64) as usize..][..9600]);
    assert!(at(0.1) > 50.0 * at(0.6), "{} {}", at(0.1), at(0.6));
}

#[test]
fn what_the_bank_lacks_is_said() {
    let score = alone(Part::Lead, Instrument::Program(73), 1, vec![note(Part::Lead, 60, 90, 0, 960)]);
    let [substitution] = play(&score, &bare(8000)).substitutions[..] else { panic!("one") };
    assert_eq!((substitution.asked, substitution.played), (Instrument::Program(73), Instrument::Program(0)));
    let font = font::Font {
        samples: vec![font::Sample::click(44_100, 60)],
        instruments: vec![vec![(Vec::new(), 0)]],
        presets: vec![(128, 0, 0)],
    };
    let kits = Ensemble::from(Bank::from_bytes("kits.sf2", font.bytes()).unwrap());
    let refused = render(&score, &kits, &bare(8000)).unwrap_err();
    assert_eq!(refused, Error::NoInstrument { part: Part::Lead, font: "kits.sf2".into() });
    let both = kits.clone().with(Part::Lead, std::sync::Arc::new(Bank::from_bytes("x", font::orchestra()).unwrap()));
    assert!(render(&score, &both, &bare(8000)).is_ok());
}

#[test]
fn what_cannot_be_rendered_is_refused_in_words() {
    let refused = |rendering: Rendering| render(&song(1), &ensemble(), &rendering).unwrap_err().to_string();
    assert!(refused(bare(7999)).contains("8000 to 192000"));
    assert!(refused(Rendering { bpm: Some(f64::NAN), ..bare(48_000) }).contains("20 to 300"));
    assert!(refused(Rendering { semitones: 49, ..bare(48_000) }).contains("-48 to 48"));
    let finish = Finish { room: 1.1, ..Finish::BARE };
    assert!(refused(Rendering { finish, ..bare(48_000) }).starts_with("room"));
}

#[test]
fn a_font_with_vorbis_sounds_like_one_without() {
    let bytes = include_bytes!("fixtures/tiny.sf3");
    let ensemble = Ensemble::from(Bank::from_bytes("tiny.sf3", &bytes[..]).unwrap());
    let score = alone(Part::Lead, Instrument::Program(0), 1, vec![note(Part::Lead, 60, 127, 0, 1900)]);
    let sound = render(&score, &ensemble, &bare(44_100)).unwrap().sum(&Faders::default()).left;
    let heard = frequency(&sound[2000..26_000], 1000.0, 44_100);
    assert!((heard - 1000.0).abs() < 0.05, "{heard}");
    let (re, im) = partial(&sound[2000..26_000], heard, 44_100);
    assert!((re.hypot(im) - 0.9 * std::f64::consts::FRAC_1_SQRT_2).abs() < 0.01, "{}", re.hypot(im));
}
