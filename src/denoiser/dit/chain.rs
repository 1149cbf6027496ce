//! How likely every note is when all columns of a loop are weighed together: a hidden Markov chain for every pitch of a part.
//!
//! ```text
//! after silence:      silence, a beginning
//! after what sounds:  silence, a beginning anew, sounding on
//! ```
//!
//! Given how much more likely than silence a beginning and sounding on are in every column, what follows for the whole loop is
//! exact: forward and backward sums around a circle. A held note gathers what is seen in all of its columns, and nothing sounds
//! on that never began. In f64: of columns that contradict each other little is left. Of pitches, which do not depend on each
//! other, several are weighed at once.
//!
//! Source: Rabiner, "A tutorial on hidden Markov models", Proc. IEEE 1989; in PyTorch `bundles/mini/recipe/chain.py`.

use candle_core::{DType, Device, Result, Tensor, bail};
use rayon::prelude::*;

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

/// Pitches that are weighed at once.
const LANES: usize = 8;

/// A number for each of them.
type Lanes = [f64; LANES];

/// How one column leads from silence (0) or what sounds (1) to silence or what sounds, row by row.
type Way = [Lanes; 4];

/// That nothing changes.
const SAME: Way = [[1.0; LANES], [0.0; LANES], [0.0; LANES], [1.0; LANES]];

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
        let size = columns * bits;
        for i in 0..batch {
            let own = i * size..(i + 1) * size;
            let before = i.saturating_sub(1) * size..i * size;
            // All parts of guidance see the same.
            if i > 0 && expected.is_none() && seen_odds[own.clone()] == seen_odds[before.clone()] {
                likely.copy_within(before, own.start);
                continue;
            }
            let expected = expected.as_ref().map(|odds| &odds[own.clone()]);
            self.weigh(&seen_odds[own.clone()], expected, &mut likely[own]);
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
        let lanes = self.parts.iter().flat_map(|part| (0..part.chances.len()).step_by(LANES).map(move |i| (part, i)));
        let lanes: Vec<(&Pitches, usize)> = lanes.collect();
        let found: Vec<Vec<[Lanes; 2]>> = lanes
            .par_iter()
            .map(|&(part, first)| {
                let odds: Vec<[Lanes; 2]> = seen
                    .chunks(self.bits)
                    .enumerate()
                    .map(|(column, seen)| {
                        part.odds(first, seen, expected.map(|odds| &odds[column * self.bits..(column + 1) * self.bits]))
                    })
                    .collect();
                pitches(part.lanes(first), &odds)
            })
            .collect();
        for ((part, first), found) in lanes.into_iter().zip(found) {
            for (column, [begins, on]) in (0..columns).zip(found) {
                let own = &mut likely[column * self.bits..(column + 1) * self.bits];
                for lane in 0..LANES.min(part.chances.len() - first) {
                    own[part.first + first + lane] = begins[lane] as f32;
                    if part.sustains {
                        own[part.first + part.chances.len() + first + lane] = (begins[lane] + on[lane]) as f32;
                    }
                }
            }
        }
    }
}

impl Pitches {
    /// Chances of the pitches from `first` on; of lanes without a pitch those of the last.
    fn lanes(&self, first: usize) -> [Lanes; 3] {
        let of = |lane: usize| self.chances[(first + lane).min(self.chances.len() - 1)];
        std::array::from_fn(|which| std::array::from_fn(|lane| f64::from(of(lane)[which])))
    }

    /// Log odds of a beginning and of sounding on, by a column's bits.
    fn odds(&self, first: usize, seen: &[f32], expected: Option<&[f32]>) -> [Lanes; 2] {
        let (mut begin, mut on) = ([0.0; LANES], [0.0; LANES]);
        let count = self.chances.len();
        for lane in 0..LANES.min(count - first) {
            let at = |odds: &[f32], bit: usize| f64::from(odds[self.first + bit]);
            let of = |bit: usize| (at(seen, bit), expected.map_or(0.0, |odds| at(odds, bit)));
            let (seen, sooner) = of(first + lane);
            let (sounds, goes_on) = if self.sustains { of(count + first + lane) } else { (0.0, 0.0) };
            (begin[lane], on[lane]) = (seen + sounds + sooner, sounds + goes_on);
        }
        [begin, on]
    }
}

