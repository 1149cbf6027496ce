//! Times to bars.

use std::path::Path;

use super::lines::Lines;
use super::{Draft, Import, Problem};
use crate::storyboard::{Gaps, Sheet, SheetCue};

/// A cue whose place is a time.
#[derive(Debug, Clone)]
pub struct Event {
    /// Everything but its place.
    pub cue: SheetCue,
    /// In seconds from bar 1.
    pub start: f64,
    /// In seconds from bar 1; `None` lasts until the next begins.
    pub end: Option<f64>,
    /// Where it is written.
    pub line: usize,
}

/// Puts events, which are in the order of their starts, on the nearest bar lines.
pub fn snap(path: &Path, events: &[Event], import: &Import, notes: Vec<String>) -> Result<Draft, Problem> {
    if events.is_empty() {
        return Err((0, "there are no cues in it".into()));
    }
    let bar_at = |seconds: f64| import.tempo.nearest_bar(seconds, import.meter);
    let (mut cues, mut residues) = (Vec::new(), Vec::new());
    for (i, event) in events.iter().enumerate() {
        let start = bar_at(event.start);
        let end = match event.end.or(events.get(i + 1).map(|next| next.start)) {
            Some(seconds) => bar_at(seconds),
            None => start.saturating_add(import.bars),
        };
        if end <= start {
            let bar = import.tempo.seconds(start + 1, import.meter) - import.tempo.seconds(start, import.meter);
            let problem = format!(
                "{:?} is shorter than half a bar ({bar:.2} s at {} bpm in {}), and no bar is left of it; join it to its \
                 neighbour or choose a faster --bpm",
                event.cue.name,
                import.tempo.at(start),
                import.meter
            );
            return Err((event.line, problem));
        }
        residues.push(Some(import.tempo.seconds(start, import.meter) - event.start));
        cues.push(SheetCue { start_bar: Some(start), bars: end - start, ..event.cue.clone() });
    }
    let gaps = if has_gaps(&cues) { Gaps::Silence } else { Gaps::Refuse };
    let sheet = Sheet { tempo: import.tempo.clone(), meter: import.meter, gaps, cues, ..Sheet::default() };
    let lines = Lines::one_each(events.iter().map(|event| event.line));
    Ok(Draft { sheet, residues, notes, path: path.to_path_buf(), lines })
}

fn has_gaps(cues: &[SheetCue]) -> bool {
    let mut end = 1;
    cues.iter().any(|cue| {
        let start = cue.start_bar.unwrap_or(end);
        let is_late = start > end;
        end = start + cue.bars;
        is_late
    })
}
