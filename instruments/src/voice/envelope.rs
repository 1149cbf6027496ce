//! Envelopes and oscillators as functions of time, without state.

/// What a level of 0 lies below one of 1.
pub(super) const BASE_CENTIBELS: f32 = 960.0;

/// Delay, attack, hold, decay, sustain, release, in seconds; decay and release for the whole way from 1 to 0.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Envelope {
    pub(crate) delay: f32,
    pub(crate) attack: f32,
    pub(crate) hold: f32,
    pub(crate) decay: f32,
    /// 0..=1.
    pub(crate) sustain: f32,
    pub(crate) release: f32,
}

impl Envelope {
    /// For volume, its delay left out: 1 is full, 0 is 96 dB less. The attack is a line in amplitude, the rest are lines in
    /// dB. `None` once it has died away.
    pub(super) fn level(&self, now: f32, released: f32) -> Option<f32> {
        let level = self.held_level(now.min(released));
        let level = if now > released { level - (now - released) / self.release } else { level };
        (level > 0.0).then_some(level)
    }

    fn held_level(&self, now: f32) -> f32 {
        if now < self.attack {
            // Not quite silent at first, so that the first frame is heard and a release has somewhere to fall from.
            let amplitude = (now / self.attack).max(2e-5);
            return (1.0 + 200.0 / BASE_CENTIBELS * libm::log10f(amplitude)).max(0.02);
        }
        self.settled(now - self.attack)
    }

    /// For modulation: 0..=1, its attack convex.
    pub(super) fn linear(&self, now: f32, released: f32) -> f32 {
        let held = |now: f32| {
            let now = now - self.delay;
            if now < 0.0 {
                0.0
            } else if now < self.attack {
                (1.0 + 40.0 / 96.0 * libm::log10f((now / self.attack).max(1e-3))).clamp(0.0, 1.0)
            } else {
                self.settled(now - self.attack)
            }
        };
        let level = held(now.min(released));
        if now <= released {
            return level;
        }
        if self.release > 0.0 { (level - (now - released) / self.release).max(0.0) } else { 0.0 }
    }

    /// Hold, decay and sustain.
    fn settled(&self, now: f32) -> f32 {
        let decaying = now - self.hold;
        if decaying < 0.0 {
            return 1.0;
        }
        if self.decay > 0.0 { (1.0 - decaying / self.decay).max(self.sustain) } else { self.sustain }
    }
}

/// An oscillator that rises from 0 after its delay.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Triangle {
    pub(crate) delay: f32,
    pub(crate) frequency_hz: f32,
}

impl Triangle {
    /// −1..=1.
    pub(super) fn value(&self, now: f32) -> f32 {
        let turns = (now - self.delay).max(0.0) * self.frequency_hz;
        let phase = turns - turns.floor();
        if phase < 0.25 {
            4.0 * phase
        } else if phase < 0.75 {
            2.0 - 4.0 * phase
        } else {
            4.0 * phase - 4.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIANO: Envelope = Envelope { delay: 0.0, attack: 0.01, hold: 0.1, decay: 10.0, sustain: 0.5, release: 1.0 };

    #[test]
    fn the_attack_is_a_line_in_amplitude() {
        let amplitude = |now| libm::exp10f(-BASE_CENTIBELS * (1.0 - PIANO.level(now, 1.0).unwrap_or(0.0)) / 200.0);
        for now in [0.002, 0.005, 0.008] {
            assert!((amplitude(now) - now / 0.01).abs() < 1e-4);
        }
    }

    #[test]
    fn decay_and_release_are_lines_that_meet() {
        assert_eq!(PIANO.level(0.1, 9.0), Some(1.0));
        let level = |now, released| PIANO.level(now, released).unwrap_or(0.0);
        assert!((level(1.11, 9.0) - 0.9).abs() < 1e-6);
        assert!((level(8.0, 9.0) - 0.5).abs() < 1e-6);
        assert!((level(1.36, 1.11) - 0.65).abs() < 1e-5);
        assert_eq!(PIANO.level(2.2, 1.11), None);
    }

    #[test]
    fn an_oscillator_rises_from_its_delay() {
        let triangle = Triangle { delay: 0.5, frequency_hz: 2.0 };
        let at = [0.4, 0.5, 0.625, 0.75, 0.875, 1.0].map(|now| triangle.value(now));
        assert_eq!(at, [0.0, 0.0, 1.0, 0.0, -1.0, 0.0]);
    }
}
