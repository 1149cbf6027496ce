//! When a worker comes and when it goes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use melfusion::service::{ENGINE, EngineState, FromWorker, PROTOCOL, Probe, ToWorker};

use crate::house::{House, PROGRAM, WAVE, command, quick, until};

#[test]
fn a_second_worker_finds_the_first_and_ends_quietly() {
    let mut house = House::new(&[]);
    let output = command(house.folder.path()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(0), 0, 0));
    let output = command(house.folder.path()).arg("--detach").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(0), 0, 0));
    house.assert_serves();
}

#[test]
fn of_many_that_start_at_once_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let start = |_| {
        command(folder.path()).args(["--bundle", WAVE, "--exit-after", "1"]).stdout(Stdio::piped()).spawn().unwrap()
    };
    let mut workers: Vec<_> = (0..6).map(start).collect();
    let said = workers.iter_mut().map(|worker| {
        let mut said = String::new();
        worker.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(worker.wait().unwrap().success());
        said
    });
    let said: Vec<String> = said.collect();
    // One is ready; the others, which came while it was there, say nothing. Who came after it had gone was the next.
    assert!(said.contains(&"ready\n".into()), "{said:?}");
    assert!(said.iter().collect::<BTreeSet<_>>().len() <= 2, "{said:?}");
    assert!(!folder.path().join("worker.sock").exists());
}

#[test]
fn what_a_dead_worker_left_behind_is_replaced() {
    let mut house = House::new(&[]);
    house.kill();
    assert!(house.socket().exists());
    house.restart();
    house.assert_serves();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(house.folder.path().to_path_buf()), mode(house.socket())), (0o700, 0o600));
}

#[test]
fn a_worker_that_nobody_can_find_any_more_makes_room() {
    let mut house = House::new(&[]);
    fs::remove_file(house.socket()).unwrap();
    assert!(house.await_end().success());
    house.restart();
    house.assert_serves();
}

#[test]
fn an_idle_worker_lets_go_of_the_weights_and_then_ends() {
    let mut house = House::new(&["--unload-after", "0", "--exit-after", "2"]);
    let guest = house.guest();
    guest.submit(1, quick(1));
    guest.outcome(1);
    until("the weights to go", || matches!(guest.hear(), Ok(FromWorker::Engine(EngineState::Unloaded))));
    // A client that only sits there keeps nobody up.
    assert!(house.await_end().success());
    assert!(!house.socket().exists());
    assert!(guest.hear().is_err());
}

#[test]
fn weights_go_when_memory_is_short_or_when_told_and_come_back() {
    let mut house = House::new(&["--keep-free", "100"]);
    let guest = house.guest();
    guest.say(&ToWorker::Load { job: 1 });
    let states = || match guest.hear().unwrap() {
        FromWorker::Engine(state) => Some(state),
        _ => None,
    };
    until("the weights to come", || matches!(states(), Some(EngineState::Loaded { memory: 1.. })));
    until("the weights to go", || states() == Some(EngineState::Unloaded));
    house.assert_serves();
    let house = House::new(&["--keep-free", "0"]);
    let guest = house.guest();
    let states = || match guest.hear().unwrap() {
        FromWorker::Engine(state) => Some(state),
        _ => None,
    };
    guest.say(&ToWorker::Load { job: 1 });
    until("the weights to come", || matches!(states(), Some(EngineState::Loaded { .. })));
    guest.say(&ToWorker::Unload);
    until("the weights to go", || states() == Some(EngineState::Unloaded));
}

#[test]
fn a_probe_says_what_a_worker_would_be() {
    let output = Command::new(PROGRAM).args(["worker", "--probe", "--device", "cpu"]).output().unwrap();
    let probe: Probe = serde_json::from_slice(&output.stdout).unwrap();
    let expected = Probe { engine: ENGINE.into(), protocol: PROTOCOL, device: "CPU".into(), is_gpu: false };
    assert_eq!(probe, expected);
}

#[test]
fn options_that_mean_nothing_are_refused() {
    for options in [["--exit-after", "-1"], ["--unload-after", "soon"], ["--keep-free", "101"], ["--detach", "--probe"]]
    {
        let output = Command::new(PROGRAM).arg("worker").args(options).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{options:?}");
    }
    let output = Command::new(PROGRAM).args(["worker", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("Compose for plugins") && help.contains("there is no need to"), "{help}");
}
