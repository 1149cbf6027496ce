//! The player at one sample rate: finds out what is due, and sees to it that it sounds.

use std::ops::Range;

use super::chooser::Chooser;
use super::clock::{Clock, Now};
use super::fade::Fade;
use super::level::Level;
use super::shelf::{Clips, Shelf};
use super::stretch::{Path, Stretcher};
use super::voice::{Course, Voice};
use super::{Controls, FADE_SECONDS, LEVEL_SECONDS, Moment, SAME_TEMPO};
use crate::clip::Clip;
use crate::link::{BOARD, cue_slot};
use crate::readout::Mode;

/// Time for which the tempo must have been the clip's own before a stretched clip is copied again.
const SETTLED_SECONDS: f64 = 0.03;
/// A host's loop that is shorter is not unrolled within a block.
const SHORTEST_CYCLE_SECONDS: f64 = 0.01;
/// Frames that are mixed at once.
const PART: usize = 256;

/// The player at one sample rate.
pub(super) struct Deck {
    /// In Hz.
    rate: f64,
    clock: Clock,
    chooser: Chooser,
    /// What sounds, besides what falls away.
    voice: Option<Voice>,
    stretcher: Stretcher,
    fade: Fade,
    level: Level,
    /// Room for what falls away while it is made: the stretcher's lead and a fade.
    spare: Box<[[f32; 2]]>,
    /// The slot that is auditioned, and how far it is.
    audition: Option<(usize, f64)>,
    /// Whether the next block begins with a jump that the host has not told: its loop's beginning.
    has_jumped: bool,
}

/// What is to be heard while the host runs.
struct Due {
    slot: usize,
    /// Bar on which the clip begins.
    bar: f64,
    repeat: bool,
}

impl Deck {
    /// For a sample rate in Hz. Allocates.
    pub fn new(rate: f64) -> Self {
        let stretcher = Stretcher::new(rate);
        let fade = Fade::new((rate * FADE_SECONDS) as usize, stretcher.lead());
        Self {
            rate,
            clock: Clock::new(rate),
            chooser: Chooser::default(),
            voice: None,
            level: Level::new((rate * LEVEL_SECONDS) as usize),
            spare: vec![[0.0; 2]; stretcher.lead() + fade.len()].into(),
            stretcher,
            fade,
            audition: None,
            has_jumped: false,
        }
    }

    /// Forgets the position.
    pub fn clear(&mut self) {
        self.clock.clear();
        self.chooser.clear();
        self.voice = None;
        self.fade.clear();
        self.level.clear();
        self.audition = None;
        self.has_jumped = false;
    }

    /// Lets go of a clip that is about to be replaced.
    pub fn expect_change(&mut self, slot: usize, next: Option<&Clip>, clips: &Clips) {
        let Some(clip) = clips.get(slot).and_then(Option::as_deref) else { return };
        if let (Some((auditioned, position)), Some(next)) = (&mut self.audition, next)
            && *auditioned == slot
        {
            *position = (*position * clip.bpm() / next.bpm()).round();
        }
        let is_same = next.is_some_and(|next| next.sounds_like(clip));
        if !is_same && self.voice.as_ref().is_some_and(|voice| voice.course().slot == slot) {
            self.leave(clips, 0);
        }
    }

    /// Plays a block; answers the highest magnitudes.
    pub fn play(
        &mut self,
        moment: &Moment,
        controls: &Controls,
        shelf: &mut Shelf,
        left: &mut [f32],
        right: &mut [f32],
    ) -> [f32; 2] {
        self.level.aim(if controls.mute { 0.0 } else { controls.gain });
        let now = self.clock.read(moment);
        if moment.playing {
            self.audition = None;
        }
        let mut is_entry = std::mem::take(&mut self.has_jumped) || now.is_none_or(|now| now.is_entry);
        let mut frame = now.map_or(0, |now| now.frame);
        let mut peaks = [0.0; 2];
        let frames = left.len().min(right.len());
        let mut done = 0;
        while done < frames {
            if is_entry {
                shelf.exchange(|slot, next, clips| self.expect_change(slot, next, clips));
            }
            let clips = shelf.clips();
            let end = self.cycle_end(moment, frame).unwrap_or(i64::MAX);
            let part = usize::try_from(end.saturating_sub(frame)).map_or(frames - done, |part| part.min(frames - done));
            let now = now.map(|now| Now { frame, ..now });
            let part = part.min(self.choose(now.as_ref(), controls, clips, done..frames));
            let course = match now {
                Some(now) => self.course(&now, &self.due(controls), clips),
                None => self.audition(moment, controls, clips),
            };
            self.steer(course, clips);
            self.render(clips, &mut left[done..done + part], &mut right[done..done + part], &mut peaks);
            frame = frame.saturating_add(part as i64);
            is_entry = frame == end;
            if let (true, Some((start, _))) = (is_entry, moment.cycle) {
                frame = start;
            }
            done += part;
        }
        self.has_jumped = is_entry && now.is_some();
        self.clock.expect(frame, frames);
        peaks
    }

