//! Windows over a canvas: the laws they keep.

use crate::golden::{assert_close, relative_error};
use candle_core::{D, DType, Device, Result, Tensor};
use melfusion::sampler::noise;
use melfusion::windows::{Position, Pulse, Windows};

const WINDOW: usize = 64;

/// Circular and linear windows over every canvas of 1 to 200 columns, with windows of several lengths.
fn all_sizes() -> impl Iterator<Item = Windows> {
    [1, 2, 12, 63, 64].into_iter().flat_map(|window| {
        (1..=200).flat_map(move |columns| [Windows::circular(columns, window), Windows::linear(columns, window)])
    })
}

fn canvas(columns: usize) -> Tensor {
    noise(1, columns as u64, (1, 2, columns, 3), &Device::Cpu).unwrap()
}

/// Runs `model` on every window and folds the outputs back.
fn windowed(windows: &Windows, xs: &Tensor, model: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let outputs: Result<Vec<_>> = (0..windows.starts().len()).map(|j| model(&windows.gather(xs, j)?)).collect();
    windows.blend(&outputs?)
}

#[test]
fn a_model_of_single_columns_does_not_notice_the_windows() -> Result<()> {
    let model = |xs: &Tensor| xs.tanh()? + (xs * 0.5)?;
    for windows in all_sizes() {
        let xs = canvas(windows.columns());
        assert_close(&windowed(&windows, &xs, model)?, &model(&xs)?, 1e-6);
    }
    Ok(())
}

#[test]
fn weights_are_positive_and_sum_to_one_at_every_column() {
    for windows in all_sizes() {
        let mut sums = vec![0.0; windows.columns()];
        for (j, start) in windows.starts().iter().enumerate() {
            for (i, weight) in windows.weights(j).iter().enumerate() {
                assert!(*weight > 0.0);
                sums[(start + i) % windows.columns()] += weight;
            }
        }
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{windows:?}");
    }
}

#[test]
fn neighbours_overlap_by_half_a_window_or_more() {
    for windows in all_sizes().filter(|windows| windows.starts().len() > 1) {
        let half = (windows.window() / 2).max(1);
        assert!(windows.starts().windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= half), "{windows:?}");
    }
    for columns in 1..=200 {
        let windows = Windows::circular(columns, WINDOW);
        let around = columns - windows.starts().last().unwrap();
        assert!(around <= WINDOW / 2 || windows.starts().len() == 1, "{windows:?}");
    }
}

