//! The most that the processor's multiply-add units can do: sums held in registers, no memory touched.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

/// Sums that are added to in turn: enough to hide the latency of a fused multiply-add on two units, and few enough to
/// stay in AVX2's sixteen registers with both operands.
const SUMS: usize = 12;
/// Multiply-adds per sum and turn: a quarter of a second or so.
const LENGTH: usize = 20_000_000;
/// Turns; the best one counts.
const TURNS: usize = 3;

/// GFLOP/s in f32, and the instructions that made them.
pub type Peak = (f64, &'static str);

/// The higher of two.
pub fn higher(a: Option<Peak>, b: Option<Peak>) -> Option<Peak> {
    [a, b].into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0))
}

/// On `threads` threads at once; nothing where we have no loop for the processor.
pub fn peak_gflops(threads: usize) -> Option<Peak> {
    let (spin, lanes, name) = loop_of_this_machine()?;
    let flops = (2 * lanes * SUMS * LENGTH * threads) as f64;
    let turn = |_| {
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| black_box(spin(black_box(0.5))));
            }
        });
        flops / start.elapsed().as_secs_f64() / 1e9
    };
    Some(((0..TURNS).map(turn).fold(0.0, f64::max), name))
}

type Spin = fn(f32) -> f32;

#[cfg(target_arch = "x86_64")]
fn loop_of_this_machine() -> Option<(Spin, usize, &'static str)> {
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512F.
        return Some((|x| unsafe { x86::avx512(x) }, 16, "AVX-512"));
    }
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has AVX2 and FMA.
        return Some((|x| unsafe { x86::avx2(x) }, 8, "AVX2"));
    }
    None
}

#[cfg(not(target_arch = "x86_64"))]
fn loop_of_this_machine() -> Option<(Spin, usize, &'static str)> {
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{LENGTH, SUMS};
    use std::arch::x86_64::*;

    /// Converges, so that no number becomes infinite or denormal.
    #[target_feature(enable = "avx512f")]
    pub fn avx512(x: f32) -> f32 {
        let (factor, term) = (_mm512_set1_ps(x), _mm512_set1_ps(x));
        let mut sums = [_mm512_set1_ps(x); SUMS];
        for _ in 0..LENGTH {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, term);
            }
        }
        sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
    }

    /// The same in half as many lanes.
    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(x: f32) -> f32 {
        let (factor, term) = (_mm256_set1_ps(x), _mm256_set1_ps(x));
        let mut sums = [_mm256_set1_ps(x); SUMS];
        for _ in 0..LENGTH {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, term);
            }
        }
        sums.into_iter().map(|sum| _mm256_cvtss_f32(sum)).sum()
    }
}
