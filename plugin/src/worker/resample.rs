//! Brings a loop to another sample rate, and leaves it a loop.
