//! Plain Rust, for processors that have nothing else.

use super::Simd;

/// One lane.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

impl Simd for Portable {
    type V = f32;
    const LANES: usize = 1;
    const PANEL: usize = 4;

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> f32 {
        // SAFETY: as the caller promises.
        unsafe { *from }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: f32) {
        // SAFETY: as the caller promises.
        unsafe { *to = v }
    }
    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> f32 {
        // SAFETY: as the caller promises.
        if count == 0 { 0.0 } else { unsafe { *from } }
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize, v: f32) {
        if count > 0 {
            // SAFETY: as the caller promises.
            unsafe { *to = v }
        }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }
    #[inline(always)]
    fn max(self, a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }
    #[inline(always)]
    fn power_of_two(self, bits: f32) -> f32 {
        f32::from_bits((bits.to_bits() << 23).wrapping_add(1.0_f32.to_bits()))
    }
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        // Not `mul_add`, which without the instruction is a slow call.
        a * b + c
    }
}
