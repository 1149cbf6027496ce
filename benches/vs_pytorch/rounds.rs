//! One case on both sides: checked, tried, then timed in alternation.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::Fallible;
use crate::cases::Case;
use crate::machine::{busy_seconds, thread_seconds, used_seconds};
use crate::options::Options;
use crate::ours::{self, Call};
use crate::peer::Peer;

/// A turn repeats what takes less until it lasts this long.
const TURN_MS: f64 = 40.0;
/// Between turns, until the threads of the side that had its turn are asleep: some spin for a while.
const PAUSE: Duration = Duration::from_millis(40);
/// Cores that others may use before a measurement is called into question.
pub const MOST_OTHERS: f64 = 0.1;
/// Turns that decide which variant is best; one, if a call takes long.
const TRIES: usize = 3;
const LONG_MS: f64 = 400.0;

/// A way to run a case, as it was tried.
#[derive(Debug)]
pub struct Tried {
    pub variant: String,
    /// Least of the tries; or why it cannot be run.
    pub ms: Result<f64, String>,
}

/// What came of a case.
#[derive(Debug)]
pub struct Outcome {
    pub theirs: Side,
    pub ours: Side,
    /// Largest difference of the two answers over the largest value.
    pub error: f64,
    /// Cores that anything else on the machine used during the turns.
    pub others: f64,
}

/// What came of one side.
#[derive(Debug, Default)]
pub struct Side {
    /// The fastest variant.
    pub variant: String,
    pub tried: Vec<Tried>,
    /// Per round.
    pub ms: Vec<f64>,
    /// What this side's process used while the other ran.
    restless: Use,
}

/// Processor time.
#[derive(Debug, Default)]
struct Use {
    seconds: f64,
    /// In how much time.
    of: f64,
}

impl Use {
    fn cores(&self) -> f64 {
        self.seconds / self.of.max(f64::MIN_POSITIVE)
    }
}

/// Runs a case.
pub fn run(case: &Case, peer: &mut Peer, options: &Options, directory: &Path) -> Fallible<Outcome> {
    let file = directory.join("case.safetensors");
    let variants = peer.prepare(&case.work, Some(&file))?;
    let tensors = candle_core::safetensors::load(&file, &Device::Cpu)?;
    let answer = tensors.get("answer").ok_or("PyTorch gave no answer")?.to_dtype(DType::F32)?;
    let (device, dtype) = (options.device.open()?, options.dtype());
    let mut calls = ours::build(&case.work, &VarBuilder::from_tensors(tensors, dtype, &device))?;
    let error = check(&mut calls, &answer, case.work.tolerance(dtype))?;
    let variants = variants.into_iter().filter(|variant| options.compile || !variant.starts_with("compiled"));
    wait_for_quiet(options.patience);
    let theirs = try_theirs(peer, variants)?;
    let clock = if options.processor_time { Clock::Processor } else { Clock::Wall };
    let (ours, mut call) = try_ours(calls, clock)?;
    let mut sides = Match { peer, call: &mut call, clock, ours, theirs, others: Use::default() };
    // Compiling may have taken minutes.
    wait_for_quiet(options.patience);
    for round in 0..options.rounds {
        sides.round(round % 2 == 0)?;
    }
    Ok(Outcome { others: sides.others.cores(), theirs: sides.theirs, ours: sides.ours, error })
}

/// Waits until nothing else works on this machine, or `patience` seconds.
fn wait_for_quiet(patience: usize) {
    const LOOK: Duration = Duration::from_millis(250);
    let start = Instant::now();
    while start.elapsed().as_secs() < patience as u64 {
        let before = busy_seconds();
        thread::sleep(LOOK);
        if busy_seconds() - before <= MOST_OTHERS * LOOK.as_secs_f64() {
            return;
        }
    }
}

