//! Making music while the host does as it likes with its instances.

use std::time::{Duration, Instant};

use melfusion_plugin::project::{Brief, Project};

use crate::fixture::{Score, project, read, state, with_length};
use crate::instance::{Audio, Change, Instance, param};
use crate::playback::{FADE_SECONDS, assert_exact, is_silent};
use crate::transport::Song;

pub const RATE: u32 = 48_000;

/// An instance whose Generate makes one clip of `bars` bars in `steps` steps.
pub struct Composing {
    pub instance: Instance,
    pub audio: Audio,
}

impl Composing {
    fn new(bars: u32, steps: i32) -> Self {
        let brief = Brief { prompt: "calm piano".into(), bars, seed_locked: true, ..Brief::default() };
        let mut state = state(Project { brief, ..Project::default() });
        state.params = serde_json::from_value(serde_json::json!({"steps": {"i32": steps}})).unwrap();
        Self::open(&with_length(&serde_json::to_vec(&state).unwrap()))
    }

    /// One that has opened `state`, as CLAP keeps it, and made no block yet.
    pub fn open(state: &[u8]) -> Self {
        let mut instance = Instance::new();
        assert!(instance.load(state));
        let audio = instance.start(RATE, 512);
        Self { instance, audio }
    }

    pub fn press_generate(&mut self) {
        [0.0, 1.0, 0.0].into_iter().for_each(|value| self.set_generate(value));
    }

    /// One block at whose beginning the host sets the parameter.
    pub fn set_generate(&mut self, value: f64) {
        let set = (0, Change::Param(param("generate"), value));
        self.audio.block(512, Some(&Song::new(RATE, 120.0).stopped(0)), &[set]);
    }

    pub fn takes(&mut self) -> usize {
        read(&self.instance.save()).takes.iter().flatten().count()
    }

    /// Waits for `takes` takes; a host would go on processing meanwhile, and so does this.
    #[track_caller]
    pub fn wait_for(&mut self, takes: usize) {
        let begin = Instant::now();
        while self.takes() < takes {
            assert!(begin.elapsed() < Duration::from_secs(120), "no clip came");
            self.audio.block(512, Some(&Song::new(RATE, 120.0).stopped(0)), &[]);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn drop_at_once(self) -> Duration {
        let Self { mut instance, audio } = self;
        let begin = Instant::now();
        instance.stop(audio);
        drop(instance);
        begin.elapsed()
    }
}

#[test]
fn dropping_an_instance_in_mid_job_neither_waits_nor_disturbs_the_others() {
    let player_score = Score::noise(RATE, 120.0, 50);
    let mut player = Instance::new();
    assert!(player.load(&crate::fixture::clap_state(project(&[player_score]))));
    let mut player_audio = player.start(RATE, 512);

    let mut short = Composing::new(1, 4);
    short.press_generate();
    short.wait_for(1);
    let begin = Instant::now();
    short.press_generate();
    short.wait_for(2);
    let short_job = begin.elapsed();

    // A job that would take dozens of times as long, and after it in the queue another short one.
    let mut long = Composing::new(8, 100);
    long.press_generate();
    std::thread::sleep(short_job);
    assert_eq!(long.takes(), 0, "the long job is under way");
    short.press_generate();
    let out = Song::new(RATE, 120.0).play(&mut player_audio, 0, 100_000, || 512);
    assert_exact(&player_score, 0, 0, &out, "an instance that plays while others compose");
    let waited = long.drop_at_once();
    assert!(waited < short_job, "dropping took {waited:?}, a whole short job {short_job:?}");
    short.wait_for(3);
    let song = Song::new(RATE, 120.0);
    let heard = song.play(&mut short.audio, 0, 96_000, || 512);
    assert!(!is_silent(&heard[(FADE_SECONDS * f64::from(RATE)) as usize..]), "the clip is heard");
    player.stop(player_audio);
}

#[test]
fn the_same_brief_and_seed_give_the_same_clip_in_two_instances_at_once() {
    let mut both = [Composing::new(1, 4), Composing::new(1, 4)];
    both.iter_mut().for_each(Composing::press_generate);
    both.iter_mut().for_each(|composing| composing.wait_for(1));
    let song = Song::new(RATE, 120.0);
    let [one, two] = both.map(|mut composing| song.play(&mut composing.audio, 0, 96_000, || 512));
    assert!(!is_silent(&one));
    assert_eq!(one, two);
}

#[test]
fn instances_come_and_go_with_jobs_under_way() {
    for _ in 0..4 {
        let mut all: Vec<Composing> = (0..4).map(|_| Composing::new(2, 50)).collect();
        all.iter_mut().for_each(Composing::press_generate);
        std::thread::sleep(Duration::from_millis(120));
        for composing in all {
            composing.drop_at_once();
        }
    }
    let mut last = Composing::new(1, 4);
    last.press_generate();
    last.wait_for(1);
}

/// Waits for something that must happen.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(300), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
