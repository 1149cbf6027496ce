//! Between latents and the notes that they are a rotation of, where what is seen is weighed as Bayes' rule has it.
//!
//! A bit is whether a note begins, or sounds, at a pitch of a part. Latents are noisy sums of bits; turned back, every bit is
//! seen with Gaussian noise of known size, and what that tells of it is added exactly to what the network expects of it. All
//! columns of a pitch are then weighed together ([`Chain`]). So the network, narrower than a column, need not carry what is plain
//! to see, nor learn what a note is.
//!
//! In f32 throughout: log odds are large and small ones count.
//!
//! Source: `Rolls` of `bundles/mini/recipe/dit.py`.

use candle_core::{D, DType, Result, Tensor, bail};
use candle_nn::VarBuilder;
use candle_nn::ops::sigmoid;

use super::DitConfig;
use super::chain::Chain;

/// Log odds of what is known.
const SURE: f64 = 10.0;
/// Log odds of what is seen, at most: of what is hardly noisy they have no end.
const SUREST: f64 = 20.0;
/// That is told apart from none.
const LEAST_CHANCE: f64 = 1e-6;
/// Value of an onset without any loudness.
const QUIETEST: f64 = 0.6;
/// What full loudness adds to it.
const RANGE: f64 = 0.4;
/// Of the loudness of a part's onsets.
const LOUDNESS_VARIANCE: f64 = 0.01;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Rolls {
    parts: Vec<Turn>,
    chain: Chain,
    /// Of the rolls, and of bits that are on; log odds where nothing is known: `(bits)` each.
    mean: Tensor,
    on: Tensor,
    average: Tensor,
    /// How large noise of unit size is on each bit, squared, `(bits)`.
    size: Tensor,
    /// Which part a bit is of, and 1 where it is an onset, `(bits)` each.
    row: Tensor,
    is_onset: Tensor,
    /// Of the numbers that are no notes, `(rest)`.
    variance: Tensor,
    /// Cumulated alphas of every timestep.
    alphas: Vec<f64>,
}

/// One part's rotation.
#[derive(Debug, Clone)]
struct Turn {
    /// Components to bits, `(components, bits)`.
    basis: Tensor,
    /// Bits to components, `(bits, components)`.
    analysis: Tensor,
}

/// What is given of noisy latents.
pub(super) struct Seen {
    /// Components of all parts, `(b, t, components)`.
    pub notes: Tensor,
    /// Dynamics, codes and the clip's numbers, `(b, t, rest)`.
    pub rest: Tensor,
    /// Cumulated alpha.
    pub alpha: f64,
    /// Noisy rolls times the root of alpha, `(b, t, bits)`.
    turned: Tensor,
}

/// What a network says of them: log odds of beginnings and of sounding on, to be added `(b, t, bits)`, accents `(b, t, parts)` and what a linear guess of the
/// velocity leaves `(b, t, rest)`.
pub(super) struct Said {
    pub odds: Tensor,
    pub accents: Tensor,
    pub rest: Tensor,
}

impl Rolls {
    /// Reads `rolls.*` and `alphas (timesteps)`.
    ///
    /// # Errors
    ///
    /// A key that is missing, has another shape or values out of range.
    pub fn new(config: &DitConfig, vb: &VarBuilder) -> Result<Self> {
        let (vb, bits) = (vb.to_dtype(DType::F32), config.bits());
        let alphas = vb.get(config.timesteps, "alphas")?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        if alphas.is_empty() || !alphas.iter().all(|alpha| (0.0..1.0).contains(alpha)) {
            bail!("a DiT whose alphas are not all from 0 to below 1");
        }
        let vb = vb.pp("rolls");
        let turn = |(r, components): (usize, usize)| -> Result<Turn> {
            let basis = vb.get((components, config.row_bits[r]), &format!("basis{r}"))?;
            let squares = basis.sqr()?.sum_keepdim(1)?;
            Ok(Turn { analysis: basis.broadcast_div(&squares)?.t()?.contiguous()?, basis })
        };
        let parts = config.components().into_iter().enumerate().map(turn).collect::<Result<Vec<_>>>()?;
        let device = vb.device();
        let per_bit = |value: &dyn Fn(usize, usize) -> f32| {
            let rows = config.row_bits.iter().enumerate();
            let values: Vec<f32> = rows.flat_map(|(r, &bits)| (0..bits).map(move |i| value(r, i))).collect();
            Tensor::from_vec(values, bits, device)
        };
        let sizes = parts.iter().map(|part| part.basis.sqr()?.sum(1)?.mean_all()?.to_scalar::<f32>());
        let sizes = sizes.collect::<Result<Vec<_>>>()?;
        let chain = Chain::new(config, &vb.get((3, config.row_onsets.iter().sum()), "chance")?)?;
        let rows = config.row_bits.iter().enumerate();
        let row: Vec<u32> = rows.flat_map(|(r, &bits)| std::iter::repeat_n(r as u32, bits)).collect();
        Ok(Self {
            parts,
            mean: vb.get(bits, "mean")?,
            on: vb.get(bits, "on")?,
            average: log_odds(&Tensor::new(chain.average(), device)?)?,
            chain,
            size: per_bit(&|r, _| sizes[r])?,
            row: Tensor::new(row, device)?,
            is_onset: per_bit(&|r, i| f32::from(u8::from(i < config.row_onsets[r])))?,
            variance: vb.get(config.rest(), "variance")?,
            alphas,
        })
    }

