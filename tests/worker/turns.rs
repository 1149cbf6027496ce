//! Many jobs of several programs: each in turn, none forgotten.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;

use melfusion::request::RequestFields;
use melfusion::service::{Failure, FromWorker, ToWorker};

use crate::house::{Guest, House, endless, has_zombies, is_last, job_of, quick, until};

/// Long enough for its beginning to be seen before the next one's.
fn lasting(seed: u64) -> RequestFields {
    RequestFields { steps: 20, ..quick(seed) }
}

/// Returns when the worker has read everything that this client has said.
fn await_heard(guest: &Guest) {
    guest.submit(99, quick(1));
    guest.say(&ToWorker::Cancel { job: 99 });
    assert!(matches!(guest.outcome(99), FromWorker::Failed { failure: Failure::Cancelled, .. }));
}

#[test]
fn two_programs_take_turns_however_much_one_asks_for() {
    let house = House::new(&[]);
    let [a, b] = [house.guest(), house.guest()];
    a.submit(1, endless());
    assert!(matches!(a.next(1), FromWorker::Progress { .. }));
    (2..=4).for_each(|job| a.submit(job, lasting(job)));
    await_heard(&a);
    (1..=2).for_each(|job| b.submit(job, lasting(job)));
    await_heard(&b);
    a.say(&ToWorker::Cancel { job: 1 });
    let begun = Mutex::new(Vec::new());
    let watch = |name: char, guest: &Guest, mut latest: u64, last: u64| loop {
        let message = guest.hear().unwrap();
        match (&message, job_of(&message)) {
            (FromWorker::Progress { .. }, Some(job)) if job > latest => {
                latest = job;
                begun.lock().unwrap().push(format!("{name}{job}"));
            }
            (message, Some(job)) if job == last && is_last(message) => break,
            _ => {}
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| watch('a', &a, 1, 4));
        scope.spawn(|| watch('b', &b, 0, 2));
    });
    assert_eq!(begun.into_inner().unwrap(), ["b1", "a2", "b2", "a3", "a4"]);
}

#[test]
fn of_fifty_jobs_with_cancels_each_has_one_end() {
    let mut house = House::new(&[]);
    let guest = house.guest();
    for job in 1..=50 {
        guest.submit(job, quick(job));
        // Some before they can have begun, some that were handed in long ago, and some twice.
        if u64::is_multiple_of(job, 5) {
            guest.say(&ToWorker::Cancel { job });
        }
        if u64::is_multiple_of(job, 7) {
            guest.say(&ToWorker::Cancel { job: job / 2 });
        }
    }
    guest.say(&ToWorker::Cancel { job: 1000 });
    let mut ends: BTreeMap<u64, FromWorker> = BTreeMap::new();
    while ends.len() < 50 {
        let message = guest.hear().unwrap();
        let job = job_of(&message);
        if let Some(job) = job.filter(|_| is_last(&message)) {
            assert!(ends.insert(job, message).is_none(), "job {job} ended twice");
        } else if let Some(job) = job {
            assert!(!ends.contains_key(&job), "job {job} went on after its end");
        }
    }
    let is_asked =
        |job: u64| job.is_multiple_of(5) || (1..=50u64).any(|other| other.is_multiple_of(7) && other / 2 == job);
    for (job, end) in &ends {
        match end {
            FromWorker::Clip { recipe, .. } => assert_eq!(recipe.seed, *job),
            FromWorker::Failed { failure: Failure::Cancelled, .. } => assert!(is_asked(*job), "{job}"),
            end => panic!("job {job}: {end:?}"),
        }
    }
    let cancelled = ends.values().filter(|end| matches!(end, FromWorker::Failed { .. })).count();
    assert!(cancelled >= 9, "only {cancelled} were cancelled");
    house.assert_serves();
    until("children to be waited for", || !has_zombies());
}

#[test]
fn the_jobs_of_a_program_that_vanishes_are_withdrawn() {
    let mut house = House::new(&[]);
    let gone = house.guest();
    (1..=3).for_each(|job| gone.submit(job, endless()));
    assert!(matches!(gone.next(1), FromWorker::Progress { .. }));
    drop(gone);
    house.assert_serves();
}

#[test]
fn cancelling_ends_a_job_long_before_it_would_be_done() {
    let house = House::new(&[]);
    let guest = house.guest();
    guest.submit(1, endless());
    let stage = |message: &FromWorker| match message {
        FromWorker::Progress { stage, done, .. } => Some((*stage, *done)),
        _ => None,
    };
    until("music", || stage(&guest.next(1)) == Some((melfusion::error::Stage::Music, 1)));
    guest.say(&ToWorker::Cancel { job: 1 });
    let mut steps = 0;
    let end = loop {
        let message = guest.next(1);
        if is_last(&message) {
            break message;
        }
        steps += 1;
    };
    assert!(matches!(end, FromWorker::Failed { failure: Failure::Cancelled, .. }));
    // Those that were on their way, and the one under way.
    assert!(steps < 20, "{steps} steps more");
}
