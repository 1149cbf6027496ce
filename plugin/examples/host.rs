//! A host without a window, for tests of the built file.
//!
//! ```text
//! host fixture DIR RATE BPM BARS [pips]   a project with known sound: state.json as VST3 keeps it, reference.f32
//! host board DIR RATE BPM                 the same of a storyboard; the reference is what the engine mixes of it,
//!                                         cue0.f32 and so on are the cues
//! host cues DIR WAV...                    a storyboard of clips that the command line wrote, as state.json
//! host generate DIR                       a project without a take that was saved with Generate on
//! host scan FILE COUNT                    opens a .clap and makes COUNT instances; says in JSON what it cost
//! host blocks FILE STATE COUNT            plays a project for COUNT blocks of 64 frames under a wild play head
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for tests")]

#[path = "../tests/host/fixture.rs"]
mod fixture;
#[path = "../tests/host/instance.rs"]
mod instance;
#[path = "../tests/host/transport.rs"]
mod transport;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use clack_host::prelude::PluginEntry;
use fixture::{Score, Timbre};
use instance::{Change, Instance, param};
use melfusion::Clip;
use melfusion::audio::wav;
use melfusion::storyboard::Transition;
use melfusion_plugin::project::{Board, Cue, Project, Sound, Take};
use nice_plug::prelude::PluginState;
use transport::{Head, Song};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["fixture", dir, rate, bpm, bars] => write_fixture(dir, rate, bpm, bars, Timbre::Noise),
        ["fixture", dir, rate, bpm, bars, "pips"] => write_fixture(dir, rate, bpm, bars, |_| Timbre::Pips(0.5)),
        ["board", dir, rate, bpm] => write_board(dir, rate, bpm),
        ["cues", dir, ref clips @ ..] => write_cues(dir, clips),
        ["generate", dir] => write_state(dir, &fixture::generate_state(&[], true)),
        ["scan", file, count] => scan(file, count.parse().unwrap()),
        ["blocks", file, state, count] => blocks(file, state, count.parse().unwrap()),
        _ => panic!("see the comment at the top of this file"),
    }
}

/// Three takes, so that automation has something to choose from; their sounds follow each other in the reference.
fn write_fixture(dir: &str, rate: &str, bpm: &str, bars: &str, timbre: fn(u64) -> Timbre) {
    let scores = [1, 2, 3].map(|seed| Score {
        rate: rate.parse().unwrap(),
        bpm: bpm.parse().unwrap(),
        bars: bars.parse().unwrap(),
        meter: (4, 4),
        sound: timbre(seed),
    });
    let dir = Path::new(dir);
    let state = fixture::state(fixture::project(&scores));
    fs::write(dir.join("state.json"), serde_json::to_vec(&state).unwrap()).unwrap();
    let samples: Vec<u8> = scores.iter().flat_map(Score::frames).flatten().flat_map(f32::to_le_bytes).collect();
    fs::write(dir.join("reference.f32"), samples).unwrap();
}

fn write_state(dir: &str, state: &PluginState) {
    let state = serde_json::to_vec(state).unwrap();
    fs::write(Path::new(dir).join("state.json"), state).unwrap();
}

/// Three cues of two, one and three bars.
fn write_board(dir: &str, rate: &str, bpm: &str) {
    let (rate, bpm) = (rate.parse().unwrap(), bpm.parse().unwrap());
    let scores = [(1, 2), (2, 1), (3, 3)].map(|(seed, bars)| Score { bars, ..Score::noise(rate, bpm, seed) });
    write_state(dir, &fixture::board_state(fixture::project_of_cues(&scores)));
    let write = |name: String, frames: Vec<[f32; 2]>| {
        let samples: Vec<u8> = frames.into_iter().flatten().flat_map(f32::to_le_bytes).collect();
        fs::write(Path::new(dir).join(name), samples).unwrap();
    };
    write("reference.f32".into(), fixture::bed(&scores));
    scores.iter().enumerate().for_each(|(index, score)| write(format!("cue{index}.f32"), score.frames()));
}

