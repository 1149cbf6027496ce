//! Edit decision lists, CMX 3600.
//!
//! Read are the picture's events with their record times, `TITLE`, `FCM` and the comments `FROM CLIP NAME`,
//! `TO CLIP NAME` and `LOC`; sound tracks and source times mean nothing here.

use std::path::Path;

use super::snap::{Event, snap};
use super::timecode::{FrameRate, seconds};
use super::{Draft, Import, Problem, base, picture_called, without_ending};
use crate::storyboard::{SheetCue, Transition};

pub fn read(path: &Path, text: &str, import: &Import) -> Result<Draft, Problem> {
    let mut list = List { drop: false, title: String::new(), events: Vec::new(), fps: import.fps };
    for (i, line) in text.lines().enumerate() {
        list.line(line.trim(), i + 1).map_err(|problem| (i + 1, problem))?;
    }
    let List { title, mut events, .. } = list;
    // The first event is bar 1, whatever hour the list begins at.
    let first = events.first().map_or(0.0, |event| event.start);
    let mut notes = Vec::new();
    for event in &mut events {
        event.start -= first;
        event.end = event.end.map(|end| end - first);
        event.cue.picture = picture_called(base(path), &event.cue.name);
        if event.cue.picture.is_none() {
            notes.push(format!("{:?} (line {}): no picture of this name beside the list", event.cue.name, event.line));
        }
        event.cue.name = without_ending(&event.cue.name);
    }
    if let Some(pair) = events.windows(2).find(|pair| pair[1].start < pair[0].start) {
        return Err((pair[1].line, "begins before the event above it; sort the list by record time".into()));
    }
    let mut draft = snap(path, &events, import, notes)?;
    draft.sheet.title = title;
    Ok(draft)
}

struct List {
    drop: bool,
    title: String,
    events: Vec<Event>,
    fps: Option<FrameRate>,
}

impl List {
    fn line(&mut self, line: &str, number: usize) -> Result<(), String> {
        if let Some(title) = line.strip_prefix("TITLE:") {
            self.title = title.trim().to_string();
        } else if let Some(mode) = line.strip_prefix("FCM:") {
            self.drop = mode.trim().to_uppercase().starts_with("DROP");
        } else if let Some(comment) = line.strip_prefix('*') {
            self.comment(comment.trim());
        } else if line.starts_with(|c: char| c.is_ascii_digit()) {
            self.event(line, number)?;
        }
        Ok(())
    }

    /// `001 AX V C 00:00:00:00 00:00:05:00 01:00:00:00 01:00:05:00`; a dissolve has its length after the `D`.
    fn event(&mut self, line: &str, number: usize) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_time = |word: &&str| word.contains([':', ';']);
        let times = words.iter().rev().take_while(|word| is_time(word)).count();
        let (Some([event, reel, track, edit]), 4, [.., begin, end]) = (words.first_chunk(), times, &words[..]) else {
            return Err("is no event; it needs a number, reel, track, edit and four timecodes".into());
        };
        if !track.to_uppercase().contains('V') && !track.eq_ignore_ascii_case("B") {
            return Ok(());
        }
        let rate = self.rate([begin, end].iter().any(|time| time.contains(';')))?;
        let [start, end] = [begin, end].map(|time| seconds(time, rate, self.drop));
        let (start, end) = (start?, end?);
        if end < start {
            return Err(format!("ends before it begins ({begin})"));
        }
        // The first half of a dissolve: where the picture comes from, without a length of its own.
        if end == start {
            return Ok(());
        }
        let is_soft = !edit.eq_ignore_ascii_case("C");
        let cue = SheetCue {
            name: if ["AX", "BL"].contains(reel) { event.to_string() } else { reel.to_string() },
            transition: is_soft.then_some(Transition::Crossfade { bars: 1 }),
            ..SheetCue::default()
        };
        self.events.push(Event { cue, start, end: Some(end), line: number });
        Ok(())
    }

    fn rate(&self, drop: bool) -> Result<FrameRate, String> {
        match self.fps {
            Some(rate) => Ok(rate),
            None if drop || self.drop => Ok(FrameRate::NTSC),
            None => Err("a list does not say how many frames a second has; say it with --fps".into()),
        }
    }

    fn comment(&mut self, comment: &str) {
        let Some(event) = self.events.last_mut() else { return };
        let after = |word: &str| comment.strip_prefix(word).map(|rest| rest.trim_start_matches(':').trim().to_string());
        // Of a dissolve the picture it leads to comes second and counts.
        if let Some(name) = after("TO CLIP NAME").or(after("FROM CLIP NAME")) {
            event.cue.name = name;
        } else if let Some(words) = after("LOC") {
            // Time, colour, words.
            event.cue.prompt = words.split_whitespace().skip(2).collect::<Vec<_>>().join(" ");
        }
    }
}
