//! The command line: arguments to requests, clips to files. The only place that prints.

mod args;
mod arrange;
mod bundle;
mod cancel;
mod check;
mod destination;
mod eval;
mod generate;
mod keep;
mod parameters;
mod prompt;
mod render;
mod show;
mod storyboard;
mod studio;
mod take;
mod terminal;
mod watch;
mod worker;

use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;

use clap::Parser;
use melfusion::error::Error;

use self::args::{Args, Command};

/// What `--help` says below the options.
const EXIT_CODES: &str = "Exit codes: 0 fine, 1 a check or a generation failed, 2 bad input, 130 cancelled.";
const FAILED: u8 = 1;
/// Also what clap exits with.
const BAD_INPUT: u8 = 2;
/// What shells make of a program that Ctrl-C ended.
const CANCELLED: u8 = 130;

/// Runs what the command line asks for and turns its end into an exit code.
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(report_panic));
    let args = Args::parse();
    match panic::catch_unwind(|| run(args.command)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            terminal::error(&error);
            ExitCode::from(exit_code(&error))
        }
        // The hook has told.
        Err(_) => ExitCode::from(FAILED),
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Generate(args) => generate::run(&args),
        Command::Storyboard(args) => storyboard::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Bundle(command) => bundle::run(&command),
        Command::Check(args) => check::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Worker(args) => worker::run(&args),
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Error>() {
        Some(
            Error::Request { .. }
            | Error::Board { .. }
            | Error::Picture { .. }
            | Error::Bundle { .. }
            | Error::File { .. },
        ) => BAD_INPUT,
        Some(Error::Cancelled) => CANCELLED,
        _ => FAILED,
    }
}

/// One line instead of a backtrace: who meets it can pass it on but not read more out of it.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let what = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    terminal::warn(&format!("error: a fault in melfusion itself, please report it: {what} ({place})"));
}
