//! At any other tempo, and while the tempo moves, the clip is where the beat is.

use melfusion_plugin::clip::Clip;
use melfusion_plugin::player::Moment;
use melfusion_plugin::readout::Mode;

use crate::host::*;

const RATE: u32 = 48_000;

/// A tempo curve: beats passed at a time in seconds, and the tempo there.
trait Curve {
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
    lateness_from(heard, curve, bpm, 0)
}

fn lateness_from(heard: &[[f32; 2]], curve: impl Curve, bpm: f64, first: i32) -> Vec<(f64, f64)> {
    let offset = 2_000.0 / f64::from(RATE) * bpm / 60.0;
    let mut found = Vec::new();
    let (mut frame, mut beat) = (0, first);
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

/// Quarter notes per minute of the clips here.
const BPM: f64 = 100.0;

fn play(curve: impl Curve, seconds: usize, block: usize) -> Frames {
    let mut host = Host::new(RATE).with(clicks(BPM, 16));
    host.run(0, seconds * RATE as usize, moments(curve), || block)
}

#[test]
fn at_any_steady_tempo_clicks_are_on_the_beat() {
    for tempo in [50.0, 66.0, 80.0, 90.0, 95.0, 99.0, 101.0, 105.0, 110.0, 125.0, 150.0, 200.0] {
        let curve = move |seconds: f64| seconds * tempo / 60.0;
        let late = lateness(&play(curve, 8, 512), curve, BPM);
        assert!(late.len() > 5 && worst(&late) <= 0.8, "{tempo}: {late:?}");
    }
}

#[test]
fn on_a_ramp_clicks_are_never_a_millisecond_from_the_beat() {
    let ramps = [(100.0, 130.0, 1.0, 9.0), (100.0, 60.0, 1.0, 6.0), (140.0, 90.0, 2.0, 8.0), (80.0, 120.0, 1.2, 5.0)];
    for (from, to, start, end) in ramps {
        for block in [64, 500, 512, 2048] {
            let curve = ramp(from, to, start, end);
            let late = lateness(&play(curve, 11, block), curve, BPM);
            assert!(late.len() > 9 && worst(&late) <= 1.0, "{from} to {to} in blocks of {block}: {late:?}");
        }
    }
}

#[test]
fn after_a_jump_of_the_tempo_clicks_are_on_the_beat_at_once() {
    for (from, to) in [(100.0, 150.0), (120.0, 90.0), (90.0, 100.0)] {
        let curve = ramp(from, to, 2.0, 2.000_01);
        let late = lateness(&play(curve, 8, 64), curve, BPM);
        assert!(late.len() > 9 && worst(&late) <= 1.2, "{from} to {to}: {late:?}");
    }
}

#[test]
fn minutes_of_wandering_tempo_add_up_to_no_drift() {
    let curve = |seconds: f64| seconds * 110.0 / 60.0 + 3.0 * (seconds * 0.2).sin();
    let mut host = Host::new(RATE).with(clicks(BPM, 16));
    let heard = host.run(0, 120 * RATE as usize, moments(curve), odd_small_blocks());
    let late = lateness(&heard, curve, BPM);
    assert!(late.len() > 200 && worst(&late) <= 1.0, "{late:?}");
}

fn odd_small_blocks() -> impl FnMut() -> usize {
    let mut blocks = odd_blocks(1);
    move || blocks().min(1_500)
}

#[test]
fn seeks_and_loops_land_on_the_beat() {
    let tempo = 112.0;
    let curve = move |seconds: f64| seconds * tempo / 60.0;
    for from in [12_345, 400_000, 7_654_321] {
        let mut host = Host::new(RATE).with(clicks(BPM, 16));
        host.run(900_000, 30_000, moments(curve), || 256);
        let heard = host.run(from, 200_000, moments(curve), || 256);
        let shifted = move |seconds: f64| curve(seconds + from as f64 / f64::from(RATE));
        let late = lateness_from(&heard, shifted, BPM, (curve(from as f64 / f64::from(RATE))).ceil() as i32);
        assert!(late.len() > 3 && worst(&late) <= 0.8, "{from}: {late:?}");
    }
}

#[test]
fn back_at_its_own_tempo_the_clip_is_exact_again() {
    let curve = |seconds: f64| ramp(100.0, 120.0, 1.0, 3.0)(seconds);
    let mut host = Host::new(RATE).with(clip(RATE, 120.0, 8.0, |frames| noise(frames, 1)));
    host.run(0, 140_000, moments(curve), || 512);
    assert_eq!(host.readout.mode(), Mode::Stretch);
    let heard = host.run(140_000, 100_000, moments(curve), || 512);
    assert_eq!(host.readout.mode(), Mode::Copy);
    // The clip lies where the beats say.
    let anchor = 150_000 - (curve(150_000.0 / 48_000.0) * 24_000.0).round() as i64;
    let clip = clip(RATE, 120.0, 8.0, |frames| noise(frames, 1));
    assert_same(&heard[10_000..], |i| expected(&clip, anchor, 150_000 + i as i64), "settled");
}

/// A clip that is stretched at 120, and the same fitted to that.
fn clip_and_fit() -> (Clip, Clip) {
    (clip(RATE, 100.0, 8.0, |frames| noise(frames, 1)), clip(RATE, 120.0, 8.0, |frames| noise(frames, 2)))
}

#[test]
fn a_refitted_clip_changes_nothing_of_a_render_whenever_it_comes() {
    let (made, fitted) = clip_and_fit();
    let at = steady(RATE, 120.0);
    let whole = Host::new(RATE).with(made.clone()).run(0, 400_000, at, || 512);
    for when in [1, 512, 50_000, 399_000] {
        let mut host = Host::new(RATE).with(made.clone());
        let mut heard = host.run(0, when, at, odd_blocks(when as u64));
        host.place(0, fitted.clone());
        heard.extend(host.run(when as i64, 400_000 - when, at, odd_blocks(2)));
        assert_same(&heard, |i| whole[i], &format!("fitted after frame {when}"));
        assert_eq!(host.readout.mode(), Mode::Stretch);
    }
}

#[test]
fn a_refitted_clip_is_heard_and_exact_from_the_next_start_or_jump_on() {
    let (made, fitted) = clip_and_fit();
    let at = steady(RATE, 120.0);
    for (stops, to) in [(true, 0), (true, 50_000), (false, 0), (false, 77_777)] {
        let mut host = Host::new(RATE).with(made.clone());
        host.run(0, 30_000, at, || 512);
        host.place(0, fitted.clone());
        host.run(30_000, 20_000, at, || 512);
        if stops {
            host.run(50_000, 1_000, stopped, || 512);
        }
        let heard = host.run(to, 50_000, at, odd_blocks(to as u64));
        let fade = host.fade();
        assert_eq!(host.readout.mode(), Mode::Copy);
        let about = format!("stopped: {stops}, then from {to}");
        assert_same(&heard[fade..], |i| expected(&fitted, 0, to + (fade + i) as i64), &about);
    }
}

#[test]
fn a_refitted_clip_is_heard_from_a_loop_s_first_frame_on_wherever_blocks_end() {
    let (made, fitted) = clip_and_fit();
    let (start, end) = (24_000, 120_000);
    let run = |block: usize| {
        let mut host = Host::new(RATE).with(made.clone());
        let (mut frame, mut heard) = (start, Frames::new());
        while heard.len() < 300_000 {
            if heard.len() >= 48_000 && frame < start + 60_000 && host.readout.mode() == Mode::Stretch {
                host.place(0, fitted.clone());
            }
            let moment = Moment { cycle: Some((start, end)), ..steady(RATE, 120.0)(frame) };
            heard.extend(host.block(&moment, block));
            frame = start + (frame - start + block as i64) % (end - start);
        }
        heard
    };
    let round = (end - start) as usize;
    let whole = Host::new(RATE).with(made.clone()).run(start, round, steady(RATE, 120.0), || 500);
    for block in [480, 500, 96_000, 1_001] {
        let heard = run(block);
        assert_same(&heard[..round], |i| whole[i], &format!("the first round in blocks of {block}"));
        let fade = 192;
        let of = |i: usize| expected(&fitted, 0, start + (fade + i) as i64);
        assert_same(&heard[round + fade..2 * round], of, &format!("the second in blocks of {block}"));
    }
}

#[test]
fn another_take_at_another_tempo_is_no_refit_and_is_heard_at_once() {
    let (made, fitted) = clip_and_fit();
    let at = steady(RATE, 120.0);
    let mut host = Host::new(RATE).with(made);
    host.run(0, 50_000, at, || 512);
    host.place(0, fitted.clone());
    let other = Clip::new(2, noise(192_000, 3).into(), RATE, 120.0, 8.0);
    host.place(0, other.clone());
    let heard = host.run(50_000, 50_000, at, || 512);
    let fade = host.fade();
    assert_same(&heard[fade..], |i| expected(&other, 0, (50_000 + fade + i) as i64), "the other take");
    // What waited for its predecessor is gone.
    let heard = host.run(0, 50_000, at, || 512);
    assert_same(&heard[fade..], |i| expected(&other, 0, (fade + i) as i64), "after a jump");
}

#[test]
fn pitch_stays() {
    let chord = [220.0, 277.2, 329.6];
    for tempo in [75.0, 90.0, 110.0, 130.0] {
        let mut host = Host::new(RATE).with(clip(RATE, BPM, 16.0, |frames| {
            let tones: Vec<Frames> = chord.iter().map(|hz| tone(frames, RATE, *hz, 0.3)).collect();
            (0..frames).map(|i| [tones[0][i][0] + tones[1][i][0] + tones[2][i][0]; 2]).collect()
        }));
        let heard = host.run(0, 240_000, steady(RATE, tempo), || 512);
        for hz in chord {
            let loudest = (-40..=40).map(|step| hz + f64::from(step) * 0.25);
            let found =
                loudest.max_by(|a, b| loudness(&heard[96_000..], *a).total_cmp(&loudness(&heard[96_000..], *b)));
            assert!((found.expect("there are some") - hz).abs() <= 0.5, "{hz} Hz at {tempo}: {found:?}");
            let level = loudness(&heard[96_000..], hz);
            assert!((0.22..0.36).contains(&level), "{hz} Hz at {tempo}: {level}");
        }
    }
}

/// Amplitude of a frequency on the left.
fn loudness(frames: &[[f32; 2]], hz: f64) -> f64 {
    let step = std::f64::consts::TAU * hz / f64::from(RATE);
    let (mut re, mut im, mut sum) = (0.0, 0.0, 0.0);
    for (i, frame) in frames.iter().enumerate().step_by(8) {
        let window = 0.5 - 0.5 * (i as f64 * std::f64::consts::TAU / frames.len() as f64).cos();
        let (sin, cos) = (i as f64 * step).sin_cos();
        (re, im, sum) =
            (re + f64::from(frame[0]) * cos * window, im + f64::from(frame[0]) * sin * window, sum + window);
    }
    2.0 * re.hypot(im) / sum
}

#[test]
fn changes_of_tempo_do_not_click() {
    let mut host = Host::new(RATE).with(clip(RATE, BPM, 16.0, |frames| tone(frames, RATE, 100.0, 0.5)));
    let curve = |seconds: f64| seconds * 100.0 / 60.0 + 0.4 * ((seconds - 1.0).max(0.0) * 1.5).sin();
    let heard = host.run(0, 400_000, moments(curve), odd_small_blocks());
    let steepest = steepest(&heard);
    // Of the tone itself, and of a crossfade between two of any phase.
    assert!(steepest <= 0.0066 * 1.5 + 0.0082, "{steepest}");
    assert!(heard.iter().any(|frame| frame[0].abs() > 0.4));
}

#[test]
fn partitions_of_a_stretched_clip_sound_the_same() {
    let at = steady(RATE, 113.0);
    let run = |block: usize| Host::new(RATE).with(clicks(BPM, 16)).run(0, 100_000, at, || block);
    let whole = run(100_000);
    for block in [64, 777] {
        assert_same(&run(block), |i| whole[i], &format!("blocks of {block}"));
    }
}