    /// Where the host jumps back, if it loops and is inside its loop.
    fn cycle_end(&self, moment: &Moment, frame: i64) -> Option<i64> {
        let (start, end) = moment.cycle.filter(|_| moment.playing && moment.frame.is_some())?;
        let shortest = (self.rate * SHORTEST_CYCLE_SECONDS) as i64;
        (start <= frame && frame < end && end.saturating_sub(start) >= shortest).then_some(end)
    }

    /// Hears the notes that stand at the beginning of `rest` of the block; answers for how many frames from there on no
    /// note and no bar line changes what is due.
    fn choose(&mut self, now: Option<&Now>, controls: &Controls, clips: &Clips, rest: Range<usize>) -> usize {
        let Some(notes) = &controls.notes else {
            self.chooser.clear();
            return rest.len();
        };
        let mut left = rest.len();
        for (offset, cue) in notes.iter().map(|(offset, cue)| (offset.min(rest.end - 1), cue)) {
            if offset == rest.start {
                self.chooser.hear(cue, now, self.rate);
            } else if offset > rest.start {
                left = left.min(offset - rest.start);
            }
        }
        left.min(self.chooser.settle(now, clips, self.rate))
    }

    /// What is to be heard: what the notes chose, else what the user set.
    fn due(&self, controls: &Controls) -> Due {
        match self.chooser.chosen() {
            Some(chosen) => Due { slot: cue_slot(chosen.cue), bar: chosen.bar, repeat: true },
            None => {
                let repeat = controls.repeat && controls.slot != BOARD;
                Due { slot: controls.slot, bar: f64::from(controls.anchor_bar), repeat }
            }
        }
    }

    /// What the host wants to hear.
    fn course(&self, now: &Now, due: &Due, clips: &Clips) -> Option<Course> {
        let Due { slot, bar, repeat } = *due;
        let clip = self.playable(slot, clips)?;
        let tempo = now.tempo.unwrap_or(clip.bpm());
        let per_quarter = self.rate * 60.0 / tempo;
        let anchor = now.origin + bar * now.bar * per_quarter;
        let is_own = (tempo - clip.bpm()).abs() <= SAME_TEMPO * clip.bpm();
        let is_stretched = self
            .voice
            .as_ref()
            .is_some_and(|voice| voice.course().slot == slot && !voice.is_copy() && self.stretcher.age() > 0);
        let is_settled = now.steady as f64 >= SETTLED_SECONDS * self.rate;
        if is_own && (is_settled || !is_stretched) {
            // A hair is added so that what lies between two frames always falls to the same side.
            let path = Path { position: now.frame as f64 - (anchor + 1e-6).round(), speed: 1.0, bend: 0.0 };
            return Some(Course { slot, path, is_stretched: false, length: clip.quarters() * per_quarter, repeat });
        }
        let speed = tempo / clip.bpm();
        let path = Path { position: (now.frame as f64 - anchor) * speed, speed, bend: now.bend / clip.bpm() };
        let length = clip.quarters() * self.rate * 60.0 / clip.bpm();
        Some(Course { slot, path, is_stretched: true, length, repeat })
    }

    /// What is to be heard while the host stands still.
    fn audition(&mut self, moment: &Moment, controls: &Controls, clips: &Clips) -> Option<Course> {
        let slot = controls.audition.filter(|_| !moment.playing);
        if slot != self.audition.map(|(slot, _)| slot) {
            self.audition = slot.map(|slot| (slot, 0.0));
        }
        let (slot, position) = self.audition?;
        let clip = self.playable(slot, clips)?;
        let length = clip.quarters() * self.rate * 60.0 / clip.bpm();
        let path = Path { position, speed: 1.0, bend: 0.0 };
        Some(Course { slot, path, is_stretched: false, length, repeat: controls.repeat })
    }

