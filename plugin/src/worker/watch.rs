//! Watches a generation for the editor, and stops it when its seat no longer wants it.

use std::sync::Arc;
use std::time::Instant;

use melfusion::error::Stage;
use melfusion::progress::Progress;
use parking_lot::Mutex;

use super::chair::{Chair, Errand};
use super::costs::{Costs, Work};
use crate::session::Job;

/// Writes a generation's progress to its session's status.
pub struct Watch<'a> {
    chair: Arc<Chair>,
    errand: Errand,
    cue: Option<u64>,
    costs: &'a Mutex<Costs>,
    run: Mutex<Run>,
}

/// Where the generation is.
struct Run {
    work: Work,
    /// As they were known when the job began, so that shares do not move under the bar.
    plan: Costs,
    stage: Stage,
    /// When the stage began, if it began in sight.
    began: Option<Instant>,
    /// Never falls, though the engine may begin again with another seed.
    share: f32,
}

impl<'a> Watch<'a> {
    /// Begins a generation of `chair`, for a cue or the brief.
    pub fn new((chair, errand): (Arc<Chair>, Errand), cue: Option<u64>, work: Work, costs: &'a Mutex<Costs>) -> Self {
        let plan = costs.lock().clone();
        let run = Run { work, plan, stage: Stage::Load, began: None, share: 0.0 };
        Self { chair, errand, cue, costs, run: Mutex::new(run) }
    }
}

impl Progress for Watch<'_> {
    fn step(&self, stage: Stage, done: usize, total: usize) {
        let job = {
            let mut run = self.run.lock();
            let mut costs = self.costs.lock();
            run.note(stage, done, &mut costs);
            Job { cue: self.cue, ..run.job(done, total, &costs) }
        };
        // What was cancelled is no longer shown; the seat may already show its next.
        if !self.is_cancelled() {
            self.chair.show(Some(job));
        }
    }

    fn is_cancelled(&self) -> bool {
        self.chair.has_withdrawn(self.errand)
    }
}

impl Run {
    /// Takes the time.
    fn note(&mut self, stage: Stage, done: usize, costs: &mut Costs) {
        if done == 0 || stage != self.stage {
            self.stage = stage;
            self.began = (done == 0).then(Instant::now);
        } else if let Some(began) = self.began {
            // From the stage's beginning, so that every step corrects the estimate.
            costs.learn(stage, done, began.elapsed().as_secs_f64(), &self.work);
        }
    }

    fn job(&mut self, done: usize, total: usize, costs: &Costs) -> Job {
        let part = done as f64 / total.max(1) as f64;
        let [before, at, after] = self.work.around(self.stage, &self.plan);
        let share = (before + part * at) / (before + at + after);
        self.share = self.share.max((share as f32).clamp(0.0, 1.0));
        let [_, at, after] = self.work.around(self.stage, costs);
        let left = (1.0 - part) * at + after;
        Job {
            cue: None,
            ahead: 0,
            stage: self.stage,
            done: self.share,
            seconds_left: costs.can_estimate().then_some(left as f32),
        }
    }
}
