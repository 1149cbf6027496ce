//! What of a score has to be heard, however faint the model has it.

use score::Part;

use super::ScoreConfig;
use super::presence::onset_thresholds;
use super::row::{Roll, Row};

/// The faintest beginning that is made to sound of whoever plays anyway; who was asked for plays, however faint.
const FLOOR: f32 = 0.12;
/// Of a clip in which nothing would sound at all, how many parts are heard and how many onsets a span of each, if they have at
/// least this share of what a note begins with.
const FAINT_PARTS: usize = 3;
const FAINT_ONSETS: usize = 2;
const FAINTEST: f32 = 0.02;

/// What has to be heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Who was asked for, the first one first: each of them plays.
    pub parts: Vec<Part>,
    /// Columns of a span, of which none is empty; 0 lets them be.
    pub span: usize,
    /// Parts that begin in so many columns in all, the likeliest.
    pub attacks: Vec<(Part, usize)>,
}

impl Heard {
    /// From which strength notes begin, for every row and column, and how many notes each row needs to be a part.
    pub(super) fn onsets(&self, rows: &[Row], rolls: &[Roll], config: &ScoreConfig) -> (Vec<Vec<f32>>, Vec<usize>) {
        let (mut onsets, mut least) = self.usual_onsets(rows, rolls, config);
        for (part, attacks) in &self.attacks {
            let index = part.index();
            onsets[index] = strongest(&rows[index].strengths(&rolls[index]), *attacks, config.onset as f32);
            least[index] = 1;
        }
        (onsets, least)
    }

    fn usual_onsets(&self, rows: &[Row], rolls: &[Roll], config: &ScoreConfig) -> (Vec<Vec<f32>>, Vec<usize>) {
        let threshold = config.onset as f32;
        let mut onsets: Vec<Vec<f32>> = rolls.iter().map(|roll| vec![threshold; roll.len()]).collect();
        let mut least: Vec<usize> =
            config.parts.iter().zip(rolls).map(|(part, roll)| part.least_of(roll.len())).collect();
        if self.span == 0 {
            return (onsets, least);
        }
        let strengths: Vec<Vec<f32>> = rows.iter().zip(rolls).map(|(row, roll)| row.strengths(roll)).collect();
        let plays = |index: usize| strengths[index].iter().filter(|x| **x > threshold).count() >= least[index];
        let asked: Vec<usize> = self.parts.iter().map(|part| part.index()).collect();
        if !(0..rows.len()).any(plays) {
            self.make_faint_heard(&asked, &strengths, FAINTEST * threshold, &mut onsets);
            return (onsets, vec![1; rows.len()]);
        }
        for &index in asked.iter().filter(|index| !plays(**index)) {
            let silent = vec![false; strengths[index].len()];
            let own = onset_thresholds(&[&strengths[index]], &silent, self.span, threshold, f32::MIN);
            lower(&mut onsets[index], &own[0]);
        }
        let others = (0..rows.len()).filter(|index| !asked.contains(index) && plays(*index));
        let playing: Vec<usize> = asked.iter().copied().chain(others).collect();
        let mut sounds = vec![false; onsets.first().map_or(0, Vec::len)];
        for &index in &playing {
            let own = rows[index].sounds(&rolls[index], config);
            sounds.iter_mut().zip(own).for_each(|(any, own)| *any |= own);
        }
        let order: Vec<&[f32]> = playing.iter().map(|index| &strengths[*index][..]).collect();
        let filled = onset_thresholds(&order, &sounds, self.span, threshold, FLOOR);
        playing.iter().zip(&filled).for_each(|(&index, own)| lower(&mut onsets[index], own));
        asked.iter().for_each(|&index| least[index] = 1);
        (onsets, least)
    }
}

impl Heard {
    /// Few steps leave all notes faint: then the strongest are heard, of who was asked for, however faint, or of the strongest parts.
    fn make_faint_heard(&self, asked: &[usize], strengths: &[Vec<f32>], faintest: f32, onsets: &mut [Vec<f32>]) {
        let peak = |index: &usize| strengths[*index].iter().copied().fold(0.0, f32::max);
        let mut heard: Vec<usize> = if asked.is_empty() { (0..strengths.len()).collect() } else { asked.to_vec() };
        heard.sort_by(|a, b| peak(b).total_cmp(&peak(a)));
        let (most, faintest) = if asked.is_empty() { (FAINT_PARTS, faintest) } else { (heard.len(), f32::MIN) };
        for index in heard.into_iter().take(most) {
            let mut sorted = strengths[index].clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let spans = sorted.len().div_ceil(self.span);
            if let Some(last) = sorted.get(spans * FAINT_ONSETS - 1).or(sorted.last()) {
                onsets[index].fill(last.max(faintest).next_down());
            }
        }
    }
}

fn lower(onsets: &mut [f32], to: &[f32]) {
    onsets.iter_mut().zip(to).for_each(|(onset, to)| *onset = onset.min(*to));
}

/// Thresholds with which a part begins in so many columns, where it is strongest; pitches beside the strongest begin with it from
/// `threshold` on.
fn strongest(strengths: &[f32], columns: usize, threshold: f32) -> Vec<f32> {
    let mut order: Vec<usize> = (0..strengths.len()).collect();
    order.sort_by(|a, b| strengths[*b].total_cmp(&strengths[*a]));
    let mut onsets = vec![f32::INFINITY; strengths.len()];
    order.into_iter().take(columns).for_each(|at| onsets[at] = threshold.min(strengths[at].next_down()));
    onsets
}
