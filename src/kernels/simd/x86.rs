//! AVX2 and AVX-512. The intrinsics that touch no memory are safe where the set is there, and a value of either type
//! exists only there.

use super::{Simd, Task};
use std::arch::x86_64::*;

/// Only [`avx512`] makes one.
#[derive(Clone, Copy)]
pub struct Avx512(());
/// Only [`avx2`] makes one.
#[derive(Clone, Copy)]
pub struct Avx2(());

/// Runs `task` with 16 lanes.
#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
pub fn avx512<T: Task>(task: T) -> T::Output {
    task.run(Avx512(()))
}

/// Runs `task` with 8 lanes.
#[target_feature(enable = "avx2,fma")]
pub fn avx2<T: Task>(task: T) -> T::Output {
    task.run(Avx2(()))
}

#[inline(always)]
fn first_16(count: usize) -> __mmask16 {
    ((1_u32 << count) - 1) as __mmask16
}

impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const PANEL: usize = 4;

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: as the caller promises; `self` proves the set.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: __m512) {
        // SAFETY: as the caller promises; `self` proves the set.
        unsafe { _mm512_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> __m512 {
        // SAFETY: only the first `count` are touched; `self` proves the set.
        unsafe { _mm512_maskz_loadu_ps(first_16(count), from) }
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize, v: __m512) {
        // SAFETY: only the first `count` are touched; `self` proves the set.
        unsafe { _mm512_mask_storeu_ps(to, first_16(count), v) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves the set.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the set.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the set.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the set.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the set.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the set.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves the set.
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn power_of_two(self, bits: __m512) -> __m512 {
        // SAFETY: `self` proves the set.
        unsafe {
            let exponent = _mm512_slli_epi32::<23>(_mm512_castps_si512(bits));
            _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_castps_si512(_mm512_set1_ps(1.0))))
        }
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves the set.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
}

#[inline(always)]
fn first_8(count: usize) -> __m256i {
    // SAFETY: only called by `Avx2`, which proves the set.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const PANEL: usize = 2;

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: as the caller promises; `self` proves the set.
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: __m256) {
        // SAFETY: as the caller promises; `self` proves the set.
        unsafe { _mm256_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> __m256 {
        // SAFETY: only the first `count` are touched; `self` proves the set.
        unsafe { _mm256_maskload_ps(from, first_8(count)) }
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize, v: __m256) {
        // SAFETY: only the first `count` are touched; `self` proves the set.
        unsafe { _mm256_maskstore_ps(to, first_8(count), v) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves the set.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves the set.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves the set.
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves the set.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves the set.
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves the set.
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves the set.
        unsafe { _mm256_min_ps(a, b) }
    }
    #[inline(always)]
    fn power_of_two(self, bits: __m256) -> __m256 {
        // SAFETY: `self` proves the set.
        unsafe {
            let exponent = _mm256_slli_epi32::<23>(_mm256_castps_si256(bits));
            _mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_castps_si256(_mm256_set1_ps(1.0))))
        }
    }
    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` proves the set.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
}
