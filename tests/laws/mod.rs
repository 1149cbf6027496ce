//! What holds of every bundle, whatever it sounds like.
#![allow(clippy::unwrap_used, dead_code, reason = "shared by several test binaries")]

use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use melfusion::error::{Error, Stage};
use melfusion::image::Picture;
use melfusion::progress::{Progress, Silent};
use melfusion::request::{Meter, Request, RequestFields};
use melfusion::{Clip, Engine};
use sha2::{Digest, Sha256};

/// A request that is known to be valid.
pub fn request(fields: RequestFields) -> Request {
    Request::new(fields).unwrap()
}

/// Generates, watched by nobody.
#[track_caller]
pub fn generate(engine: &Engine, fields: RequestFields) -> Clip {
    engine.generate(&request(fields), &Silent).unwrap()
}

/// Both sides' samples, as they are in memory.
pub fn bits(clip: &Clip) -> Vec<u32> {
    clip.audio.channels().concat().iter().map(|sample| sample.to_bits()).collect()
}

/// A short name of the samples.
pub fn fingerprint(clip: &Clip) -> String {
    let bytes: Vec<u8> = bits(clip).iter().flat_map(|bits| bits.to_le_bytes()).collect();
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `clip`, which the test `name` generated, comes out the same in processes of one and of three threads.
///
/// A process chooses its number of threads once, so the test runs itself again, and reports to itself by a file.
#[track_caller]
pub fn threads_change_nothing(name: &str, clip: &Clip) {
    const REPORT: &str = "MELFUSION_TEST_REPORT";
    if let Some(report) = std::env::var_os(REPORT) {
        return fs::write(report, fingerprint(clip)).unwrap();
    }
    for threads in ["1", "3"] {
        let report = tempfile::NamedTempFile::new().unwrap();
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args([name, "--exact"]).env("RAYON_NUM_THREADS", threads).env(REPORT, report.path());
        assert!(again.output().unwrap().status.success());
        assert_eq!(fs::read_to_string(report.path()).unwrap(), fingerprint(clip), "{threads} threads");
    }
}

/// A picture of waves whose direction and colour `kind` chooses.
pub fn picture(kind: u32) -> Picture {
    let (width, height) = (48, 36);
    let wave = |x: u32, y: u32, c: u32| {
        let phase = (kind * x + 2 * y) as f32 * 0.1 + (kind * c) as f32;
        (127.5 + 127.5 * phase.sin()) as u8
    };
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |c| wave(x, y, c))));
    Picture::from_rgb(width, height, pixels.collect()).unwrap()
}

/// Length, metre and tempo of a clip, and its rate.
pub type Shape = (u32, &'static str, f64, u32);

/// A clip is exactly as long as its music, to the frame, finite and audible.
#[track_caller]
pub fn lasts_exactly(engine: &Engine, fields: &RequestFields, shapes: &[Shape]) {
    for &(bars, meter, bpm, sample_rate) in shapes {
        let meter: Meter = meter.parse().unwrap();
        let request = request(RequestFields { bars, meter, bpm, sample_rate, ..fields.clone() });
        let clip = engine.generate(&request, &Silent).unwrap();
        let expected = f64::from(bars) * meter.quarters() * 60.0 / bpm * f64::from(sample_rate);
        let name = format!("{bars} bars of {meter} at {bpm} bpm and {sample_rate} Hz");
        assert_eq!(clip.audio.frames(), expected.round() as usize, "{name}");
        assert_eq!(clip.audio.frames(), request.frames(sample_rate), "{name}");
        assert_eq!(clip.audio.sample_rate(), sample_rate, "{name}");
        assert!(clip.audio.is_finite() && clip.audio.peak() > 0.01 && clip.audio.peak() <= 1.0, "{name}");
    }
}

/// No influence is the same as no picture, bit for bit.
#[track_caller]
pub fn needs_influence_to_see(engine: &Engine, fields: &RequestFields) {
    assert!(fields.picture.is_some());
    let blind = generate(engine, RequestFields { influence: 0.0, ..fields.clone() });
    let without = generate(engine, RequestFields { picture: None, ..fields.clone() });
    assert_eq!(bits(&blind), bits(&without));
    assert_ne!(bits(&without), bits(&generate(engine, RequestFields { influence: 1.0, ..fields.clone() })));
}

/// How different two clips of one length are: the norm of the difference over the mean of their norms.
pub fn distance(a: &Clip, b: &Clip) -> f64 {
    let [a, b] = [a, b].map(|clip| clip.audio.channels().concat());
    assert_eq!(a.len(), b.len());
    let norm = |xs: &mut dyn Iterator<Item = f32>| xs.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(&b).map(|(a, b)| a - b));
    2.0 * difference / (norm(&mut a.iter().copied()) + norm(&mut b.iter().copied()))
}

