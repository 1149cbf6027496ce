//! Laws of what is known.

use score::Instrument;

use super::super::Cast;
use super::*;
use crate::sampler::{
    BetaSchedule, Prediction, Sampler, SamplerKind, Schedule, ScheduleConfig, TimestepSpacing, noise,
};

const COLUMNS: usize = 6;
/// Channels that a row uses: part `i` has `2 + i` of notes and 3 of its code.
const CHANNELS: usize = 13;

/// Rows whose numbers say where they belong.
struct Numbered;

impl Rows for Numbered {
    fn channels(&self) -> usize {
        CHANNELS
    }

    fn rows(&self) -> usize {
        Part::ALL.len() + 1
    }

    fn of(&self, part: Part) -> [Range<usize>; 2] {
        let notes = 2 + part.index();
        [0..notes, notes..notes + 3]
    }

    fn code(&self, part: Part, number: Option<u8>) -> Option<Vec<f32>> {
        let code = number.map_or(-1.0, f32::from);
        (code < 100.0).then(|| (0..3).map(|i| code + i as f32 / 4.0 + part.index() as f32 / 64.0).collect())
    }

    fn silence(&self, part: Part) -> Vec<f32> {
        (0..2 + part.index()).map(|i| -10.0 - i as f32).collect()
    }
}

fn casting(code: u8, silent: &[Part]) -> Casting {
    let played = Instrument::Program(code);
    let cast = Cast { part: Part::Lead, code, played, words: "it".into() };
    Casting { casts: vec![cast], silent: silent.to_vec(), ..Casting::default() }
}

fn constraints() -> Constraints {
    Constraints::new(&casting(42, &[Part::Pad, Part::Drums]), &Numbered, COLUMNS, &Device::Cpu).unwrap()
}

fn latents(seed: u64) -> Tensor {
    noise(seed, 0, (1, CHANNELS, COLUMNS, Part::ALL.len() + 1), &Device::Cpu).unwrap()
}

