//! Clips that another process makes: which one is chosen, and what becomes of them when it dies.
//!
//! The worker is this test's own binary, run again by a script that stands in for the `melfusion` program.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use candle_core::Device;
use melfusion::Bundle;
use melfusion::error::Stage;
use melfusion::progress::Silent;
use melfusion::service::{ENGINE, Options, PROTOCOL, Place, Server, Workshop};
use melfusion_plugin::session::Place as Spot;
use melfusion_plugin::worker::ask::Strengths;
use melfusion_plugin::worker::chooser::Chooser;
use melfusion_plugin::worker::composer::{Shipped, Source};
use melfusion_plugin::worker::settings::{Choice, Settings};
use melfusion_plugin::worker::{EngineState, Worker};
use tempfile::TempDir;

use crate::house::{Instance, QUICK, TIMING, until};

/// Names the folder of a worker to the binary that is to be it.
const FOLDER: &str = "MELFUSION_TEST_WORKER";

/// Not a test unless the script runs it: then it is the worker.
#[test]
fn stand_in() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let place = Place::at(folder);
    let process = place.folder().join("process");
    let options = Options {
        workshop: Workshop::new(Shipped::find().unwrap(), Device::Cpu, "A card"),
        unload_after: Duration::from_secs(300),
        exit_after: Duration::from_secs(60),
        keep_free: 0.0,
    };
    let ready = || fs::write(&process, std::process::id().to_string()).unwrap();
    // The test removes it when it is over.
    Server::run(&place, options, ready, || !process.exists()).unwrap();
}

/// A program in a folder of its own.
struct Program {
    folder: TempDir,
}

