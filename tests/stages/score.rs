//! The score decoder against the recipe that fits its latents, its laws, and the sound of its notes.

use candle_core::{Device, Tensor};
use instruments::{Bank, Ensemble};
use melfusion::Error;
use melfusion::decoder::score::{Decoded, Frame, PartConfig};
use melfusion::decoder::{ScoreConfig, ScoreDecoder};
use melfusion::engine::{Instruments, performance};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use score::{ChordSymbol, Instrument, Key, Meter, Mode, Part, Player, Score, ScoreFields};

use crate::font::{Font, Sample, orchestra};
use crate::golden::{Golden, assert_close};

/// Meters of all clips of the golden, of four bars of the grid, and its beats to a quarter.
const CLIPS: [(u32, u32, u32); 6] = [(4, 4, 2), (4, 4, 1), (3, 4, 1), (3, 4, 1), (6, 8, 1), (6, 8, 1)];
const NOISE: f64 = 0.3 * 0.4;

fn integers(tensor: &Tensor) -> Vec<Vec<i64>> {
    let rows: Vec<Vec<f32>> = tensor.to_vec2().unwrap();
    rows.into_iter().map(|row| row.into_iter().map(|x| x as i64).collect()).collect()
}

fn config(golden: &Golden) -> ScoreConfig {
    let programs = integers(&golden.get("programs"));
    let part = |(part, (sizes, programs)): (Part, (Vec<i64>, Vec<i64>))| PartConfig {
        part,
        low: sizes[0] as u8,
        high: sizes[1] as u8,
        components: sizes[2] as usize,
        monophonic: sizes[3] == 1,
        sustains: sizes[4] == 1,
        least: sizes[5] as usize,
        programs: programs.into_iter().filter(|program| *program >= 0).map(|program| program as u8).collect(),
    };
    let sizes = integers(&golden.get("sizes"));
    ScoreConfig {
        parts: Part::ALL.into_iter().zip(sizes.into_iter().zip(programs)).map(part).collect(),
        cues: (0..24).map(|cue| vec![format!("style {cue}")]).collect(),
        ..Default::default()
    }
}

fn decoder(golden: &Golden) -> ScoreDecoder {
    ScoreDecoder::new(&config(golden), golden.weights()).unwrap()
}

fn latents(golden: &Golden, clip: usize) -> Tensor {
    golden.get(&format!("clips.{clip}.latents"))
}

/// Part, pitch, velocity, column and columns of every note.
fn notes(decoded: &Decoded) -> Vec<Vec<i64>> {
    let note = |note: &melfusion::decoder::score::GridNote| {
        vec![note.part.index() as i64, note.pitch.into(), note.velocity.into(), note.column as i64, note.columns as i64]
    };
    decoded.notes.iter().map(note).collect()
}

fn frame(clip: usize, key: Option<&str>) -> Frame {
    let (beats, unit, doubled) = CLIPS[clip];
    let bpm = 120.0 / f64::from(doubled);
    Frame { bars: 4 / doubled, meter: Meter::new(beats, unit).unwrap(), bpm, key: key.map(|key| key.parse().unwrap()) }
}

fn score(golden: &Golden, clip: usize, key: Option<&str>) -> Score {
    decoder(golden).decode(&latents(golden, clip)).unwrap().score(&frame(clip, key)).unwrap()
}

