//! The nine tables of a soundfont, checked so that nothing in them points outside of another.

use std::ops::Range;

use super::generator;
use super::modulator::Modulator;
use super::riff::{self, u16_at, u32_at};

/// Most zones that one preset may try for a note, those of its instruments counted.
const MAX_ZONES: usize = 1 << 16;

/// Where a zone begins.
struct Bag {
    generators: usize,
    modulators: usize,
}

/// A range of keys and velocities, and what is played there.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    pub(crate) keys: (u8, u8),
    pub(crate) velocities: (u8, u8),
    /// Within the level's tables.
    pub(crate) generators: Range<usize>,
    pub(crate) modulators: Range<usize>,
}

impl Zone {
    pub(crate) fn covers(&self, key: u8, velocity: u8) -> bool {
        let (keys, velocities) = (self.keys, self.velocities);
        (keys.0..=keys.1).contains(&key) && (velocities.0..=velocities.1).contains(&velocity)
    }
}

/// A preset or an instrument.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub(crate) name: String,
    /// Preset alone: 0 for melodic, 128 for kits.
    pub(crate) bank: u16,
    /// Preset alone.
    pub(crate) program: u16,
    pub(crate) global: Option<Zone>,
    /// With the instrument or the sample that each plays; such as play nothing are left out.
    pub(crate) zones: Vec<(Zone, usize)>,
}

/// Presets or instruments with their tables.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) patches: Vec<Patch>,
    pub(crate) generators: Vec<(u16, i16)>,
    pub(crate) modulators: Vec<Modulator>,
}

/// A sample as its header says.
#[derive(Debug, Clone)]
pub(crate) struct SampleHeader {
    pub(crate) name: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) loop_start: usize,
    pub(crate) loop_end: usize,
    pub(crate) rate: u32,
    pub(crate) key: u8,
    pub(crate) correction_cents: i8,
    pub(crate) kind: u16,
}

/// Everything but the sound.
#[derive(Debug)]
pub(crate) struct Hydra {
    pub(crate) presets: Level,
    pub(crate) instruments: Level,
    pub(crate) samples: Vec<SampleHeader>,
}

/// The tables of one level by their chunks.
struct Names {
    headers: [u8; 4],
    header_size: usize,
    bags: [u8; 4],
    modulators: [u8; 4],
    generators: [u8; 4],
    /// The generator that ends a zone and says what it plays.
    target: usize,
}

const PRESETS: Names = Names {
    headers: *b"phdr",
    header_size: 38,
    bags: *b"pbag",
    modulators: *b"pmod",
    generators: *b"pgen",
    target: generator::INSTRUMENT,
};
const INSTRUMENTS: Names = Names {
    headers: *b"inst",
    header_size: 22,
    bags: *b"ibag",
    modulators: *b"imod",
    generators: *b"igen",
    target: generator::SAMPLE,
};

impl Hydra {
    /// Reads the list `pdta` at `span`.
    pub(crate) fn read(bytes: &[u8], span: Range<usize>) -> Result<Self, String> {
        let tables = Tables { bytes, chunks: riff::chunks(bytes, span)? };
        let samples = samples(&tables)?;
        let instruments = level(&tables, &INSTRUMENTS, samples.len())?;
        let presets = level(&tables, &PRESETS, instruments.patches.len())?;
        let hydra = Self { presets, instruments, samples };
        hydra.check_size()?;
        Ok(hydra)
    }

    fn check_size(&self) -> Result<(), String> {
        for preset in &self.presets.patches {
            let within = |target: usize| 1 + self.instruments.patches[target].zones.len();
            let zones: usize = preset.zones.iter().map(|(_, target)| within(*target)).sum();
            if zones > MAX_ZONES {
                return Err(format!("its preset {:?} has {zones} zones; the limit is {MAX_ZONES}", preset.name));
            }
        }
        Ok(())
    }
}

struct Tables<'a> {
    bytes: &'a [u8],
    chunks: Vec<riff::Chunk>,
}

impl<'a> Tables<'a> {
    /// The records of a chunk, the last of which only ends it.
    fn records(&self, id: [u8; 4], size: usize) -> Result<Vec<&'a [u8]>, String> {
        let name = id.escape_ascii();
        let chunk = self.chunks.iter().find(|chunk| chunk.id == id);
        let Some(chunk) = chunk else {
            return Err(format!("its table {name} is missing; use another copy"));
        };
        let body = &self.bytes[chunk.body.clone()];
        if body.is_empty() || !body.len().is_multiple_of(size) {
            return Err(format!(
                "its table {name} has {} bytes, which are no records of {size}; use another copy",
                body.len()
            ));
        }
        Ok(body.chunks_exact(size).collect())
    }
}

