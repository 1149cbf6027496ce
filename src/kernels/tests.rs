//! Every kernel against the plainest version of itself, on odd shapes, for every instruction set of this machine.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

/// Values between -1 and 1, or the sizes of a case.
struct Draw(ChaCha8Rng);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.0.random_range(-1.0..1.0)).collect()
    }

    fn size(&mut self, least: usize, most: usize) -> usize {
        self.0.random_range(least..=most)
    }

    fn chance(&mut self) -> bool {
        self.0.random()
    }
}

/// Runs `case` with 40 seeds on every instruction set.
fn everywhere(case: impl Fn(Isa, &mut Draw)) {
    for isa in Isa::available() {
        for seed in 0..40 {
            case(isa, &mut Draw::new(seed));
        }
    }
}

#[track_caller]
fn assert_close(ours: &[f32], right: &[f64], tolerance: f64, what: &str) {
    assert_eq!(ours.len(), right.len(), "{what}");
    let largest = right.iter().fold(1e-3_f64, |a, b| a.max(b.abs()));
    for (i, (ours, right)) in ours.iter().zip(right).enumerate() {
        let error = (f64::from(*ours) - right).abs() / largest;
        assert!(error <= tolerance, "{what}: {ours} instead of {right} at {i}");
    }
}

fn wide(xs: &[f32]) -> Vec<f64> {
    xs.iter().map(|x| f64::from(*x)).collect()
}

#[test]
fn linear_is_a_sum_of_products() {
    everywhere(|isa, draw| {
        let (n, k, m) = (draw.size(1, 40), draw.size(1, 1300), draw.size(1, 150));
        let (xs, w, bias, residual) = (draw.values(n * k), draw.values(k * m), draw.values(m), draw.values(n * m));
        let (with_bias, with_residual) = (draw.chance(), draw.chance());
        let packed = Packed::new(isa, k, m, |row, column| w[row * m + column]);
        let (bias_at, residual_at) = (with_bias.then_some(&bias[..]), with_residual.then_some(&residual[..]));
        let epilogue = Epilogue { bias: bias_at, residual: residual_at, then: None };
        let ours = linear(&xs, &packed, epilogue);
        let right = (0..n * m).map(|i| {
            let (row, column) = (i / m, i % m);
            let sum: f64 = (0..k).map(|j| f64::from(xs[row * k + j]) * f64::from(w[j * m + column])).sum();
            sum + f64::from(u8::from(with_bias)) * f64::from(bias[column])
                + f64::from(u8::from(with_residual)) * f64::from(residual[i])
        });
        assert_close(&ours, &right.collect::<Vec<_>>(), 2e-6, &format!("{isa:?} {n}x{k}x{m}"));
        let bent = linear(&xs, &packed, Epilogue { then: Some(Activation::Gelu), ..epilogue });
        assert_close(&bent, &wide(&activate(isa, &ours, Activation::Gelu)), 1e-6, &format!("{isa:?} {n}x{k}x{m} bent"));
    });
}

#[test]
fn gated_linear_is_linear_and_then_gated() {
    everywhere(|isa, draw| {
        let (n, k, c) = (draw.size(1, 20), draw.size(1, 700), draw.size(1, 90));
        let (xs, w, bias) = (draw.values(n * k), draw.values(k * 2 * c), draw.values(2 * c));
        let gate = [Activation::Gelu, Activation::TanhGelu, Activation::Silu][draw.size(0, 2)];
        let entry = |row: usize, column: usize| w[row * 2 * c + column];
        let epilogue = Epilogue { bias: Some(&bias), ..Default::default() };
        let plain = linear(&xs, &Packed::new(isa, k, 2 * c, entry), epilogue);
        let right = plain.chunks_exact(2 * c).flat_map(|row| {
            let gates = activate(isa, &row[c..], gate);
            row[..c].iter().zip(gates).map(|(value, gate)| f64::from(*value) * f64::from(gate)).collect::<Vec<_>>()
        });
        let ours = linear(&xs, &Packed::gated(isa, k, c, gate, entry), epilogue);
        assert_close(&ours, &right.collect::<Vec<_>>(), 2e-6, &format!("{isa:?} {n}x{k}x{c} {gate:?}"));
    });
}

