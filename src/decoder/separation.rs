//! What is struck and what is pitched, told apart in a mel, so that a new key moves the one and not the other.

use rayon::prelude::*;

/// Frames of a loop over which a pitched sound lasts: a little more than an eighth note of the mini bundle's grid.
const FRAMES: usize = 21;
/// Bands over which a struck sound spreads.
const BANDS: usize = 17;
/// How much louder across the bands than along the frames a struck sound is: a tone's attack and its dense upper partials
/// should not be taken for a drum.
const MARGIN: f32 = 3.;
/// How far the power of a hit's noise rises above its median.
const ROUGHNESS: f32 = 2.;
/// How much more of a cell its stronger part takes: shares are raised to this. The parts are given phases of their own, so
/// that what both have of a cell beats.
const DECISION: i32 = 3;

/// A mel in two parts of the same shape whose powers add up to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// What lasts: ridges along time.
    pub pitched: Vec<f32>,
    /// What is broad and short: ridges across the bands.
    pub struck: Vec<f32>,
}

/// `mel (frames, bands)` flat, natural log, of a loop, in its two parts, neither below `floor`.
///
/// Medians along time, around the loop, keep tones and lose hits; medians across the bands the other way round. Each cell is
/// shared by the squares of the two and then decided for the stronger part, but no more of it is struck than its neighbours have: what stands out of them is a note,
/// however short.
///
/// Source: Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010; Driedger, Müller and Disch,
/// "Extending harmonic-percussive separation of audio signals", ISMIR 2014 (the margin).
pub fn separate(mel: &[f32], bands: usize, floor: f32) -> Parts {
    let mut parts = Parts { pitched: vec![floor; mel.len()], struck: vec![floor; mel.len()] };
    let rows = parts.pitched.par_chunks_mut(bands).zip(parts.struck.par_chunks_mut(bands)).enumerate();
    rows.for_each_init(Vec::new, |near, (frame, (pitched, struck))| {
        for band in 0..bands {
            let lasting = median_along(mel, bands, (frame, band), near);
            let broad = median_across(&mel[frame * bands..][..bands], band, near);
            let log = mel[frame * bands + band];
            let share = share_of_struck(lasting, broad, log);
            pitched[band] = (log + 0.5 * (1. - share).ln()).max(floor);
            struck[band] = (log + 0.5 * share.ln()).max(floor);
        }
    });
    parts
}

/// Share of the power that is struck, from the two medians of log magnitudes and the cell's own; within 0..=1.
fn share_of_struck(lasting: f32, broad: f32, log: f32) -> f32 {
    let share = 1. / (1. + MARGIN * MARGIN * (2. * (lasting - broad)).exp());
    let share = share * (ROUGHNESS * (2. * (broad - log)).exp()).min(1.);
    let (struck, pitched) = (share.powi(DECISION), (1. - share).powi(DECISION));
    struck / (struck + pitched)
}

fn median_along(mel: &[f32], bands: usize, (frame, band): (usize, usize), near: &mut Vec<f32>) -> f32 {
    let frames = mel.len() / bands;
    let before = frames - (FRAMES / 2) % frames;
    median(near, (0..FRAMES).map(|i| mel[(frame + before + i) % frames * bands + band]))
}

fn median_across(row: &[f32], band: usize, near: &mut Vec<f32>) -> f32 {
    let (low, high) = (band.saturating_sub(BANDS / 2), (band + BANDS / 2 + 1).min(row.len()));
    median(near, row[low..high].iter().copied())
}

fn median(near: &mut Vec<f32>, values: impl Iterator<Item = f32>) -> f32 {
    near.clear();
    near.extend(values);
    let middle = near.len() / 2;
    *near.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 64;
    const FLOOR: f32 = -9.;

    /// A tone in one band, a hit in one frame, on a silent ground.
    fn cross() -> Vec<f32> {
        let cell = |frame, band| if frame == 40 || band == 20 { 0. } else { FLOOR };
        (0..SIZE * SIZE).map(|i| cell(i / SIZE, i % SIZE)).collect()
    }

    fn power(log: f32) -> f32 {
        (2. * log).exp()
    }

    #[test]
    fn a_tone_is_pitched_and_a_hit_is_struck() {
        let parts = separate(&cross(), SIZE, FLOOR);
        let at = |part: &[f32], frame: usize, band: usize| part[frame * SIZE + band];
        assert!(at(&parts.pitched, 10, 20) > -0.01 && at(&parts.struck, 10, 20) < -8.9);
        assert!(at(&parts.struck, 40, 50) > -0.01 && at(&parts.pitched, 40, 50) < -6.);
    }

    #[test]
    fn a_short_note_is_no_hit() {
        // Four partials, a few frames long, with a little noise between them.
        let cell = |frame, band| if (30..38).contains(&frame) { if band % 16 == 4 { 0. } else { -4. } } else { FLOOR };
        let mel: Vec<f32> = (0..SIZE * SIZE).map(|i| cell(i / SIZE, i % SIZE)).collect();
        let parts = separate(&mel, SIZE, FLOOR);
        assert!(parts.pitched[33 * SIZE + 20] > -0.01 && parts.struck[33 * SIZE + 20] < -3.);
    }

    #[test]
    fn a_cell_that_is_more_of_one_part_is_nearly_all_of_it() {
        // Three to one, by the medians: the hit is as loud as its margin and a little more.
        let (lasting, broad) = (0., MARGIN.ln() + 0.5 * 3f32.ln());
        assert!((share_of_struck(lasting, broad, broad) - 27. / 28.).abs() < 1e-4);
        assert!((share_of_struck(broad, broad, broad) - 1. / 730.).abs() < 1e-4);
    }

    #[test]
    fn powers_add_up() {
        let mel: Vec<f32> =
            (0..SIZE * SIZE).map(|i| -4. + 3. * (i as f32 * 0.7).sin() + (i as f32 * 0.013).cos()).collect();
        let parts = separate(&mel, SIZE, f32::MIN);
        for ((whole, pitched), struck) in mel.iter().zip(&parts.pitched).zip(&parts.struck) {
            let sum = power(*pitched) + power(*struck);
            assert!((sum / power(*whole) - 1.).abs() < 1e-4);
        }
    }

    #[test]
    fn a_loop_begins_anywhere() {
        let (mel, turned) = (cross(), [&cross()[7 * SIZE..], &cross()[..7 * SIZE]].concat());
        let (parts, after) = (separate(&mel, SIZE, FLOOR), separate(&turned, SIZE, FLOOR));
        assert_eq!(after.struck, [&parts.struck[7 * SIZE..], &parts.struck[..7 * SIZE]].concat());
    }

    #[test]
    fn short_loops_have_parts_too() {
        for frames in [1, 2, 5] {
            let parts = separate(&vec![-1.; frames * 3], 3, FLOOR);
            assert!(parts.pitched.iter().chain(&parts.struck).all(|x| x.is_finite()));
        }
    }
}