fn samples(tables: &Tables) -> Result<Vec<SampleHeader>, String> {
    let records = tables.records(*b"shdr", 46)?;
    let header = |record: &&[u8]| SampleHeader {
        name: name(&record[..20]),
        start: u32_at(record, 20) as usize,
        end: u32_at(record, 24) as usize,
        loop_start: u32_at(record, 28) as usize,
        loop_end: u32_at(record, 32) as usize,
        rate: u32_at(record, 36),
        key: record[40],
        correction_cents: record[41] as i8,
        kind: u16_at(record, 44),
    };
    Ok(records[..records.len() - 1].iter().map(header).collect())
}

fn level(tables: &Tables, names: &Names, targets: usize) -> Result<Level, String> {
    let headers = tables.records(names.headers, names.header_size)?;
    let generators = tables.records(names.generators, 4)?;
    let modulators = tables.records(names.modulators, 10)?;
    let bags = tables.records(names.bags, 4)?;
    let bags: Vec<Bag> = bags
        .iter()
        .map(|record| Bag { generators: u16_at(record, 0).into(), modulators: u16_at(record, 2).into() })
        .collect();
    check_bags(names, &bags, generators.len(), modulators.len())?;
    let generators: Vec<(u16, i16)> = generators.iter().map(|r| (u16_at(r, 0), u16_at(r, 2) as i16)).collect();
    let modulators = modulators.iter().map(|record| modulator(record)).collect();
    let mut patches = Vec::with_capacity(headers.len() - 1);
    for pair in headers.windows(2) {
        let bag = |record: &[u8]| {
            usize::from(u16_at(record, names.header_size - if names.header_size == 38 { 14 } else { 2 }))
        };
        let (first, last) = (bag(pair[0]), bag(pair[1]));
        if first > last || last >= bags.len() {
            let name = name(&pair[0][..20]);
            return Err(format!("{name:?} has zones that do not exist ({first} to {last}); use another copy"));
        }
        patches.push(patch(pair[0], &bags[first..=last], &generators, names, targets)?);
    }
    Ok(Level { patches, generators, modulators })
}

fn check_bags(names: &Names, bags: &[Bag], generators: usize, modulators: usize) -> Result<(), String> {
    let grows = bags
        .windows(2)
        .all(|pair| pair[0].generators <= pair[1].generators && pair[0].modulators <= pair[1].modulators);
    let ends = bags.last().is_none_or(|last| last.generators < generators && last.modulators < modulators);
    if grows && ends {
        return Ok(());
    }
    Err(format!(
        "its table {} points outside of the tables that it orders; use another copy",
        names.bags.escape_ascii()
    ))
}

fn patch(
    record: &[u8],
    bags: &[Bag],
    generators: &[(u16, i16)],
    names: &Names,
    targets: usize,
) -> Result<Patch, String> {
    let is_preset = names.header_size == 38;
    let number = |at| if is_preset { u16_at(record, at) } else { 0 };
    let mut patch =
        Patch { name: name(&record[..20]), program: number(20), bank: number(22), global: None, zones: Vec::new() };
    for (index, pair) in bags.windows(2).enumerate() {
        let range = pair[0].generators..pair[1].generators;
        let list = &generators[range.clone()];
        let zone = Zone {
            keys: limits(list, generator::KEY_RANGE),
            velocities: limits(list, generator::VELOCITY_RANGE),
            generators: range,
            modulators: pair[0].modulators..pair[1].modulators,
        };
        match list.iter().find(|(number, _)| usize::from(*number) == names.target) {
            Some((_, target)) if usize::from(*target as u16) < targets => {
                patch.zones.push((zone, usize::from(*target as u16)))
            }
            Some((_, target)) => {
                let (name, target) = (&patch.name, *target as u16);
                return Err(format!(
                    "{name:?} plays number {target} of {targets}, which does not exist; use another copy"
                ));
            }
            None if index == 0 => patch.global = Some(zone),
            None => {}
        }
    }
    Ok(patch)
}

fn limits(list: &[(u16, i16)], generator: usize) -> (u8, u8) {
    let found = list.iter().rev().find(|(number, _)| usize::from(*number) == generator);
    found.map_or((0, 127), |(_, amount)| (amount.to_le_bytes()[0], amount.to_le_bytes()[1]))
}

fn modulator(record: &[u8]) -> Modulator {
    Modulator {
        source: u16_at(record, 0),
        target: u16_at(record, 2),
        amount: u16_at(record, 4) as i16,
        scale: u16_at(record, 6),
        transform: u16_at(record, 8),
    }
}

/// Up to the first zero.
fn name(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_string()
}
