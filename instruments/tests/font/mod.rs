//! Soundfonts made for a test.
#![allow(dead_code, reason = "each test uses some")]

/// Numbers of generators.
pub const PAN: u16 = 17;
pub const RELEASE: u16 = 38;
pub const KEYS: u16 = 43;
pub const EXCLUSIVE: u16 = 57;
pub const MODES: u16 = 54;
pub const ROOT: u16 = 58;

/// 16-bit sound with its rate and loop.
pub struct Sample {
    pub frames: Vec<i16>,
    pub rate: u32,
    pub looped: (u32, u32),
}

impl Sample {
    pub fn new(rate: u32, frames: impl IntoIterator<Item = f64>) -> Self {
        let frames: Vec<i16> = frames.into_iter().map(|x| (x * 32_767.0).round() as i16).collect();
        let looped = (0, frames.len() as u32);
        Self { frames, rate, looped }
    }

    /// `periods` of a sine in `length` frames, so that it loops.
    pub fn sine(rate: u32, periods: u32, length: u32) -> Self {
        let turn = std::f64::consts::TAU * f64::from(periods) / f64::from(length);
        Self::new(rate, (0..length).map(|frame| 0.9 * (turn * f64::from(frame)).sin()))
    }

    /// A blow that dies away in `length` frames.
    pub fn click(rate: u32, length: u32) -> Self {
        let fall = |frame: u32| (1.0 - f64::from(frame) / f64::from(length)).powi(3);
        Self::new(rate, (0..length).map(|frame| 0.9 * fall(frame) * if frame % 16 < 8 { 1.0 } else { -0.7 }))
    }
}

/// A zone of an instrument: generators and the sample.
pub type Zone = (Vec<(u16, i16)>, u16);

/// What a font is made of. Each preset plays one instrument.
#[derive(Default)]
pub struct Font {
    pub samples: Vec<Sample>,
    pub instruments: Vec<Vec<Zone>>,
    /// Bank, program, instrument.
    pub presets: Vec<(u16, u16, u16)>,
}

/// Programs 0 (a looped sine of 1 kHz at key 60), 1 (clicks), 2 (a stereo pair), 3 (a sine of 8 kHz); kit 0 with a kick and
/// hi-hats that end each other.
pub fn orchestra() -> Vec<u8> {
    let sine = vec![(MODES, 1), (ROOT, 60)];
    let hat = |key: i16, release: i16| vec![(KEYS, key | key << 8), (RELEASE, release), (EXCLUSIVE, 1), (ROOT, key)];
    Font {
        samples: vec![
            Sample::sine(44_100, 10, 441),
            Sample::click(44_100, 600),
            Sample::sine(44_100, 80, 441),
            Sample::click(44_100, 40_000),
        ],
        instruments: vec![
            vec![(sine.clone(), 0)],
            vec![(vec![(ROOT, 60)], 1)],
            vec![([vec![(PAN, -500)], sine.clone()].concat(), 0), ([vec![(PAN, 500)], sine.clone()].concat(), 2)],
            vec![(sine, 2)],
            vec![(vec![(KEYS, 36 | 36 << 8), (ROOT, 36)], 1), (hat(42, -12_000), 1), (hat(46, 3000), 3)],
        ],
        presets: vec![(0, 0, 0), (0, 1, 1), (0, 2, 2), (0, 3, 3), (128, 0, 4)],
    }
    .bytes()
}

impl Font {
    pub fn bytes(&self) -> Vec<u8> {
        let mut smpl = Vec::new();
        let mut shdr = Vec::new();
        for sample in &self.samples {
            let start = smpl.len() as u32 / 2;
            smpl.extend(sample.frames.iter().flat_map(|x| x.to_le_bytes()));
            let end = smpl.len() as u32 / 2;
            smpl.extend([0; 92]);
            shdr.extend(*b"sample\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
            for value in [start, end, start + sample.looped.0, start + sample.looped.1, sample.rate] {
                shdr.extend(value.to_le_bytes());
            }
            shdr.extend([60, 0, 0, 0, 1, 0]);
        }
        shdr.extend([0; 46]);
        let (mut inst, mut ibag, mut igen) = (Vec::new(), Vec::new(), Vec::new());
        for zones in &self.instruments {
            named(&mut inst, &[(ibag.len() / 4) as u16]);
            for (generators, sample) in zones {
                words(&mut ibag, &[(igen.len() / 4) as u16, 0]);
                generators.iter().for_each(|(number, amount)| words(&mut igen, &[*number, *amount as u16]));
                words(&mut igen, &[53, *sample]);
            }
        }
        named(&mut inst, &[(ibag.len() / 4) as u16]);
        words(&mut ibag, &[(igen.len() / 4) as u16, 0]);
        let (mut phdr, mut pbag, mut pgen) = (Vec::new(), Vec::new(), Vec::new());
        for (bank, program, instrument) in self.presets.iter().chain([&(0, 0, 0)]) {
            named(&mut phdr, &[*program, *bank, (pbag.len() / 4) as u16, 0, 0, 0, 0, 0, 0]);
            words(&mut pbag, &[(pgen.len() / 4) as u16, 0]);
            words(&mut pgen, &[41, *instrument]);
        }
        igen.extend([0; 4]);
        let tables: [(&[u8; 4], Vec<u8>); 9] = [
            (b"phdr", phdr),
            (b"pbag", pbag),
            (b"pmod", vec![0; 10]),
            (b"pgen", pgen),
            (b"inst", inst),
            (b"ibag", ibag),
            (b"imod", vec![0; 10]),
            (b"igen", igen),
            (b"shdr", shdr),
        ];
        let pdta = tables.iter().flat_map(|(id, body)| chunk(id, body)).collect::<Vec<u8>>();
        let lists = [
            list(b"INFO", &chunk(b"ifil", &[2, 0, 4, 0])),
            list(b"sdta", &chunk(b"smpl", &smpl)),
            list(b"pdta", &pdta),
        ];
        chunk(b"RIFF", &[b"sfbk".to_vec(), lists.concat()].concat())
    }
}

fn words(to: &mut Vec<u8>, words: &[u16]) {
    to.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn named(to: &mut Vec<u8>, rest: &[u16]) {
    to.extend(*b"name\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    words(to, rest);
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let pad = vec![0; body.len() % 2];
    [id.to_vec(), (body.len() as u32).to_le_bytes().to_vec(), body.to_vec(), pad].concat()
}

fn list(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    chunk(b"LIST", &[kind.to_vec(), body.to_vec()].concat())
}
