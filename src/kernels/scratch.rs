//! Memory that is used again: every thread keeps what its kernels once needed.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Memory that goes back to its thread when it is dropped.
///
/// A value, and no closure that is lent it: closures are not compiled for the instruction set of the kernel around them.
pub(super) struct Scratch {
    memory: Vec<f32>,
    length: usize,
}

impl Scratch {
    /// `length` values of any content. Only a longer request than ever before on this thread allocates.
    pub fn new(length: usize) -> Self {
        let mut memory = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
        if memory.len() < length {
            memory.resize(length, 0.0);
        }
        Self { memory, length }
    }
}

impl Deref for Scratch {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        &self.memory[..self.length]
    }
}

impl DerefMut for Scratch {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.memory[..self.length]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        FREE.with_borrow_mut(|free| free.push(std::mem::take(&mut self.memory)));
    }
}

/// A vector of `length` values that `fill` writes, every one.
///
/// # Safety
///
/// `fill` writes all of the slice, and reads nothing that it did not write.
pub(super) unsafe fn filled(length: usize, fill: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let mut values: Vec<f32> = Vec::with_capacity(length);
    // SAFETY: the capacity is there, any bits are an f32, and the caller promises that `fill` writes before it reads.
    unsafe {
        fill(std::slice::from_raw_parts_mut(values.as_mut_ptr(), length));
        values.set_len(length);
    }
    values
}
