//! The mel spectrogram of a loop against the recipe's.

use crate::golden::{Golden, assert_close};
use candle_core::{Device, Tensor};
use melfusion::audio::mel::{MelBank, MelConfig};

fn bank() -> MelBank {
    MelBank::new(&MelConfig::default())
}

fn like(values: Vec<f32>, reference: &Tensor) -> Tensor {
    Tensor::from_vec(values, reference.shape(), &Device::Cpu).unwrap()
}

#[test]
fn filter_bank_matches_the_recipe() {
    let golden = Golden::open("mel");
    let mut bands = vec![0.; 128];
    bank().project(&vec![1.; 1025], &mut bands);
    assert_close(&like(bands, &golden.get("band_sums")), &golden.get("band_sums"), 1e-5);
}

#[test]
fn beat_mel_matches_the_recipe() {
    let golden = Golden::open("mel");
    let (mono, reference) = (golden.get("mono").to_vec1::<f32>().unwrap(), golden.get("beat_mel"));
    let mel = bank().beat_mel(&mono, reference.dim(0).unwrap());
    assert_close(&like(mel, &reference), &reference, 1e-4);
}
