//! At any other tempo, and while the tempo moves, the clip is where the beat is.

use melfusion_plugin::clip::Clip;
use melfusion_plugin::player::Moment;
use melfusion_plugin::readout::Mode;

use crate::host::*;

const RATE: u32 = 48_000;

/// A tempo curve: beats passed at a time in seconds, and the tempo there.
pub trait Curve {
    fn beats(&self, seconds: f64) -> f64;

    fn tempo(&self, seconds: f64) -> f64 {
        (self.beats(seconds + 1e-5) - self.beats(seconds - 1e-5)) * 60.0 / 2e-5
    }
}

impl<F: Fn(f64) -> f64> Curve for F {
    fn beats(&self, seconds: f64) -> f64 {
        self(seconds)
    }
}

/// From `from` to `to` quarter notes per minute in a straight line, between two moments.
fn ramp(from: f64, to: f64, start: f64, end: f64) -> impl Fn(f64) -> f64 + Copy {
    move |seconds| {
        let inside = (seconds.min(end) - start).max(0.0);
        let after = (seconds - end).max(0.0);
        let before = seconds.min(start);
        (before * from + inside * from + 0.5 * (to - from) / (end - start) * inside * inside + after * to) / 60.0
    }
}

/// A host that follows `curve`.
fn moments(curve: impl Curve) -> impl Fn(i64) -> Moment {
    move |frame| {
        let seconds = frame as f64 / f64::from(RATE);
        let (beats, tempo) = (curve.beats(seconds), curve.tempo(seconds));
        // The difference quotient is not exact.
        let tempo = (tempo * 1e5).round() / 1e5;
        Moment { beats: Some(beats), tempo: Some(tempo), ..steady(RATE, 1.0)(frame) }
    }
}

/// A clip with a short click on every quarter note.
fn clicks(bpm: f64, quarters: usize) -> Clip {
    clip(RATE, bpm, quarters as f64, |frames| {
        let mut made = vec![[0.0; 2]; frames];
        for quarter in 0..quarters {
            let centre = quarter as f64 * 60.0 / bpm * f64::from(RATE) + 2_000.0;
            for i in -24..=24 {
                let at = (centre.round() as i64 + i) as usize % frames;
                let window = 0.5 + 0.5 * (i as f64 * std::f64::consts::PI / 25.0).cos();
                made[at] = [0.9, -0.9].map(|loudness| (loudness * window * (i as f64 * 0.7).cos()) as f32);
            }
        }
        made
    })
}

/// For every click that is to be heard: when, in seconds, and how late it is heard, in milliseconds.
fn lateness(heard: &[[f32; 2]], curve: impl Curve, bpm: f64) -> Vec<(f64, f64)> {
    let offset = 2_000.0 / f64::from(RATE) * bpm / 60.0;
    let mut found = Vec::new();
    let (mut frame, mut beat) = (0, 0);
    loop {
        while curve.beats(frame as f64 / f64::from(RATE)) < f64::from(beat) + offset {
            frame += 1;
        }
        let reach = 720;
        if frame + reach >= heard.len() {
            return found;
        }
        let window = &heard[frame.saturating_sub(reach)..frame + reach];
        let energy = |frame: &[f32; 2]| f64::from(frame[0] * frame[0]);
        // The loudest millisecond.
        let loudest = (0..window.len() - 48)
            .max_by(|a, b| {
                let sum = |at: usize| window[at..at + 48].iter().map(energy).sum::<f64>();
                sum(*a).total_cmp(&sum(*b))
            })
            .expect("there are some");
        let near = loudest.saturating_sub(48)..(loudest + 96).min(window.len());
        let weight: f64 = window[near.clone()].iter().map(energy).sum();
        let centre: f64 =
            near.clone().zip(&window[near]).map(|(at, frame)| at as f64 * energy(frame)).sum::<f64>() / weight;
        assert!(weight > 0.05, "no click on beat {beat}");
        let start = frame - reach.min(frame);
        found.push((frame as f64 / f64::from(RATE), (start as f64 + centre - frame as f64) * 1000.0 / f64::from(RATE)));
        beat += 1;
    }
}

fn worst(lateness: &[(f64, f64)]) -> f64 {
    lateness.iter().map(|(_, late)| late.abs()).fold(0.0, f64::max)
}

#[test]
fn probe() {
    for tempo in [50.0, 80.0, 90.0, 95.0, 99.0, 101.0, 105.0, 110.0, 125.0, 150.0, 200.0, 300.0] {
        let curve = move |seconds: f64| seconds * tempo / 60.0;
        let mut host = Host::new(RATE).with(clicks(100.0, 16));
        let heard = host.run(0, 480_000, moments(curve), || 512);
        let late = lateness(&heard, curve, 100.0);
        println!(
            "{tempo}: worst {:.3} {:?}",
            worst(&late),
            late.iter().take(6).map(|x| (x.1 * 1000.0).round()).collect::<Vec<_>>()
        );
    }
    for (from, to, start, end) in [
        (100.0, 130.0, 1.0, 9.0),
        (100.0, 60.0, 1.0, 6.0),
        (60.0, 180.0, 2.0, 6.0),
        (100.0, 150.0, 2.0, 2.0001),
        (120.0, 90.0, 2.0, 2.0001),
    ] {
        for block in [64, 512, 2048] {
            let curve = ramp(from, to, start, end);
            let mut host = Host::new(RATE).with(clicks(100.0, 16));
            let heard = host.run(0, 480_000, moments(curve), || block);
            let late = lateness(&heard, curve, 100.0);
            println!(
                "{from} to {to}, {block}: worst {:.3} {:?}",
                worst(&late),
                late.iter().map(|x| (x.1 * 1000.0).round()).collect::<Vec<_>>()
            );
        }
    }
    let _ = Mode::Copy;
}
