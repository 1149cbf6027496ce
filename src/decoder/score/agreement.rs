//! Parts that agree on chords: every half bar has a chord that all parts together speak for, and what the accompaniment expects outside
//! it is turned down.
//!
//! For what is composed around notes that are kept; without any, harmony would stand still. A model says of every note by itself how
//! likely it is, and has many chords in mind at once until the walk decides. Chords are
//! those of the scores that it learnt from, at home, as sets of pitch classes with their shares of all music; which of them sounds is
//! weighed along the bars by forward and backward sums, as changes are likelier on bar lines.
//!
//! Source: `bundles/mini/recipe/agreement.py`.

use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use score::Part;

use super::{PartRoll, ScoreDecoder, numbers_of};

/// Nats that a part speaks against a chord of which it plays nothing.
const SURENESS: f64 = 6.0;
/// Sum of expected notes that halves what a part says.
const FAINT: f64 = 0.3;
/// Chances that a chord goes on over a bar line, and within a bar.
const STAYS: f64 = 0.35;
const STAYS_WITHIN: f64 = 0.8;

/// A number for each pitch class, C first.
type Classes = [f64; 12];

/// Sets of pitch classes, 0 or 1, and each one's share of all music.
#[derive(Debug, Clone)]
pub(super) struct Chords {
    tones: Vec<Classes>,
    share: Vec<f64>,
}

impl Chords {
    /// Reads `tones (count, 12)` and `share (count)`.
    pub fn new(count: usize, vb: &VarBuilder) -> Result<Self> {
        if count == 0 {
            return Ok(Self { tones: Vec::new(), share: Vec::new() });
        }
        let tones = numbers_of(&vb.get((count, 12), "tones")?)?;
        let share = numbers_of(&vb.get(count, "share")?)?;
        if share.iter().any(|share| !share.is_finite() || *share <= 0.0)
            || tones.iter().any(|x| ![0.0, 1.0].contains(x))
        {
            bail!("score decoder: chords should be pitch classes of 0 and 1, with shares above 0");
        }
        let tones = tones.chunks(12).map(|tones| std::array::from_fn(|class| tones[class]));
        Ok(Self { tones: tones.collect(), share })
    }

    /// Of each pitch class how likely it is in the chord of a span, beside the likeliest; `heard` says how loud they are in every
    /// span, of which a bar has `per_bar`.
    fn allowed(&self, heard: &[Classes], per_bar: usize) -> Vec<Classes> {
        let weights: Vec<Vec<f64>> = heard.iter().map(|heard| self.weights(heard)).collect();
        let stays = |span: usize| if span.is_multiple_of(per_bar) { STAYS } else { STAYS_WITHIN };
        let mut before: Vec<Vec<f64>> = Vec::with_capacity(heard.len());
        for (span, own) in weights.iter().enumerate() {
            let stay = stays(span);
            let reached = |chord: usize| match before.last() {
                Some(last) => (stay * last[chord] + (1.0 - stay) * self.share[chord]) * own[chord],
                None => self.share[chord] * own[chord],
            };
            let reached = unit((0..own.len()).map(reached).collect());
            before.push(reached);
        }
        let mut after = vec![1.0; self.share.len()];
        let mut allowed = vec![[0.0; 12]; heard.len()];
        for (span, own) in weights.iter().enumerate().rev() {
            let likely = unit(before[span].iter().zip(&after).map(|(before, after)| before * after).collect());
            allowed[span] = self.classes(&likely);
            let stay = stays(span);
            let anew: f64 =
                after.iter().zip(own).zip(&self.share).map(|((after, own), share)| after * own * share).sum();
            after = unit(after.iter().zip(own).map(|(after, own)| stay * after * own + (1.0 - stay) * anew).collect());
        }
        allowed
    }

    /// How well each chord explains what is heard.
    fn weights(&self, heard: &Classes) -> Vec<f64> {
        let outside = |tones: &Classes| heard.iter().zip(tones).map(|(heard, tone)| heard * (1.0 - tone)).sum::<f64>();
        self.tones.iter().map(|tones| libm::exp(-SURENESS * outside(tones))).collect()
    }

    /// How likely each pitch class is, beside the likeliest.
    fn classes(&self, likely: &[f64]) -> Classes {
        let mut classes = [0.0; 12];
        for (likely, tones) in likely.iter().zip(&self.tones) {
            classes.iter_mut().zip(tones).for_each(|(class, tone)| *class += likely * tone);
        }
        let most = classes.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        classes.map(|class| class / most)
    }
}