#[test]
fn latents_are_the_notes_players_and_numbers_that_the_recipe_reads() {
    let golden = Golden::open("score");
    let decoder = decoder(&golden);
    for clip in 0..CLIPS.len() {
        let get = |name: &str| golden.get(&format!("clips.{clip}.{name}"));
        let decoded = decoder.decode(&latents(&golden, clip)).unwrap();
        assert_eq!(notes(&decoded), integers(&get("notes")), "clip {clip}");
        let programs: Vec<f32> = get("programs").to_vec1().unwrap();
        let dynamics: Vec<Vec<f32>> = get("dynamics").to_vec2().unwrap();
        let played: Vec<_> = (Part::ALL.into_iter().zip(&programs)).filter(|(_, program)| **program >= 0.0).collect();
        assert_eq!(decoded.players.len(), played.len());
        for (player, (part, program)) in decoded.players.iter().zip(played) {
            let is_kit = player.instrument.is_kit();
            assert_eq!(
                (player.part, f32::from(player.instrument.number()), is_kit),
                (part, *program, part == Part::Drums)
            );
            let wanted = &dynamics[part.index()];
            assert!(player.dynamics.iter().zip(wanted).all(|(ours, theirs)| (ours - theirs).abs() < 1e-6));
        }
        let numbers = decoded.numbers;
        let ours =
            [numbers.brightness, numbers.space, numbers.swing, numbers.looseness_ms, numbers.valence, numbers.energy];
        let ours = Tensor::from_slice(&ours.map(|x| x as f32), 6, &Device::Cpu).unwrap();
        assert_close(&ours, &get("numbers"), 1e-6);
    }
}

#[test]
fn chords_and_styles_are_known_as_the_recipe_has_them() {
    let golden = Golden::open("score");
    let decoder = decoder(&golden);
    let chords = ["Am", "F/A", "Cmaj7"].map(|name| name.parse::<ChordSymbol>().unwrap());
    let columns = [Some(&chords[0]), Some(&chords[1]), None, Some(&chords[2])];
    let wanted: Vec<Vec<f32>> = golden.get("outline").to_vec2().unwrap();
    // The same chords a fourth higher, in a key that is as much higher than home.
    let higher = ["Dm", "Bb/D", "Fmaj7"].map(|name| name.parse::<ChordSymbol>().unwrap());
    let higher = [Some(&higher[0]), Some(&higher[1]), None, Some(&higher[2])];
    for (columns, home) in [(columns, 0), (higher, 5)] {
        let row = decoder.known_harmony(&columns, home).unwrap();
        assert_eq!((row.row, row.kind), (9, Some(0)));
        for (column, wanted) in [0, 1, 3].map(|column| (column, &wanted[column])) {
            let found = &row.columns[column];
            assert_eq!(found.len(), 12);
            assert!(found.iter().all(|(class, x)| (x - wanted[*class]).abs() < 1e-5), "{column}: {found:?}");
        }
        assert!(row.columns[2].is_empty());
    }
    let codes: Vec<Vec<f32>> = golden.get("weights.outline.cues").to_vec2().unwrap();
    let row = decoder.known_cues(&[Some(23), None]).unwrap();
    let code: Vec<(usize, f32)> = codes[23].iter().copied().enumerate().collect();
    assert_eq!((row.row, row.kind, row.columns), (10, Some(1), vec![code, Vec::new()]));
}

fn noisy(latents: &Tensor, seed: u64) -> Tensor {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let normal = Normal::new(0.0, NOISE).unwrap();
    let values: Vec<f32> = latents.flatten_all().unwrap().to_vec1().unwrap();
    let values: Vec<f32> = values.into_iter().map(|x| x + normal.sample(&mut random) as f32).collect();
    Tensor::from_vec(values, latents.dims(), &Device::Cpu).unwrap()
}