/// Every layout's error, of which it returns the largest: nothing wrong is timed.
fn check(calls: &mut [(&'static str, Call)], answer: &Tensor, tolerance: f64) -> Fallible<f64> {
    let mut error = 0f64;
    for (layout, call) in calls {
        let found = relative_error(&call()?, answer)?;
        if found > tolerance {
            return Err(format!("not timed: {layout} differs from PyTorch by {found:.1e}").into());
        }
        error = error.max(found);
    }
    Ok(error)
}

/// Largest absolute difference over the largest absolute value.
fn relative_error(ours: &Tensor, theirs: &Tensor) -> Fallible<f64> {
    let values = |tensor: &Tensor| tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>();
    let (ours, theirs) = (values(ours)?, values(theirs)?);
    if ours.len() != theirs.len() || ours.iter().any(|x| !x.is_finite()) {
        return Ok(f64::INFINITY);
    }
    let largest = |values: &mut dyn Iterator<Item = f32>| f64::from(values.fold(0.0, f32::max));
    let difference = largest(&mut ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()));
    Ok(difference / largest(&mut theirs.iter().map(|x| x.abs())).max(f64::MIN_POSITIVE))
}

/// The variants in turn, each after a first call that may compile. Only the faster layout is compiled: the compiler
/// lays most of a network out as it likes.
fn try_theirs(peer: &mut Peer, variants: impl Iterator<Item = String>) -> Fallible<Side> {
    let mut side = Side::default();
    for variant in variants {
        if variant.starts_with("compiled") && variant.contains("channels last") != side.prefers_channels_last() {
            continue;
        }
        let mut best = || -> Fallible<f64> {
            peer.run(&variant, 1)?;
            least(peer.run(&variant, 1)?.ms, |repeats| Ok(peer.run(&variant, repeats)?.ms))
        };
        let ms = best().map_err(|error| error.to_string());
        side.tried.push(Tried { variant, ms });
    }
    side.choose()?;
    Ok(side)
}

fn try_ours(calls: Vec<(&'static str, Call)>, clock: Clock) -> Fallible<(Side, Call)> {
    let mut side = Side::default();
    let mut made = HashMap::new();
    for (layout, mut call) in calls {
        let ms = least(turn_of(&mut call, 1, clock)?, |repeats| turn_of(&mut call, repeats, clock))?;
        side.tried.push(Tried { variant: layout.into(), ms: Ok(ms) });
        made.insert(layout.to_string(), call);
    }
    side.choose()?;
    let call = made.remove(&side.variant).ok_or("there is no such layout")?;
    Ok((side, call))
}

/// The least of `first`, in milliseconds, and of a few turns of as many repeats as that allows; if it is long, `first`.
fn least(first: f64, mut turn: impl FnMut(usize) -> Fallible<f64>) -> Fallible<f64> {
    if first > LONG_MS {
        return Ok(first);
    }
    let mut least = first;
    for _ in 0..TRIES {
        least = least.min(turn(repeats(first))?);
    }
    Ok(least)
}

impl Side {
    fn choose(&mut self) -> Fallible {
        let fastest = self.tried.iter().filter_map(|tried| Some((tried.ms.as_ref().ok()?, &tried.variant)));
        let fastest = fastest.min_by(|a, b| a.0.total_cmp(b.0)).ok_or_else(|| match self.tried.first() {
            Some(Tried { ms: Err(error), .. }) => error.clone(),
            _ => "there is no way to run it".into(),
        })?;
        self.variant = fastest.1.clone();
        Ok(())
    }

    /// Cores that it used while the other side ran, on average.
    pub fn restless(&self) -> f64 {
        self.restless.cores()
    }

    /// Whether channels last was the faster of the layouts that are not compiled.
    fn prefers_channels_last(&self) -> bool {
        let ms = |name| self.tried.iter().find(|tried| tried.variant == name).and_then(|tried| tried.ms.as_ref().ok());
        matches!((ms("eager"), ms("channels last")), (Some(eager), Some(last)) if last < eager)
    }

    /// Repeats of a turn, from how long the chosen variant took.
    fn repeats(&self) -> usize {
        let tried = self.tried.iter().find(|tried| tried.variant == self.variant);
        tried.and_then(|tried| tried.ms.as_ref().ok()).map_or(1, |&ms| repeats(ms))
    }
}

fn repeats(ms: f64) -> usize {
    (TURN_MS / ms).ceil().clamp(1.0, 10_000.0) as usize
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
enum Clock {
    Wall,
    /// What this thread has of a processor.
    Processor,
}

impl Clock {
    /// In seconds, from any beginning.
    fn now(self) -> f64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match self {
            Self::Wall => START.elapsed().as_secs_f64(),
            Self::Processor => thread_seconds(),
        }
    }
}

/// Milliseconds of one call.
fn turn_of(call: &mut Call, repeats: usize, clock: Clock) -> Fallible<f64> {
    let mut last = None;
    let start = clock.now();
    for _ in 0..repeats {
        last = Some(call()?);
    }
    // A GPU is given work and does it later.
    last.as_ref().map(|answer| answer.device().synchronize()).transpose()?;
    Ok(1e3 * (clock.now() - start) / repeats as f64)
}

/// The two sides of a case, ready to take turns.
struct Match<'a> {
    peer: &'a mut Peer,
    call: &'a mut Call,
    clock: Clock,
    ours: Side,
    theirs: Side,
    others: Use,
}

impl Match<'_> {
    fn round(&mut self, we_begin: bool) -> Fallible {
        for turn in [we_begin, !we_begin] {
            thread::sleep(PAUSE);
            let before = Clocks::read(self.peer);
            if turn {
                self.ours.ms.push(turn_of(self.call, self.ours.repeats(), self.clock)?);
            } else {
                let turn = self.peer.run(&self.theirs.variant, self.theirs.repeats())?;
                self.theirs.ms.push(turn.ms);
            }
            let after = Clocks::read(self.peer);
            let used = if turn { after.peer - before.peer } else { after.own - before.own };
            let idle = if turn { &mut self.theirs.restless } else { &mut self.ours.restless };
            idle.add(used, &before, &after);
            self.others.add(after.others() - before.others(), &before, &after);
        }
        Ok(())
    }
}

/// Processor time so far, in seconds.
struct Clocks {
    at: Instant,
    own: f64,
    peer: f64,
    machine: f64,
}

impl Clocks {
    fn read(peer: &Peer) -> Self {
        let peer = used_seconds(&peer.id().to_string());
        Self { at: Instant::now(), own: used_seconds("self"), peer, machine: busy_seconds() }
    }

    fn others(&self) -> f64 {
        self.machine - self.own - self.peer
    }
}

impl Use {
    fn add(&mut self, seconds: f64, before: &Clocks, after: &Clocks) {
        self.seconds += seconds;
        self.of += (after.at - before.at).as_secs_f64();
    }
}
