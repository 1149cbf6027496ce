//! Activations of a vector.

use std::f32::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

use super::simd::Simd;

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// Gaussian error linear unit, exact.
    Gelu,
    /// Gaussian error linear unit, approximated with a hyperbolic tangent.
    TanhGelu,
    /// `max(x, slope * x)`.
    LeakyRelu(f32),
}

impl Activation {
    /// Of every lane.
    #[inline(always)]
    pub(super) fn of<I: Simd>(self, s: I, x: I::V) -> I::V {
        match self {
            Self::Silu => silu(s, x),
            Self::Gelu => gelu(s, x),
            Self::TanhGelu => tanh_gelu(s, x),
            Self::LeakyRelu(slope) => s.max(s.mul(x, s.splat(slope)), x),
        }
    }
}

/// Adding it rounds to a whole number, which is then in the low bits; subtracting it leaves the number.
const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
/// `ln 2`, split so that products with whole numbers are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
const _: () = assert!(LN_2_HIGH + LN_2_LOW == LN_2);

/// Coefficients of `(e^r - 1 - r) / r^2`, highest power first.
///
/// Source: Cephes mathematical library, single precision `expf`, as published by Moshier, 1989.
const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];

/// Coefficients of `erfc(x) e^(x^2) / t` over `t = 1 / (1 + ERF_SLOPE x)`, highest power first.
///
/// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
const ERF: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
const ERF_SLOPE: f32 = 0.327_591_1;

/// `2 sqrt(2 / pi)`.
const TWO_SQRT_2_OVER_PI: f32 = 1.595_769;

/// `e^x`, to two units in the last place; next to 0 and 1.6e38 beyond -87 and 88.
#[inline(always)]
pub(super) fn exp<I: Simd>(s: I, x: I::V) -> I::V {
    let x = s.min(s.splat(88.0), s.max(s.splat(-87.0), x));
    let shifted = s.fma(x, s.splat(LOG2_E), s.splat(ROUND));
    let n = s.sub(shifted, s.splat(ROUND));
    // Within ln(2) / 2.
    let r = s.fma(n, s.splat(-LN_2_LOW), s.fma(n, s.splat(-LN_2_HIGH), x));
    let p = polynomial(s, r, EXP);
    let e = s.fma(p, s.mul(r, r), s.add(r, s.splat(1.0)));
    s.mul(e, s.power_of_two(shifted))
}

#[inline(always)]
fn polynomial<I: Simd, const N: usize>(s: I, x: I::V, coefficients: [f32; N]) -> I::V {
    let mut sum = s.splat(coefficients[0]);
    for i in 1..N {
        sum = s.fma(sum, x, s.splat(coefficients[i]));
    }
    sum
}

/// `x * sigmoid(x)`.
#[inline(always)]
pub(super) fn silu<I: Simd>(s: I, x: I::V) -> I::V {
    let e = exp(s, s.sub(s.splat(0.0), x));
    s.div(x, s.add(s.splat(1.0), e))
}

/// Gaussian error linear unit in its exact form, to 2e-7 of the larger of 1 and `x`.
#[inline(always)]
pub(super) fn gelu<I: Simd>(s: I, x: I::V) -> I::V {
    let zero = s.splat(0.0);
    let size = s.max(s.sub(zero, x), x);
    let u = s.mul(size, s.splat(FRAC_1_SQRT_2));
    let one = s.splat(1.0);
    let t = s.div(one, s.fma(s.splat(ERF_SLOPE), u, one));
    let complement = s.mul(s.mul(polynomial(s, t, ERF), t), exp(s, s.sub(zero, s.mul(u, u))));
    // x (1 + erf(u)) / 2 on either side of zero; `max` in this order lets NaN pass.
    s.sub(s.max(zero, x), s.mul(s.mul(s.splat(0.5), size), complement))
}

/// Gaussian error linear unit, approximated: `x (1 + tanh(u)) / 2` is `x * sigmoid(2 u)`.
///
/// Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, arXiv 1606.08415, section 2.
#[inline(always)]
pub(super) fn tanh_gelu<I: Simd>(s: I, x: I::V) -> I::V {
    let cubed = s.mul(s.mul(x, x), x);
    let u = s.fma(s.splat(0.044_715), cubed, x);
    let e = exp(s, s.mul(s.splat(-TWO_SQRT_2_OVER_PI), u));
    s.div(x, s.add(s.splat(1.0), e))
}

/// The sum of a vector's lanes.
#[inline(always)]
pub(super) fn sum<I: Simd>(s: I, v: I::V) -> f32 {
    let mut lanes = [0.0; 16];
    // SAFETY: no vector has more lanes.
    unsafe { s.store(lanes.as_mut_ptr(), v) };
    lanes.iter().sum()
}