/// A convolution by its definition.
fn convolved(shape: Shape, xs: &[f32], size: Size, outputs: usize, w: &[f32], bias: &[f32]) -> Vec<f64> {
    let (height, width) = shape.outputs(size.height, size.width);
    let mut out = Vec::new();
    for at in 0..size.batch * height * width * outputs {
        let (position, o) = (at / outputs, at % outputs);
        let (line, x) = (position / width, position % width);
        let (item, y) = (line / height, line % height);
        let mut sum = f64::from(bias[o]);
        for tap in 0..shape.kernel.0 * shape.kernel.1 {
            let (ty, tx) = (tap / shape.kernel.1, tap % shape.kernel.1);
            let row = (y * shape.stride.0 + ty * shape.dilation.0) as isize - shape.before.0 as isize;
            let column = (x * shape.stride.1 + tx * shape.dilation.1) as isize - shape.before.1 as isize;
            let row = if shape.is_circular { row.rem_euclid(size.height as isize) } else { row };
            if row < 0 || column < 0 || row >= size.height as isize || column >= size.width as isize {
                continue;
            }
            let from = ((item * size.height + row as usize) * size.width + column as usize) * size.channels;
            for i in 0..size.channels {
                let weight = w[(o * size.channels + i) * shape.kernel.0 * shape.kernel.1 + tap];
                sum += f64::from(xs[from + i]) * f64::from(weight);
            }
        }
        out.push(sum);
    }
    out
}

#[test]
fn convolutions_of_any_shape_are_their_definition() {
    everywhere(|isa, draw| {
        let mut pair = |least, most| (draw.size(least, most), draw.size(least, most));
        let (kernel, stride, dilation) = (pair(1, 4), pair(1, 3), pair(1, 3));
        let (before, after) = (pair(0, 3), pair(0, 3));
        let is_circular = draw.chance();
        let shape = Shape { kernel, stride, dilation, before, after, is_circular };
        let size = Size {
            batch: draw.size(1, 2),
            height: draw.size(1, 12),
            width: draw.size(1, 9),
            channels: draw.size(1, 20),
        };
        let outputs = draw.size(1, 70);
        let (xs, bias) = (draw.values(size.values()), draw.values(outputs));
        let w = draw.values(outputs * size.channels * kernel.0 * kernel.1);
        let conv = Conv::new(isa, shape, size.channels, outputs, &w, bias.clone());
        let right = convolved(shape, &xs, size, outputs, &w, &bias);
        let residual = draw.values(right.len());
        let (with_residual, slope) = (draw.chance(), draw.chance().then_some(0.1));
        let then = slope.map(Activation::LeakyRelu);
        let ours = conv.forward(&xs, size, with_residual.then_some(&residual), then);
        let right = right.iter().zip(&residual).map(|(right, residual)| {
            let sum = right + f64::from(u8::from(with_residual)) * f64::from(*residual);
            if sum < 0.0 { sum * f64::from(slope.unwrap_or(1.0)) } else { sum }
        });
        assert_close(&ours, &right.collect::<Vec<_>>(), 2e-6, &format!("{isa:?} {shape:?} {size:?}"));
    });
}

/// Long enough for more than one chunk of rows, with more taps than are summed at once.
#[test]
fn long_convolutions_are_their_definition() {
    for isa in Isa::available() {
        let draw = &mut Draw::new(5);
        let shape = Shape {
            kernel: (13, 1),
            stride: (1, 1),
            dilation: (3, 1),
            before: (18, 0),
            after: (18, 0),
            is_circular: draw.chance(),
        };
        let size = Size { batch: 2, height: 1111, width: 1, channels: 47 };
        let (xs, w) = (draw.values(size.values()), draw.values(70 * 47 * 13));
        let (bias, residual) = (draw.values(70), draw.values(size.positions() * 70));
        let conv = Conv::new(isa, shape, 47, 70, &w, bias.clone());
        let right = convolved(shape, &xs, size, 70, &w, &bias);
        let right: Vec<f64> = right.iter().zip(&residual).map(|(a, b)| a + f64::from(*b)).collect();
        assert_close(&conv.forward(&xs, size, Some(&residual), None), &right, 2e-6, &format!("{isa:?}"));
    }
}

