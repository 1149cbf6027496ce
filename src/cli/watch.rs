//! Progress on standard error, the time each stage takes, and the ear for Ctrl-C.

use std::collections::BTreeMap;
use std::fmt;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use melfusion::error::Stage;
use melfusion::progress::Progress;

use super::args::{Setup, Style};
use super::{cancel, terminal};

/// How often a bar is drawn while a stage says nothing.
const TICK: Duration = Duration::from_millis(200);

/// Characters of the longest stage, so that bars of all stages stand below one another.
const LONGEST_STAGE: usize = 22;

/// Watches one take.
pub struct Watch {
    style: Style,
    /// Before the stage: which take of how many; empty for a single one.
    label: String,
    /// The running stage's; a new one each, so that no frame shows one stage's name with another's count.
    bar: Mutex<ProgressBar>,
    clock: Mutex<Clock>,
}

impl Watch {
    pub fn new(style: Style, label: String) -> Self {
        Self { style, label, bar: Mutex::new(ProgressBar::hidden()), clock: Mutex::default() }
    }

    /// Ends the bar; returns milliseconds per stage.
    pub fn finish(&self) -> BTreeMap<&'static str, f64> {
        held(&self.bar).finish_and_clear();
        let mut clock = held(&self.clock);
        clock.stop();
        clock.spent.iter().map(|(name, time)| (*name, milliseconds(*time))).collect()
    }

    fn begin(&self, stage: Stage, total: usize) {
        if self.style != Style::Bar {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr())
            .with_style(bar_style(self.label.len() + LONGEST_STAGE, total))
            .with_message(format!("{}{stage}", self.label));
        bar.enable_steady_tick(TICK);
        std::mem::replace(&mut *held(&self.bar), bar).finish_and_clear();
    }
}

impl Progress for Watch {
    fn step(&self, stage: Stage, done: usize, total: usize) {
        if held(&self.clock).enter(stage) {
            self.begin(stage, total);
        }
        held(&self.bar).set_position(done as u64);
        if self.style == Style::Lines {
            terminal::warn(&format!("{}{stage} {done}/{total}", self.label));
        }
    }

    fn is_cancelled(&self) -> bool {
        cancel::asked()
    }
}

/// How `setup` wants progress shown.
pub fn style(setup: &Setup) -> Style {
    match setup.progress {
        Some(style) => style,
        None if setup.quiet || setup.json || !std::io::stderr().is_terminal() => Style::None,
        None => Style::Bar,
    }
}

/// To a tenth of a millisecond.
pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}

/// A stage of one step has no use for a count, let alone for a guess of what is left.
fn bar_style(width: usize, total: usize) -> ProgressStyle {
    let rest = if total > 1 { "{bar:32} {pos}/{len}  {left}" } else { "{elapsed}" };
    ProgressStyle::with_template(&format!("{{msg:{width}}} {rest}"))
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("left", left)
}

/// Nothing before the first step, when nobody can know.
fn left(state: &ProgressState, out: &mut dyn fmt::Write) {
    if state.pos() > 0 {
        // Fails only if the bar's own buffer does.
        let _ = write!(out, "{:.0} s left", state.eta().as_secs_f64().ceil());
    }
}

/// What a lock holds, also after a panic elsewhere: a picture of progress cannot be left inconsistent.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
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
