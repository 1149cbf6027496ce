//! Progress on standard error, the time each stage takes, and the ear for Ctrl-C.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use melfusion::error::Stage;
use melfusion::progress::Progress;

use super::args::{Run, Style};
use super::{cancel, terminal};

/// How often a bar is drawn while a stage says nothing.
const TICK: Duration = Duration::from_millis(200);

/// Watches one take.
pub struct Watch {
    style: Style,
    /// Before the stage: which take of how many; empty for a single one.
    label: String,
    bar: ProgressBar,
    clock: Mutex<Clock>,
}

impl Watch {
    pub fn new(style: Style, label: String) -> Self {
        let target = match style {
            Style::Bar => ProgressDrawTarget::stderr(),
            Style::Lines | Style::None => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if style == Style::Bar {
            bar.enable_steady_tick(TICK);
        }
        Self { style, label, bar, clock: Mutex::default() }
    }

    /// Ends the bar; returns milliseconds per stage.
    pub fn finish(&self) -> BTreeMap<&'static str, f64> {
        self.bar.finish_and_clear();
        let mut clock = self.clock();
        clock.stop();
        clock.spent.iter().map(|(name, time)| (*name, milliseconds(*time))).collect()
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, stage: Stage, total: usize) {
        self.bar.set_style(bar_style(total));
        self.bar.set_message(format!("{}{stage}", self.label));
        self.bar.set_length(total as u64);
        self.bar.reset();
    }
}

impl Progress for Watch {
    fn step(&self, stage: Stage, done: usize, total: usize) {
        if self.clock().enter(stage) {
            self.begin(stage, total);
        }
        self.bar.set_position(done as u64);
        if self.style == Style::Lines {
            terminal::warn(&format!("{}{stage} {done}/{total}", self.label));
        }
    }

    fn is_cancelled(&self) -> bool {
        cancel::asked()
    }
}

/// How `run` wants progress shown.
pub fn style(run: &Run) -> Style {
    match run.progress {
        Some(style) => style,
        None if run.quiet || run.json || !std::io::stderr().is_terminal() => Style::None,
        None => Style::Bar,
    }
}

/// To a tenth of a millisecond.
pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}

/// A stage of one step has no use for a count, let alone for a guess of what is left.
fn bar_style(total: usize) -> ProgressStyle {
    let template = match total {
        0 | 1 => "{msg:24} {elapsed}",
        _ => "{msg:24} {bar:32} {pos}/{len}  {eta} left",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[derive(Default)]
struct Clock {
    running: Option<(Stage, Instant)>,
    spent: BTreeMap<&'static str, Duration>,
}

impl Clock {
    /// Begins to count for `stage`; `false` if it did already.
    fn enter(&mut self, stage: Stage) -> bool {
        if self.running.is_some_and(|(running, _)| running == stage) {
            return false;
        }
        self.stop();
        self.running = Some((stage, Instant::now()));
        true
    }

    fn stop(&mut self) {
        if let Some((stage, since)) = self.running.take() {
            *self.spent.entry(name(stage)).or_default() += since.elapsed();
        }
    }
}

/// A stage's key in `--json`.
fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Load => "load",
        Stage::Text => "text",
        Stage::Picture => "picture",
        Stage::Music => "music",
        Stage::Sound => "sound",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_that_ran_has_a_time_and_no_other() {
        let watch = Watch::new(Style::None, String::new());
        for (stage, done) in [(Stage::Text, 0), (Stage::Text, 1), (Stage::Music, 0), (Stage::Text, 0)] {
            watch.step(stage, done, 1);
        }
        assert_eq!(watch.finish().into_keys().collect::<Vec<_>>(), ["music", "text"]);
    }
}
