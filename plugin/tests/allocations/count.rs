//! Counts every call of the allocator by one thread, also those from C++.

use std::cell::Cell;

thread_local! {
    /// Calls of the allocator from this thread; `None` while it may.
    static CALLS: Cell<Option<usize>> = const { Cell::new(None) };
}

fn count() {
    // A thread that ends may free after its values are gone.
    let _ = CALLS.try_with(|calls| calls.set(calls.get().map(|calls| calls + 1)));
}

/// Calls of the allocator while `work` runs.
pub fn calls_in(work: impl FnOnce()) -> usize {
    CALLS.with(|calls| calls.set(Some(0)));
    work();
    CALLS.with(|calls| calls.replace(None)).unwrap()
}

/// Stands before the C library's allocator, which Rust and C++ both use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod c {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn __libc_malloc(size: usize) -> *mut c_void;
        fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
        fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
        fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
        fn __libc_free(old: *mut c_void);
    }

    // SAFETY, for all of them: they are what the C library's own functions of the same name call, with the same contract.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_malloc(size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_calloc(count, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_realloc(old, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_memalign(align, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
        super::count();
        // SAFETY: see above; `out` is the caller's.
        unsafe { *out = __libc_memalign(align, size) };
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(old: *mut c_void) {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_free(old) }
    }
}

/// Where there is no such C library, what Rust allocates is counted.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod rust {
    use std::alloc::{GlobalAlloc, Layout, System};

    struct Counting;

    #[global_allocator]
    static COUNTING: Counting = Counting;

    // SAFETY: all is left to the system's allocator.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            super::count();
            // SAFETY: the caller's contract is the same.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
            super::count();
            // SAFETY: the caller's contract is the same.
            unsafe { System.dealloc(old, layout) }
        }
    }
}
