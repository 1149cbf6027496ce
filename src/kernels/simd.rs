//! Vectors of f32, and the choice of the widest that this processor has.
//!
//! A kernel is a [`Task`]: it is written once, over any [`Simd`], and compiled once for each instruction set. Plain loops
//! inside a task are vectorised by the compiler for the same set.

/// An instruction set that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// 16 lanes, 32 registers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 8 lanes, 16 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 4 lanes, 32 registers.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Whatever the compiler makes of plain Rust.
    Portable,
}

impl Isa {
    /// All that run here, the widest first.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") && Self::has_avx2() {
                found.push(Self::Avx512);
            }
            if Self::has_avx2() {
                found.push(Self::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        found.push(Self::Neon);
        found.push(Self::Portable);
        found
    }

    /// The widest that runs here.
    pub fn best() -> Self {
        static BEST: std::sync::OnceLock<Isa> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    #[cfg(target_arch = "x86_64")]
    fn has_avx2() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }

    /// Runs `task`, compiled for this instruction set.
    ///
    /// # Panics
    ///
    /// This processor does not have it.
    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        debug_assert!(Self::available().contains(&self));
        match self {
            // SAFETY: sets come from `available` only, which asked the processor.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { x86::avx512(task) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::avx2(task) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon => task.run(neon::Neon(())),
            Self::Portable => task.run(Portable),
        }
    }

    /// Lanes of a vector, and vectors of a matrix panel.
    pub(super) fn panel(self) -> (usize, usize) {
        struct Panel;
        impl Task for Panel {
            type Output = (usize, usize);
            fn run<S: Simd>(self, _: S) -> Self::Output {
                (S::LANES, S::PANEL)
            }
        }
        self.run(Panel)
    }
}

/// Work that is compiled for every instruction set. Implementations mark `run` as `#[inline(always)]`, and what it calls:
/// only what is inlined is compiled for the set.
pub(super) trait Task {
    /// What comes of it.
    type Output;
    /// Does the work.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// A vector type and its arithmetic. A value of an implementing type is proof that the processor has the set.
pub(super) trait Simd: Copy + Send + Sync {
    /// A vector.
    type V: Copy;
    /// Its f32s.
    const LANES: usize;
    /// Vectors in a panel of a packed matrix; even. With [`ROWS`](super::gemm::ROWS) rows, the sums fill the registers.
    const PANEL: usize;

    /// Reads `LANES` values.
    ///
    /// # Safety
    ///
    /// They are readable.
    unsafe fn load(self, from: *const f32) -> Self::V;
    /// Writes `LANES` values.
    ///
    /// # Safety
    ///
    /// They are writable.
    unsafe fn store(self, to: *mut f32, v: Self::V);
    /// Reads `count <= LANES` values, and zeros beyond.
    ///
    /// # Safety
    ///
    /// They are readable.
    unsafe fn load_part(self, from: *const f32, count: usize) -> Self::V;
    /// Writes the first `count <= LANES` values.
    ///
    /// # Safety
    ///
    /// They are writable.
    unsafe fn store_part(self, to: *mut f32, count: usize, v: Self::V);
    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::V;
    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// The greater; `b` where either is no number.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` where either is no number.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the set can.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Two to the power of the whole number, -126 to 127, in the low bits of each lane.
    fn power_of_two(self, bits: Self::V) -> Self::V;

    /// Reads `lanes` values and zeros beyond; whole vectors without a mask, which is faster.
    ///
    /// # Safety
    ///
    /// They are readable.
    #[inline(always)]
    unsafe fn read(self, from: *const f32, lanes: usize) -> Self::V {
        // SAFETY: as the caller promises.
        unsafe { if lanes == Self::LANES { self.load(from) } else { self.load_part(from, lanes) } }
    }

    /// Writes the first `lanes` values.
    ///
    /// # Safety
    ///
    /// They are writable.
    #[inline(always)]
    unsafe fn write(self, to: *mut f32, lanes: usize, v: Self::V) {
        // SAFETY: as the caller promises.
        unsafe { if lanes == Self::LANES { self.store(to, v) } else { self.store_part(to, lanes, v) } }
    }
}

/// Where the vectors of `length` values begin, and how many lanes of each are values.
#[inline(always)]
pub(super) fn vectors<I: Simd>(length: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..length).step_by(I::LANES).map(move |at| (at, I::LANES.min(length - at)))
}

/// One lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable;

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

#[cfg(target_arch = "x86_64")]
mod x86 {
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
}

#[cfg(target_arch = "aarch64")]
mod neon {
    //! NEON, which every 64-bit ARM has.

    use super::Simd;
    use std::arch::aarch64::*;

    /// Four lanes.
    #[derive(Clone, Copy)]
    pub struct Neon(pub(super) ());

    impl Simd for Neon {
        type V = float32x4_t;
        const LANES: usize = 4;
        const PANEL: usize = 4;

        #[inline(always)]
        unsafe fn load(self, from: *const f32) -> float32x4_t {
            // SAFETY: as the caller promises.
            unsafe { vld1q_f32(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32, v: float32x4_t) {
            // SAFETY: as the caller promises.
            unsafe { vst1q_f32(to, v) }
        }
        #[inline(always)]
        unsafe fn load_part(self, from: *const f32, count: usize) -> float32x4_t {
            let mut lanes = [0.0; 4];
            // SAFETY: `count` values are readable and at most four.
            unsafe {
                std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
                vld1q_f32(lanes.as_ptr())
            }
        }
        #[inline(always)]
        unsafe fn store_part(self, to: *mut f32, count: usize, v: float32x4_t) {
            let mut lanes = [0.0; 4];
            // SAFETY: `count` values are writable and at most four.
            unsafe {
                vst1q_f32(lanes.as_mut_ptr(), v);
                std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
            }
        }
        #[inline(always)]
        fn splat(self, x: f32) -> float32x4_t {
            // SAFETY: every 64-bit ARM has NEON.
            unsafe { vdupq_n_f32(x) }
        }
        #[inline(always)]
        fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
            // SAFETY: every 64-bit ARM has NEON.
            unsafe { vaddq_f32(a, b) }
        }
        #[inline(always)]
        fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
            // SAFETY: every 64-bit ARM has NEON.
            unsafe { vsubq_f32(a, b) }
        }
        #[inline(always)]
        fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
            // SAFETY: every 64-bit ARM has NEON.
            unsafe { vmulq_f32(a, b) }
        }
        #[inline(always)]
        fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
            // SAFETY: every 64-bit ARM has NEON.
            unsafe { vdivq_f32(a, b) }
        }
        #[inline(always)]
        fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
            // SAFETY: every 64-bit ARM has NEON.
            unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
        }
        #[inline(always)]
        fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
            // SAFETY: every 64-bit ARM has NEON.
            unsafe { vbslq_f32(vcltq_f32(a, b), a, b) }
        }
        #[inline(always)]
        fn power_of_two(self, bits: float32x4_t) -> float32x4_t {
            // SAFETY: every 64-bit ARM has NEON.
            unsafe {
                let exponent = vshlq_n_s32::<23>(vreinterpretq_s32_f32(bits));
                vreinterpretq_f32_s32(vaddq_s32(exponent, vreinterpretq_s32_f32(vdupq_n_f32(1.0))))
            }
        }
        #[inline(always)]
        fn fma(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
            // SAFETY: every 64-bit ARM has NEON.
            unsafe { vfmaq_f32(c, a, b) }
        }
    }
}