/// Large enough for either tiling, and never a multiple of a tile or a vector on purpose.
#[test]
fn three_by_three_convolutions_are_their_definition() {
    let same = |is_circular| Shape {
        kernel: (3, 3),
        stride: (1, 1),
        dilation: (1, 1),
        before: (1, 1),
        after: (1, 1),
        is_circular,
    };
    for isa in Isa::available() {
        for seed in 0..12 {
            let draw = &mut Draw::new(seed);
            let shape = same(draw.chance());
            let size = Size {
                batch: draw.size(1, 3),
                height: draw.size(3, 40),
                width: draw.size(1, 17),
                channels: draw.size(20, 70),
            };
            let outputs = draw.size(20, 80);
            let (xs, bias) = (draw.values(size.values()), draw.values(outputs));
            let w = draw.values(outputs * size.channels * 9);
            let residual = draw.values(size.positions() * outputs);
            let then = draw.chance().then_some(Activation::LeakyRelu(0.25));
            let conv = Conv::new(isa, shape, size.channels, outputs, &w, bias.clone());
            let ours = conv.forward(&xs, size, Some(&residual), then);
            let right = convolved(shape, &xs, size, outputs, &w, &bias);
            let sums = right.iter().zip(&residual).map(|(a, b)| a + f64::from(*b));
            let right: Vec<f64> = sums.map(|sum| if then.is_some() { sum.max(0.25 * sum) } else { sum }).collect();
            // Tiles of four round coarsely.
            assert_close(&ours, &right, 2e-5, &format!("{isa:?} {shape:?} {size:?}"));
        }
    }
}

#[test]
fn transposed_convolutions_scatter_their_kernel() {
    everywhere(|isa, draw| {
        let (stride, batch, time) = (draw.size(1, 5), draw.size(1, 3), draw.size(1, 20));
        let kernel = stride + draw.size(0, 7);
        let padding = draw.size(0, kernel.div_ceil(2) - 1).min((time - 1) * stride / 2);
        let (inputs, outputs) = (draw.size(1, 20), draw.size(1, 20));
        let (xs, w) = (draw.values(batch * time * inputs), draw.values(inputs * outputs * kernel));
        let bias = draw.values(outputs);
        let conv = ConvTranspose::new(isa, (inputs, outputs, kernel), stride, padding, &w, &bias);
        let whole = (time - 1) * stride + kernel;
        let mut right = vec![0.0; batch * whole * outputs];
        for at in 0..batch * time * inputs {
            let (step, input) = (at / inputs, at % inputs);
            let (item, t) = (step / time, step % time);
            for (k, o) in (0..kernel).flat_map(|k| (0..outputs).map(move |o| (k, o))) {
                right[(item * whole + t * stride + k) * outputs + o] +=
                    f64::from(xs[at]) * f64::from(w[(input * outputs + o) * kernel + k]);
            }
        }
        let cut =
            right.chunks_exact(whole * outputs).flat_map(|item| &item[padding * outputs..(whole - padding) * outputs]);
        let right: Vec<f64> = cut.enumerate().map(|(i, x)| x + f64::from(bias[i % outputs])).collect();
        assert_close(&conv.forward(&xs, batch, time), &right, 2e-6, &format!("{isa:?} k{kernel} s{stride} p{padding}"));
    });
}

