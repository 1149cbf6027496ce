//! Numbers that depend on a seed and on what they are for, not on an order.

/// What a number is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// For one thing more.
    pub(crate) fn with(self, what: u64) -> Self {
        Self(mix(self.0 ^ what.wrapping_mul(0xD6E8_FEB8_6659_FD93)))
    }

    /// 0..1.
    pub(crate) fn uniform(self) -> f32 {
        (mix(self.0) >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// Near a normal deviate, of deviation 1 and never beyond ±3.
    pub(crate) fn normal(self) -> f32 {
        // Twelve uniform numbers have a variance of one; four of them, a third of it.
        let sum: f32 = (0..4).map(|index| self.with(index).uniform() - 0.5).sum();
        sum * 3.0_f32.sqrt()
    }
}

/// One step of splitmix64.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
