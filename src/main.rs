//! The `melfusion` program: a picture and a sentence become a WAV file.
#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