/// Attention by its definition; `score` makes a score of a product, given item, head, query and key.
fn attended(
    size: Heads,
    (q, k, v): (&[f32], &[f32], &[f32]),
    score: impl Fn(f64, (usize, usize, usize, usize)) -> f64,
) -> Vec<f64> {
    let c = size.heads * size.width;
    let mut right = vec![0.0; q.len()];
    for (item, row) in (0..size.batch).flat_map(|item| (0..size.queries).map(move |row| (item, row))) {
        for head in 0..size.heads {
            let at = (item * size.queries + row) * c + head * size.width;
            let key = |j: usize| (item * size.keys + j) * c + head * size.width;
            let dot = |j: usize| (0..size.width).map(|i| f64::from(q[at + i]) * f64::from(k[key(j) + i])).sum::<f64>();
            let scores: Vec<f64> = (0..size.keys).map(|j| score(dot(j), (item, head, row, j))).collect();
            let most = scores.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
            let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let total: f64 = weights.iter().sum();
            for i in 0..size.width {
                let mixed: f64 = weights.iter().enumerate().map(|(j, w)| w * f64::from(v[key(j) + i])).sum();
                right[at + i] = mixed / total;
            }
        }
    }
    right
}

#[test]
fn attention_is_a_softmax_of_products() {
    everywhere(|isa, draw| {
        let size = Heads {
            batch: draw.size(1, 2),
            queries: draw.size(1, 70),
            keys: if draw.chance() { draw.size(1, 40) } else { draw.size(500, 1100) },
            heads: draw.size(1, 3),
            width: draw.size(1, 40),
        };
        let c = size.heads * size.width;
        let (q, k) = (draw.values(size.batch * size.queries * c), draw.values(size.batch * size.keys * c));
        let v = draw.values(k.len());
        let bias: Vec<f32> = (0..size.batch * size.keys).map(|i| if i % 7 == 3 { -10_000.0 } else { 0.0 }).collect();
        let bias = draw.chance().then_some(&bias[..]);
        // Large scores, or every softmax is nearly flat.
        let q: Vec<f32> = q.iter().map(|x| x * 6.0).collect();
        let right = attended(size, (&q, &k, &v), |product, (item, _, _, key)| {
            product / (size.width as f64).sqrt() + bias.map_or(0.0, |bias| f64::from(bias[item * size.keys + key]))
        });
        let ours = attention(isa, size, &q, &k, &v, bias.map_or(Scores::Scaled, Scores::Biased));
        assert_close(&ours, &right, 4e-6, &format!("{isa:?} {size:?}"));
    });
}

#[test]
fn attention_by_distance_adds_what_belongs_to_head_and_distance() {
    everywhere(|isa, draw| {
        let tokens = if draw.size(0, 9) > 0 { draw.size(1, 70) } else { draw.size(500, 600) };
        let (batch, heads, width) = (draw.size(1, 2), draw.size(1, 3), draw.size(1, 40));
        let size = Heads { batch, queries: tokens, keys: tokens, heads, width };
        let mut values = || draw.values(batch * tokens * heads * width);
        let (q, k, v) = (values(), values(), values());
        let (distances, scale) = (2 * tokens - 1, [1.0, 0.3][draw.size(0, 1)]);
        let bias: Vec<f32> = draw.values(heads * distances).iter().map(|x| x * 4.0).collect();
        let right = attended(size, (&q, &k, &v), |product, (_, head, query, key)| {
            product * f64::from(scale) + f64::from(bias[head * distances + key + tokens - 1 - query])
        });
        let ours = attention(isa, size, &q, &k, &v, Scores::ByDistance { bias: &bias, scale });
        assert_close(&ours, &right, 4e-6, &format!("{isa:?} {size:?}"));
    });
}

