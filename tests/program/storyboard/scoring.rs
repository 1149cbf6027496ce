use super::*;
use crate::laws::{bits, fingerprint, generate, picture};
use candle_core::Device;
use melfusion::clip::State;
use melfusion::image::Picture;
use melfusion::progress::Silent;
use melfusion::request::RequestFields;
use melfusion::{Bundle, Clip, Engine};
use std::sync::LazyLock;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mini = concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/mini");
    Engine::load(&Bundle::open(mini).unwrap(), Device::Cpu).unwrap()
});

fn score(board: &Board, cue: usize) -> Clip {
    ENGINE.score(board, cue, &Silent).unwrap()
}

/// Three bars with pictures and words of their own.
fn scored(transition: Transition) -> BoardFields {
    let mut fields = fields(cues(&[1, 1, 1], transition));
    for (i, cue) in fields.cues.iter_mut().enumerate() {
        cue.picture = Some(picture(i as u32 + 1));
        cue.prompt = ["calm piano", "low drums", "bright bells"][i].into();
    }
    fields
}

fn bed(board: &Board, clips: &[Option<Clip>]) -> Vec<u32> {
    let bed = ENGINE.bed(board, clips, &Silent).unwrap();
    bed.audio.channels().concat().iter().map(|sample| sample.to_bits()).collect()
}

#[test]
fn a_board_of_one_cue_equals_generate() {
    let mut fields = scored(Transition::Cut);
    fields.cues.truncate(1);
    let board = Board::new(fields).unwrap();
    let generated = generate(
        &ENGINE,
        RequestFields {
            prompt: "calm piano".into(),
            picture: Some(picture(1)),
            bars: 1,
            bpm: 187.3,
            steps: 2,
            sample_rate: RATE,
            ..Default::default()
        },
    );
    let scored = score(&board, 0);
    assert_eq!((fingerprint(&scored), &scored.recipe), (fingerprint(&generated), &generated.recipe));
    let bed = ENGINE.bed(&board, &[Some(scored)], &Silent).unwrap();
    // A bed has 24 bits, as files have.
    let rounded = |x: &f32| ((f64::from(*x) * 8_388_608.0).round() / 8_388_608.0) as f32;
    let expected: Vec<f32> = generated.audio.channels().concat().iter().map(rounded).collect();
    assert_eq!(bed.audio.channels().concat(), expected);
}

#[test]
fn the_order_of_scoring_changes_nothing() {
    for transition in [Transition::Cut, Transition::Morph { bars: 1 }] {
        let board = Board::new(scored(transition)).unwrap();
        let forwards: Vec<_> = (0..3).map(|cue| bits(&score(&board, cue))).collect();
        let backwards: Vec<_> = (0..3).rev().map(|cue| bits(&score(&board, cue))).collect();
        assert!(forwards.iter().eq(backwards.iter().rev()));
    }
}

#[test]
fn a_cue_depends_on_itself_and_on_what_is_shared() {
    let fields = scored(Transition::Cut);
    let second = |fields: &BoardFields| fingerprint(&score(&Board::new(fields.clone()).unwrap(), 1));
    let before = second(&fields);
    let changed = |change: &dyn Fn(&mut BoardFields)| {
        let mut fields = fields.clone();
        change(&mut fields);
        second(&fields)
    };
    for other in [0, 2] {
        assert_eq!(changed(&|fields| fields.cues[other].prompt = "rain".into()), before);
        assert_eq!(changed(&|fields| fields.cues[other].picture = None), before);
        assert_eq!(changed(&|fields| fields.cues[other].seed = Some(5)), before);
    }
    assert_ne!(changed(&|fields| fields.cues[1].prompt = "rain".into()), before);
    assert_ne!(changed(&|fields| fields.cues[1].picture = Some(picture(9))), before);
    assert_ne!(changed(&|fields| fields.cues[1].seed = Some(5)), before);
    assert_ne!(changed(&|fields| fields.style = "rain".into()), before);
    assert_ne!(changed(&|fields| fields.seed = 5), before);
}

#[test]
fn a_bed_of_another_tempo_is_mixed_from_new_decodings() {
    let board = Board::new(scored(Transition::Crossfade { bars: 1 })).unwrap();
    let clips: Vec<_> = (0..3).map(|cue| Some(score(&board, cue))).collect();
    let tempo = tempi(&[(1, 187.3), (3, 150.0)]);
    let slower = Board::new(BoardFields { tempo, ..board.clone().into_fields() }).unwrap();
    let bed = ENGINE.bed(&slower, &clips, &Silent).unwrap();
    let seconds = 2.0 * 4.0 * 60.0 / 187.3 + 4.0 * 60.0 / 150.0;
    assert_eq!(bed.audio.frames(), (seconds * f64::from(RATE)).round() as usize);
    let third = melfusion::engine::Redecoding { bpm: Some(150.0), key: None, sample_rate: RATE };
    let clip = clips[2].as_ref().unwrap();
    let again = ENGINE.redecode(&State::from(clip), third, &Silent).unwrap();
    let (line, rounded) = (slower.frame(3), |x: f32| (f64::from(x) * 8_388_608.0).round() as i32);
    let gain = 10f32.powf(bed.gain_db as f32 / 20.0);
    let found = bed.audio.channels()[0][line..].iter().take(1000);
    for (found, sample) in found.zip(again.audio.channels()[0]) {
        assert!((rounded(*found) - rounded(*sample * gain)).abs() <= 1);
    }
}

