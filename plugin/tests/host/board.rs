//! The storyboard in a host: what the command line writes is what sounds.

use std::collections::BTreeMap;

use melfusion::progress::Silent;
use melfusion::storyboard::{self, BoardFields, TempoMap, Transition};
use melfusion::{Bundle, Clip, Engine};
use melfusion_plugin::project::{Board, Brief, Cue, Project};

use crate::fixture::{Score, board_state, odd_sizes, project_of_cues, read, with_length};
use crate::instance::{Audio, Change, Instance, param};
use crate::playback::is_silent;
use crate::transport::Song;

const RATE: u32 = 44_100;
/// A bar is 109113.4 frames.
const BPM: f64 = 97.0;

fn instance(project: Project) -> (Instance, Audio) {
    let mut instance = Instance::new();
    assert!(instance.load(&with_length(&serde_json::to_vec(&board_state(project)).unwrap())));
    let audio = instance.start(RATE, 8192);
    (instance, audio)
}

fn scores() -> [Score; 3] {
    [(1, 2), (2, 1), (3, 3)].map(|(seed, bars)| Score { bars, ..Score::noise(RATE, BPM, seed) })
}

#[test]
fn a_board_of_cues_is_heard_as_the_engine_mixes_it_from_its_start_bar_to_its_end() {
    let mut project = project_of_cues(&scores());
    project.anchor_bar = 3;
    let bed = crate::fixture::bed(&scores());
    for seed in 0..3 {
        let (_instance, mut audio) = instance(project.clone());
        let song = Song::new(RATE, BPM);
        let start = song.bar(3);
        let out = song.play(&mut audio, start - 5_000, bed.len() + 60_000, odd_sizes(seed, 8192));
        assert!(is_silent(&out[..5_000]), "before its bar");
        assert!(out[5_000..5_000 + bed.len()] == bed[..], "every sample");
        assert!(is_silent(&out[5_000 + bed.len()..]), "it is played once");
    }
}

#[test]
fn a_seek_anywhere_lands_where_the_bed_is() {
    let bed = crate::fixture::bed(&scores());
    let (_instance, mut audio) = instance(project_of_cues(&scores()));
    let song = Song::new(RATE, BPM);
    for start in [400_000, 12_345, 218_227, 0, 300_001] {
        let out = song.play(&mut audio, start, 4_000, odd_sizes(start as u64, 512));
        let (after, start) = (600, start as usize);
        assert!(out[after..] == bed[start + after..start + 4_000], "from {start}");
    }
}

#[test]
fn notes_choose_cues_through_the_host() {
    let (mut instance, mut audio) = instance(project_of_cues(&scores()));
    let song = Song::new(RATE, BPM);
    let on = instance.value("by_note", c"On");
    audio.block(64, Some(&song.stopped(0)), &[(0, Change::Param(param("by_note"), on))]);
    let second = scores()[1].frames();
    let first_line = song.bar(1);
    let mut out = audio.block(4_000, Some(&song.at(0)), &[(1_500, Change::Note(37))]);
    out.extend(song.play(&mut audio, 4_000, 3 * first_line as usize, odd_sizes(9, 2048)));
    let bed = crate::fixture::bed(&scores());
    let line = first_line as usize;
    assert!(out[600..line] == bed[600..line], "the board, until the line");
    let after = line + 600;
    assert!(out[after..line + second.len()] == second[600..], "then the second cue");
}

#[test]
fn a_state_with_a_board_comes_back_from_the_host() {
    let (mut instance, audio) = instance(project_of_cues(&scores()));
    instance.stop(audio);
    let saved = instance.save();
    let project = read(&saved);
    assert_eq!(project.board.cues.len(), 3);
    assert!(project.board.cues.iter().zip(scores()).all(|(cue, score)| {
        cue.bars == score.bars && cue.take().is_some_and(|take| *take.sound.frames == *score.frames())
    }));
}