#[test]
fn group_norm_has_no_mean_and_unit_deviation_and_then_what_it_learnt() {
    everywhere(|isa, draw| {
        let (groups, width) = (draw.size(1, 5), draw.size(1, 9));
        let c = groups * width;
        let size = Size { batch: draw.size(1, 3), height: draw.size(1, 30), width: draw.size(1, 10), channels: c };
        // Far from zero: variances must not cancel.
        let xs: Vec<f32> = draw.values(size.values()).iter().map(|x| x + 100.0).collect();
        let affine = Affine { scale: draw.values(c), shift: draw.values(c) };
        let (before, modulation) = (draw.values(size.batch * c), draw.values(size.batch * 2 * c));
        let before = draw.chance().then_some(&before[..]);
        let modulation = draw.chance().then_some(&modulation[..]);
        let then = Then { modulation, silu: draw.chance() };
        let item = size.height * size.width;
        let input = |b: usize, p: usize, i: usize| {
            f64::from(xs[(b * item + p) * c + i]) + before.map_or(0.0, |before| f64::from(before[b * c + i]))
        };
        let right = (0..xs.len()).map(|at| {
            let (b, p, i) = (at / c / item, at / c % item, at % c);
            let first = i / width * width;
            let group =
                || (0..item).flat_map(|p| (first..first + width).map(move |i| (p, i))).map(|(p, i)| input(b, p, i));
            let count = (item * width) as f64;
            let mean = group().sum::<f64>() / count;
            let variance = group().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
            let y = (input(b, p, i) - mean) / (variance + 1e-5).sqrt();
            let y = y * f64::from(affine.scale[i]) + f64::from(affine.shift[i]);
            let (by, plus) =
                modulation.map_or((1.0, 0.0), |m| (1.0 + f64::from(m[b * 2 * c + i]), f64::from(m[b * 2 * c + c + i])));
            let y = y * by + plus;
            if then.silu { y / (1.0 + (-y).exp()) } else { y }
        });
        let ours = group_norm(isa, &xs, size, (groups, 1e-5), &affine, before, then);
        assert_close(&ours, &right.collect::<Vec<_>>(), 3e-4, &format!("{isa:?} {size:?} {groups}"));
    });
}

#[test]
fn layer_norm_is_its_definition_for_all_items_or_each() {
    everywhere(|isa, draw| {
        let (batch, rows, c) = (draw.size(1, 3), draw.size(1, 300), draw.size(1, 90));
        let xs = draw.values(batch * rows * c);
        let items = if draw.chance() { batch } else { 1 };
        let items: Vec<_> = (0..items).map(|_| Affine { scale: draw.values(c), shift: draw.values(c) }).collect();
        let right = xs.chunks_exact(c).enumerate().flat_map(|(i, row)| {
            let row = wide(row);
            let mean = row.iter().sum::<f64>() / c as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / c as f64;
            let affine = &items[i / rows % items.len()];
            row.into_iter().enumerate().map(move |(i, x)| {
                (x - mean) / (variance + 1e-3).sqrt() * f64::from(affine.scale[i]) + f64::from(affine.shift[i])
            })
        });
        let ours = layer_norm(isa, &xs, 1e-3, &items);
        assert_close(&ours, &right.collect::<Vec<_>>(), 1e-5, &format!("{isa:?} {batch}x{rows}x{c}"));
    });
}

#[test]
fn what_is_added_is_gated_for_all_items_or_each() {
    everywhere(|isa, draw| {
        let (batch, rows, c) = (draw.size(1, 3), draw.size(1, 300), draw.size(1, 90));
        let (xs, ys) = (draw.values(batch * rows * c), draw.values(batch * rows * c));
        let items = if draw.chance() { batch } else { 1 };
        let gates = draw.values(items * c);
        let right: Vec<f64> = (0..xs.len())
            .map(|i| {
                let gate = gates[i / c / rows % items * c + i % c];
                f64::from(xs[i]) + f64::from(ys[i]) * (1.0 + f64::from(gate))
            })
            .collect();
        let ours = add_gated(isa, &xs, &ys, &gates, c);
        assert_close(&ours, &right, 1e-6, &format!("{isa:?} {batch}x{rows}x{c}"));
    });
}

#[test]
fn rms_norm_leaves_the_mean_and_divides_by_the_root_of_the_mean_square() {
    everywhere(|isa, draw| {
        let (rows, c) = (draw.size(1, 300), draw.size(1, 90));
        let (xs, scale) = (draw.values(rows * c), draw.values(c));
        let xs: Vec<f32> = xs.iter().map(|x| x + 3.0).collect();
        let right = xs.chunks_exact(c).flat_map(|row| {
            let size = (wide(row).iter().map(|x| x * x).sum::<f64>() / c as f64 + 1e-3).sqrt();
            row.iter().zip(&scale).map(move |(x, scale)| f64::from(*x) / size * f64::from(*scale)).collect::<Vec<_>>()
        });
        let ours = rms_norm(isa, &xs, 1e-3, &scale);
        assert_close(&ours, &right.collect::<Vec<_>>(), 1e-6, &format!("{isa:?} {rows}x{c}"));
    });
}