/// Chances of a beginning and of sounding on in every column of some pitches, by log odds of either against silence.
fn pitches([begin, again, goes_on]: [Lanes; 3], odds: &[[Lanes; 2]]) -> Vec<[Lanes; 2]> {
    let each = |of: &dyn Fn(usize) -> f64| -> Lanes { std::array::from_fn(of) };
    let (rest, stop) = (each(&|i| 1.0 - begin[i]), each(&|i| 1.0 - again[i] - goes_on[i]));
    // Weights of silence, a beginning and sounding on, the largest of them 1, each with the chances of all that leads there.
    let steps: Vec<Step> = odds
        .iter()
        .map(|[to_begin, to_go_on]| {
            let mut step = Step::default();
            for i in 0..LANES {
                let top = to_begin[i].max(to_go_on[i]).max(0.0);
                let (silence, begins, on) = ((-top).exp(), (to_begin[i] - top).exp(), (to_go_on[i] - top).exp());
                step.way[0][i] = rest[i] * silence;
                step.way[1][i] = begin[i] * begins;
                step.way[2][i] = stop[i] * silence;
                step.way[3][i] = again[i] * begins + goes_on[i] * on;
                step.on[i] = goes_on[i] * on;
            }
            step
        })
        .collect();
    let mut before = Vec::with_capacity(odds.len());
    let mut reached = SAME;
    for step in &steps {
        before.push(reached);
        reached = scaled(through(&reached, &step.way));
    }
    let mut likely = vec![[[0.0; LANES]; 2]; odds.len()];
    let mut after = SAME;
    for (column, step) in steps.iter().enumerate().rev() {
        // Closed into a circle: how much leads from after this column around to before it.
        let around = through(&after, &before[column]);
        for i in 0..LANES {
            let on = around[3][i] * step.on[i];
            let begins = around[2][i] * step.way[1][i] + around[3][i] * (step.way[3][i] - step.on[i]);
            let total = around[0][i] * step.way[0][i] + around[1][i] * step.way[2][i] + begins + on;
            (likely[column][0][i], likely[column][1][i]) = (begins / total, on / total);
        }
        after = scaled(through(&step.way, &after));
    }
    likely
}

/// A column of some pitches.
#[derive(Default)]
struct Step {
    way: Way,
    /// What of the last of its ways is sounding on.
    on: Lanes,
}

/// First one, then the other.
fn through(a: &Way, b: &Way) -> Way {
    let mut way = Way::default();
    for i in 0..LANES {
        way[0][i] = a[0][i] * b[0][i] + a[1][i] * b[2][i];
        way[1][i] = a[0][i] * b[1][i] + a[1][i] * b[3][i];
        way[2][i] = a[2][i] * b[0][i] + a[3][i] * b[2][i];
        way[3][i] = a[2][i] * b[1][i] + a[3][i] * b[3][i];
    }
    way
}

/// A way whose weights add up to one.
fn scaled(mut way: Way) -> Way {
    for i in 0..LANES {
        let size = 1.0 / (way[0][i] + way[1][i] + way[2][i] + way[3][i]);
        way.iter_mut().for_each(|weights| weights[i] *= size);
    }
    way
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
        // Lanes of other odds beside, of which none disturbs another.
        let lanes = odds.map(|odds| odds.map(|odds| std::array::from_fn(|lane| odds + (lane % 5) as f64 * 0.7)));
        let likely = pitches(chances.map(|chance| [chance; LANES]), &lanes);
        for (column, found) in likely.iter().enumerate() {
            for (state, found) in [1, 2].iter().zip(found.map(|lanes| lanes[0])) {
                let wanted: f64 = loops.iter().filter(|states| states[column] == *state).map(weight).sum();
                assert!((wanted / whole - found).abs() < 1e-12, "{column} {state}: {found}");
            }
        }
    }
}
