//! `melfusion check`.

use std::process::ExitCode;

use melfusion::bundle::Bundle;
use melfusion::check::{self, Row};

use super::args::Check;
use super::terminal;

/// Prints the error of every stage; fails if one is above its tolerance.
pub fn run(args: &Check) -> anyhow::Result<ExitCode> {
    let bundle = Bundle::find(Some(&args.bundle))?;
    let check::Report { device, dtype, rows } = check::run(&bundle, args.device.open()?)?;
    terminal::line(&format!("on {device} in {}", dtype.as_str()))?;
    let head = ["stage", "tensor", "error", "tolerance", ""].map(String::from);
    let table: Vec<_> = std::iter::once(head).chain(rows.iter().map(cells)).collect();
    for line in terminal::table(&table) {
        terminal::line(&line)?;
    }
    if rows.iter().all(Row::passes) {
        return Ok(ExitCode::SUCCESS);
    }
    let failed = rows.iter().filter(|row| !row.passes()).count();
    terminal::warn(&format!(
        "error: {failed} of {} above tolerance; this build computes it wrongly, or the bundle is damaged: see melfusion bundle verify",
        rows.len()
    ));
    Ok(ExitCode::from(super::FAILED))
}

fn cells(row: &Row) -> [String; 5] {
    let verdict = if row.passes() { "ok" } else { "ABOVE" };
    [
        row.stage.into(),
        terminal::plain(&row.tensor),
        format!("{:.1e}", row.error),
        format!("{:.1e}", row.tolerance),
        verdict.into(),
    ]
}