/// Numbers of a part's channels in a column.
fn numbers(xs: &Tensor, part: Part, column: usize, channels: Range<usize>) -> Vec<f32> {
    let row = xs.narrow(3, part.index(), 1).unwrap().narrow(2, column, 1).unwrap();
    row.narrow(1, channels.start, channels.len()).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn values(xs: &Tensor) -> Vec<f32> {
    xs.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn codes_and_silence_are_set_in_every_column_and_nothing_else_is() {
    let (before, constraints) = (latents(1), constraints());
    let after = constraints.edit(&before).unwrap();
    for part in Part::ALL {
        let [notes, code] = Numbered.of(part);
        for column in 0..COLUMNS {
            let silent = matches!(part, Part::Pad | Part::Drums);
            let own = |xs: &Tensor, channels: &Range<usize>| numbers(xs, part, column, channels.clone());
            let who = if part == Part::Lead { Some(42) } else { None };
            let is_set = silent || part == Part::Lead;
            let expected = if is_set { Numbered.code(part, who).unwrap() } else { own(&before, &code) };
            assert_eq!(own(&after, &code), expected, "{part}");
            let expected = if silent { Numbered.silence(part) } else { own(&before, &notes) };
            assert_eq!(own(&after, &notes), expected, "{part}");
            let beyond = code.end..CHANNELS;
            assert_eq!(own(&after, &beyond), own(&before, &beyond), "{part}");
        }
    }
    let clip = |xs: &Tensor| values(&xs.narrow(3, Part::ALL.len(), 1).unwrap());
    assert_eq!(clip(&after), clip(&before));
}

#[test]
fn an_edit_twice_is_an_edit_once() {
    let constraints = constraints();
    let once = constraints.edit(&latents(1)).unwrap();
    assert_eq!(values(&constraints.edit(&once).unwrap()), values(&once));
}

#[test]
fn a_model_is_told_what_is_known_and_which_notes_and_codes_that_is() {
    let constraints = constraints();
    let told = constraints.known_input().unwrap();
    assert_eq!(told.dims(), [1, CHANNELS + 2, COLUMNS, Part::ALL.len() + 1]);
    let nothing = latents(1).zeros_like().unwrap();
    assert_eq!(values(&told.narrow(1, 0, CHANNELS).unwrap()), values(&constraints.edit(&nothing).unwrap()));
    for part in Part::ALL {
        let (notes, code) = match part {
            Part::Pad | Part::Drums => (1.0, 1.0),
            Part::Lead => (0.0, 1.0),
            _ => (0.0, 0.0),
        };
        assert_eq!(numbers(&told, part, 3, CHANNELS..CHANNELS + 2), [notes, code], "{part}");
    }
}

#[test]
fn what_is_shown_is_known_without_noise() {
    let (constraints, xs) = (constraints(), latents(1));
    let shown = constraints.shown(&xs, 0.25).unwrap();
    let expected = ((constraints.edit(&xs).unwrap() - &xs).unwrap().ne(0.0).unwrap())
        .where_cond(&(constraints.edit(&xs).unwrap() * 0.25).unwrap(), &xs)
        .unwrap();
    assert_eq!(values(&shown), values(&expected));
}

#[test]
fn kept_parts_stay_as_they_were_in_their_columns_alone() {
    let (kept, xs) = (latents(2), latents(1));
    let all = constraints().with_kept(&kept, &Numbered, &[(Part::Bass, 2..4), (Part::Lead, 0..COLUMNS)], &[]).unwrap();
    let edited = all.edit(&xs).unwrap();
    let [notes, code] = Numbered.of(Part::Bass);
    for column in 0..COLUMNS {
        let from = if (2..4).contains(&column) { &kept } else { &xs };
        let whole = notes.start..code.end;
        let expected = numbers(from, Part::Bass, column, whole.clone());
        assert_eq!(numbers(&edited, Part::Bass, column, whole), expected);
        let is_told = f32::from((2..4).contains(&column));
        let told = all.known_input().unwrap();
        assert_eq!(numbers(&told, Part::Bass, column, CHANNELS..CHANNELS + 2), [is_told; 2]);
    }
    let [_, code] = Numbered.of(Part::Lead);
    assert_eq!(numbers(&edited, Part::Lead, 1, code.clone()), numbers(&kept, Part::Lead, 1, code));
    assert_eq!(numbers(&edited, Part::Pad, 1, 0..2), Numbered.silence(Part::Pad));
}

#[test]
fn what_does_not_fit_is_refused() {
    let wrong = |code| Constraints::new(&casting(code, &[]), &Numbered, COLUMNS, &Device::Cpu);
    assert!(wrong(42).is_ok() && wrong(100).is_err());
    let own = constraints();
    assert!(own.with_kept(&latents(1), &Numbered, &[(Part::Bass, 0..COLUMNS + 1)], &[]).is_err());
    assert!(own.with_kept(&latents(1).narrow(2, 0, 3).unwrap(), &Numbered, &[], &[]).is_err());
    assert!(own.edit(&latents(1).narrow(2, 0, 3).unwrap()).is_err());
}

#[test]
fn nothing_is_known_of_a_casting_of_nobody() {
    let none = Constraints::new(&Casting::default(), &Numbered, COLUMNS, &Device::Cpu).unwrap();
    assert!(!none.is_some().unwrap() && constraints().is_some().unwrap());
    assert_eq!(values(&none.edit(&latents(1)).unwrap()), values(&latents(1)));
}

#[test]
fn a_walk_under_constraints_ends_with_what_is_known() {
    let schedule = Schedule::new(&ScheduleConfig {
        num_train_timesteps: 1000,
        beta_schedule: BetaSchedule::SquaredcosCapV2,
        beta_start: 0.00085,
        beta_end: 0.012,
        rescale_betas_zero_snr: false,
        prediction_type: Prediction::Velocity,
        timestep_spacing: TimestepSpacing::Trailing,
        steps_offset: 0,
        set_alpha_to_one: true,
    });
    let (schedule, constraints) = (schedule.unwrap(), constraints());
    for kind in SamplerKind::ALL {
        let mut sampler = Sampler::until(60, kind, &schedule, 12).unwrap();
        let mut xs = latents(3);
        for i in 0..sampler.timesteps().len() {
            let (output, fresh) = (xs.tanh().unwrap(), latents(4 + i as u64));
            xs = sampler.step_edited(i, &output, &xs, Some(&fresh), |clean| constraints.edit(clean)).unwrap();
        }
        assert_eq!(values(&constraints.edit(&xs).unwrap()), values(&xs), "{kind}");
    }
}
