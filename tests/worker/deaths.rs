//! The worker dies, and the next job finds another.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use melfusion::error::{Error, Stage};
use melfusion::progress::{Progress, Silent};
use melfusion::request::RequestFields;
use melfusion::service::{Client, FromWorker, Program};
use melfusion::{Clip, Request};

use crate::house::{House, PROGRAM, command, endless, has_zombies, is_running, job, quick, signal, until};

/// Kills a worker as soon as it begins with a stage.
struct Killer {
    process: u32,
    at: Stage,
    is_done: AtomicBool,
}

impl Progress for Killer {
    fn step(&self, stage: Stage, _done: usize, _total: usize) {
        if stage == self.at && !self.is_done.swap(true, SeqCst) {
            signal(self.process, "KILL");
        }
    }
}

#[track_caller]
fn assert_reason(result: Result<Clip, Error>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Worker { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "the worker process ended while it worked on this, or was ended; generate again, which starts another"
    );
}

fn killed(house: &mut House, client: &Client, at: Stage, fields: RequestFields) -> Result<Clip, Error> {
    let killer = Killer { process: house.process(), at, is_done: AtomicBool::new(false) };
    let result = client.run(&job(fields), &killer);
    house.await_end();
    assert!(house.socket().exists(), "it had no time to tidy up");
    house.restart();
    result
}

#[test]
fn a_worker_killed_at_any_stage_fails_the_job_and_the_next_finds_another() {
    let mut house = House::new(&[]);
    // The same client throughout: it looks for the worker anew.
    let client = house.client();
    for stage in [Stage::Load, Stage::Text, Stage::Picture, Stage::Music] {
        assert_reason(killed(&mut house, &client, stage, endless()));
    }
    // The sound is made so quickly that it may be done before the worker dies: then the clip is whole.
    let fields = RequestFields { bars: 8, ..quick(4) };
    let whole = crate::house::ENGINE_HERE.generate(&Request::new(fields.clone()).unwrap(), &Silent).unwrap();
    match killed(&mut house, &client, Stage::Sound, fields) {
        Ok(clip) => assert_eq!(clip.audio, whole.audio),
        result => assert_reason(result),
    }
    client.run(&job(quick(5)), &Silent).unwrap();
    until("children to be waited for", || !has_zombies());
}

#[test]
fn all_who_wait_for_a_killed_worker_are_told() {
    let mut house = House::new(&[]);
    let client = house.client();
    let jobs = [endless(), quick(1), quick(2)].map(job);
    let mut tickets: Vec<_> = jobs.iter().map(|job| client.submit(job).unwrap()).collect();
    house.kill();
    for ticket in &mut tickets {
        assert_reason(ticket.wait(&Silent));
    }
}

#[test]
fn a_worker_that_does_not_answer_can_be_cancelled() {
    struct Impatient;
    impl Progress for Impatient {
        fn step(&self, _stage: Stage, _done: usize, _total: usize) {}

        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let house = House::new(&[]);
    let client = house.client();
    client.facts().unwrap();
    signal(house.process(), "STOP");
    // More than a socket holds: nobody waits for it to be written.
    let pixels = vec![1; 3 << 20];
    let picture = melfusion::image::Picture::from_rgb(1024, 1024, pixels).unwrap();
    let large = job(RequestFields { picture: Some(picture), ..quick(1) });
    assert!(matches!(client.run(&large, &Impatient), Err(Error::Cancelled)));
    drop(client);
    signal(house.process(), "CONT");
}

#[test]
fn a_worker_told_to_end_says_so_and_leaves_nothing() {
    let mut house = House::new(&[]);
    let guest = house.guest();
    guest.submit(1, endless());
    guest.submit(2, quick(1));
    assert!(matches!(guest.next(1), FromWorker::Progress { .. }));
    signal(house.process(), "TERM");
    for job in [2, 1] {
        let FromWorker::Failed { failure, .. } = guest.outcome(job) else { panic!("job {job} was done") };
        assert!(Error::from(failure).to_string().contains("told to end"), "{job}");
    }
    assert!(house.await_end().success());
    assert!(!house.socket().exists());
}

/// As a plugin does it: the worker is started by the client, and is nobody's child.
#[test]
fn a_client_starts_a_worker_and_another_when_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let place = melfusion::service::Place::at(folder.path());
    let client = Client::new(place.clone(), Some(Program::at(PROGRAM)), None);
    let short = job(RequestFields { steps: 1, picture: None, ..quick(1) });
    let first = client.facts().unwrap().process;
    client.run(&short, &Silent).unwrap();
    // Another program of the same user finds the same one.
    let other = Client::new(place.clone(), Some(Program::at(PROGRAM)), None);
    assert_eq!(other.facts().unwrap().process, first);
    signal(first, "KILL");
    until("the worker to die", || !is_running(first));
    client.run(&short, &Silent).unwrap();
    let second = client.facts().unwrap().process;
    assert_ne!(second, first);
    let killer = Killer { process: second, at: Stage::Picture, is_done: AtomicBool::new(false) };
    assert_reason(client.run(&job(endless()), &killer));
    client.run(&short, &Silent).unwrap();
    let third = client.facts().unwrap().process;
    signal(third, "TERM");
    until("the worker to end", || !is_running(third));
    assert!(!folder.path().join("worker.sock").exists());
    until("children to be waited for", || !has_zombies());
}

#[test]
fn a_program_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let place = melfusion::service::Place::at(folder.path().join("file"));
    let client = Client::new(place, Some(Program::at(PROGRAM)), None);
    let error = client.facts().unwrap_err();
    assert!(matches!(error, Error::Worker { .. }) && error.to_string().contains("private"), "{error}");
    let output =
        Command::new(PROGRAM).args(["worker", "--detach", "--folder"]).arg(folder.path().join("file")).output();
    let complaint = |output: std::process::Output| {
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(complaint(output.unwrap()).starts_with("error: "));
    // What the process in the background said.
    let output = command(&folder.path().join("run")).args(["--detach", "--bundle", "nope"]).output();
    assert!(complaint(output.unwrap()).starts_with("error: bundle nope: "));
}