    /// The slot's clip, if it has one that is made for this sample rate.
    fn playable<'a>(&self, slot: usize, clips: &'a Clips) -> Option<&'a Clip> {
        let clip = clips.get(slot)?.as_deref()?;
        let length = clip.quarters() * self.rate * 60.0 / clip.bpm();
        let is_sound = !clip.frames().is_empty() && clip.bpm() > 0.0 && (1.0..1e12).contains(&length);
        (is_sound && f64::from(clip.rate()) == self.rate).then_some(clip)
    }

    /// Sees to it that what sounds from now on is `next`.
    fn steer(&mut self, next: Option<Course>, clips: &Clips) {
        let clip = next.and_then(|next| clips.get(next.slot)?.as_deref());
        if let (Some(voice), Some(next), Some(clip)) = (&mut self.voice, &next, clip)
            && voice.follow(next, clip, &mut self.stretcher, &self.fade, self.rate)
        {
            return;
        }
        let covers =
            |next: &Course| self.voice.as_ref().is_some_and(|voice| voice.can_cover(next, &self.stretcher, self.rate));
        let wait = next.as_ref().filter(|next| covers(next)).map_or(0, |_| self.stretcher.lead());
        self.leave(clips, wait);
        let Some((next, clip)) = next.zip(clip) else { return };
        let is_soft = match next.strip(clip, &self.fade).look(next.frame()) {
            // The clip comes later, and begins as it begins.
            None => false,
            Some((0, _)) => self.fade.has_tail(),
            Some(_) => true,
        };
        self.fade.enter(is_soft || wait > 0, wait);
        self.voice = Some(Voice::begin(next, clip.take(), wait > 0, &mut self.stretcher));
    }

    /// Lets what sounds go on for `wait` frames, and then fall away.
    fn leave(&mut self, clips: &Clips, wait: usize) {
        if self.voice.is_none() {
            return;
        }
        let mut spare = std::mem::take(&mut self.spare);
        let frames = (self.fade.len() + wait).min(spare.len());
        self.mix(clips, &mut spare[..frames]);
        self.fade.leave(&spare[..frames]);
        self.spare = spare;
        self.voice = None;
    }

    /// Plays what sounds, with its fades.
    fn mix(&mut self, clips: &Clips, out: &mut [[f32; 2]]) {
        let voice = self.voice.as_mut();
        match voice.and_then(|voice| Some((clips.get(voice.course().slot)?.as_deref()?, voice))) {
            Some((clip, voice)) => voice.render(clip, &mut self.stretcher, &self.fade, out),
            None => out.fill([0.0; 2]),
        }
        self.fade.mix(out);
    }

    /// Plays into both channels, and raises `peaks`.
    fn render(&mut self, clips: &Clips, left: &mut [f32], right: &mut [f32], peaks: &mut [f32; 2]) {
        for (left, right) in left.chunks_mut(PART).zip(right.chunks_mut(PART)) {
            let mut part = [[0.0; 2]; PART];
            let part = &mut part[..left.len()];
            self.mix(clips, part);
            self.level.apply(part);
            for ((frame, left), right) in part.iter().zip(left.iter_mut()).zip(right.iter_mut()) {
                (*left, *right) = (frame[0], frame[1]);
                *peaks = [peaks[0].max(frame[0].abs()), peaks[1].max(frame[1].abs())];
            }
            if let Some((_, position)) = &mut self.audition {
                *position += left.len() as f64;
            }
        }
    }

    /// Which slot sounds, how far into its clip, 0..1, and how that is made.
    pub fn sounding(&self, clips: &Clips) -> Option<(usize, f32, Mode)> {
        let course = self.voice.as_ref()?.course();
        let clip = clips.get(course.slot)?.as_deref()?;
        let (index, _) = course.strip(clip, &self.fade).look(course.frame())?;
        let mode = if course.is_stretched { Mode::Stretch } else { Mode::Copy };
        Some((course.slot, index.min(clip.frames().len() - 1) as f32 / clip.frames().len() as f32, mode))
    }
}
