//! The colour of a part: its lows and highs, and nothing that does not move.

use super::circular;
use crate::stereo::Stereo;

/// dB of the shelves at a brightness of 1.
const LOW_DB: f64 = -3.0;
const HIGH_DB: f64 = 4.5;
/// Corners in Hz.
const LOW_HZ: f64 = 250.0;
const HIGH_HZ: f64 = 2500.0;
/// Below this nothing is heard.
const RUMBLE_HZ: f64 = 18.0;
/// Seconds after which the filters have forgotten what came before.
const SETTLE_SECONDS: f64 = 0.5;

/// Two poles and two zeros, in the second transposed direct form.
#[derive(Debug, Clone)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    fn new(b: [f64; 3], a: [f64; 3]) -> Self {
        Self { b: b.map(|b| b / a[0]), a: [a[1] / a[0], a[2] / a[0]], state: [0.0; 2] }
    }

    fn step(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state = [self.b[1] * x - self.a[0] * y + self.state[1], self.b[2] * x - self.a[1] * y];
        y
    }

    fn high_pass(hz: f64, rate: f64) -> Self {
        let (cos, alpha) = corner(hz, rate);
        Self::new([(1.0 + cos) / 2.0, -1.0 - cos, (1.0 + cos) / 2.0], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// Lifts what is above `hz`, or with `side` −1 what is below. Source: the Audio EQ Cookbook, shelf slope 1.
    fn shelf(hz: f64, db: f64, side: f64, rate: f64) -> Self {
        let (cos, alpha) = corner(hz, rate);
        let (a, cos) = (libm::pow(10.0, db / 40.0), cos * side);
        let bend = 2.0 * a.sqrt() * alpha;
        Self::new(
            [
                a * (a + 1.0 + (a - 1.0) * cos + bend),
                -2.0 * side * a * (a - 1.0 + (a + 1.0) * cos),
                a * (a + 1.0 + (a - 1.0) * cos - bend),
            ],
            [
                a + 1.0 - (a - 1.0) * cos + bend,
                2.0 * side * (a - 1.0 - (a + 1.0) * cos),
                a + 1.0 - (a - 1.0) * cos - bend,
            ],
        )
    }
}

/// Cosine and alpha of a corner without resonance; above the middle of the band it stays there.
fn corner(hz: f64, rate: f64) -> (f64, f64) {
    let angle = std::f64::consts::TAU * (hz / rate).min(0.25);
    (libm::cos(angle), libm::sin(angle) / std::f64::consts::SQRT_2)
}

/// Tilts the sound by `brightness`, −1..=1, and takes away what is below hearing.
pub(crate) fn colour(sound: &mut Stereo, brightness: f32, rate: u32, is_loop: bool) {
    let (rate, brightness) = (f64::from(rate), f64::from(brightness));
    let mut filters = vec![Biquad::high_pass(RUMBLE_HZ, rate)];
    if brightness != 0.0 {
        filters.push(Biquad::shelf(LOW_HZ, LOW_DB * brightness, -1.0, rate));
        filters.push(Biquad::shelf(HIGH_HZ, HIGH_DB * brightness, 1.0, rate));
    }
    for channel in sound.channels() {
        let mut filters = filters.clone();
        let step = |x: f32| filters.iter_mut().fold(f64::from(x), |x, filter| filter.step(x)) as f32;
        circular::run(channel, is_loop, (SETTLE_SECONDS * rate) as usize, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gain in dB at a frequency, from the response to an impulse.
    fn gain_db(brightness: f32, hz: f64) -> f64 {
        let mut sound = Stereo::silence(1 << 16);
        sound.left[0] = 1.0;
        colour(&mut sound, brightness, 48_000, false);
        let turn = |n: usize| std::f64::consts::TAU * hz * n as f64 / 48_000.0;
        let re: f64 = sound.left.iter().enumerate().map(|(n, x)| f64::from(*x) * turn(n).cos()).sum();
        let im: f64 = sound.left.iter().enumerate().map(|(n, x)| f64::from(*x) * turn(n).sin()).sum();
        20.0 * re.hypot(im).log10()
    }

    #[test]
    fn brightness_lifts_highs_and_lowers_lows() {
        for brightness in [-1.0, -0.5, 0.5, 1.0] {
            assert!((gain_db(brightness, 14_000.0) - HIGH_DB * f64::from(brightness)).abs() < 0.2);
            assert!((gain_db(brightness, 60.0) - LOW_DB * f64::from(brightness)).abs() < 0.3);
        }
        assert!(gain_db(0.0, 1000.0).abs() < 0.01 && gain_db(1.0, 0.5) < -50.0);
    }
}