#[test]
fn cues_read_back_from_their_files_make_the_same_bed() {
    use melfusion::audio::wav::{self, SampleFormat};
    let folder = tempfile::tempdir().unwrap();
    let board = Board::new(scored(Transition::Crossfade { bars: 1 })).unwrap();
    let clips: Vec<_> = (0..3).map(|cue| Some(score(&board, cue))).collect();
    let read = clips.iter().flatten().enumerate().map(|(i, clip)| {
        let path = folder.path().join(format!("{i}.wav"));
        clip.write_wav(&path, SampleFormat::Int24).unwrap();
        let State { latents, recipe, score } = Clip::read_state(&path).unwrap();
        Some(Clip { audio: wav::read(&path).unwrap(), latents, recipe, score })
    });
    assert_eq!(bed(&board, &clips), bed(&board, &read.collect::<Vec<_>>()));
}

#[test]
fn a_crop_is_heard() {
    let frame = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/frames/harbour.png");
    let mut fields = fields(cues(&[1], Transition::Cut));
    fields.cues[0].picture = Some(Picture::open(frame.as_ref()).unwrap());
    let whole = fingerprint(&score(&board(fields.cues.clone()), 0));
    fields.cues[0].crop = Some(melfusion::image::Crop::new(0.0, 0.0, 0.4, 0.4).unwrap());
    assert_ne!(fingerprint(&score(&board(fields.cues), 0)), whole);
}

#[test]
fn a_cue_that_morphs_depends_on_the_next_and_on_no_other() {
    let fields = scored(Transition::Morph { bars: 1 });
    let first = |fields: &BoardFields| fingerprint(&score(&Board::new(fields.clone()).unwrap(), 0));
    let before = first(&fields);
    let changed = |cue: usize, change: &dyn Fn(&mut Cue)| {
        let mut fields = fields.clone();
        change(&mut fields.cues[cue]);
        first(&fields)
    };
    assert_ne!(changed(1, &|cue| cue.picture = Some(picture(9))), before);
    assert_ne!(changed(1, &|cue| cue.prompt = "rain".into()), before);
    assert_ne!(changed(1, &|cue| cue.influence = 0.0), before);
    assert_ne!(changed(1, &|cue| cue.picture = None), before);
    assert_ne!(changed(1, &|cue| cue.transition = Transition::Cut), before);
    assert_eq!(changed(1, &|cue| cue.seed = Some(5)), before);
    assert_eq!(changed(2, &|cue| cue.picture = Some(picture(9))), before);
}

#[test]
fn a_morph_to_the_same_picture_and_words_changes_nothing_to_hear() {
    let mut fields = scored(Transition::Morph { bars: 1 });
    fields.cues[1].picture = fields.cues[0].picture.clone();
    fields.cues[1].prompt = fields.cues[0].prompt.clone();
    let mel = |fields: &BoardFields| ENGINE.mel(&score(&Board::new(fields.clone()).unwrap(), 0)).unwrap().0;
    let morphed = mel(&fields);
    fields.cues[1].transition = Transition::Cut;
    let apart = mel(&fields).iter().zip(&morphed).map(|(a, b)| (a - b).abs()).sum::<f32>() / morphed.len() as f32;
    // What rounding leaves; another picture is a hundred times as far.
    assert!(apart < 5e-3, "{apart}");
    fields.cues[1].transition = Transition::Morph { bars: 1 };
    fields.cues[1].picture = Some(picture(9));
    let other = mel(&fields).iter().zip(&morphed).map(|(a, b)| (a - b).abs()).sum::<f32>() / morphed.len() as f32;
    assert!(other > 0.05, "{other}");
}

#[test]
fn a_cue_rings_on_over_a_cut_as_it_sounded() {
    let mut fields = scored(Transition::Cut);
    fields.cues[0].prompt = "slow choir and piano".into();
    let dry = Board::new(fields.clone()).unwrap();
    let wet = Board::new(BoardFields { tails: true, ..fields }).unwrap();
    let clips: Vec<Option<Clip>> = (0..3).map(|cue| Some(score(&dry, cue))).collect();
    let heard = |board: &Board| ENGINE.bed(board, &clips, &Silent).unwrap();
    let (dry, wet, cut) = (heard(&dry), heard(&wet), dry.frame(2));
    assert_eq!(dry.audio.frames(), wet.audio.frames());
    // What rings on may peak above the ceiling, which turns all of the bed down.
    let level = |bed: &melfusion::storyboard::Bed| -> Vec<f32> {
        let gain = 10f64.powf(-bed.gain_db / 20.0) as f32;
        bed.audio.channels()[0].iter().map(|x| x * gain).collect()
    };
    let [dry, wet] = [&dry, &wet].map(level);
    let fade = RATE as usize / 200;
    assert!(dry[..cut - fade].iter().zip(&wet).all(|(dry, wet)| (dry - wet).abs() < 1e-6));
    let rings: Vec<f32> = (cut..cut + 400).map(|i| wet[i] - dry[i]).collect();
    let power = |samples: &[f32]| samples.iter().map(|x| x * x).sum::<f32>();
    assert!(power(&rings[..200]) > 0.0 && power(&rings[..200]) > power(&rings[200..]) / 4.0);
    // The last of the cue leads into what rings on: no step is larger than those before it.
    let own = clips[0].as_ref().unwrap().audio.channels()[0];
    let step = |pair: &[f32]| (pair[1] - pair[0]).abs();
    let most = own[own.len() - 400..].windows(2).map(step).fold(0.0, f32::max);
    assert!((rings[0] - own[own.len() - 1]).abs() <= 1.5 * most, "{} after {most}", rings[0] - own[own.len() - 1]);
}
