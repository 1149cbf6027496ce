//! What a sheet asks of a cue's notes, with the clips that it names.

use std::path::Path;

use score::{Meter, Position, Score, TICKS_PER_QUARTER};

use super::{Draft, SheetCue, at, base};
use crate::clip::Clip;
use crate::error::{CueName, Error};
use crate::request::{Arrangement, Hit, Keep, Theme};
use crate::storyboard::{Cue, Reprise, Sheet, TempoMap};

impl Draft {
    /// The cue with what is asked of its notes.
    pub(super) fn arranged(&self, index: usize, cue: Cue) -> Result<Cue, Error> {
        let own = &self.sheet.cues[index];
        let place =
            Place { tempo: &self.sheet.tempo, meter: self.sheet.meter, start_bar: cue.start_bar, bars: cue.bars };
        let (theme, reprise) = self.theme(index)?;
        Ok(Cue {
            parts: own.parts.clone(),
            keep: self.keep(index, own)?,
            arrangement: Arrangement {
                chords: own.chords.clone(),
                key_lock: own.key_lock,
                density: own.density.clone(),
                register: own.register.clone(),
                theme,
                hits: own.hits.iter().map(|hit| place.position(*hit).0).collect(),
                end: own.end,
                build: own.build,
                intensity: Vec::new(),
            },
            reprise,
            ..cue
        })
    }

    /// The clip or the cue whose lead returns.
    fn theme(&self, index: usize) -> Result<(Option<Theme>, Option<Reprise>), Error> {
        let (sheet, own) = (&self.sheet, &self.sheet.cues[index]);
        let strength = own.theme_strength.or(sheet.theme_strength).unwrap_or(Theme::STRENGTH);
        let Some(name) = own.theme.as_ref().or(sheet.theme.as_ref()) else {
            return match own.theme_strength {
                Some(_) => Err(self.refuse(index, "theme_strength", "of what? Name a theme".into())),
                None => Ok((None, None)),
            };
        };
        match sheet.cues.iter().position(|cue| !cue.name.is_empty() && cue.name.eq_ignore_ascii_case(name.trim())) {
            // The board's own theme returns after it was heard.
            Some(of) if own.theme.is_none() && of >= index => Ok((None, None)),
            Some(of) => Ok((None, Some(Reprise { of, strength }))),
            None => {
                let score = self.notes_of(index, "theme", Path::new(name))?;
                Ok((Some(Theme { score, strength }), None))
            }
        }
    }

    fn keep(&self, index: usize, cue: &SheetCue) -> Result<Option<Keep>, Error> {
        let said = [
            ("keep_parts", !cue.keep_parts.is_empty()),
            ("redo_bars", cue.redo_bars.is_some()),
            ("vary", cue.vary.is_some()),
        ];
        match (&cue.keep, said.into_iter().find(|(_, said)| *said)) {
            (None, None) => Ok(None),
            (None, Some((what, _))) => Err(self.refuse(index, what, "of what? Name a clip's file as keep".into())),
            (Some(path), _) => Ok(Some(Keep {
                score: self.notes_of(index, "keep", path)?,
                parts: cue.keep_parts.clone(),
                redo: cue.redo_bars.clone(),
                vary: cue.vary,
            })),
        }
    }

    /// The notes of a clip's file, which is named from where the sheet lies.
    fn notes_of(&self, index: usize, what: &'static str, path: &Path) -> Result<Score, Error> {
        let path = base(&self.path).join(path);
        if !path.is_file() {
            let other = if what == "theme" { "there is no cue of that name, and " } else { "" };
            let problem = format!("{other}there is no file {}; give a WAV written by melfusion", path.display());
            return Err(self.refuse(index, what, problem));
        }
        let state = Clip::read_state(&path).map_err(|error| self.refuse(index, what, error.to_string()))?;
        let none = "the clip has no notes in it; only clips whose bundle composes notes have";
        state.score.ok_or_else(|| self.refuse(index, what, none.into()))
    }

    fn refuse(&self, index: usize, what: &'static str, problem: String) -> Error {
        let name = CueName { index, name: self.sheet.cues[index].name.clone() };
        at(&self.path, self.lines.of(Some(index), what), format!("{name}: {what}: {problem}"))
    }
}

/// Where a cue lies.
struct Place<'a> {
    tempo: &'a TempoMap,
    meter: Meter,
    start_bar: u32,
    bars: u32,
}

impl Place<'_> {
    /// The sixteenth of a hit, and how many milliseconds later than asked for that is.
    fn position(&self, hit: Hit) -> (Position, f64) {
        let Hit::Seconds(seconds) = hit else { return hit.position(self.tempo.at(self.start_bar), self.meter) };
        let begins = |bar: u32| {
            self.tempo.seconds(self.start_bar.saturating_add(bar), self.meter)
                - self.tempo.seconds(self.start_bar, self.meter)
        };
        let bar = (0..self.bars).rev().find(|bar| begins(*bar) <= seconds).unwrap_or(0);
        let bpm = self.tempo.at(self.start_bar.saturating_add(bar));
        let before = f64::from(bar) * self.meter.quarters() * f64::from(TICKS_PER_QUARTER);
        let within = (seconds - begins(bar)) * bpm / 60.0 * f64::from(TICKS_PER_QUARTER);
        let position = Position::nearest(before + within, self.meter);
        let ticks = position.ticks(u32::MAX, self.meter).map_or(before, f64::from);
        (position, (ticks - before - within) / f64::from(TICKS_PER_QUARTER) * 60.0 / bpm * 1e3)
    }
}

/// What the reader should know of a sheet's hits that are given in seconds.
pub(super) fn remarks(sheet: &Sheet) -> Vec<String> {
    let mut next_bar = 1;
    let mut remarks = Vec::new();
    for (index, cue) in sheet.cues.iter().enumerate() {
        let start_bar = cue.start_bar.unwrap_or(next_bar);
        next_bar = start_bar.saturating_add(cue.bars);
        let place = Place { tempo: &sheet.tempo, meter: sheet.meter, start_bar, bars: cue.bars };
        for hit in &cue.hits {
            let (position, late) = place.position(*hit);
            if let Some(remark) = hit.remark((position, late)) {
                remarks.push(format!("{}: {remark}", CueName { index, name: cue.name.clone() }));
            }
        }
    }
    remarks
}
