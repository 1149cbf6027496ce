//! Latents to sound.

pub mod hifi_gan;
pub mod wave;
