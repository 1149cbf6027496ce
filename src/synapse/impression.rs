//! What a picture shows to the music, in words.

use candle_core::{D, DType, Result, Tensor, bail};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// From how likely on a place, hour or weather is said.
const SURE: f32 = 0.5;
/// Valence and energy below the first are dark or calm, above the second bright or lively.
const MIDDLE: (f32, f32) = (0.42, 0.58);

/// What a picture reader tells apart; each is a phrase, such as "a castle", "at dusk", "in a storm".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderConfig {
    /// Where.
    pub places: Vec<String>,
    /// When.
    pub hours: Vec<String>,
    /// In what weather.
    pub weathers: Vec<String>,
}

/// Tells what the global path says of a picture.
///
/// Source: `bundles/mini/recipe/picture_reader.py`.
#[derive(Debug, Clone)]
pub struct PictureReader {
    config: ReaderConfig,
    /// `(p, n)`: log odds of each place, hour and weather, then valence and energy.
    weight: Tensor,
    /// `(n,)`.
    bias: Tensor,
}

/// What a picture shows to the music: what was not there to be heard is not there to be said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impression {
    /// Where, when and in what weather, as far as it is sure, and the mood.
    pub words: String,
    /// How pleasant, 0 dark to 1 bright.
    pub valence: f32,
    /// How lively, 0 calm to 1 driving.
    pub energy: f32,
    /// The likeliest of each, and how likely.
    pub place: (String, f32),
    /// See [`place`](Self::place).
    pub hour: (String, f32),
    /// See [`place`](Self::place).
    pub weather: (String, f32),
}

impl PictureReader {
    /// Reads `reader.weight (p, n)` and `reader.bias (n,)`.
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape, or a list of the configuration is empty.
    pub fn new(config: &ReaderConfig, vb: &VarBuilder) -> Result<Self> {
        let lists = [&config.places, &config.hours, &config.weathers];
        if lists.iter().any(|list| list.is_empty()) {
            bail!("synapse.reader should have places, hours and weathers")
        }
        let outputs = lists.iter().map(|list| list.len()).sum::<usize>() + 2;
        let weight = vb.get_unchecked_dtype("reader.weight", DType::F32)?;
        let bias = vb.get_unchecked_dtype("reader.bias", DType::F32)?;
        if weight.dims().len() != 2 || weight.dim(1)? != outputs || bias.dims() != [outputs] {
            bail!("reader.weight {:?} and reader.bias {:?} should end in {outputs}", weight.dims(), bias.dims())
        }
        Ok(Self { config: config.clone(), weight, bias })
    }

    /// What the global path's vector `(1, p)` says.
    ///
    /// # Errors
    ///
    /// Another width; the device's own.
    pub fn read(&self, global: &Tensor) -> Result<Impression> {
        let global = global.to_dtype(DType::F32)?.to_device(self.weight.device())?;
        let outputs = global.matmul(&self.weight)?.broadcast_add(&self.bias)?.squeeze(0)?;
        let ReaderConfig { places, hours, weathers } = &self.config;
        let (hour, weather) = (places.len(), places.len() + hours.len());
        let place = likeliest(&outputs, 0, places)?;
        let (hour, weather) = (likeliest(&outputs, hour, hours)?, likeliest(&outputs, weather, weathers)?);
        let mood = outputs.narrow(0, outputs.dim(0)? - 2, 2)?.clamp(0f32, 1f32)?.to_vec1::<f32>()?;
        let words = words([&place, &hour, &weather], [mood[0], mood[1]]);
        Ok(Impression { words, valence: mood[0], energy: mood[1], place, hour, weather })
    }
}

/// The likeliest of names whose log odds begin at a number, and how likely it is.
fn likeliest(outputs: &Tensor, first: usize, names: &[String]) -> Result<(String, f32)> {
    let chances = candle_nn::ops::softmax(&outputs.narrow(0, first, names.len())?, D::Minus1)?.to_vec1::<f32>()?;
    let best = chances.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    Ok(best.map_or_else(Default::default, |(at, chance)| (names[at].clone(), *chance)))
}

fn words(told: [&(String, f32); 3], [valence, energy]: [f32; 2]) -> String {
    let sure: Vec<&str> =
        told.into_iter().filter(|(_, chance)| *chance >= SURE).map(|(name, _)| name.as_str()).collect();
    let of = |value: f32, low: &'static str, high: &'static str| match value {
        value if value < MIDDLE.0 => Some(low),
        value if value > MIDDLE.1 => Some(high),
        _ => None,
    };
    let mood = [of(valence, "dark", "bright"), of(energy, "calm", "lively")];
    let mood = mood.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    let mood = if mood.is_empty() { "neither dark nor bright".to_string() } else { mood };
    if sure.is_empty() { mood } else { format!("{}; {mood}", sure.join(" ")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use candle_core::Device;
    use std::collections::HashMap;

    fn reader() -> PictureReader {
        let config = ReaderConfig {
            places: vec!["a castle".into(), "the sea".into()],
            hours: vec!["at night".into(), "by day".into()],
            weathers: vec!["in the rain".into(), "in the snow".into(), "in a storm".into()],
        };
        // The first number of a picture says where, when and how bright; the second the weather and how lively.
        let weight = [[9f32, -9., -9., 9., 0., 0., 0., 0.5, 0.], [0., 0., 0., 0., -0.2, 0., 0.2, 0., 0.5]];
        let tensors = HashMap::from([
            ("reader.weight".to_string(), Tensor::new(&weight, &Device::Cpu).unwrap()),
            ("reader.bias".to_string(), Tensor::new(&[0f32, 0., 0., 0., 0., 0., 0., 0.5, 0.5], &Device::Cpu).unwrap()),
        ]);
        PictureReader::new(&config, &VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)).unwrap()
    }

    fn impression(values: [f32; 2]) -> Impression {
        reader().read(&Tensor::new(&[values], &Device::Cpu).unwrap()).unwrap()
    }

    #[test]
    fn what_is_sure_is_said_and_nothing_else() {
        assert_eq!(impression([1.0, 0.9]).words, "a castle by day; bright and lively");
        assert_eq!(impression([-1.0, -3.0]).words, "the sea at night in the rain; dark and calm");
        assert_eq!(impression([0.05, 0.0]).words, "a castle by day; neither dark nor bright");
        let unsure = impression([0.0, 0.0]);
        assert!((unsure.weather.1 - 1.0 / 3.0).abs() < 1e-6 && (unsure.valence, unsure.energy) == (0.5, 0.5));
    }

    #[test]
    fn a_reader_that_does_not_fit_is_refused() {
        let config =
            ReaderConfig { places: Vec::new(), hours: vec!["at night".into()], weathers: vec!["in fog".into()] };
        let vb = VarBuilder::from_tensors(HashMap::new(), DType::F32, &Device::Cpu);
        assert!(PictureReader::new(&config, &vb).is_err());
        assert!(reader().read(&Tensor::zeros((1, 3), DType::F32, &Device::Cpu).unwrap()).is_err());
    }
}
