//! Key signatures.

use score::Key;

/// Sharps, or flats below zero, of a key, -5..=6, and whether its third is minor.
///
/// A mode has the signature of its scale, so that D dorian has none; harmonic and melodic minor have that of the minor.
pub(crate) fn signature(key: Key) -> (i8, bool) {
    // The major key with the same signature, in semitones above C; seven of those are one fifth, and seven times seven is one.
    let major = (i32::from(key.tonic()) - i32::from(key.mode().home())).rem_euclid(12);
    let fifths = (major * 7).rem_euclid(12);
    ((if fifths > 6 { fifths - 12 } else { fifths }) as i8, key.mode().is_minor())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_circle_of_fifths() {
        let wanted = [
            ("C", 0, false),
            ("G", 1, false),
            ("F", -1, false),
            ("Eb", -3, false),
            ("B", 5, false),
            ("Am", 0, true),
            ("F#m", 3, true),
            ("Cm", -3, true),
            ("D dorian", 0, true),
            ("A harmonic minor", 0, true),
            ("F lydian", 0, false),
            ("G mixolydian", 0, false),
            ("E phrygian", 0, true),
            ("D lydian", 3, false),
        ];
        for (key, sharps, is_minor) in wanted {
            assert_eq!(signature(key.parse().unwrap()), (sharps, is_minor), "{key}");
        }
    }
}