fn unit(values: Vec<f64>) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values.into_iter().map(|value| value / sum).collect()
}

impl ScoreDecoder {
    /// `latents (1, channels, columns, rows)` in which the parts agree on chords; `bar` is how many columns the model counts as a bar.
    /// Without chords in the bundle they stay as they are.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub fn agreed(&self, latents: &Tensor, bar: usize) -> Result<Tensor> {
        let (span, per_bar) = if bar.is_multiple_of(2) && bar > 0 { (bar / 2, 2) } else { (bar.max(1), 1) };
        if self.chords.share.is_empty() {
            return Ok(latents.clone());
        }
        self.with_rolls(latents, |rolls| {
            let allowed = self.chords.allowed(&heard(rolls, span), per_bar);
            for roll in rolls.iter_mut().filter(|roll| is_accompaniment(roll.part)) {
                for column in 0..roll.begins.len() {
                    let share = &allowed[column / span];
                    let low = usize::from(roll.low);
                    let turn_down = |values: &mut [f64]| {
                        let own = values.iter_mut().enumerate().filter(|(_, value)| **value > 0.0);
                        own.for_each(|(pitch, value)| *value *= share[(low + pitch) % 12]);
                    };
                    turn_down(&mut roll.begins[column]);
                    turn_down(&mut roll.sounds[column]);
                }
            }
        })
    }
}

fn is_accompaniment(part: Part) -> bool {
    matches!(part, Part::Pad | Part::Bass | Part::Keys | Part::Ostinato | Part::Mallets)
}

/// How much a part says of the chord.
fn weight(part: Part) -> f64 {
    match part {
        Part::Bass => 1.5,
        Part::Lead | Part::Counter => 0.3,
        Part::Drums => 0.0,
        _ => 1.0,
    }
}

/// How loud each pitch class is in every span of so many columns.
fn heard(rolls: &[PartRoll], span: usize) -> Vec<Classes> {
    let columns = rolls.first().map_or(0, |roll| roll.begins.len());
    let mut heard = vec![[0.0; 12]; columns.div_ceil(span)];
    for roll in rolls.iter().filter(|roll| weight(roll.part) > 0.0) {
        for (at, heard) in heard.iter_mut().enumerate() {
            let own = at * span..((at + 1) * span).min(columns);
            let there = |pitch: usize| {
                let value = |column: usize| {
                    let sounds = roll.sounds[column].get(pitch).copied().unwrap_or(0.0);
                    roll.begins[column][pitch].clamp(0.0, 1.0).max(sounds.clamp(0.0, 1.0))
                };
                own.clone().map(value).sum::<f64>() / own.len() as f64
            };
            let there: Vec<f64> = (0..roll.pitches).map(there).collect();
            let all = there.iter().sum::<f64>() + FAINT;
            for (pitch, there) in there.iter().enumerate() {
                heard[(usize::from(roll.low) + pitch) % 12] += weight(roll.part) * there / all;
            }
        }
    }
    heard
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn chords() -> Chords {
        let chord = |tones: [usize; 3]| std::array::from_fn(|class| f64::from(u8::from(tones.contains(&class))));
        Chords { tones: [[0, 4, 7], [9, 0, 4], [5, 9, 0]].map(chord).to_vec(), share: vec![0.5, 0.3, 0.2] }
    }

    /// C and E, with a little of what is given.
    fn doubtful(class: usize) -> Classes {
        let mut heard = [0.0; 12];
        (heard[0], heard[4], heard[class]) = (0.9, 0.9, 0.5);
        heard
    }

    #[test]
    fn what_fits_no_chord_is_turned_down_and_doubt_goes_with_the_neighbours() {
        let found = chords().allowed(&[doubtful(9), doubtful(9)], 2);
        assert!(found[0][9] > 0.9 && found[0][7] < 0.1 && found[0][2] == 0.0, "{found:?}");
        // C and E alone are C or A minor: what is beside them in the bar decides.
        let mut bare = doubtful(0);
        bare[0] = 0.9;
        let alone = chords().allowed(&[bare], 2)[0];
        let beside = chords().allowed(&[doubtful(9), bare], 2)[1];
        assert!(beside[9] > alone[9] && beside[7] < alone[7], "{alone:?} {beside:?}");
    }
}
