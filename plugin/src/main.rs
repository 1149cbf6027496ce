//! The plugin as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    if nice_plug::prelude::nice_export_standalone::<melfusion_plugin::MelfusionPlugin>() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
