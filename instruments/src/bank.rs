//! A bank of instruments: a soundfont (`.sf2`, or `.sf3` with Ogg Vorbis inside), read whole and decoded as it is played.

mod generator;
mod hydra;
mod modulator;
mod riff;
mod sample;
mod tone;

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use score::Instrument;

use self::hydra::{Hydra, Patch};
use self::sample::Sample;
pub(crate) use self::tone::{Loop, Tone};
use crate::error::Error;

/// Bank number of drum kits.
const KITS: u16 = 128;
/// Most samples that one note may start.
const MAX_TONES: usize = 64;

/// A soundfont. Cheap to share behind an `Arc`; decoded samples stay in memory.
#[derive(Debug)]
pub struct Bank {
    name: String,
    bytes: Cow<'static, [u8]>,
    hydra: Hydra,
    samples: Vec<Sample>,
    smpl: Range<usize>,
    sm24: Range<usize>,
}

/// What a bank offers under one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset<'a> {
    /// What it is for.
    pub instrument: Instrument,
    /// What the bank calls it.
    pub name: &'a str,
}

/// A preset that was found for an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PresetIndex(usize);

impl Bank {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Font`] if it cannot be read or is no soundfont.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let font = path.display().to_string();
        match std::fs::read(path) {
            Ok(bytes) => Self::from_bytes(&font, bytes),
            Err(error) => Err(Error::Font { font, problem: format!("cannot be read ({error}); check the path") }),
        }
    }

    /// Reads what is in memory; `font` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`Error::Font`] if it is no soundfont or a damaged one. Samples are looked at when they are first played.
    pub fn from_bytes(font: &str, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, Error> {
        Self::read(font, bytes.into()).map_err(|problem| Error::Font { font: font.into(), problem })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it offers to General MIDI: bank 0 and the kits.
    pub fn presets(&self) -> impl Iterator<Item = Preset<'_>> {
        self.hydra.presets.patches.iter().filter_map(|patch| {
            let number = u8::try_from(patch.program).ok().filter(|number| *number < 128)?;
            let instrument = match patch.bank {
                0 => Instrument::Program(number),
                KITS => Instrument::Kit(number),
                _ => return None,
            };
            Some(Preset { instrument, name: &patch.name })
        })
    }

    /// Whether it has the very instrument.
    pub fn has(&self, instrument: Instrument) -> bool {
        self.presets().any(|preset| preset.instrument == instrument)
    }

    /// The preset for an instrument, else the nearest: a kit of the same family, the standard kit, a program of the same
    /// family of eight, the lowest there is. Tells what it is for.
    pub(crate) fn find(&self, instrument: Instrument) -> Option<(PresetIndex, Instrument)> {
        let number = i32::from(instrument.number());
        let distance = |preset: &Preset| {
            let other = i32::from(preset.instrument.number());
            let foreign = if instrument.is_kit() { other > number } else { other / 8 != number / 8 };
            (foreign, if foreign { other } else { (other - number).abs() })
        };
        let found =
            self.presets().filter(|preset| preset.instrument.is_kit() == instrument.is_kit()).min_by_key(distance)?;
        let (bank, found) = (if instrument.is_kit() { KITS } else { 0 }, found.instrument);
        let is_it = |patch: &Patch| patch.bank == bank && patch.program == u16::from(found.number());
        Some((PresetIndex(self.hydra.presets.patches.iter().position(is_it)?), found))
    }

    /// What sounds when a key is struck.
    pub(crate) fn tones(&self, preset: PresetIndex, key: u8, velocity: u8) -> Result<Vec<Tone>, Error> {
        let (presets, instruments) = (&self.hydra.presets, &self.hydra.instruments);
        let patch = &presets.patches[preset.0];
        let mut tones = Vec::new();
        for (zone, target) in patch.zones.iter().filter(|(zone, _)| zone.covers(key, velocity)) {
            let instrument = &instruments.patches[*target];
            for (inner, sample) in instrument.zones.iter().filter(|(zone, _)| zone.covers(key, velocity)) {
                if tones.len() == MAX_TONES {
                    return Ok(tones);
                }
                let sample = &self.samples[*sample];
                let wave = sample.wave(self.chunk(&self.smpl), self.chunk(&self.sm24));
                let wave = wave.map_err(|problem| Error::Font { font: self.name.clone(), problem })?;
                let layers = tone::Layers {
                    preset: (presets, [patch.global.as_ref(), Some(zone)]),
                    instrument: (instruments, [instrument.global.as_ref(), Some(inner)]),
                };
                tones.extend(Tone::new(&layers, &sample.header, wave, key, velocity));
            }
        }
        Ok(tones)
    }

    fn chunk(&self, range: &Range<usize>) -> &[u8] {
        &self.bytes[range.clone()]
    }

    fn read(name: &str, bytes: Cow<'static, [u8]>) -> Result<Self, String> {
        if bytes.len() < 12 || &bytes[..4] != b"RIFF" || &bytes[8..12] != b"sfbk" {
            return Err("is no SoundFont 2 or 3; give an .sf2 or .sf3 file".into());
        }
        let lists = riff::chunks(&bytes, 12..bytes.len())?;
        let list = |kind: &[u8; 4]| {
            let is_it = |chunk: &&riff::Chunk| &chunk.id == b"LIST" && bytes[chunk.body.clone()].starts_with(kind);
            let found = lists.iter().find(is_it).map(|chunk| chunk.body.start + 4..chunk.body.end);
            found.ok_or_else(|| format!("its list {} is missing; use another copy", kind.escape_ascii()))
        };
        let sound = riff::chunks(&bytes, list(b"sdta")?)?;
        let body = |id: &[u8; 4]| sound.iter().find(|chunk| &chunk.id == id).map(|chunk| chunk.body.clone());
        let hydra = Hydra::read(&bytes, list(b"pdta")?)?;
        if hydra.presets.patches.is_empty() {
            return Err("has no preset; use another font".into());
        }
        let samples = hydra.samples.iter().cloned().map(Sample::new).collect();
        let (smpl, sm24) = (body(b"smpl").unwrap_or(0..0), body(b"sm24").unwrap_or(0..0));
        Ok(Self { name: name.into(), hydra, samples, smpl, sm24, bytes })
    }
}