/// The cues that the plugin is to make, and the board that the command line would be given.
fn asked() -> (Project, storyboard::Board) {
    let words = ["calm piano", "low drums", ""];
    let transitions = [Transition::Cut, Transition::Crossfade { bars: 1 }, Transition::Cut];
    let cues = words.into_iter().zip(transitions).enumerate();
    let plugins = cues.clone().map(|(index, (words, transition))| {
        let id = index as u64 + 1;
        Cue { words: words.into(), bars: 1, transition, ..Cue::new(id, None) }
    });
    let brief = Brief { prompt: "warm strings".into(), seed: 7, seed_locked: true, ..Brief::default() };
    let project = Project { board: Board { cues: plugins.collect() }, brief, ..Project::default() };
    let engines = cues.map(|(index, (words, transition))| storyboard::Cue {
        prompt: words.into(),
        bars: 1,
        start_bar: index as u32 + 1,
        transition,
        ..storyboard::Cue::default()
    });
    let board = storyboard::Board::new(BoardFields {
        tempo: TempoMap::constant(BPM).unwrap(),
        style: "warm strings".into(),
        seed: 7,
        steps: 4,
        sample_rate: RATE,
        cues: engines.collect(),
        ..BoardFields::default()
    });
    (project, board.unwrap())
}

#[test]
fn what_the_plugin_makes_and_plays_is_the_command_line_s_bed_bit_for_bit() {
    let (project, board) = asked();
    let mut state = board_state(project);
    state.params.extend(serde_json::from_value::<BTreeMap<_, _>>(serde_json::json!({"steps": {"i32": 4}})).unwrap());
    let mut instance = Instance::new();
    assert!(instance.load(&with_length(&serde_json::to_vec(&state).unwrap())));
    let mut audio = instance.start(RATE, 512);
    let song = Song::new(RATE, BPM);
    for value in [0.0, 1.0, 0.0] {
        let press: (u32, Change) = (0, Change::Param(param("generate"), value));
        audio.block(512, Some(&song.stopped(0)), &[press]);
    }
    let engine = Engine::load(&Bundle::mini().unwrap(), candle_core::Device::Cpu).unwrap();
    let clips: Vec<Option<Clip>> = (0..3).map(|cue| Some(engine.score(&board, cue, &Silent).unwrap())).collect();
    let bed = engine.bed(&board, &clips, &Silent).unwrap();
    let [left, right] = bed.audio.channels();
    let expected: Vec<[f32; 2]> = left.iter().zip(right).map(|(left, right)| [*left, *right]).collect();
    crate::generation::until("the bed", || {
        // The bed comes after the last take; before, something of it is silent.
        let out = song.play(&mut audio, 0, expected.len(), || 512);
        audio.block(4_096, Some(&song.stopped(0)), &[]);
        out == expected
    });
}

#[test]
fn a_cue_is_made_with_the_influence_that_is_automated_where_it_begins() {
    let (project, _) = asked();
    let mut state = board_state(project);
    state.params.extend(serde_json::from_value::<BTreeMap<_, _>>(serde_json::json!({"steps": {"i32": 4}})).unwrap());
    let mut instance = Instance::new();
    assert!(instance.load(&with_length(&serde_json::to_vec(&state).unwrap())));
    let mut audio = instance.start(RATE, 512);
    let song = Song::new(RATE, BPM);
    // The host's lane falls by a quarter at every bar line.
    let mut frame = 0;
    while frame < song.bar(3) {
        let bar = (0..3).rev().find(|bar| song.bar(*bar) <= frame).unwrap();
        let influence = (0, Change::Param(param("influence"), 1.0 - 0.25 * f64::from(bar)));
        audio.block(500.min((song.bar(bar + 1) - frame) as usize), Some(&song.at(frame)), &[influence]);
        frame += 500.min(song.bar(bar + 1) - frame);
    }
    for value in [1.0, 0.0] {
        audio.block(512, Some(&song.stopped(0)), &[(0, Change::Param(param("generate"), value))]);
    }
    let mut influences = Vec::new();
    crate::generation::until("the takes", || {
        audio.block(512, Some(&song.stopped(0)), &[]);
        let project = read(&instance.save());
        influences = project.board.cues.iter().filter_map(|cue| Some(cue.take()?.recipe.influence)).collect();
        influences.len() == 3
    });
    assert_eq!(influences, [1.0, 0.75, 0.5]);
}

#[test]
fn without_a_storyboard_the_take_is_heard_whatever_the_parameter_says() {
    let score = Score::noise(RATE, BPM, 5);
    let (_instance, mut audio) = instance(crate::fixture::project(&[score]));
    let out = Song::new(RATE, BPM).play(&mut audio, 0, 50_000, || 512);
    assert!(out[..] == score.frames()[..50_000]);
}
