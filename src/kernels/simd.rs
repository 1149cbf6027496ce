//! Vectors of f32, and the choice of the widest that this processor has.
//!
//! A kernel is a [`Task`]: it is written once, over any [`Simd`], and compiled once for each instruction set. Plain loops
//! inside a task are vectorised by the compiler for the same set.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use self::portable::Portable;

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
