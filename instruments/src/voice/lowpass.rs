//! The filter of a voice: two poles with resonance.

/// Q of a filter without resonance.
const BUTTERWORTH: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// Highest cutoff as a share of the rate.
const HIGHEST: f32 = 0.45;

/// A low-pass whose cutoff may move.
pub(super) struct Lowpass {
    q: f32,
    gain: f32,
    cutoff: f32,
    b: f32,
    a: [f32; 2],
    state: [f32; 2],
}

impl Lowpass {
    pub(super) fn new(resonance_db: f32) -> Self {
        let over = libm::exp10f(resonance_db / 20.0);
        // Half of a resonance's height is taken from everything, as the specification has it.
        Self { q: BUTTERWORTH * over, gain: 1.0 / over.sqrt(), cutoff: -1.0, b: 1.0, a: [0.0; 2], state: [0.0; 2] }
    }

    /// `cutoff` as a share of the rate.
    pub(super) fn tune(&mut self, cutoff: f32) {
        let cutoff = cutoff.clamp(1e-4, HIGHEST);
        if cutoff == self.cutoff {
            return;
        }
        self.cutoff = cutoff;
        let angle = std::f32::consts::TAU * cutoff;
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        let alpha = sin / (2.0 * self.q);
        let scale = 1.0 / (1.0 + alpha);
        // 1 − cos without cancellation, for low cutoffs.
        let one_less_cos = 2.0 * libm::sinf(angle / 2.0) * libm::sinf(angle / 2.0);
        self.b = one_less_cos * scale * 0.5 * self.gain;
        self.a = [-2.0 * cos * scale, (1.0 - alpha) * scale];
    }

    pub(super) fn run(&mut self, frames: &mut [f32]) {
        let (b, [a1, a2], [mut s1, mut s2]) = (self.b, self.a, self.state);
        for frame in frames {
            let x = *frame;
            let y = b * x + s1;
            s1 = 2.0 * b * x - a1 * y + s2;
            s2 = b * x - a2 * y;
            *frame = y;
        }
        self.state = [s1, s2];
    }
}