    /// How many parts have notes.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Noisy components and other numbers at a timestep.
    pub fn seen(&self, notes: Tensor, rest: Tensor, timestep: f64) -> Result<Seen> {
        let Some(&alpha) = self.alphas.get(timestep.round() as usize) else {
            bail!("timestep {timestep} of a DiT that knows {}", self.alphas.len());
        };
        let turned = self.turn(&notes)?.affine(alpha.sqrt(), 0.0)?.broadcast_add(&(&self.mean * alpha)?)?;
        Ok(Seen { notes, rest, alpha, turned })
    }

    /// How much more likely each bit is on than off by what is seen of it alone, as log odds `(b, t, bits)`; of what is `known`,
    /// components `(b, t, components)` whose rows a mask `(b, t, parts)` says, with certainty.
    pub fn evidence(&self, seen: &Seen, known: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let half = (self.on.sqr()? * (seen.alpha / 2.0))?;
        let weighed = seen.turned.broadcast_mul(&self.on)?.broadcast_sub(&half)?;
        let own = weighed.broadcast_div(&(&self.size * (1.0 - seen.alpha))?)?.clamp(-SUREST, SUREST)?;
        let threshold = (&self.on / 2.0)?;
        let is_on = self.turn(known)?.broadcast_add(&self.mean)?.broadcast_gt(&threshold)?.to_dtype(DType::F32)?;
        let sure = is_on.affine(2.0 * SURE, -SURE)?;
        self.of_rows(mask)?.gt(0.0)?.where_cond(&sure, &own)
    }

    /// The evidence of all columns together as the network sees it: weak evidence as it is, strong evidence as 0 or 1.
    pub fn shown(&self, evidence: &Tensor) -> Result<Tensor> {
        let more = log_odds(&self.chain.likely(evidence, None)?)?.broadcast_sub(&self.average)?;
        sigmoid(&(more - 2.0)?)?.affine(4.0, -0.5)
    }

    /// The velocity of components and other numbers, `(b, t, components + rest)`.
    pub fn velocity(&self, seen: &Seen, evidence: &Tensor, said: &Said) -> Result<Tensor> {
        let likely = self.chain.likely(evidence, Some(&said.odds))?;
        let rolls = (likely * self.loudness(seen, &said.accents)?)?.broadcast_sub(&self.mean)?;
        let mut first = 0;
        let mut clean = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let bits = part.analysis.dim(0)?;
            clean.push(through(&rolls.narrow(D::Minus1, first, bits)?, &part.analysis)?);
            first += bits;
        }
        let noise = (1.0 - seen.alpha).sqrt();
        let notes = ((&seen.notes * (seen.alpha.sqrt() / noise))? - (Tensor::cat(&clean, 2)? / noise)?)?;
        let rest = (seen.rest.broadcast_mul(&self.linear_guess(seen.alpha)?)? + &said.rest)?;
        Tensor::cat(&[notes, rest], 2)
    }

    /// What the best linear guess of a velocity multiplies the numbers that are no notes by, `(rest)`.
    fn linear_guess(&self, alpha: f64) -> Result<Tensor> {
        self.variance.affine(-1.0, 1.0)?.affine((alpha * (1.0 - alpha)).sqrt(), 0.0)?
            / self.variance.affine(alpha, 1.0 - alpha)?
    }

    /// Value `(b, t, bits)` of what is on: of onsets between what is expected in the part and what is seen, of the rest 1.
    fn loudness(&self, seen: &Seen, accents: &Tensor) -> Result<Tensor> {
        let expected = self.of_rows(accents)?.affine(RANGE, QUIETEST)?;
        let noise = (&self.size * (1.0 - seen.alpha))?;
        let value = ((&seen.turned * LOUDNESS_VARIANCE)? + expected.broadcast_mul(&noise)?)?;
        let value = value.broadcast_div(&noise.affine(1.0, seen.alpha * LOUDNESS_VARIANCE)?)?;
        let value = value.clamp(QUIETEST, QUIETEST + RANGE)?;
        // 1 where it is no onset.
        (value - 1.0)?.broadcast_mul(&self.is_onset)? + 1.0
    }

    /// Components `(b, t, components)` as rolls `(b, t, bits)` without their means.
    fn turn(&self, notes: &Tensor) -> Result<Tensor> {
        let mut first = 0;
        let mut rolls = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let components = part.basis.dim(0)?;
            rolls.push(through(&notes.narrow(D::Minus1, first, components)?, &part.basis)?);
            first += components;
        }
        Tensor::cat(&rolls, 2)
    }

    /// Values of every part `(b, t, parts, ...)` as those of its bits `(b, t, bits)`.
    fn of_rows(&self, values: &Tensor) -> Result<Tensor> {
        values.contiguous()?.index_select(&self.row, 2)
    }
}

/// Log odds of chances, of those that are told apart from none and from certainty.
fn log_odds(chances: &Tensor) -> Result<Tensor> {
    let chances = chances.clamp(LEAST_CHANCE, 1.0 - LEAST_CHANCE)?;
    chances.log()? - chances.affine(-1.0, 1.0)?.log()?
}

/// `(b, t, n)` times `(n, m)`.
fn through(xs: &Tensor, matrix: &Tensor) -> Result<Tensor> {
    let (b, t, n) = xs.dims3()?;
    xs.reshape((b * t, n))?.matmul(matrix)?.reshape((b, t, ()))
}