#[test]
fn one_window_is_the_identity_bit_for_bit() -> Result<()> {
    for windows in [Windows::circular(WINDOW, WINDOW), Windows::linear(WINDOW, WINDOW)] {
        let xs = canvas(WINDOW);
        assert!(windows.is_whole());
        let ys = windowed(&windows, &xs, |xs| Ok(xs.clone()))?;
        assert_eq!(ys.flatten_all()?.to_vec1::<f32>()?, xs.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(())
}

#[test]
fn windows_begin_on_beats_where_the_canvas_is_made_of_beats() {
    for columns in (4..=400).step_by(4) {
        assert!(Windows::circular(columns, WINDOW).starts().iter().all(|start| start % 4 == 0));
    }
    assert_eq!(Windows::circular(128, WINDOW).starts(), [0, 32, 64, 96]);
    assert_eq!(Windows::circular(48, WINDOW).starts(), [0, 24]);
    assert_eq!(Windows::circular(32, WINDOW).starts(), [0]);
    assert_eq!(Windows::circular(80, WINDOW).starts(), [0, 24, 52]);
}

#[test]
fn a_line_begins_at_its_first_window_and_ends_with_its_last() {
    for columns in 1..=300 {
        let windows = Windows::linear(columns, WINDOW);
        assert_eq!(windows.starts()[0], 0);
        assert_eq!(windows.starts().last().unwrap() + WINDOW, windows.columns());
        assert_eq!(windows.columns(), columns.max(WINDOW));
    }
}

#[test]
fn a_window_wraps_around_the_circle() -> Result<()> {
    let windows = Windows::circular(6, 4);
    let xs = Tensor::arange(0f32, 6.0, &Device::Cpu)?.reshape((1, 1, 6, 1))?;
    assert_eq!(windows.starts(), [0, 2, 4]);
    assert_eq!(windows.gather(&xs, 2)?.flatten_all()?.to_vec1::<f32>()?, [4.0, 5.0, 0.0, 1.0]);
    Ok(())
}

/// A model that looks sideways sees the same neighbours in every window that does not end nearby.
#[test]
fn a_model_that_looks_sideways_is_nearly_the_whole_one() -> Result<()> {
    let model = |xs: &Tensor| {
        let rolled = [xs.roll(1, 2)?, xs.roll(-1, 2)?];
        (xs + &rolled[0] + &rolled[1])? / 3.0
    };
    for columns in [48, 80, 112, 128, 200] {
        let windows = Windows::circular(columns, WINDOW);
        let xs = canvas(columns);
        let error = relative_error(&windowed(&windows, &xs, model)?, &model(&xs)?);
        assert!(error < 2e-3, "{columns}: {error}");
    }
    Ok(())
}

#[test]
fn a_shift_of_the_circle_by_a_hop_shifts_the_result() -> Result<()> {
    let windows = Windows::circular(128, WINDOW);
    let model = |xs: &Tensor| xs.cumsum(2);
    let xs = canvas(128);
    let shifted = windowed(&windows, &xs.roll(32, 2)?, model)?;
    assert_close(&shifted, &windowed(&windows, &xs, model)?.roll(32, 2)?, 1e-6);
    Ok(())
}

#[test]
fn wrong_shapes_are_refused() -> Result<()> {
    let windows = Windows::circular(80, WINDOW);
    assert!(windows.gather(&canvas(81), 0).is_err());
    assert!(windows.blend(&[canvas(WINDOW)]).is_err());
    Ok(())
}

fn all_planes() -> Position {
    Position { frequency: true, harmonics: vec![1, 2, 4, 8, 16] }
}

#[test]
fn planes_of_four_bars_of_common_time_are_the_trained_ones() -> Result<()> {
    let (rows, device) = (16, Device::Cpu);
    let planes = all_planes().planes(0, WINDOW, rows, Pulse::COMMON, &device)?;
    let frequency: Vec<f32> = (0..rows).map(|row| -1.0 + 2.0 * row as f32 / 15.0).collect();
    let frequency = Tensor::new(frequency, &device)?.reshape((1, rows))?.broadcast_as((WINDOW, rows))?;
    let mut expected = vec![frequency.clone(), frequency.sqr()?];
    for k in [1, 2, 4, 8, 16] {
        let turn = |i: usize| std::f64::consts::TAU * (k * i) as f64 / WINDOW as f64;
        for wave in [f64::sin, f64::cos] {
            let values: Vec<f32> = (0..WINDOW).map(|i| wave(turn(i)) as f32).collect();
            expected.push(Tensor::new(values, &device)?.unsqueeze(1)?.broadcast_as((WINDOW, rows))?);
        }
    }
    let expected = Tensor::stack(&expected, 0)?.unsqueeze(0)?;
    assert_eq!(planes.dims(), [1, all_planes().count(), WINDOW, rows]);
    assert_close(&planes, &expected, 1e-6);
    Ok(())
}

#[test]
fn planes_without_frequency_or_harmonics_leave_them_out() -> Result<()> {
    let time = Position { frequency: false, ..all_planes() };
    let frequency = Position { harmonics: vec![], ..all_planes() };
    let (time, frequency, all) = (time, frequency, all_planes());
    let planes = |position: &Position| position.planes(3, 12, 4, Pulse::COMMON, &Device::Cpu);
    let both = Tensor::cat(&[planes(&frequency)?, planes(&time)?], 1)?;
    assert_eq!(both.flatten_all()?.to_vec1::<f32>()?, planes(&all)?.flatten_all()?.to_vec1::<f32>()?);
    assert_eq!(planes(&Position::default())?.dims(), [1, 0, 12, 4]);
    Ok(())
}

#[test]
fn bars_and_beats_look_alike_wherever_they_begin_in_any_metre() -> Result<()> {
    for (columns_per_bar, columns_per_beat) in
        [(16.0, 4.0), (12.0, 4.0), (12.0, 6.0), (28.0, 4.0), (20.0, 4.0), (10.0, 2.0)]
    {
        let pulse = Pulse { columns_per_bar, columns_per_beat };
        let planes = |harmonic: usize, start: usize| -> Result<Vec<f32>> {
            let position = Position { frequency: false, harmonics: vec![harmonic] };
            position.planes(start, WINDOW, 1, pulse, &Device::Cpu)?.flatten_all()?.to_vec1()
        };
        assert_eq!(planes(4, 0)?, planes(4, 3 * columns_per_bar as usize)?);
        assert_eq!(planes(8, 5)?, planes(8, 5 + columns_per_bar as usize)?);
        assert_eq!(planes(16, 1)?, planes(16, 1 + 7 * columns_per_beat as usize)?);
        assert_eq!(planes(1, 2)?, planes(1, 2 + 4 * columns_per_bar as usize)?);
        assert_ne!(planes(1, 0)?, planes(1, columns_per_bar as usize)?);
    }
    Ok(())
}

#[test]
fn planes_of_a_window_are_a_part_of_the_whole_canvas() -> Result<()> {
    let pulse = Pulse { columns_per_bar: 12.0, columns_per_beat: 4.0 };
    let whole = all_planes().planes(0, 200, 5, pulse, &Device::Cpu)?;
    let part = all_planes().planes(70, WINDOW, 5, pulse, &Device::Cpu)?;
    let difference = (whole.narrow(2, 70, WINDOW)? - part)?.abs()?.to_dtype(DType::F64)?;
    assert_eq!(difference.flatten_all()?.max(D::Minus1)?.to_scalar::<f64>()?, 0.0);
    Ok(())
}

#[test]
fn bars_of_no_whole_number_of_columns_agree_where_their_bar_lines_do() -> Result<()> {
    let pulse = Pulse { columns_per_bar: 13.5, columns_per_beat: 4.5 };
    let planes = |start| all_planes().planes(start, WINDOW, 1, pulse, &Device::Cpu)?.flatten_all()?.to_vec1::<f32>();
    assert_eq!(planes(0)?, planes(4 * 27)?);
    Ok(())
}

#[test]
fn a_pulse_of_no_length_is_refused() {
    for columns in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for pulse in [
            Pulse { columns_per_bar: columns, columns_per_beat: 4.0 },
            Pulse { columns_per_bar: 16.0, columns_per_beat: columns },
        ] {
            assert!(all_planes().planes(0, WINDOW, 1, pulse, &Device::Cpu).is_err());
        }
    }
}
