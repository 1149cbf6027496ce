//! Classifier-free guidance.

use candle_core::{DType, Result, Tensor};

/// How far a step goes past what the model says without being told anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guidance {
    /// Weight of everything that is told; 1 is no guidance.
    pub strength: f64,
    /// Weight of the words, where they are asked of apart from the picture.
    pub words: f64,
}

impl Guidance {
    /// What the model says, as it is.
    pub const NONE: Self = Self { strength: 1.0, words: 1.0 };

    /// `strength`, of which guidance adds `times` as much to the words as to a picture of full influence.
    pub fn new(strength: f64, times: f64, influence: f64) -> Self {
        Self { strength, words: strength + (strength - 1.0).max(0.0) * (times - 1.0) * influence }
    }

    /// The same, with `share` (0..=1) of the weight that `next` gives the words.
    pub fn towards(self, next: Self, share: f64) -> Self {
        Self { words: (1.0 - share) * self.words + share * next.words, ..self }
    }

    /// The guided output `(1, ...)` of `(p, ...)`: what the model says when told nothing, the words, everything; nothing and
    /// everything; or everything, which stays as it is.
    ///
    /// Source: Brooks et al., "InstructPix2Pix", CVPR 2023, section 3.2.1.
    pub fn guide(self, said: &Tensor) -> Result<Tensor> {
        let part = |i| said.narrow(0, i, 1);
        match said.dim(0)? {
            1 => Ok(said.clone()),
            2 => part(0)? + ((part(1)? - part(0)?)? * self.strength)?,
            _ => (part(0)? + ((part(1)? - part(0)?)? * self.words)?)? + ((part(2)? - part(1)?)? * self.strength)?,
        }
    }

    /// As [`guide`](Self::guide), with `share` of the spread that guidance adds taken back.
    pub fn rescaled(self, said: &Tensor, share: f64) -> Result<Tensor> {
        let parts = said.dim(0)?;
        if parts == 1 {
            return Ok(said.clone());
        }
        rescale(self.guide(said)?, &said.narrow(0, parts - 1, 1)?, share)
    }
}

/// Pulls the spread of the guided output back towards that of the conditional one; strong guidance inflates it.
///
/// Source: Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", WACV 2024, section 3.4.
fn rescale(guided: Tensor, with: &Tensor, share: f64) -> Result<Tensor> {
    if share == 0.0 {
        return Ok(guided);
    }
    let spread = |xs: &Tensor| xs.flatten_all()?.var(0)?.to_dtype(DType::F64)?.to_scalar::<f64>();
    let (wanted, found) = (spread(with)?.sqrt(), spread(&guided)?.sqrt());
    if found == 0.0 {
        return Ok(guided);
    }
    guided * (share * wanted / found + 1.0 - share)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use candle_core::Device;

    use super::*;

    fn guided(strength: f64, times: f64, influence: f64, said: &[f32]) -> f32 {
        let said = Tensor::from_vec(said.to_vec(), (said.len(), 1), &Device::Cpu).unwrap();
        Guidance::new(strength, times, influence).guide(&said).unwrap().flatten_all().unwrap().to_vec1().unwrap()[0]
    }

    #[test]
    fn words_and_picture_are_each_followed_with_a_weight_of_their_own() {
        // Nothing says 0, the words add 1, the picture 10.
        assert_eq!(guided(3.0, 1.0, 1.0, &[0.0, 1.0, 11.0]), 33.0);
        assert_eq!(guided(3.0, 1.0, 1.0, &[0.0, 11.0]), 33.0, "as together");
        assert_eq!(guided(3.0, 2.0, 1.0, &[0.0, 1.0, 11.0]), 35.0, "two more of guidance are four");
        assert_eq!(guided(3.0, 2.0, 0.5, &[0.0, 1.0, 11.0]), 34.0);
        assert_eq!(guided(0.0, 2.0, 1.0, &[7.0, 1.0, 11.0]), 7.0, "nothing that is told counts");
        assert_eq!(guided(9.0, 2.0, 1.0, &[11.0]), 11.0);
    }
}