#[test]
fn noise_on_the_latents_costs_no_notes_and_no_players() {
    let golden = Golden::open("score");
    let decoder = decoder(&golden);
    let (mut same, mut all) = ([0.0; 8], [0.0; 8]);
    for clip in 0..CLIPS.len() {
        let decoded = decoder.decode(&noisy(&latents(&golden, clip), clip as u64)).unwrap();
        let onsets = |notes: Vec<Vec<i64>>| notes.into_iter().map(|note| (note[0] as usize, note[1], note[3]));
        let composed: Vec<_> = onsets(integers(&golden.get(&format!("clips.{clip}.composed_notes")))).collect();
        let found: Vec<_> = onsets(notes(&decoded)).collect();
        composed.iter().chain(&found).for_each(|(part, ..)| all[*part] += 1.0);
        found.iter().filter(|note| composed.contains(note)).for_each(|(part, ..)| same[*part] += 2.0);
        let composed: Vec<f32> = golden.get(&format!("clips.{clip}.composed_programs")).to_vec1().unwrap();
        for player in decoded.players {
            assert_eq!(f32::from(player.instrument.number()), composed[player.part.index()], "{}", player.part);
        }
    }
    for part in Part::ALL {
        let f1 = same[part.index()] / all[part.index()];
        assert!(f1 >= 0.99, "{part}: {f1} of {} notes", all[part.index()] / 2.0);
    }
}

#[test]
fn a_score_is_encoded_to_latents_that_decode_to_it() {
    let golden = Golden::open("score");
    let decoder = decoder(&golden);
    for (clip, key) in [(0, None), (1, Some("F# minor")), (3, Some("Eb")), (4, None)] {
        let first = score(&golden, clip, key);
        let columns = latents(&golden, clip).dims()[2];
        let encoded = decoder.encode(&first, columns).unwrap();
        assert_eq!(encoded.dims(), latents(&golden, clip).dims());
        let again = decoder.decode(&encoded).unwrap().score(&frame(clip, key)).unwrap();
        let level = |score: &Score| -> Vec<f32> { score.players.iter().flat_map(|p| p.dynamics_db.clone()).collect() };
        assert!(level(&again).iter().zip(level(&first)).all(|(a, b)| (a - b).abs() < 1e-3));
        let plain = |score: &Score| -> Vec<_> {
            score.notes.iter().map(|note| (note.part, note.pitch, note.start, note.length)).collect()
        };
        assert_eq!(plain(&again), plain(&first), "clip {clip}");
        // The components leave out what is rare, of velocities some.
        let velocities = again.notes.iter().zip(&first.notes);
        assert!(velocities.map(|(a, b)| a.velocity.abs_diff(b.velocity)).all(|apart| apart <= 8), "clip {clip}");
        let players = |score: &Score| -> Vec<_> { score.players.iter().map(|p| (p.part, p.instrument)).collect() };
        assert_eq!((players(&again), again.key, again.ticks()), (players(&first), first.key, first.ticks()));
        let character = |score: &Score| [score.character.brightness, score.character.space, score.character.swing];
        let same = character(&again).into_iter().zip(character(&first)).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(same && again.character.swing_unit == first.character.swing_unit);
    }
    // What the recipe itself encodes, but for numbers that a score does not have.
    let clean = latents(&golden, 2);
    let encoded = decoder.encode(&score(&golden, 2, None), 48).unwrap();
    let parts = |latents: &Tensor| latents.narrow(3, 0, 8).unwrap();
    assert_close(&parts(&encoded), &parts(&clean), 0.02);
}

#[test]
fn columns_are_sixteenths_of_the_grid_and_notes_go_round_the_loop() {
    let golden = Golden::open("score");
    let slow = score(&golden, 0, None);
    assert_eq!((slow.ticks(), slow.character.swing_unit), (2 * 4 * 960, 8));
    let cells = decoder(&golden).decode(&latents(&golden, 0)).unwrap().notes;
    let ticks = cells.iter().map(|cell| (120 * cell.column as u32, 120 * cell.columns as u32));
    assert!(slow.notes.iter().map(|note| (note.start, note.length)).eq(ticks));
    let latents = latents(&golden, 3);
    let turned = Tensor::cat(&[latents.narrow(2, 7, 41).unwrap(), latents.narrow(2, 0, 7).unwrap()], 2).unwrap();
    let turned = decoder(&golden).decode(&turned).unwrap();
    let mut expected = decoder(&golden).decode(&latents).unwrap();
    expected.notes.iter_mut().for_each(|note| note.column = (note.column + 41) % 48);
    expected.notes.sort_by_key(|note| (note.column, note.part, note.pitch));
    assert_eq!(turned.notes, expected.notes);
    assert!(turned.notes.iter().any(|note| note.column + note.columns > 48));
}

