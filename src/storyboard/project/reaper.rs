//! Reaper's `.rpp`: nested blocks of lines, places in seconds.

use std::fmt::Write;

use score::TICKS_PER_QUARTER;

use super::{Content, Placed, Project, Track};

/// Reaper's fade that starts fast, which two of make its equal-power crossfade.
const FAST_START: u32 = 1;
/// Tempo points that hold until the next.
const SQUARE: u32 = 1;

/// The first track of a folder, and the last within.
const OPENS: &str = "1 1";
const CLOSES: &str = "2 -1";
/// What says that a colour is one's own.
const CUSTOM: u32 = 1 << 24;

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
    for it in project.tracks() {
        text += &track(project, &it, if it.is_folder() { OPENS } else { "0 0" });
        for (i, inner) in it.tracks.iter().enumerate() {
            text += &track(project, inner, if i + 1 == it.tracks.len() { CLOSES } else { "0 0" });
        }
    }
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

fn track(project: &Project<'_>, track: &Track<'_>, folder: &str) -> String {
    let (mute, gain) = (u32::from(track.is_muted), track.gain);
    let colour = track.rgb().map(|[red, green, blue]| {
        let colour = CUSTOM | u32::from(blue) << 16 | u32::from(green) << 8 | u32::from(red);
        format!("    PEAKCOL {colour}\n")
    });
    let items: String = track.clips.iter().map(|placed| item(project, placed)).collect();
    format!(
        "  <TRACK\n    NAME {}\n{}    VOLPAN {gain:.9} 0 -1 -1 1\n    MUTESOLO {mute} 0 0\n    ISBUS {folder}\n    NCHAN 2\n{items}  >\n",
        quoted(track.name),
        colour.unwrap_or_default(),
    )
}

fn item(project: &Project<'_>, Placed { item, name, content }: &Placed<'_>) -> String {
    let [start, length, fade_in, fade_out] =
        [item.start, item.frames, item.fade_in, item.fade_out].map(|frames| project.seconds(frames));
    format!(
        "    <ITEM\n      POSITION {start:.12}\n      LENGTH {length:.12}\n      LOOP 0\n      \
         FADEIN {FAST_START} {fade_in:.12} 0 {FAST_START} 0 0 0\n      \
         FADEOUT {FAST_START} {fade_out:.12} 0 {FAST_START} 0 0 0\n      BEAT 0\n      NAME {}\n{}    >\n",
        quoted(name),
        source(content)
    )
}

fn source(content: &Content<'_>) -> String {
    let (score, part) = match content {
        Content::Sound(file) => return format!("      <SOURCE WAVE\n        FILE {}\n      >\n", quoted(file)),
        Content::Notes(score, part) => (score, *part),
    };
    let mut events: Vec<(u32, [u8; 3])> = Vec::new();
    for note in score.notes_of(part) {
        let end = (note.start + note.length).min(score.ticks());
        events.push((note.start, [0x90, note.pitch, note.velocity]));
        events.push((end, [0x80, note.pitch, 0]));
    }
    // Of one tick, what ends comes first.
    events.sort_by_key(|(tick, [status, ..])| (*tick, *status));
    // All notes off, where the item ends.
    events.push((score.ticks(), [0xb0, 0x7b, 0]));
    let mut text = format!("      <SOURCE MIDI\n        HASDATA 1 {TICKS_PER_QUARTER} QN\n");
    let mut before = 0;
    for (tick, [status, first, second]) in events {
        // A string takes whatever is written to it.
        let _ = writeln!(text, "        E {} {status:02x} {first:02x} {second:02x}", tick - before);
        before = tick;
    }
    text + "      >\n"
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
