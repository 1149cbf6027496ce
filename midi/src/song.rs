//! What is written.

use score::Score;

/// All of a file: sections along one time.
#[derive(Debug, Clone)]
pub struct Song<'a> {
    /// Name of the track that conducts.
    pub title: &'a str,
    /// Quarter notes per minute from a tick on, ascending, the first at tick 0; 4 to 60,000,000.
    pub tempi: Vec<(u32, f64)>,
    /// In order of their starts.
    pub sections: Vec<Section<'a>>,
}

/// A stretch with a metre and a key of its own.
#[derive(Debug, Clone)]
pub struct Section<'a> {
    /// Its marker's text.
    pub name: &'a str,
    /// Where it begins, in ticks.
    pub start: u32,
    /// Its notes; what would sound over its end ends there.
    pub score: &'a Score,
}

impl<'a> Song<'a> {
    /// One score alone, at its own tempo.
    pub fn of(title: &'a str, score: &'a Score) -> Self {
        Self { title, tempi: vec![(0, score.bpm)], sections: vec![Section { name: title, start: 0, score }] }
    }

    /// Length in ticks: to the end of the last section.
    pub fn ticks(&self) -> u32 {
        self.sections.iter().map(|section| section.start + section.score.ticks()).max().unwrap_or(0)
    }
}