#[test]
fn the_key_is_the_one_asked_for_or_the_one_heard() {
    let golden = Golden::open("score");
    let home = score(&golden, 3, None);
    assert!([Key::new(0, Mode::Major), Key::new(9, Mode::Minor)].contains(&home.key), "{}", home.key);
    let asked = score(&golden, 3, Some("D minor"));
    assert_eq!(asked.key, "D minor".parse().unwrap());
    for (asked, home) in asked.notes.iter().zip(&home.notes) {
        let moved = if asked.part == Part::Drums { 0 } else { 5 };
        assert_eq!(asked.pitch, home.pitch + moved);
    }
    let heard = |pitches: [u8; 3]| {
        let note = |pitch| melfusion::decoder::score::GridNote {
            part: Part::Pad,
            pitch,
            velocity: 90,
            column: 0,
            columns: 16,
        };
        let players = decoder(&golden).decode(&latents(&golden, 3)).unwrap().players;
        let decoded = Decoded { columns: 48, notes: pitches.map(note).to_vec(), players, ..Default::default() };
        decoded.score(&frame(3, None)).unwrap().key.to_string()
    };
    assert_eq!([heard([60, 64, 67]), heard([57, 60, 64])], ["C major", "A minor"]);
}

#[test]
fn latents_that_are_no_music_are_refused_in_words() {
    let golden = Golden::open("score");
    let decoder = decoder(&golden);
    let good = latents(&golden, 2);
    let mut values: Vec<f32> = good.flatten_all().unwrap().to_vec1().unwrap();
    for strange in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -65504.0] {
        let kept = std::mem::replace(&mut values[1234], strange);
        let latents = Tensor::from_slice(&values, good.dims(), &Device::Cpu).unwrap();
        values[1234] = kept;
        let error = decoder.decode(&latents).unwrap_err().to_string();
        assert!(error.contains("not finite or far from any music"), "{error}");
    }
    // As large as is believed: notes everywhere, which is for the score to refuse.
    for huge in [1000.0, -1000.0] {
        let latents = Tensor::full(huge as f32, (1, good.dims()[1], 4096, 11), &Device::Cpu).unwrap();
        let decoded = decoder.decode(&latents).unwrap();
        let found = decoded.score(&Frame { bars: 64, ..frame(1, None) });
        assert!(found.is_ok() || found.is_err_and(|error| error.to_string().contains("notes")));
    }
    for wrong in [good.narrow(1, 0, 5), good.narrow(3, 0, 10), good.narrow(2, 0, 0)] {
        assert!(decoder.decode(&wrong.unwrap()).unwrap_err().to_string().contains("are not (1, "));
    }
    let odd = decoder.decode(&good.narrow(2, 0, 47).unwrap()).unwrap().score(&frame(2, None)).unwrap_err();
    assert!(odd.to_string().contains("47 columns"), "{odd}");
}

#[test]
fn what_the_model_does_not_know_is_not_encoded() {
    let golden = Golden::open("score");
    let decoder = decoder(&golden);
    let good = score(&golden, 2, None);
    let refused = |change: &dyn Fn(&mut ScoreFields), columns: usize| {
        let mut fields = good.clone().into_fields();
        change(&mut fields);
        decoder.encode(&Score::new(fields).unwrap(), columns).unwrap_err().to_string()
    };
    assert!(refused(&|fields| fields.notes[0].pitch = 1, 48).contains("not 1"));
    assert!(refused(&|fields| fields.players[0].instrument = Instrument::Program(127), 48).contains("program 127"));
    assert!(refused(&|_| (), 47).contains("47 columns"));
    assert!(refused(&|_| (), 0).contains("0 columns"));
}

