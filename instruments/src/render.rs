//! From a score to the sound of its parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use score::{Instrument, Part, Player, SILENT_DB, Score};

use crate::bank::{Bank, PresetIndex, Tone};
use crate::error::Error;
use crate::mix::{self, Room, Seat};
use crate::plan::{self, Strike};
use crate::random::Random;
use crate::rendering::{Clock, Ending, Rendering};
use crate::stems::{Stem, Stems, Substitution};
use crate::stereo::Stereo;
use crate::voice::{self, Gesture};

/// Frames of voices that are in memory at once.
const BATCH_FRAMES: usize = 1 << 24;
/// Loudness of an instrument's usual note that parts are balanced to, and by how many dB at most.
const BALANCED_DB: f32 = -27.0;
const MOST_BALANCE_DB: f32 = 18.0;
/// The usual note's velocity, and the rate and seconds at which it is measured.
const USUAL_VELOCITY: u8 = 96;
const MEASURE_RATE: u32 = 24_000;
const MEASURE_SECONDS: f32 = 1.0;
/// Drums that tell how loud a kit is: kick, snare and closed hi-hat.
const USUAL_DRUMS: [u8; 3] = [36, 38, 42];

/// Which bank plays which part.
#[derive(Debug, Clone)]
pub struct Ensemble {
    all: Arc<Bank>,
    own: BTreeMap<Part, Arc<Bank>>,
}

impl Ensemble {
    /// One bank for every part.
    pub fn new(bank: Arc<Bank>) -> Self {
        Self { all: bank, own: BTreeMap::new() }
    }

    /// Another bank for one part.
    #[must_use]
    pub fn with(mut self, part: Part, bank: Arc<Bank>) -> Self {
        self.own.insert(part, bank);
        self
    }

    /// The instruments of `score` that the banks lack, and what plays in their place; a part without anything to play it
    /// is none of them.
    pub fn substitutions(&self, score: &Score) -> Vec<Substitution> {
        let played = |player: &Player| {
            let (_, played) = self.bank(player.part).find(player.instrument)?;
            let asked = player.instrument;
            (played != asked).then_some(Substitution { part: player.part, asked, played })
        };
        let mut found: Vec<Substitution> = score.players.iter().filter_map(played).collect();
        found.sort_by_key(|substitution| substitution.part);
        found
    }

    /// The bank of a part.
    pub fn bank(&self, part: Part) -> &Bank {
        self.own.get(&part).unwrap_or(&self.all)
    }
}

impl From<Bank> for Ensemble {
    fn from(bank: Bank) -> Self {
        Self::new(Arc::new(bank))
    }
}

/// Plays a score: every part with its place and room, before the bus. Same input, same bytes, whatever the threads.
///
/// # Errors
///
/// [`Error::Rendering`] names what is out of range, [`Error::Font`] a sample that cannot be read, and
/// [`Error::NoInstrument`] a part that the bank has nothing for.
pub fn render(score: &Score, ensemble: &Ensemble, rendering: &Rendering) -> Result<Stems, Error> {
    rendering.check(score)?;
    let clock = rendering.clock(score);
    let mut players: Vec<&Player> = score.players.iter().filter(|player| player.level_db > SILENT_DB).collect();
    players.sort_by_key(|player| player.part);
    let mut dry = Vec::new();
    for player in players {
        let (bank, part) = (ensemble.bank(player.part), player.part);
        let Some((preset, _)) = bank.find(player.instrument) else {
            return Err(Error::NoInstrument { part, font: bank.name().into() });
        };
        let strikes = plan::strikes(score, part, rendering, &clock);
        let mut sound = play(bank, preset, &strikes, rendering, &clock)?;
        let gain_db = player.level_db + balance(bank, preset, player, rendering)?;
        let gain = libm::exp10f(gain_db / 20.0);
        sound.channels().into_iter().flatten().for_each(|x| *x *= gain);
        let random = Random::new(rendering.seed).with(part.index() as u64 + 100);
        mix::swell(&mut sound, player, &rendering.finish, (clock.frames, score.quarters()), random, rendering.ending);
        dry.push((part, sound));
    }
    let stems = finish(score, dry, rendering, clock.frames);
    let frames = stems.first().map_or(clock.frames, |stem: &Stem| stem.sound.frames());
    Ok(Stems {
        rate: rendering.rate,
        stems,
        substitutions: ensemble.substitutions(score),
        frames,
        compression: rendering.finish.compression,
        ending: rendering.ending,
    })
}

