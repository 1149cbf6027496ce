//! Tables of cues: CSV as spreadsheets write it, with commas, semicolons or tabs.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::lines::{Lines, line};
use super::snap::{Event, snap};
use super::timecode::seconds;
use super::{Draft, Import, Problem, base, found};
use crate::storyboard::{Gaps, Sheet, SheetCue};

/// Names that columns may have, after the name of what they are.
const COLUMNS: [(&str, &[&str]); 10] = [
    ("name", &["cue", "title", "shot", "scene"]),
    ("picture", &["frame", "image", "file", "still"]),
    ("picture_words", &["seen as"]),
    ("prompt", &["words", "text", "description"]),
    ("start_bar", &["bar", "start bar"]),
    ("bars", &["length", "length in bars"]),
    ("start", &["in", "timecode", "time", "tc"]),
    ("end", &["out"]),
    ("transition", &["into"]),
    ("influence", &[]),
];

/// Rows, the line of each and the names of their columns.
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<(usize, StringRecord)>,
}

/// Reads a table; the separator is whatever the first line has most of.
pub fn parse(text: &str) -> Result<Table, Problem> {
    let head = text.lines().next().unwrap_or_default();
    let separator = [b',', b';', b'\t'].into_iter().max_by_key(|s| head.bytes().filter(|b| b == s).count());
    let mut reader = ReaderBuilder::new()
        .delimiter(separator.unwrap_or(b','))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let fail = |error: csv::Error| (error.position().map_or(0, |at| at.line() as usize), error.to_string());
    let columns = reader.headers().map_err(fail)?.iter().map(|name| name.to_lowercase().replace('_', " ")).collect();
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(fail)?;
        // The reader places a row where the one before it ended, also if empty lines follow.
        let line = row.position().map_or(0, |at| line(text, begin(text, at.byte() as usize)));
        if row.iter().any(|cell| !cell.is_empty()) {
            rows.push((line, row));
        }
    }
    Ok(Table { columns, rows })
}

/// The first byte from `at` on that ends no line.
fn begin(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes().get(at..).unwrap_or_default();
    at + bytes.iter().take_while(|byte| [b'\r', b'\n'].contains(byte)).count()
}

pub fn read(path: &Path, text: &str, import: &Import) -> Result<Draft, Problem> {
    let table = parse(text)?;
    let columns = known(&table.columns)?;
    let cell = |row: &StringRecord, name: &str| {
        let at = columns.iter().position(|column| *column == Some(name))?;
        row.get(at).filter(|cell| !cell.is_empty()).map(str::to_string)
    };
    let has_times = columns.contains(&Some("start"));
    let (mut events, mut lines, mut cues) = (Vec::new(), Vec::new(), Vec::new());
    for (line, row) in &table.rows {
        let fail = |problem: String| (*line, problem);
        let cue = cue(base(path), &|name| cell(row, name), import).map_err(fail)?;
        if has_times {
            let time = |name| cell(row, name).map(|text| time(&text, import)).transpose().map_err(fail);
            let start = time("start")?.ok_or_else(|| fail("has no start; give every row one".into()))?;
            events.push(Event { cue: cue.clone(), start, end: time("end")?, line: *line });
        }
        lines.push(*line);
        cues.push(cue);
    }
    if has_times {
        let first = events.first().map_or(0.0, |event| event.start);
        for event in &mut events {
            event.start -= first;
            event.end = event.end.map(|end| end - first);
        }
        return snap(path, &events, import, Vec::new());
    }
    let residues = vec![None; cues.len()];
    let gaps = Gaps::default();
    let sheet = Sheet { tempo: import.tempo.clone(), meter: import.meter, gaps, cues, ..Sheet::default() };
    Ok(Draft { sheet, residues, notes: Vec::new(), path: path.to_path_buf(), lines: Lines::one_each(lines) })
}

/// What each column is.
fn known(columns: &[String]) -> Result<Vec<Option<&'static str>>, Problem> {
    let what = |column: &String| {
        let is_it =
            |(name, others): &&(&str, &[&str])| name.replace('_', " ") == *column || others.contains(&column.as_str());
        COLUMNS.iter().find(is_it).map(|(name, _)| *name)
    };
    let known: Vec<_> = columns.iter().map(what).collect();
    if known.iter().any(Option::is_some) {
        return Ok(known);
    }
    let names = COLUMNS.map(|(name, _)| name).join(", ");
    Err((1, format!("names no column that a cue has; the first line should have some of: {names}")))
}

fn cue(folder: &Path, cell: &dyn Fn(&str) -> Option<String>, import: &Import) -> Result<SheetCue, String> {
    let whole = |name: &str| -> Result<Option<u32>, String> {
        let parsed = |text: String| text.parse().map_err(|_| format!("{name}: {text:?} is no whole number"));
        cell(name).map(parsed).transpose()
    };
    let picture = match cell("picture") {
        Some(written) => Some(found(folder, &written).ok_or_else(|| missing(&written))?),
        None => None,
    };
    let influence = match cell("influence") {
        Some(text) => text.replace(',', ".").parse().map_err(|_| format!("influence: {text:?} is no number"))?,
        None => 1.0,
    };
    Ok(SheetCue {
        name: cell("name").unwrap_or_default(),
        picture,
        picture_words: cell("picture_words"),
        prompt: cell("prompt").unwrap_or_default(),
        start_bar: whole("start_bar")?,
        bars: whole("bars")?.unwrap_or(import.bars),
        transition: cell("transition").map(|text| text.parse()).transpose().map_err(|e: crate::Error| e.to_string())?,
        influence,
        ..SheetCue::default()
    })
}

fn missing(written: &str) -> String {
    format!("picture: there is no {written:?}, neither there nor under its name beside the file; check the path")
}

/// Timecode, or minutes and seconds (`1:02.5`), or seconds.
fn time(text: &str, import: &Import) -> Result<f64, String> {
    if text.matches([':', ';']).count() == 3 {
        let rate = import.fps.ok_or("timecode needs to know how many frames a second has; say it with --fps")?;
        return seconds(text, rate, false);
    }
    clock(text).ok_or_else(|| format!("{text:?} is no time; write 01:00:03:12, 1:02.5 or 62.5"))
}

/// `h:m:s`, `m:s` or seconds, the last with decimals.
pub fn clock(text: &str) -> Option<f64> {
    let mut total = 0.0;
    for part in text.split(':') {
        let part: f64 = part.parse().ok()?;
        if !(0.0..=1e6).contains(&part) {
            return None;
        }
        total = total * 60.0 + part;
    }
    Some(total)
}
