//! Where a part sits and how it behaves there.

use score::Part;

/// A part's place in the mix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    /// Level in dB.
    pub(crate) level_db: f32,
    /// −1 left to 1 right.
    pub(crate) pan: f32,
    /// How far a note two octaves above [`middle`](Self::middle) is to the right of its place.
    pub(crate) spread: f32,
    /// A usual note of the part.
    pub(crate) middle: u8,
    /// Share of the part that reaches the room.
    pub(crate) send: f32,
    /// Deviations of time, at most twice this, in milliseconds.
    pub(crate) timing_ms: f32,
    /// Deviations of velocity, at most twice this.
    pub(crate) velocity: f32,
    /// Swell from the middle in dB.
    pub(crate) swell_db: f32,
    /// Cents that the filter closes from the hardest to the softest note.
    pub(crate) touch_cents: f32,
}

impl Seat {
    /// The usual place of a part.
    #[rustfmt::skip]
    pub(crate) const fn of(part: Part) -> Self {
        match part {
            Part::Pad => Self { level_db: -6.0, pan: 0.0, spread: 0.6, middle: 60, send: 0.7, timing_ms: 8.0, velocity: 4.0, swell_db: 2.5, touch_cents: 1800.0 },
            Part::Bass => Self { level_db: 2.0, pan: 0.0, spread: 0.0, middle: 40, send: 0.08, timing_ms: 3.5, velocity: 4.0, swell_db: 0.6, touch_cents: 1200.0 },
            Part::Keys => Self { level_db: -4.0, pan: -0.15, spread: 0.4, middle: 62, send: 0.45, timing_ms: 5.0, velocity: 5.0, swell_db: 1.2, touch_cents: 2400.0 },
            Part::Ostinato => Self { level_db: -5.0, pan: 0.3, spread: 0.3, middle: 64, send: 0.45, timing_ms: 4.5, velocity: 5.0, swell_db: 1.2, touch_cents: 1800.0 },
            Part::Lead => Self { level_db: -1.0, pan: 0.05, spread: 0.0, middle: 72, send: 0.5, timing_ms: 7.0, velocity: 5.0, swell_db: 1.5, touch_cents: 1800.0 },
            Part::Counter => Self { level_db: -3.0, pan: -0.35, spread: 0.0, middle: 65, send: 0.6, timing_ms: 7.0, velocity: 5.0, swell_db: 1.5, touch_cents: 1800.0 },
            Part::Mallets => Self { level_db: -4.0, pan: 0.2, spread: 0.5, middle: 80, send: 0.8, timing_ms: 6.0, velocity: 5.0, swell_db: 1.0, touch_cents: 1200.0 },
            Part::Drums => Self { level_db: 1.0, pan: 0.0, spread: 0.0, middle: 40, send: 0.25, timing_ms: 2.5, velocity: 5.0, swell_db: 0.8, touch_cents: 600.0 },
        }
    }
}