/// One cue for each file, entered by crossfades of one bar.
fn write_cues(dir: &str, clips: &[&str]) {
    let cue = |(index, path): (usize, &&str)| {
        let path = Path::new(path);
        let recipe = Clip::read_state(path).unwrap().recipe;
        let latents = wav::read_chunk(path, &wav::RECIPE_CHUNK).unwrap().unwrap();
        let audio = wav::read(path).unwrap();
        let [left, right] = audio.channels();
        let frames = left.iter().zip(right).map(|(left, right)| [*left, *right]).collect();
        let sound = Arc::new(Sound::new(frames, audio.sample_rate(), recipe.bpm));
        let take = Take {
            id: index as u64 + 1,
            name: recipe.title(),
            latents: latents.into(),
            key: None,
            measured: None,
            seen: None,
            sound,
            recipe,
        };
        let transition = Transition::Crossfade { bars: 1 };
        let mut cue = Cue { bars: take.recipe.bars, transition, ..Cue::new(100 + index as u64, None) };
        assert!(cue.add(Arc::new(take)));
        cue
    };
    let board = Board { cues: clips.iter().enumerate().map(cue).collect() };
    write_state(dir, &fixture::board_state(Project { board, ..Project::default() }));
}

/// # Safety
///
/// Runs the file.
fn open(file: &str) -> PluginEntry {
    // SAFETY: it is the plugin that was built beside this program.
    unsafe { PluginEntry::load(file) }.unwrap()
}

fn scan(file: &str, count: usize) {
    let memory = || memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem);
    let before = memory();
    let begin = Instant::now();
    let entry = open(file);
    let names = entry.get_plugin_factory().unwrap().plugin_descriptors().count();
    let scanned = begin.elapsed();
    let mut instances = vec![Instance::of(&entry)];
    let first = begin.elapsed() - scanned;
    let after_first = memory();
    instances.extend((1..count).map(|_| Instance::of(&entry)));
    let all = begin.elapsed() - scanned;
    let after_all = memory();
    println!(
        "{}",
        serde_json::json!({
            "plugins": names,
            "scan_ms": scanned.as_secs_f64() * 1e3,
            "first_instance_ms": first.as_secs_f64() * 1e3,
            "all_instances_ms": all.as_secs_f64() * 1e3,
            "first_mib": (after_first - before) as f64 / 1048576.0,
            "all_mib": (after_all - before) as f64 / 1048576.0,
        })
    );
}

fn blocks(file: &str, state: &str, count: usize) {
    const FRAMES: usize = 64;
    let mut instance = Instance::of(&open(file));
    assert!(instance.load(&fixture::with_length(&fs::read(state).unwrap())));
    let mut audio = instance.start(48_000, FRAMES as u32);
    let song = Song::new(48_000, 120.0);
    let (mut left, mut right) = ([0.0; FRAMES], [0.0; FRAMES]);
    let mut loudest = 0.0f32;
    for block in 0..count {
        let frame = (block * FRAMES % 700_000) as i64 - 5_000;
        let head = match block / 500 % 10 {
            2 | 3 => Some(Head { tempo: Some(120.0 + (block % 500) as f64 * 0.02), ..song.at(frame) }),
            5 => Some(song.stopped(frame)),
            6 => None,
            8 => Some(song.at((block * 7919 % 500_000) as i64)),
            _ => Some(song.at(frame)),
        };
        let take = (0, Change::Param(param("take"), (block / 1000 % 4) as f64));
        let changes = if block % 1000 == 0 { &[take][..] } else { &[] };
        audio.process([&mut left, &mut right], head.as_ref(), changes);
        loudest = left.iter().fold(loudest, |loudest, sample| loudest.max(sample.abs()));
    }
    instance.stop(audio);
    println!("{}", serde_json::json!({"blocks": count, "loudest": loudest}));
}