/// How far the samples jump from the end of a clip to its beginning, and how far from one to the next elsewhere: the
/// root of the mean square and the largest.
pub fn steps(clip: &Clip) -> (f32, f32, f32) {
    let (mut seam, mut square, mut largest) = (0f32, 0.0, 0f32);
    for channel in clip.audio.channels() {
        seam = seam.max((channel[0] - channel[channel.len() - 1]).abs());
        for pair in channel.windows(2) {
            square += f64::from(pair[1] - pair[0]).powi(2);
            largest = largest.max((pair[1] - pair[0]).abs());
        }
    }
    (seam, (square / (2 * clip.audio.frames()) as f64).sqrt() as f32, largest)
}

/// Writes down what it is told, and cancels when it has been asked often enough.
#[derive(Default)]
pub struct Watch {
    cancel_at: usize,
    asked: AtomicUsize,
    /// Questions at the last report, and steps of the models since which there was none.
    asked_before: AtomicUsize,
    unasked: AtomicUsize,
    seen: Mutex<Vec<(Stage, usize, usize)>>,
}

impl Watch {
    /// Never cancels.
    pub fn new() -> Self {
        Self::cancelling_at(usize::MAX)
    }

    /// Says yes from the question `asked` on, the first being 0.
    pub fn cancelling_at(asked: usize) -> Self {
        Self { cancel_at: asked, ..Self::default() }
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Every report.
    pub fn seen(&self) -> Vec<(Stage, usize, usize)> {
        self.seen.lock().unwrap().clone()
    }

    /// The stages in the order in which they began; each must have counted up from 0 to its end without a gap.
    #[track_caller]
    pub fn stages(&self) -> Vec<Stage> {
        let seen = self.seen();
        let mut stages = vec![];
        for run in seen.chunk_by(|a, b| a.0 == b.0) {
            let done: Vec<usize> = run.iter().map(|(_, done, _)| *done).collect();
            assert_eq!(done, (0..=run[0].2).collect::<Vec<_>>(), "{run:?}");
            assert!(run.iter().all(|(_, _, total)| *total == run[0].2), "{run:?}");
            stages.push(run[0].0);
        }
        stages
    }
}

impl Progress for Watch {
    fn step(&self, stage: Stage, done: usize, total: usize) {
        self.seen.lock().unwrap().push((stage, done, total));
        let asked = self.asked();
        let before = self.asked_before.swap(asked, Ordering::Relaxed);
        if done > 0 && asked == before && [Stage::Picture, Stage::Music].contains(&stage) {
            self.unasked.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.cancel_at
    }
}

/// A run asks before every step of a model, ends at whatever question is answered with yes, without another step, and
/// leaves the engine usable.
#[track_caller]
pub fn can_be_cancelled_anywhere(engine: &dyn Fn() -> Engine, fields: &RequestFields, stride: usize) {
    let request = request(fields.clone());
    let watch = Watch::new();
    let whole = bits(&engine().generate(&request, &watch).unwrap());
    assert_eq!(watch.unasked.load(Ordering::Relaxed), 0, "steps that nobody could have prevented");
    for at in (0..watch.asked()).step_by(stride) {
        let (engine, watch) = (engine(), Watch::cancelling_at(at));
        assert!(matches!(engine.generate(&request, &watch), Err(Error::Cancelled)), "question {at}");
        assert_eq!(watch.asked(), at + 1, "computed on after question {at}");
        assert_eq!(bits(&engine.generate(&request, &Silent).unwrap()), whole, "after question {at}");
    }
}
