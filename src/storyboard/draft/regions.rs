//! Markers and regions as Reaper's manager exports them: `#,Name,Start,End,Length,Color`.

use std::path::Path;

use super::snap::{Event, snap};
use super::table::{clock, parse};
use super::timecode::seconds;
use super::{Draft, Import, Problem, base, picture_called, without_ending};
use crate::storyboard::SheetCue;

/// Whether a table's first line is that of Reaper's export.
pub fn is_regions(text: &str) -> bool {
    let head = text.lines().next().unwrap_or_default().to_lowercase();
    head.replace([';', '\t'], ",").trim_start_matches('\u{feff}').starts_with("#,name,start")
}

/// Regions; of a file that has none, markers, each until the next.
pub fn read(path: &Path, text: &str, import: &Import) -> Result<Draft, Problem> {
    let table = parse(text)?;
    let is_region = |row: &csv::StringRecord| row.get(0).is_some_and(|kind| kind.starts_with('R'));
    let regions = table.rows.iter().any(|(_, row)| is_region(row));
    let (mut events, mut notes) = (Vec::new(), Vec::new());
    for (line, row) in table.rows.iter().filter(|(_, row)| is_region(row) == regions) {
        let time = |column: usize| match row.get(column).filter(|cell| !cell.is_empty()) {
            Some(text) => place(text, import).map(Some).map_err(|problem| (*line, problem)),
            None => Ok(None),
        };
        let name = row.get(1).unwrap_or_default().to_string();
        let start = time(2)?.ok_or_else(|| (*line, format!("{name:?} has no start")))?;
        let end = if regions { time(3)? } else { None };
        let picture = picture_called(base(path), &name);
        if picture.is_none() {
            notes.push(format!("{name:?} (line {line}): no picture of this name beside the file"));
        }
        let cue = SheetCue { name: without_ending(&name), picture, ..SheetCue::default() };
        events.push(Event { cue, start, end, line: *line });
    }
    events.sort_by(|a, b| a.start.total_cmp(&b.start));
    snap(path, &events, import, notes)
}

/// In seconds: what the ruler shows may be measures (`5.1.00`), minutes and seconds, seconds or timecode.
fn place(text: &str, import: &Import) -> Result<f64, String> {
    let bad = || format!("{text:?} is no place in time; set Reaper's ruler to measures or to minutes and seconds");
    if text.matches([':', ';']).count() == 3 {
        let rate = import.fps.ok_or("timecode needs to know how many frames a second has; say it with --fps")?;
        return seconds(text, rate, false);
    }
    if text.matches('.').count() == 2 && !text.contains(':') {
        let parts: Vec<f64> = text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| bad())?;
        let (bar, beat, hundredths) = (parts[0], parts[1], parts[2]);
        if bar < 1.0 || beat < 1.0 || bar > 1e6 {
            return Err(bad());
        }
        let start = import.tempo.seconds(bar as u32, import.meter);
        let length = import.tempo.seconds(bar as u32 + 1, import.meter) - start;
        return Ok(start + length * (beat - 1.0 + hundredths / 100.0) / f64::from(import.meter.beats()));
    }
    clock(text).ok_or_else(bad)
}
