//! One track while it is written.

use midly::num::{u4, u7, u28};
use midly::{MetaMessage, MidiMessage, TrackEvent, TrackEventKind};

/// Controllers.
pub(crate) const VOLUME: u8 = 7;
pub(crate) const EXPRESSION: u8 = 11;

/// What happens first of what happens at one tick: a note ends before anything changes, and changes before one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    End,
    Change,
    Begin,
}

/// Events of one track, in any order of ticks.
#[derive(Debug, Default)]
pub(crate) struct TrackWriter<'a> {
    events: Vec<(u32, Order, TrackEventKind<'a>)>,
}

impl<'a> TrackWriter<'a> {
    /// A track with a name.
    pub fn named(name: &'a str) -> Self {
        let mut track = Self::default();
        track.meta(0, MetaMessage::TrackName(name.as_bytes()));
        track
    }

    /// Something that is no sound.
    pub fn meta(&mut self, tick: u32, message: MetaMessage<'a>) {
        self.events.push((tick, Order::Change, TrackEventKind::Meta(message)));
    }

    /// A controller's value, 0..=127.
    pub fn control(&mut self, tick: u32, channel: u8, controller: u8, value: u8) {
        let message = MidiMessage::Controller { controller: u7::new(controller), value: u7::new(value) };
        self.message(tick, Order::Change, channel, message);
    }

    /// Another instrument.
    pub fn program(&mut self, tick: u32, channel: u8, program: u8) {
        let message = MidiMessage::ProgramChange { program: u7::new(program) };
        self.message(tick, Order::Change, channel, message);
    }

    /// A note from `tick` to `end`.
    pub fn note(&mut self, tick: u32, end: u32, channel: u8, key: u8, velocity: u8) {
        let (key, vel) = (u7::new(key), u7::new(velocity));
        self.message(tick, Order::Begin, channel, MidiMessage::NoteOn { key, vel });
        self.message(end, Order::End, channel, MidiMessage::NoteOff { key, vel: u7::new(64) });
    }

    fn message(&mut self, tick: u32, order: Order, channel: u8, message: MidiMessage) {
        self.events.push((tick, order, TrackEventKind::Midi { channel: u4::new(channel), message }));
    }

    /// The track, which ends at `end`.
    pub fn finish(mut self, end: u32) -> Vec<TrackEvent<'a>> {
        // Stable, so that what was put first stays first.
        self.events.sort_by_key(|(tick, order, _)| (*tick, *order));
        self.events.push((end, Order::Change, TrackEventKind::Meta(MetaMessage::EndOfTrack)));
        let mut last = 0;
        let event = |(tick, _, kind): (u32, Order, TrackEventKind<'a>)| {
            let delta = u28::new(tick - last);
            last = tick;
            TrackEvent { delta, kind }
        };
        self.events.into_iter().map(event).collect()
    }
}
