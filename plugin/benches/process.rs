//! How long a block takes: copying, stretching, and stretching while the host jumps every 10 blocks, alone and 64 times, in
//! blocks of 64 and 512 frames at 48 kHz.
//!
//! `cargo bench -p melfusion-plugin --bench process`. All times are of one call of `Player::process`, or of one call each for
//! 64 players one after the other, and contain the clock's own time.
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

use std::sync::Arc;
use std::time::Instant;

use melfusion_plugin::clip::Clip;
use melfusion_plugin::link::{self, Delivery, Outbox};
use melfusion_plugin::player::{Controls, Moment, Player};
use melfusion_plugin::readout::Readout;

const RATE: f64 = 48_000.0;
const BPM: f64 = 100.0;
const CONTROLS: Controls =
    Controls { gain: 1.0, mute: false, repeat: true, slot: 0, anchor_bar: 0, notes: None, audition: None };

fn player(take: u64) -> (Outbox, Player) {
    let (mut outbox, inbox) = link::pair();
    let mut player = Player::new(inbox, Arc::new(Readout::default()));
    player.prepare(RATE as f32, 512);
    let frames = (16.0 * 60.0 / BPM * RATE).round() as usize;
    let noise = |i: usize| ((i * 7_919 + take as usize) % 2_003) as f32 / 1_001.5 - 1.0;
    let frames: Arc<[[f32; 2]]> = (0..frames).map(|i| [noise(i), noise(i + 1)]).collect();
    outbox.send(Delivery::Place { slot: 0, clip: Box::new(Clip::new(take, frames, RATE as u32, BPM, 16.0)) });
    (outbox, player)
}

/// Nanoseconds of every block. The host jumps by a second every `jump` blocks.
fn measure(players: &mut [(Outbox, Player)], tempo: f64, jump: usize, frames: usize, blocks: usize) -> Vec<u64> {
    let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
    let mut block = |block: usize| {
        let frame = (block * frames + block / jump * RATE as usize) as i64;
        let moment = Moment {
            playing: true,
            frame: Some(frame),
            beats: Some(frame as f64 * tempo / (60.0 * RATE)),
            tempo: Some(tempo),
            meter: Some((4, 4)),
            cycle: None,
        };
        let start = Instant::now();
        for (_, player) in players.iter_mut() {
            player.process(std::hint::black_box(&moment), &CONTROLS, &mut left, &mut right);
        }
        std::hint::black_box(&left);
        start.elapsed().as_nanos() as u64
    };
    (0..blocks).map(&mut block).collect()
}

fn main() {
    println!(
        "| instances | frames | how | min | p50 | p99 | p99.9 | p99.99 | max | mean % of block | p99.9 % of block |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for instances in [1, 64] {
        let mut players: Vec<_> = (0..instances).map(|take| player(take * 7 + 1)).collect();
        for frames in [64, 512] {
            for (how, tempo, jump) in
                [("copy", BPM, usize::MAX), ("stretch", BPM * 1.07, usize::MAX), ("stretch, jumping", BPM * 1.07, 10)]
            {
                let blocks = if instances == 1 { 200_000 } else { 4_000 } * 64 / frames;
                let mut times = measure(&mut players, tempo, jump, frames, blocks);
                // What starts, starts: its fade is no part of the steady state but belongs to the worst.
                times.sort_unstable();
                let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
                let budget = frames as f64 / RATE * 1e9;
                let mean = times.iter().sum::<u64>() as f64 / times.len() as f64;
                println!(
                    "| {instances} | {frames} | {how} | {} | {} | {} | {} | {} | {} | {:.3} | {:.3} |",
                    times[0],
                    at(0.5),
                    at(0.99),
                    at(0.999),
                    at(0.9999),
                    times[times.len() - 1],
                    mean / budget * 100.0,
                    at(0.999) as f64 / budget * 100.0
                );
            }
        }
    }
}