impl Program {
    fn new(is_gpu: bool, engine: &str) -> Self {
        let folder = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap();
        let own = std::env::current_exe().unwrap();
        let script = format!(
            r#"#!/bin/sh
case "$2" in
--probe) echo '{{"engine": "{engine}", "protocol": {PROTOCOL}, "device": "A card", "is_gpu": {is_gpu}}}' ;;
--detach)
    rm -f "$4/process"
    {FOLDER}="$4" "{own}" --exact process::stand_in >"$4/log" 2>&1 &
    while ! [ -s "$4/process" ]; do sleep 0.01; done ;;
esac
"#,
            own = own.display(),
        );
        fs::write(folder.path().join("melfusion"), script).unwrap();
        fs::set_permissions(folder.path().join("melfusion"), fs::Permissions::from_mode(0o700)).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("melfusion")
    }

    fn worker(&self, engine: Choice) -> Arc<Worker> {
        let settings = Settings { engine, program: Some(self.path()), ..Settings::default() };
        Worker::new(Box::new(Chooser::new(settings, Place::at(self.folder.path()))), TIMING)
    }

    fn process(&self) -> String {
        fs::read_to_string(self.folder.path().join("process")).unwrap()
    }

    /// As `kill -9` does.
    fn kill(&self) {
        assert!(Command::new("sh").args(["-c", &format!("kill -9 {}", self.process())]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Tells the worker to end.
        let _ = fs::remove_file(self.folder.path().join("process"));
    }
}

/// Where it computes, and why there.
fn engine(it: &Instance) -> (String, String) {
    match it.seat.engine() {
        EngineState::Loaded { device, why, .. } => (device, why),
        state => panic!("{state:?}"),
    }
}

/// Kills the worker while it composes for `it`.
fn kill_at_work(program: &Program, it: &Instance) {
    until("rest", || it.is_idle());
    it.session.project.lock().brief.prompt = "long".into();
    it.seat.generate_with(Strengths { steps: 200, ..QUICK });
    until("music", || it.session.status.lock().job.as_ref().is_some_and(|job| job.stage == Stage::Music));
    program.kill();
}

#[test]
fn a_worker_with_a_gpu_is_chosen_and_makes_the_same_clip() {
    let program = Program::new(true, ENGINE);
    let worker = program.worker(Choice::Auto);
    let [there, here] = [Instance::new(&worker), Instance::new(&Worker::new(Box::new(Shipped), TIMING))];
    let takes = [&there, &here].map(|it| {
        it.session.project.lock().brief.seed = 7;
        it.session.project.lock().brief.seed_locked = true;
        it.generate("calm piano");
        it.await_take(0)
    });
    assert_eq!(engine(&there), ("A card, worker process".into(), String::new()));
    until("its memory", || matches!(there.seat.engine(), EngineState::Loaded { memory: 1.., .. }));
    assert!(takes[0].sound.frames == takes[1].sound.frames && takes[0].latents == takes[1].latents);
    // Fitted there, too.
    there.follow(97.3);
    assert_eq!(there.await_fit(0, &takes[0].sound).sound.bpm, 97.3);
    // The worker's pictures and jobs are this process's alone: another instance takes its turn.
    let other = Instance::new(&worker);
    other.generate("soft strings");
    other.await_take(0);
}

#[test]
fn a_bundle_anywhere_is_found_by_the_worker_too() {
    let program = Program::new(true, ENGINE);
    let wave = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/wave");
    let settings = Settings { engine: Choice::Worker, program: Some(program.path()), bundle: Some(wave.into()) };
    let composer = Chooser::new(settings, Place::at(program.folder.path())).load(&Silent).unwrap();
    let manifest = Bundle::open(wave).unwrap().manifest().clone();
    assert_eq!(composer.bundle, format!("{} {}", manifest.name, manifest.version));
    assert_eq!(composer.device, "A card, worker process");
}

#[test]
fn a_killed_worker_fails_its_clip_and_after_two_this_process_composes() {
    let program = Program::new(true, ENGINE);
    let worker = program.worker(Choice::Auto);
    let it = Instance::new(&worker);
    kill_at_work(&program, &it);
    assert!(it.await_notice(Spot::Generate).contains("ended while it worked on this"));
    assert!(matches!(it.seat.engine(), EngineState::Unloaded { reason: Some(_) }));
    let first = program.process();
    it.generate("again");
    it.await_take(0);
    assert_ne!(program.process(), first);
    assert_eq!(engine(&it).0, "A card, worker process");
    for _ in 0..2 {
        it.session.tell(Spot::Generate, None);
        kill_at_work(&program, &it);
        it.await_notice(Spot::Generate);
    }
    it.generate("here");
    it.await_take(1);
    let (device, why) = engine(&it);
    assert_eq!(device, "CPU, in this host");
    assert!(why.contains("ended under 2 clips"), "{why}");
    assert_eq!(it.notice(Spot::Generate), None);
}

#[test]
fn without_a_gpu_this_process_composes_and_says_why() {
    for (program, words) in
        [(Program::new(false, ENGINE), "finds no GPU"), (Program::new(true, "0.0.1"), "version 0.0.1")]
    {
        let it = Instance::new(&program.worker(Choice::Auto));
        it.seat.load();
        until("the engine", || matches!(it.seat.engine(), EngineState::Loaded { .. }));
        let (device, why) = engine(&it);
        assert!(device == "CPU, in this host" && why.contains(words), "{device}, {why}");
    }
    let program = Program::new(true, ENGINE);
    fs::remove_file(program.path()).unwrap();
    let loaded = Chooser::new(
        Settings { engine: Choice::Auto, program: Some(program.path()), ..Settings::default() },
        Place::at(program.folder.path()),
    );
    let loaded = loaded.load(&Silent).unwrap();
    assert!(loaded.device == "CPU, in this host" && loaded.why.contains("cannot be run"), "{}", loaded.why);
}

#[test]
fn the_user_can_insist() {
    let program = Program::new(true, ENGINE);
    let it = Instance::new(&program.worker(Choice::Host));
    it.generate("here");
    it.await_take(0);
    assert_eq!(engine(&it), ("CPU, in this host".into(), "Your settings say so.".into()));
    // Also on a worker without a GPU.
    let program = Program::new(false, ENGINE);
    let it = Instance::new(&program.worker(Choice::Worker));
    it.generate("there");
    it.await_take(0);
    assert_eq!(engine(&it), ("A card, worker process".into(), "Your settings say so.".into()));
    // Then there is no other.
    let program = Program::new(true, ENGINE);
    fs::remove_file(program.path()).unwrap();
    let it = Instance::new(&program.worker(Choice::Worker));
    it.generate("nowhere");
    assert!(it.await_notice(Spot::Generate).contains("cannot be run"));
    assert!(
        matches!(it.seat.engine(), EngineState::Unloaded { reason: Some(reason) } if reason.contains("cannot be run"))
    );
}

#[test]
fn a_worker_is_neither_looked_for_nor_started_before_it_is_needed() {
    let program = Program::new(true, ENGINE);
    let worker = program.worker(Choice::Auto);
    let it = Instance::new(&worker);
    until("a round of the fitter", || worker.is_running());
    assert_eq!(it.seat.engine(), EngineState::Unloaded { reason: None });
    let names = fs::read_dir(program.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["melfusion"]);
}