/// The room and the colour of every part; all as long as the longest.
fn finish(score: &Score, mut dry: Vec<(Part, Stereo)>, rendering: &Rendering, round: usize) -> Vec<Stem> {
    let (space, is_loop) = (score.character.space, rendering.ending == Ending::Loop);
    let longest = dry.iter().map(|(_, sound)| sound.frames()).max().unwrap_or(round);
    let is_wet = rendering.finish.room > 0.0 && space > 0.0;
    let tail = if is_wet { Room::tail(space, rendering.rate) } else { 0 };
    let room = is_wet.then(|| Room::new(space, rendering.rate, longest));
    let frames = if is_loop { round } else { longest + tail };
    let brightness = score.character.brightness * rendering.finish.tilt;
    let finished = dry.par_iter_mut().map(|(part, sound)| {
        let mut sound = std::mem::take(sound);
        let wet = room.as_ref().map(|room| room.answer(&sound, Seat::of(*part).send * space * rendering.finish.room));
        sound.channels().into_iter().for_each(|channel| channel.resize(frames, 0.0));
        wet.iter().for_each(|wet| add_wrapped(&mut sound, wet));
        mix::colour(&mut sound, brightness, rendering.rate, is_loop);
        Stem { part: *part, sound }
    });
    finished.collect()
}

/// Adds a longer sound, what is beyond the end at the beginning again. (Without a loop there is only rounding beyond it.)
fn add_wrapped(sound: &mut Stereo, wet: &Stereo) {
    let frames = sound.frames();
    for (mine, theirs) in [(&mut sound.left, &wet.left), (&mut sound.right, &wet.right)] {
        for round in theirs.chunks(frames) {
            mine.iter_mut().zip(round).for_each(|(mine, theirs)| *mine += theirs);
        }
    }
}

/// One tone of one strike.
struct Order<'a> {
    strike: &'a Strike,
    tone: Tone,
    gesture: Gesture,
}

/// The bare sound of a part: a round, or with what rings after it.
fn play(
    bank: &Bank,
    preset: PresetIndex,
    strikes: &[Strike],
    rendering: &Rendering,
    clock: &Clock,
) -> Result<Stereo, Error> {
    let orders = orders(bank, preset, strikes, rendering, clock)?;
    let mut sound = Stereo::silence(clock.frames);
    let usual = |order: &Order| order.gesture.held + 2 * rendering.rate as usize;
    let mut begin = 0;
    while begin < orders.len() {
        let mut room = BATCH_FRAMES;
        let fits = orders[begin..].iter().take_while(|order| {
            let has_room = room > 0;
            room = room.saturating_sub(usual(order));
            has_room
        });
        let end = begin + fits.count();
        let render = |order: &Order| voice::render(&order.tone, rendering.rate, &order.gesture);
        let voices: Vec<Vec<f32>> = orders[begin..end].par_iter().map(render).collect();
        // In order, so that the sums do not depend on who was first.
        orders[begin..end]
            .iter()
            .zip(&voices)
            .for_each(|(order, voice)| add(&mut sound, order, voice, rendering.ending));
        begin = end;
    }
    Ok(sound)
}

