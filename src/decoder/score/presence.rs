//! No span of music, half a bar of it, is empty unless that is asked for.

/// Of a bar's strongest onset, what the onsets that sound beside it have.
const NEAR: f32 = 0.85;
/// Below it nothing sounds beside the strongest: of onsets so faint no two are told apart.
const FAINT: f32 = 0.02;

/// From which strength an onset begins a note, for every part and column, so that a bar where nothing would sound has at least
/// its strongest onsets.
///
/// `parts` are those that may play, those who should be heard first: of each, how strong the strongest onset of every column is,
/// as decoded. `sounds` says in which columns anything is heard from `threshold` on, notes that are held included; a bar has
/// `bar` columns, the last perhaps fewer. In an empty bar the first part with an onset of `floor` or more plays it and what is
/// nearly as strong; if no part has one, the bar stays empty. All other thresholds are `threshold`.
pub(super) fn onset_thresholds(
    parts: &[&[f32]],
    sounds: &[bool],
    bar: usize,
    threshold: f32,
    floor: f32,
) -> Vec<Vec<f32>> {
    let mut thresholds: Vec<Vec<f32>> = parts.iter().map(|strengths| vec![threshold; strengths.len()]).collect();
    for (index, heard) in sounds.chunks(bar.max(1)).enumerate() {
        let start = index * bar.max(1);
        let columns = start..start + heard.len();
        if heard.contains(&true) {
            continue;
        }
        let strongest = |strengths: &&[f32]| {
            let own = strengths.get(columns.clone()).unwrap_or_default().iter().copied();
            own.filter(|strength| *strength >= floor).max_by(f32::total_cmp)
        };
        if let Some((part, peak)) = parts.iter().enumerate().find_map(|(part, own)| Some((part, strongest(own)?))) {
            // An onset begins a note where it is stronger, not as strong.
            let near = if peak < FAINT { peak.next_down() } else { NEAR * peak };
            let lower = near.max(floor.next_down()).min(threshold);
            thresholds[part][columns].fill(lower);
        }
    }
    thresholds
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLD: f32 = 0.45;
    const FLOOR: f32 = 0.15;

    /// Parts of four bars of four columns and the columns in which they sound.
    fn sounding(parts: &[&[f32]]) -> Vec<bool> {
        (0..parts[0].len()).map(|column| parts.iter().any(|part| part[column] > THRESHOLD)).collect()
    }

    /// Columns in which a part plays.
    fn plays(strengths: &[f32], thresholds: &[f32]) -> Vec<usize> {
        (0..strengths.len()).filter(|column| strengths[*column] > thresholds[*column]).collect()
    }

    #[test]
    fn an_empty_bar_has_the_strongest_onsets_of_the_first_part_that_has_any() {
        let first = [0.9, 0.1, 0.1, 0.1, 0.1, 0.3, 0.1, 0.28, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0, 0.0, 0.0];
        let second = [0.1, 0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.15, 0.1, 0.0, 0.0, 0.0, 0.1];
        let parts = [&first[..], &second[..]];
        let found = onset_thresholds(&parts, &sounding(&parts), 4, THRESHOLD, FLOOR);
        assert_eq!(plays(&first, &found[0]), [0, 5, 7]);
        assert_eq!(plays(&second, &found[1]), [10]);
    }

    #[test]
    fn bars_in_which_anything_sounds_stay_as_they_are() {
        let (first, second) = ([0.4, 0.4, 0.4, 0.4], [0.0, 0.0, 0.0, 0.46]);
        let parts = [&first[..], &second[..]];
        assert_eq!(onset_thresholds(&parts, &sounding(&parts), 4, THRESHOLD, FLOOR), [[THRESHOLD; 4]; 2]);
        // A note that is held on from before is heard, too.
        assert_eq!(onset_thresholds(&[&first], &[false, true, false, false], 4, THRESHOLD, FLOOR), [[THRESHOLD; 4]]);
    }

    #[test]
    fn a_threshold_is_never_raised_and_never_falls_below_the_floor() {
        for seed in 0..200u32 {
            let strengths: Vec<f32> = (0..18).map(|i| ((seed * 31 + i * 17) % 97) as f32 / 97.0 * 0.6).collect();
            let sounds: Vec<bool> = strengths.iter().map(|strength| *strength > THRESHOLD).collect();
            let found = &onset_thresholds(&[&strengths], &sounds, 4, THRESHOLD, FLOOR)[0];
            assert!(found.iter().all(|own| (FLOOR.next_down()..=THRESHOLD).contains(own)), "{found:?}");
            for (bar, own) in strengths.chunks(4).zip(found.chunks(4)) {
                let has_any = bar.iter().any(|strength| *strength >= FLOOR);
                assert_eq!(has_any, !plays(bar, own).is_empty(), "{bar:?} {own:?}");
            }
        }
    }

    #[test]
    fn no_parts_and_no_columns_are_no_trouble() {
        assert!(onset_thresholds(&[], &[false; 8], 4, THRESHOLD, FLOOR).is_empty());
        assert_eq!(onset_thresholds(&[&[]], &[], 0, THRESHOLD, FLOOR), [[0.0f32; 0]]);
        assert_eq!(onset_thresholds(&[&[]], &[false; 4], 4, THRESHOLD, FLOOR), [[0.0f32; 0]]);
    }
}
