//! How long the steps of a generation take: guessed at first, then as measured, kept from job to job.

use melfusion::error::Stage;

/// Order of the stages in a generation.
const STAGES: [Stage; 5] = [Stage::Load, Stage::Text, Stage::Picture, Stage::Music, Stage::Sound];
/// How much the newest measurement counts.
const NEWEST: f64 = 0.5;

/// Seconds that one step of each stage takes.
#[derive(Debug, Clone)]
pub struct Costs([Cost; STAGES.len()]);

#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Of a step; of music and sound, per quarter note of the clip.
    seconds: f64,
    is_measured: bool,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Denoising steps.
    pub steps: usize,
    /// Length of the clip.
    pub quarters: f64,
    /// There is a picture, and it has influence.
    pub has_picture: bool,
    /// The bundle has to be read first.
    pub has_to_load: bool,
}

impl Default for Costs {
    /// The small bundle on two slow cores. Only their ratios matter, and only for the first clip.
    fn default() -> Self {
        let guess = |seconds| Cost { seconds, is_measured: false };
        Self([guess(0.3), guess(0.02), guess(0.02), guess(0.003), guess(0.03)])
    }
}

impl Costs {
    /// Seconds for `steps` steps of a stage.
    pub fn of(&self, stage: Stage, steps: usize, work: &Work) -> f64 {
        self.0[index(stage)].seconds * scale(stage, work) * steps as f64
    }

    /// Takes note that `steps` steps of a stage took `seconds`.
    pub fn learn(&mut self, stage: Stage, steps: usize, seconds: f64, work: &Work) {
        if steps == 0 || !seconds.is_finite() {
            return;
        }
        let measured = seconds / steps as f64 / scale(stage, work);
        let cost = &mut self.0[index(stage)];
        cost.seconds = if cost.is_measured { cost.seconds + NEWEST * (measured - cost.seconds) } else { measured };
        cost.is_measured = true;
    }

    /// Whether the stage that takes longest has ever been measured.
    pub fn can_estimate(&self) -> bool {
        self.0[index(Stage::Music)].is_measured
    }
}

impl Work {
    /// Steps of a stage.
    pub fn steps_of(&self, stage: Stage) -> usize {
        match stage {
            Stage::Load => usize::from(self.has_to_load),
            Stage::Text => 1,
            Stage::Picture if self.has_picture => self.steps + 1,
            Stage::Picture => 0,
            Stage::Music => self.steps,
            Stage::Sound => 2,
        }
    }

    /// Seconds of all stages before `stage`, of it, and of all after it, as far as is known.
    pub fn around(&self, stage: Stage, costs: &Costs) -> [f64; 3] {
        let all = STAGES.map(|stage| costs.of(stage, self.steps_of(stage), self));
        let at = index(stage);
        [all[..at].iter().sum(), all[at], all[at + 1..].iter().sum()]
    }
}

fn index(stage: Stage) -> usize {
    STAGES.iter().position(|s| *s == stage).expect("every stage is in the list")
}

/// Music and sound take longer for longer clips.
fn scale(stage: Stage, work: &Work) -> f64 {
    if matches!(stage, Stage::Music | Stage::Sound) { work.quarters.max(1e-3) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Work = Work { steps: 20, quarters: 16.0, has_picture: true, has_to_load: true };

    #[test]
    fn what_is_measured_replaces_the_guess_and_scales_with_the_clip() {
        let mut costs = Costs::default();
        assert!(!costs.can_estimate());
        costs.learn(Stage::Music, 10, 1.6, &WORK);
        assert!(costs.can_estimate());
        assert!((costs.of(Stage::Music, 20, &WORK) - 3.2).abs() < 1e-9);
        let half = Work { quarters: 8.0, ..WORK };
        assert!((costs.of(Stage::Music, 20, &half) - 1.6).abs() < 1e-9);
    }

    #[test]
    fn one_odd_measurement_does_not_decide() {
        let mut costs = Costs::default();
        costs.learn(Stage::Picture, 1, 1.0, &WORK);
        costs.learn(Stage::Picture, 1, 3.0, &WORK);
        assert!((costs.of(Stage::Picture, 1, &WORK) - 2.0).abs() < 1e-9);
        costs.learn(Stage::Picture, 0, 3.0, &WORK);
        costs.learn(Stage::Picture, 1, f64::NAN, &WORK);
        assert!((costs.of(Stage::Picture, 1, &WORK) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn stages_that_do_not_happen_cost_nothing() {
        let costs = Costs::default();
        let blind = Work { has_picture: false, has_to_load: false, ..WORK };
        let [before, at, _] = blind.around(Stage::Picture, &costs);
        assert_eq!((before, at), (costs.of(Stage::Text, 1, &blind), 0.0));
        let sum = |work: &Work, stage| work.around(stage, &costs).iter().sum::<f64>();
        assert!((sum(&WORK, Stage::Load) - sum(&WORK, Stage::Sound)).abs() < 1e-9);
    }
}