#[test]
fn softmax_sums_to_one_and_keeps_ratios() {
    everywhere(|isa, draw| {
        let (rows, c) = (draw.size(1, 300), draw.size(1, 200));
        let xs: Vec<f32> = draw.values(rows * c).iter().map(|x| x * 30.0).collect();
        let right = xs.chunks_exact(c).flat_map(|row| {
            let most = row.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
            let weights: Vec<f64> = row.iter().map(|x| f64::from(x - most).exp()).collect();
            let total: f64 = weights.iter().sum();
            weights.into_iter().map(move |w| w / total)
        });
        assert_close(&softmax(isa, &xs, c), &right.collect::<Vec<_>>(), 1e-6, &format!("{isa:?} {rows}x{c}"));
    });
}

#[test]
fn a_mean_is_the_sum_over_the_number() {
    everywhere(|isa, draw| {
        let (count, length) = (draw.size(1, 4), draw.size(1, 40_000));
        let all: Vec<Vec<f32>> = (0..count).map(|_| draw.values(length)).collect();
        let right: Vec<f64> =
            (0..length).map(|i| all.iter().map(|xs| f64::from(xs[i])).sum::<f64>() / count as f64).collect();
        let ours = mean(isa, &all.iter().map(|xs| &xs[..]).collect::<Vec<_>>());
        assert_close(&ours, &right, 1e-6, &format!("{isa:?} {count} of {length}"));
    });
}

#[test]
fn maps_are_joined_and_enlarged_position_by_position() {
    let draw = &mut Draw::new(1);
    let (a, b) = (draw.values(3000 * 5), draw.values(3000 * 8));
    let joined = concatenate(&a, &b, 3000);
    for (i, row) in joined.chunks_exact(13).enumerate() {
        assert_eq!((&row[..5], &row[5..]), (&a[i * 5..i * 5 + 5], &b[i * 8..i * 8 + 8]));
    }
    let size = Size { batch: 2, height: 5, width: 3, channels: 4 };
    let xs = draw.values(size.values());
    let larger = upsample_nearest(&xs, size, 9, 7);
    for (i, c) in larger.chunks_exact(4).enumerate() {
        let (item, y, x) = (i / 63, i / 7 % 9, i % 7);
        let from = ((item * 5 + y * 5 / 9) * 3 + x * 3 / 7) * 4;
        assert_eq!(c, &xs[from..from + 4]);
    }
}

