//! How much energy a board has, along its bars.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Most points.
const MAX_POINTS: usize = 10_000;

/// Points (bar, 0..=1) that a straight line joins; before the first and after the last it stays as there. Written as
/// `[[1, 0.3], [17, 0.9]]`. Without points it is left to words and pictures.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u32, f64)>", into = "Vec<(u32, f64)>")]
pub struct Intensity(Vec<(u32, f64)>);

impl Intensity {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That of a bar, from 1; .5 without points.
    pub fn at(&self, bar: u32) -> f64 {
        let next = self.0.partition_point(|(at, _)| *at <= bar);
        match (next.checked_sub(1).and_then(|before| self.0.get(before)), self.0.get(next)) {
            (Some((from, low)), Some((to, high))) => low + (high - low) * f64::from(bar - from) / f64::from(to - from),
            (Some((_, only)), None) | (None, Some((_, only))) => *only,
            (None, None) => 0.5,
        }
    }
}

impl TryFrom<Vec<(u32, f64)>> for Intensity {
    type Error = Error;

    fn try_from(points: Vec<(u32, f64)>) -> Result<Self, Error> {
        let refuse = |problem: String| Err(Error::Board { cue: None, what: "intensity", problem });
        if points.len() > MAX_POINTS {
            return refuse(format!("{} points are too many; the limit is {MAX_POINTS}", points.len()));
        }
        if let Some((bar, value)) = points.iter().find(|(bar, value)| *bar == 0 || !(0.0..=1.0).contains(value)) {
            return refuse(format!("[{bar}, {value}] is out of range; give bars from 1 on, and numbers from 0 to 1"));
        }
        match points.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            Some(pair) => refuse(format!("bar {} comes after bar {}; write them in order", pair[1].0, pair[0].0)),
            None => Ok(Self(points)),
        }
    }
}

impl From<Intensity> for Vec<(u32, f64)> {
    fn from(intensity: Intensity) -> Self {
        intensity.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_line_joins_the_points() {
        let arc = Intensity::try_from(vec![(5, 0.25), (9, 0.75), (10, 0.0)]).unwrap();
        let at = |bar| arc.at(bar);
        assert_eq!([1, 5, 7, 9, 10, 99].map(at), [0.25, 0.25, 0.5, 0.75, 0.0, 0.0]);
        assert_eq!(Intensity::default().at(3), 0.5);
        for wrong in [vec![(0, 0.5)], vec![(1, 1.5)], vec![(1, f64::NAN)], vec![(3, 0.1), (3, 0.2)]] {
            assert!(Intensity::try_from(wrong).is_err());
        }
    }
}
