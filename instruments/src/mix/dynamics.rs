//! Slow curves of loudness, so that nothing stands still.

use score::Player;

use super::seat::Seat;
use crate::random::Random;
use crate::rendering::{Ending, Finish};
use crate::stereo::Stereo;

/// Frames between two points of a curve, joined by lines.
const STEP: usize = 256;
/// Quarter notes of an unasked swell.
const SWELL_QUARTERS: f64 = 16.0;

/// Lets a part swell: by its player's own curve, else by a seeded one that comes round with the loop of `round` frames
/// and `quarters`.
pub(crate) fn swell(
    sound: &mut Stereo,
    player: &Player,
    finish: &Finish,
    round: (usize, f64),
    random: Random,
    ending: Ending,
) {
    let (frames, quarters) = round;
    let curve: Box<dyn Fn(f64) -> f32> = if !player.dynamics_db.is_empty() {
        Box::new(|place| joined(&player.dynamics_db, place, ending))
    } else if finish.dynamics > 0.0 {
        let depth = Seat::of(player.part).swell_db * finish.dynamics;
        let rounds = (quarters / SWELL_QUARTERS).round().max(1.0);
        let starts = [random.with(1).uniform(), random.with(2).uniform()];
        Box::new(move |place| depth * waves(place * rounds, starts))
    } else {
        return;
    };
    let gain = |frame: usize| libm::exp10f(curve(frame as f64 / frames as f64) / 20.0);
    let total = sound.frames();
    let mut before = gain(0);
    for begin in (0..total).step_by(STEP) {
        let end = (begin + STEP).min(total);
        // The last point is the loop's first, whatever the step.
        let after = gain(end);
        let slope = (after - before) / (end - begin) as f32;
        for channel in sound.channels() {
            channel[begin..end].iter_mut().enumerate().for_each(|(at, x)| *x *= before + slope * at as f32);
        }
        before = after;
    }
}

/// One slow wave and a smaller one of twice its pace, −1..=1.
fn waves(turns: f64, starts: [f32; 2]) -> f32 {
    let wave = |turns: f64| libm::sin(std::f64::consts::TAU * (turns - turns.floor())) as f32;
    0.7 * wave(turns + f64::from(starts[0])) + 0.3 * wave(2.0 * turns + f64::from(starts[1]))
}

/// Equally spaced points joined by a curve without corners (Catmull-Rom), around the loop; after an ending the last holds.
fn joined(points: &[f32], place: f64, ending: Ending) -> f32 {
    let count = points.len() as i64;
    if ending == Ending::Ring && place >= 1.0 {
        return points[points.len() - 1];
    }
    let place = (place - place.floor()) * count as f64;
    let (whole, t) = (place.floor() as i64, place.fract() as f32);
    let at = |index: i64| match ending {
        Ending::Loop => points[index.rem_euclid(count) as usize],
        Ending::Ring => points[index.clamp(0, count - 1) as usize],
    };
    let [p0, p1, p2, p3] = [whole - 1, whole, whole + 1, whole + 2].map(at);
    let curve = p1 + 0.5 * t * (p2 - p0 + t * (2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3 + t * (3.0 * (p1 - p2) + p3 - p0)));
    // A curve through jumps overshoots; a level never leaves its neighbours.
    curve.clamp(p1.min(p2), p1.max(p2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_through_its_points_and_comes_round() {
        let points = [0.0, -12.0, -3.0, 6.0];
        for (index, point) in points.iter().enumerate() {
            assert!((joined(&points, index as f64 / 4.0, Ending::Loop) - point).abs() < 1e-5);
        }
        assert!((joined(&points, 0.999_99, Ending::Loop) - 0.0).abs() < 1e-2);
        assert_eq!(joined(&points, 1.2, Ending::Ring), 6.0);
    }
}