/// What makes a clip the same on every machine with the same instruction set.
#[test]
fn the_number_of_threads_changes_no_bit() {
    let draw = &mut Draw::new(3);
    let size = Size { batch: 2, height: 37, width: 11, channels: 48 };
    let (xs, w) = (draw.values(size.values()), draw.values(48 * 48 * 9));
    let (k5, affine) = (draw.values(48 * 48 * 25), Affine { scale: draw.values(48), shift: draw.values(48) });
    let distances = draw.values(3 * (2 * 407 - 1));
    let same = |kernel: usize| Shape {
        kernel: (kernel, kernel),
        stride: (1, 1),
        dilation: (1, 1),
        before: (kernel / 2, kernel / 2),
        after: (kernel / 2, kernel / 2),
        is_circular: true,
    };
    let all = || {
        let isa = Isa::best();
        let ys = Conv::new(isa, same(3), 48, 48, &w, vec![0.5; 48]).forward(&xs, size, None, None);
        let ys = Conv::new(isa, same(5), 48, 48, &k5, vec![0.5; 48]).forward(&ys, size, Some(&ys), None);
        let ys = group_norm(isa, &ys, size, (6, 1e-5), &affine, None, Then { silu: true, modulation: None });
        let heads = Heads { batch: 2, queries: 407, keys: 407, heads: 3, width: 16 };
        let ys = attention(isa, heads, &ys, &ys, &ys, Scores::ByDistance { bias: &distances, scale: 0.5 });
        let ys = attention(isa, heads, &ys, &ys, &ys, Scores::Scaled);
        let ys = rms_norm(isa, &ys, 1e-5, &affine.scale);
        layer_norm(isa, &ys, 1e-5, std::slice::from_ref(&affine)).iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    let run = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(all);
    let one = run(1);
    for threads in [2, 3, 7] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

/// A function of vectors, of one value.
macro_rules! of_one {
    ($isa:expr, $function:path, $x:expr) => {{
        struct One(f32);
        impl simd::Task for One {
            type Output = f32;
            #[inline(always)]
            fn run<I: simd::Simd>(self, s: I) -> f32 {
                let mut lanes = [0.0; 16];
                // SAFETY: no vector has more lanes.
                unsafe { s.store(lanes.as_mut_ptr(), $function(s, s.splat(self.0))) };
                lanes[0]
            }
        }
        $isa.run(One($x))
    }};
}

#[test]
fn exp_is_that_of_the_standard_library() {
    for isa in Isa::available() {
        for x in (-17_000..=17_000).map(|i| i as f32 * 0.005).chain([-86.5, 87.9]) {
            let (ours, right) = (f64::from(of_one!(isa, activation::exp, x)), f64::from(x).exp());
            assert!((ours - right).abs() <= 2.5e-7 * right, "{isa:?} {x}");
        }
        assert_eq!(of_one!(isa, activation::exp, 0.0), 1.0);
        assert!(of_one!(isa, activation::exp, f32::NEG_INFINITY) < 2e-38);
        assert!(of_one!(isa, activation::exp, f32::INFINITY) > 1e38);
        assert!(of_one!(isa, activation::exp, f32::NAN).is_nan());
    }
}

/// Twice the standard normal distribution, to six digits.
///
/// Source: Abramowitz and Stegun, table 7.1: the error function at 0.5, 1, 1.5 and 2.
#[test]
fn gelu_is_x_times_the_normal_distribution() {
    for isa in Isa::available() {
        for (u, erf) in [(0.0, 0.0), (0.5, 0.520_5), (1.0, 0.842_701), (1.5, 0.966_105), (2.0, 0.995_322)] {
            let x = u * std::f32::consts::SQRT_2;
            assert!((of_one!(isa, activation::gelu, x) - x * (1.0 + erf) / 2.0).abs() < 1e-6, "{isa:?} {x}");
            assert!((of_one!(isa, activation::gelu, -x) + x * (1.0 - erf) / 2.0).abs() < 1e-6, "{isa:?} -{x}");
        }
        assert_eq!(of_one!(isa, activation::gelu, 30.0), 30.0);
        assert!(of_one!(isa, activation::gelu, f32::NAN).is_nan() && of_one!(isa, activation::silu, f32::NAN).is_nan());
    }
}

#[test]
fn silu_is_x_times_its_sigmoid() {
    for isa in Isa::available() {
        for x in (-2000..=2000).map(|i| i as f32 * 0.05) {
            let right = f64::from(x) / (1.0 + (-f64::from(x)).exp());
            assert!(
                (f64::from(of_one!(isa, activation::silu, x)) - right).abs() < 4e-7 * right.abs().max(1.0),
                "{isa:?} {x}"
            );
        }
    }
}

#[test]
fn tanh_gelu_is_its_definition() {
    for isa in Isa::available() {
        for x in (-2000..=2000).map(|i| i as f32 * 0.01) {
            let wide = f64::from(x);
            let u = (2.0 / std::f64::consts::PI).sqrt() * (wide + 0.044_715 * wide.powi(3));
            let right = 0.5 * wide * (1.0 + u.tanh());
            let ours = f64::from(of_one!(isa, activation::tanh_gelu, x));
            assert!((ours - right).abs() < 4e-7 * right.abs().max(1.0), "{isa:?} {x}: {ours} instead of {right}");
        }
        assert!(of_one!(isa, activation::tanh_gelu, f32::NAN).is_nan());
    }
}
