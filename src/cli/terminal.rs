//! Where words go: results to standard output, troubles to standard error.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;

/// Writes a line to standard output. A reader that has gone (`melfusion ... | head -1`) is no trouble.
///
/// # Errors
///
/// Standard output cannot be written, for instance because it goes to a full disk.
pub fn line(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Writes a line to standard error.
pub fn warn(text: &str) {
    // Where it should be told that this fails is what has failed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes an error and what caused it to standard error.
pub fn error(error: &anyhow::Error) {
    if matches!(error.downcast_ref(), Some(melfusion::error::Error::Cancelled)) {
        return warn(&error.to_string());
    }
    for (depth, cause) in error.chain().enumerate() {
        let lead = if depth == 0 { "error" } else { "  because" };
        warn(&format!("{lead}: {}", without_backtrace(&cause.to_string())));
    }
}

/// candle writes a backtrace into its messages where `RUST_BACKTRACE` is set, as developers have it; nobody can act on
/// one.
fn without_backtrace(message: &str) -> String {
    let is_frame = |line: &&str| {
        let line = line.trim_start();
        let numbered = line.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        numbered || line.starts_with("at ")
    };
    let kept: Vec<_> = message.lines().filter(|line| !is_frame(line)).collect();
    // What followed the backtrace closes a bracket that was opened before it.
    kept.join("\n").replace("\n)", ")")
}

/// `text` on one line, without what a terminal would take for a command; for words from strangers' files.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Columns as wide as their widest cell, two spaces apart, the last one as it is. Each row ends without spaces.
pub fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let row = |row: &[String; N]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_string()
    };
    rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bb", "c"], ["aaa", "b", "cccc"]].map(|row| row.map(String::from));
        assert_eq!(table(&rows), ["a    bb  c", "aaa  b   cccc"]);
    }

    #[test]
    fn backtraces_are_cut_out() {
        let message =
            "no weights (shape mismatch: [2]\n   0: candle::bt\n             at ./a.rs:1:2\n  12: main\n); install";
        assert_eq!(without_backtrace(message), "no weights (shape mismatch: [2]); install");
        assert_eq!(without_backtrace("one\ntwo: 3"), "one\ntwo: 3");
    }

    #[test]
    fn plain_text_cannot_steer_a_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc"), "a [31mb c");
    }
}