fn orders<'a>(
    bank: &Bank,
    preset: PresetIndex,
    strikes: &'a [Strike],
    rendering: &Rendering,
    clock: &Clock,
) -> Result<Vec<Order<'a>>, Error> {
    let tones: Vec<Vec<Tone>> =
        strikes.par_iter().map(|strike| bank.tones(preset, strike.key, strike.velocity)).collect::<Result<_, _>>()?;
    let mut classes: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (strike, tones) in strikes.iter().zip(&tones) {
        let mut own: Vec<u16> = tones.iter().map(|tone| tone.exclusive_class).filter(|class| *class > 0).collect();
        own.sort_unstable();
        own.dedup();
        own.into_iter().for_each(|class| classes.entry(class).or_default().push(strike.frame));
    }
    let cuts: BTreeMap<(u16, usize), Option<usize>> = classes
        .into_iter()
        .flat_map(|(class, mut frames)| {
            frames.sort_unstable();
            let next = plan::until_next(&frames, clock.frames, rendering.ending);
            frames.into_iter().zip(next).map(move |(frame, next)| ((class, frame), next)).collect::<Vec<_>>()
        })
        .collect();
    let order = |strike: &'a Strike, tone: Tone| {
        let cut = cuts.get(&(tone.exclusive_class, strike.frame)).copied().flatten();
        Order { strike, gesture: Gesture { held: strike.held, cut, cutoff_cents: strike.cutoff_cents }, tone }
    };
    Ok(strikes
        .iter()
        .zip(tones)
        .flat_map(|(strike, tones)| tones.into_iter().map(move |tone| order(strike, tone)))
        .collect())
}

/// Adds a voice where it begins: around the loop, or beyond the end.
fn add(sound: &mut Stereo, order: &Order, voice: &[f32], ending: Ending) {
    let (begin, frames) = (order.strike.frame, sound.frames());
    if ending == Ending::Ring && begin + voice.len() > frames {
        sound.channels().into_iter().for_each(|channel| channel.resize(begin + voice.len(), 0.0));
    }
    let frames = sound.frames();
    let pan = order.strike.pan + order.tone.pan * (1.0 - order.strike.pan.abs());
    let angle = (pan + 1.0) * std::f32::consts::FRAC_PI_4;
    for (channel, gain) in sound.channels().into_iter().zip([libm::cosf(angle), libm::sinf(angle)]) {
        let mut rest = voice;
        let mut at = begin % frames;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(frames - at));
            channel[at..at + now.len()].iter_mut().zip(now).for_each(|(sum, x)| *sum += gain * x);
            (rest, at) = (later, 0);
        }
    }
}

/// dB that bring an instrument's usual note to the usual loudness of its part.
fn balance(bank: &Bank, preset: PresetIndex, player: &Player, rendering: &Rendering) -> Result<f32, Error> {
    if rendering.finish.balance == 0.0 {
        return Ok(0.0);
    }
    let usual = [Seat::of(player.part).middle];
    let keys: &[u8] = if matches!(player.instrument, Instrument::Kit(_)) { &USUAL_DRUMS } else { &usual };
    let mut loudest = 0.0_f32;
    for key in keys {
        loudest = loudest.max(power(&bank.tones(preset, *key, USUAL_VELOCITY)?));
    }
    // A silent note tells nothing.
    let db = if loudest < 1e-9 { 0.0 } else { BALANCED_DB - 10.0 * libm::log10f(loudest) };
    Ok(rendering.finish.balance * (Seat::of(player.part).level_db + db.clamp(-MOST_BALANCE_DB, MOST_BALANCE_DB)))
}

/// Mean power of a note: between that of its beginning and that of its loudest third of a second, so that what speaks
/// slowly is heard in short notes and does not shout in long ones.
fn power(tones: &[Tone]) -> f32 {
    let held = (MEASURE_SECONDS * MEASURE_RATE as f32) as usize;
    let mut sums = [0.0_f32; 6];
    for tone in tones {
        let mut voice = voice::render(tone, MEASURE_RATE, &Gesture { held, cut: Some(held), cutoff_cents: 0.0 });
        voice.resize(2 * held, 0.0);
        let thirds = voice.chunks(held / 3).map(|third| third.iter().map(|x| x * x).sum::<f32>() / third.len() as f32);
        sums.iter_mut().zip(thirds).for_each(|(sum, third)| *sum += third);
    }
    (sums[0] * sums.iter().copied().fold(0.0, f32::max)).sqrt()
}
