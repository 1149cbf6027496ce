//! How likely every note is when all columns of a loop are weighed together: a hidden Markov chain for every pitch of a part.
//!
//! ```text
//! after silence:      silence, a beginning
//! after what sounds:  silence, a beginning anew, sounding on
//! ```
//!
//! Given how much more likely than silence a beginning and sounding on are in every column, what follows for the whole loop is
//! exact: forward and backward sums around a circle. A held note gathers what is seen in all of its columns, and nothing sounds
//! on that never began. In f64: of columns that contradict each other little is left.
//!
//! Source: Rabiner, "A tutorial on hidden Markov models", Proc. IEEE 1989; in PyTorch `bundles/mini/recipe/chain.py`.

use candle_core::{DType, Device, Result, Tensor, bail};

use super::DitConfig;

/// The pitches of one part.
#[derive(Debug, Clone)]
struct Pitches {
    /// The first of its bits: those of the pitches' beginnings, then, if it sustains, those of their sounding.
    first: usize,
    sustains: bool,
    /// Of every pitch, the chance of a beginning after silence and after what sounds, and of sounding on.
    chances: Vec<[f32; 3]>,
}

/// The chains of all pitches of all parts.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    parts: Vec<Pitches>,
    bits: usize,
}

/// How one column leads from silence (0) or what sounds (1) to silence or what sounds, row by row.
type Way = [f64; 4];

/// That nothing changes.
const SAME: Way = [1.0, 0.0, 0.0, 1.0];

impl Chain {
    /// From the chances `(3, pitches)` of all parts.
    ///
    /// # Errors
    ///
    /// Chances that are none.
    pub fn new(config: &DitConfig, chances: &Tensor) -> Result<Self> {
        let chances = chances.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        let (mut parts, mut bit, mut pitch) = (Vec::new(), 0, 0);
        for (&bits, &onsets) in config.row_bits.iter().zip(&config.row_onsets) {
            let own = (pitch..pitch + onsets).map(|i| [chances[0][i], chances[1][i], chances[2][i]]);
            parts.push(Pitches { first: bit, sustains: bits > onsets, chances: own.collect() });
            (bit, pitch) = (bit + bits, pitch + onsets);
        }
        let is_chance = |[begin, again, on]: &[f32; 3]| {
            [begin, again, on].iter().all(|x| **x >= 0.0) && *begin < 1.0 && again + on < 1.0
        };
        if !parts.iter().flat_map(|part| &part.chances).all(is_chance) {
            bail!("a DiT whose chances of notes are not from 0 to below 1");
        }
        Ok(Self { parts, bits: bit })
    }

    /// How likely every bit `(b, t, bits)` is, by log odds of what is seen and, if said, of what is expected, `(b, t, bits)` each.
    ///
    /// What is seen of a pitch's sounding speaks for a beginning, too; what is expected of a beginning says so itself. On the
    /// CPU in any case: from column to column there is little to do at once.
    pub fn likely(&self, seen: &Tensor, expected: Option<&Tensor>) -> Result<Tensor> {
        let (batch, columns, bits) = seen.dims3()?;
        let flat = |odds: &Tensor| odds.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>();
        let (seen_odds, expected) = (flat(seen)?, expected.map(flat).transpose()?);
        let mut likely = vec![0f32; seen_odds.len()];
        for (i, likely) in likely.chunks_mut(columns * bits).enumerate() {
            let own = i * columns * bits..(i + 1) * columns * bits;
            let expected = expected.as_ref().map(|odds| &odds[own.clone()]);
            self.weigh(&seen_odds[own.clone()], expected, likely);
        }
        Tensor::from_vec(likely, (batch, columns, bits), &Device::Cpu)?.to_device(seen.device())
    }

    /// How likely every bit `(bits)` is where nothing is known.
    pub fn average(&self) -> Vec<f32> {
        let mut likely = vec![0.0; self.bits];
        for part in &self.parts {
            for (i, [begin, again, on]) in part.chances.iter().enumerate() {
                let sounds = begin / (begin + 1.0 - again - on);
                let begins = begin * (1.0 - sounds) + again * sounds;
                likely[part.first + i] = begins;
                if part.sustains {
                    likely[part.first + part.chances.len() + i] = begins + on * sounds;
                }
            }
        }
        likely
    }

