//! Reaper's `.rpp`: nested blocks of lines, places in seconds.

use std::fmt::Write;

use super::{BED, Item, Project, TRACKS};

/// Reaper's fade that starts fast, which two of make its equal-power crossfade.
const FAST_START: u32 = 1;
/// Tempo points that hold until the next.
const SQUARE: u32 = 1;

/// A project's text.
pub fn reaper(project: &Project<'_>) -> String {
    let board = project.board;
    let (beats, unit) = (board.meter.beats(), board.meter.unit());
    let mut text = format!(
        "<REAPER_PROJECT 0.1 \"7.0\" 0\n  SAMPLERATE {} 1 0\n  TEMPO {} {beats} {unit}\n",
        board.sample_rate,
        board.tempo.at(1)
    );
    text += &tempo(project);
    for (i, name) in project.names.iter().enumerate() {
        let at = board.seconds(board.cues[i].start_bar);
        text += &format!("  MARKER {} {at:.12} {} 0\n", i + 1, quoted(name));
    }
    for (i, name) in TRACKS.iter().enumerate() {
        let items: String = project.track(i).iter().map(|item| cue(project, item)).collect();
        text += &track(name, project.gain(), false, &items);
    }
    let all = Item { cue: 0, start: 0, frames: board.frames(), fade_in: 0, fade_out: 0 };
    text += &track(BED, 1.0, true, &item(project, &all, BED, project.bed));
    text + ">\n"
}

fn tempo(project: &Project<'_>) -> String {
    let board = project.board;
    let meter = (board.meter.unit() << 16) | board.meter.beats();
    let mut text = String::from("  <TEMPOENVEX\n    ACT 1 -1\n    VIS 1 0 1\n    DEFSHAPE 1 -1 -1\n");
    for (i, change) in board.tempo.changes().iter().enumerate() {
        let at = board.seconds(change.bar);
        // The first point says the metre too.
        let meter = if i == 0 { format!(" {meter} 0 1") } else { String::new() };
        // A string takes whatever is written to it.
        let _ = writeln!(text, "    PT {at:.12} {} {SQUARE}{meter}", change.bpm);
    }
    text + "  >\n"
}

fn track(name: &str, gain: f64, is_muted: bool, items: &str) -> String {
    let mute = u32::from(is_muted);
    format!(
        "  <TRACK\n    NAME {}\n    VOLPAN {gain:.9} 0 -1 -1 1\n    MUTESOLO {mute} 0 0\n    NCHAN 2\n{items}  >\n",
        quoted(name)
    )
}

fn cue(project: &Project<'_>, place: &Item) -> String {
    item(project, place, &project.names[place.cue], &project.stems[place.cue])
}

fn item(project: &Project<'_>, item: &Item, name: &str, file: &str) -> String {
    let [start, length, fade_in, fade_out] =
        [item.start, item.frames, item.fade_in, item.fade_out].map(|frames| project.seconds(frames));
    format!(
        "    <ITEM\n      POSITION {start:.12}\n      LENGTH {length:.12}\n      LOOP 0\n      \
         FADEIN {FAST_START} {fade_in:.12} 0 {FAST_START} 0 0 0\n      \
         FADEOUT {FAST_START} {fade_out:.12} 0 {FAST_START} 0 0 0\n      BEAT 0\n      NAME {}\n      \
         <SOURCE WAVE\n        FILE {}\n      >\n    >\n",
        quoted(name),
        quoted(file)
    )
}

/// In whichever quotation marks the text has none of.
fn quoted(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match ['"', '\'', '`'].into_iter().find(|mark| !text.contains(*mark)) {
        Some(mark) => format!("{mark}{text}{mark}"),
        None => format!("`{}`", text.replace('`', "'")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_may_have_any_marks() {
        assert_eq!(quoted("the storm"), "\"the storm\"");
        assert_eq!(quoted("the \"storm\"\n"), "'the \"storm\" '");
        assert_eq!(quoted("\"'`"), "`\"''`");
    }
}
