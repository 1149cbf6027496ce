//! Whether the stages of a bundle can be joined.

use crate::bundle::Manifest;
use crate::decoder::DecoderConfig;
use crate::synapse::{Pool, Synapse};

/// Compares what one stage gives with what the next one takes; what is wrong, for people.
pub(super) fn check(manifest: &Manifest, synapse: &Synapse) -> Result<(), String> {
    let (text, image, music) = (&manifest.text.encoder, &manifest.image, &manifest.music);
    same("image.vae.latent_channels", image.vae.latent_channels, "image.unet.in_channels", image.unet.in_channels)?;
    same("image.unet.in_channels", image.unet.in_channels, "image.unet.out_channels", image.unet.out_channels)?;
    let name = music.denoiser.name();
    same("text.t5.d_model", text.t5.d_model, &format!("the width of words of {name}"), music.denoiser.text_width())?;
    let (seen, heard) = (image.unet.decoder_widths(), music.denoiser.decoder_widths());
    if seen != heard {
        return Err(format!("no synapse joins decoder layers of widths {seen:?} (image) and {heard:?} (music)"));
    }
    same(
        "the length of alpha",
        synapse.layers(),
        &format!("the number of {name}'s layers for a picture"),
        heard.len(),
    )?;
    if let Pool::Grid { height, width } = manifest.synapse.pool
        && text.tokens != Some(height * width)
    {
        return Err(format!("synapse.pool of {height} by {width} wants text.tokens = {}", height * width));
    }
    let (channels, rows) = match &manifest.decoder.config {
        DecoderConfig::Score(score) => (score.channels(), score.rows()),
        DecoderConfig::Wave(wave) => (wave.autoencoder.latent_channels, wave.latent_rows()),
    };
    same("music.latent.channels", music.latent.channels, "the decoder's", channels)?;
    same("music.latent.rows", music.latent.rows, "the decoder's", rows)
}

fn same(what: &str, value: usize, other: &str, theirs: usize) -> Result<(), String> {
    if value == theirs { Ok(()) } else { Err(format!("{what} is {value}, but {other} is {theirs}")) }
}