#[test]
fn configurations_that_contradict_themselves_are_refused() {
    let golden = Golden::open("score");
    let refused = |change: &dyn Fn(&mut ScoreConfig)| {
        let mut config = config(&golden);
        change(&mut config);
        ScoreDecoder::new(&config, golden.weights()).unwrap_err().to_string()
    };
    assert!(refused(&|config| config.parts.swap(0, 1)).contains("parts should be pad, bass"));
    assert!(refused(&|config| config.parts.truncate(7)).contains("parts should be"));
    assert!(refused(&|config| config.parts[0].low = 100).contains("no range"));
    assert!(refused(&|config| config.parts[0].high = 255).contains("no range"));
    assert!(refused(&|config| config.parts[0].components = usize::MAX).contains("components"));
    assert!(refused(&|config| config.parts[0].programs.clear()).contains("programs"));
    assert!(refused(&|config| config.code = 0).contains("code"));
    assert!(refused(&|config| config.range = 0.0).contains("range"));
    assert!(refused(&|config| config.onset = f64::NAN).contains("finite"));
    // One pitch less than the tensors have.
    assert!(refused(&|config| config.parts[0].high -= 1).contains("shape"));
}

#[test]
fn a_manifest_says_all_of_it() {
    let parts = Part::ALL.map(|part| {
        let sustains = part != Part::Drums;
        format!(
            "{{ name = \"{part}\", low = 40, high = 52, components = 3, programs = [0, 40], sustains = {sustains} }}"
        )
    });
    let text = format!("kind = \"score\"\nbank = \"mine.sf3\"\nonset = 0.5\nparts = [{}]", parts.join(", "));
    let config: melfusion::decoder::DecoderConfig = toml::from_str(&text).unwrap();
    assert_eq!((config.bank(), config.sample_rate(), config.has_free_tempo_and_key()), (Some("mine.sf3"), None, true));
    let melfusion::decoder::DecoderConfig::Score(config) = config else { panic!("another kind") };
    assert_eq!((config.row_channels(), config.rows()), ([vec![10; 8], vec![6]].concat(), 9));
    let toml = format!("{text}\ncues = [[\"one\", \"first\"], [\"two\"]]");
    let melfusion::decoder::DecoderConfig::Score(outlined) = toml::from_str(&toml).unwrap() else {
        panic!("another kind")
    };
    assert_eq!((outlined.row_channels(), outlined.rows()), ([vec![10; 8], vec![6, 12, 6]].concat(), 11));
    assert_eq!((config.onset, config.sustain, config.parts[0].least), (0.5, 0.5, 1));
    assert!(toml::from_str::<melfusion::decoder::DecoderConfig>(&format!("{text}\nonsets = 1")).is_err());
}

/// The bundle's stand-in: programs 0 to 3 and a kit.
fn ensemble() -> Ensemble {
    Ensemble::from(Bank::from_bytes("toy.sf2", orchestra()).unwrap())
}

#[test]
fn notes_are_played_as_a_loop_of_exact_length_at_any_rate() {
    let golden = Golden::open("score");
    let score = score(&golden, 3, Some("G"));
    for (bpm, rate) in [(120.0, 48_000), (93.7, 44_100), (187.3, 8_000)] {
        let score = Score::new(ScoreFields { bpm, ..score.clone().into_fields() }).unwrap();
        let audio = performance::render(&score, &ensemble(), 7, rate).unwrap();
        assert_eq!(audio.frames(), (score.quarters() * 60.0 / bpm * f64::from(rate)).round() as usize);
        assert_eq!(audio.sample_rate(), rate);
        assert!(audio.is_finite() && audio.peak() > 0.01 && audio.peak() <= 1.0);
        let [left, right] = audio.channels();
        assert_ne!(left, right, "stereo");
        for channel in [left, right] {
            let largest = channel.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
            assert!((channel[0] - channel[channel.len() - 1]).abs() <= largest, "no seam");
        }
    }
}

