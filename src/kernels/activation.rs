//! Activations, one value at a time and without branches, so that loops over them become vector code.

use std::f32::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

/// Adding and subtracting it rounds to whole numbers, which are then in the low bits.
const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
/// `ln 2`, split so that products with whole numbers are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `e^x`, to two units in the last place; 0 and about 3e38 beyond what f32 holds.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW; // within ln(2) / 2
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let e = p * (r * r) + r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    e * power
}

/// The error function, to 2e-7.
///
/// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    (1.0 - p * t * exp(-a * a)).copysign(x)
}

/// `x * sigmoid(x)`.
#[inline(always)]
pub(super) fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// Gaussian error linear unit in its exact form.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2))
}

const _: () = assert!(LN_2_HIGH + LN_2_LOW == LN_2);

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = f32> {
        (-20_000..=20_000).map(|i| i as f32 * 0.001)
    }

    #[test]
    fn exp_is_that_of_the_standard_library() {
        for x in grid().chain([-86.5, 80.0, 87.9]) {
            let right = f64::from(x).exp();
            assert!((f64::from(exp(x)) - right).abs() <= 2.5e-7 * right, "{x}");
        }
        assert!(exp(f32::NEG_INFINITY) < 2e-38 && exp(-1e30) < 2e-38 && exp(1e30) > 1e38);
        assert_eq!(exp(0.0), 1.0);
    }

    /// From Mathematica-like tables to 8 digits: Abramowitz and Stegun, table 7.1.
    #[test]
    fn erf_is_that_of_the_table() {
        let table = [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (1.5, 0.966_105_1), (2.0, 0.995_322_3)];
        for (x, right) in table {
            assert!((erf(x) - right).abs() < 4e-7, "{x}");
            assert_eq!(erf(-x), -erf(x));
        }
        assert!(erf(9.0) == 1.0 && erf(f32::INFINITY).is_nan() == erf(9.0).is_nan());
    }

    #[test]
    fn activations_end_at_nothing_and_at_themselves() {
        for act in [silu, gelu] {
            assert!(act(-80.0).abs() < 1e-6 && (act(80.0) - 80.0).abs() < 1e-4);
        }
    }
}
