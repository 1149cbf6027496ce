//! Latents to sound.
