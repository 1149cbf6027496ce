//! The `melfusion` program.
fn main() {}