    /// One loop: odds and chances `(t, bits)`.
    fn weigh(&self, seen: &[f32], expected: Option<&[f32]>, likely: &mut [f32]) {
        let columns = seen.len() / self.bits;
        let (mut odds, mut begun) = (vec![[0f64; 2]; columns], vec![[0f64; 2]; columns]);
        for part in &self.parts {
            for (i, chances) in part.chances.iter().enumerate() {
                let (onset, sustain) = (part.first + i, part.first + part.chances.len() + i);
                for (column, odds) in odds.iter_mut().enumerate() {
                    let at = |odds: &[f32], bit: usize| f64::from(odds[column * self.bits + bit]);
                    let of = |bit: usize| [at(seen, bit), expected.map_or(0.0, |odds| at(odds, bit))];
                    let ([seen, sooner], [sounds, on]) =
                        (of(onset), if part.sustains { of(sustain) } else { [0.0; 2] });
                    *odds = [seen + sounds + sooner, sounds + on];
                }
                pitch(chances.map(f64::from), &odds, &mut begun);
                for (column, [begins, on]) in begun.iter().enumerate() {
                    likely[column * self.bits + onset] = *begins as f32;
                    if part.sustains {
                        likely[column * self.bits + sustain] = (begins + on) as f32;
                    }
                }
            }
        }
    }
}

/// Chances of a beginning and of sounding on in every column of one pitch, by log odds of either against silence.
fn pitch([begin, again, goes_on]: [f64; 3], odds: &[[f64; 2]], likely: &mut [[f64; 2]]) {
    let (rest, stop) = (1.0 - begin, 1.0 - again - goes_on);
    // Weights of silence, a beginning and sounding on, the largest of them 1.
    let weights = odds.iter().map(|[begin, on]| {
        let top = begin.max(*on).max(0.0);
        [(-top).exp(), (begin - top).exp(), (on - top).exp()]
    });
    let weights: Vec<[f64; 3]> = weights.collect();
    let way = |[silence, begins, on]: &[f64; 3]| {
        [rest * silence, begin * begins, stop * silence, again * begins + goes_on * on]
    };
    let mut before = Vec::with_capacity(odds.len());
    let mut reached = SAME;
    for weights in &weights {
        before.push(reached);
        reached = scaled(through(reached, way(weights)));
    }
    let mut after = SAME;
    for (column, weights) in weights.iter().enumerate().rev() {
        // Closed into a circle: how much leads from after this column around to before it.
        let around = through(after, before[column]);
        let way = way(weights);
        let begins = around[2] * begin * weights[1] + around[3] * again * weights[1];
        let on = around[3] * goes_on * weights[2];
        let total = around[0] * way[0] + around[1] * way[2] + begins + on;
        likely[column] = [begins / total, on / total];
        after = scaled(through(way, after));
    }
}

/// First one, then the other.
fn through(a: Way, b: Way) -> Way {
    [a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3]]
}

/// A way whose weights add up to one.
fn scaled(way: Way) -> Way {
    let size = way.iter().sum::<f64>();
    way.map(|weight| weight / size)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Every way of a loop that can be: 0 silence, 1 a beginning, 2 sounding on.
    fn loops(columns: usize) -> Vec<Vec<usize>> {
        let all = (0..3usize.pow(columns as u32)).map(|n| (0..columns).map(|i| n / 3usize.pow(i as u32) % 3).collect());
        let can_be =
            |states: &Vec<usize>| (0..columns).all(|i| states[i] != 2 || states[(i + columns - 1) % columns] != 0);
        all.filter(can_be).collect()
    }

    #[test]
    fn it_is_what_all_loops_together_say() {
        let chances = [0.2, 0.1, 0.6];
        let odds = [[0.5, -1.0], [1.5, 0.3], [-2.0, 1.0], [0.1, 0.9], [-0.7, -0.4], [2.0, 0.2]];
        let weight = |states: &Vec<usize>| -> f64 {
            let of = |i: usize| {
                let sounds = states[(i + odds.len() - 1) % odds.len()] != 0;
                let chance = match (sounds, states[i]) {
                    (false, 0) => 1.0 - chances[0],
                    (false, _) => chances[0],
                    (true, 0) => 1.0 - chances[1] - chances[2],
                    (true, state) => chances[state],
                };
                chance * if states[i] == 0 { 1.0 } else { f64::exp(odds[i][states[i] - 1]) }
            };
            (0..odds.len()).map(of).product()
        };
        let loops = loops(odds.len());
        let whole: f64 = loops.iter().map(weight).sum();
        let mut likely = [[0.0; 2]; 6];
        pitch(chances, &odds, &mut likely);
        for (column, found) in likely.iter().enumerate() {
            for (state, found) in [1, 2].iter().zip(found) {
                let wanted: f64 = loops.iter().filter(|states| states[column] == *state).map(weight).sum();
                assert!((wanted / whole - found).abs() < 1e-12, "{column} {state}: {found}");
            }
        }
    }
}