#[test]
fn a_performance_is_its_seed_and_nothing_else() {
    let golden = Golden::open("score");
    let score = score(&golden, 4, None);
    let play = |seed| performance::render(&score, &ensemble(), seed, 22_050).unwrap();
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
}

#[test]
fn a_score_without_notes_is_silence() {
    for score in [Score::new(ScoreFields::default()).unwrap(), {
        let players = vec![Player::new(Part::Lead, Instrument::Program(0))];
        Score::new(ScoreFields { players, ..Default::default() }).unwrap()
    }] {
        let error = performance::render(&score, &ensemble(), 0, 48_000).unwrap_err();
        assert!(matches!(&error, Error::Unsound { problem } if problem == "silence"), "{error}");
    }
}

#[test]
fn the_users_font_plays_what_it_has_and_the_bundles_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    // One program, 3, and no kit.
    let font = Font {
        samples: vec![Sample::sine(44_100, 20, 441)],
        instruments: vec![vec![(vec![(crate::font::MODES, 1), (crate::font::ROOT, 60)], 0)]],
        presets: vec![(0, 3, 0)],
    };
    let [path, broken] = ["three.sf2", "broken.sf2"].map(|name| folder.path().join(name));
    std::fs::write(&path, font.bytes()).unwrap();
    std::fs::write(&broken, "RIFF of nothing").unwrap();
    let player = |part, instrument| Player::new(part, instrument);
    let players = vec![
        player(Part::Lead, Instrument::Program(3)),
        player(Part::Counter, Instrument::Program(1)),
        player(Part::Drums, Instrument::Kit(0)),
    ];
    let score = Score::new(ScoreFields { players, ..Default::default() }).unwrap();
    let bundle = std::sync::Arc::new(Bank::from_bytes("toy.sf2", orchestra()).unwrap());
    let told = |fonts: &[(Option<Part>, std::path::PathBuf)]| {
        let mine = Instruments::open(fonts).unwrap();
        let ensemble = mine.ensemble(&bundle, &score);
        let plays = |part| ensemble.bank(part).name().ends_with("three.sf2");
        let missing = mine.stand_ins(&bundle, &score);
        let missing: Vec<_> = missing.into_iter().map(|m| (m.part, m.asked, m.played, m.font, m.from_bundle)).collect();
        ([Part::Lead, Part::Counter, Part::Drums].map(plays), missing)
    };
    assert_eq!(told(&[]), ([false; 3], vec![]));
    let (bright, kit) = (Instrument::Program(1).name(), Instrument::Kit(0).name());
    let font = || "three.sf2".to_string();
    let lacks = vec![(Part::Counter, bright, bright, font(), true), (Part::Drums, kit, kit, font(), true)];
    assert_eq!(told(&[(None, path.clone())]), ([true, false, false], lacks));
    let nearest = vec![(Part::Counter, bright, Instrument::Program(3).name(), font(), false)];
    assert_eq!(told(&[(Some(Part::Counter), path.clone())]), ([false, true, false], nearest));
    let twice = Instruments::open(&[(None, path.clone()), (None, path.clone())]).unwrap_err();
    assert!(twice.to_string().contains("leave one out"), "{twice}");
    for bad in [broken, folder.path().join("none.sf2"), folder.path().to_path_buf()] {
        let error = Instruments::open(&[(None, bad.clone())]).unwrap_err();
        assert!(matches!(&error, Error::File { path, .. } if *path == bad), "{error}");
    }
    let recipe = Instruments::open(&[(Some(Part::Lead), path)]).unwrap().recipe().to_vec();
    assert_eq!((recipe[0].part, recipe[0].font.as_str(), recipe[0].sha256.len()), (Some(Part::Lead), "three.sf2", 64));
}
