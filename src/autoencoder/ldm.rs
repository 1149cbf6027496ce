//! The key layout of CompVis' latent-diffusion, which AudioLDM and Tango inherited.

use candle_core::{Result, Tensor};
use std::collections::HashMap;

/// The tensors of an autoencoder of `levels` levels under diffusers' names and in diffusers' shapes.
///
/// Keys that are not of this layout (a vocoder's, or diffusers' own) are left as they are.
///
/// # Errors
///
/// The device's own.
pub fn from_ldm(tensors: HashMap<String, Tensor>, levels: usize) -> Result<HashMap<String, Tensor>> {
    tensors
        .into_iter()
        .map(|(key, tensor)| {
            let name = rename(&key, levels);
            // Attention was written as 1x1 convolutions; diffusers has linear layers.
            let tensor = match *tensor.dims() {
                [outputs, inputs, 1, 1] if name.contains(".attentions.") => tensor.reshape((outputs, inputs))?,
                _ => tensor,
            };
            Ok((name, tensor))
        })
        .collect()
}

/// The diffusers name of a latent-diffusion key, of an autoencoder of `levels` levels; any other key unchanged.
///
/// ```
/// # use melfusion::autoencoder::rename;
/// assert_eq!(rename("decoder.up.2.block.0.nin_shortcut.bias", 3), "decoder.up_blocks.0.resnets.0.conv_shortcut.bias");
/// assert_eq!(rename("encoder.mid.attn_1.proj_out.bias", 3), "encoder.mid_block.attentions.0.to_out.0.bias");
/// assert_eq!(rename("vocoder.conv_pre.bias", 3), "vocoder.conv_pre.bias");
/// ```
pub fn rename(key: &str, levels: usize) -> String {
    let parts: Vec<&str> = key.split('.').collect();
    let [half @ ("encoder" | "decoder"), rest @ ..] = parts.as_slice() else {
        return key.to_string();
    };
    match renamed(rest, levels) {
        Some(name) => format!("{half}.{name}"),
        None => key.to_string(),
    }
}

/// The part of a key after `encoder.` or `decoder.`; `None` if it is not of this layout.
fn renamed(parts: &[&str], levels: usize) -> Option<String> {
    Some(match parts {
        ["norm_out", kind] => format!("conv_norm_out.{kind}"),
        ["mid", "block_1", layer, kind] => format!("mid_block.resnets.0.{}.{kind}", res_layer(layer)),
        ["mid", "block_2", layer, kind] => format!("mid_block.resnets.1.{}.{kind}", res_layer(layer)),
        ["mid", "attn_1", layer, kind] => format!("mid_block.attentions.0.{}.{kind}", attention_layer(layer)?),
        ["down", i, "block", j, layer, kind] => format!("down_blocks.{i}.resnets.{j}.{}.{kind}", res_layer(layer)),
        ["down", i, "downsample", "conv", kind] => format!("down_blocks.{i}.downsamplers.0.conv.{kind}"),
        ["up", i, "block", j, layer, kind] => {
            format!("up_blocks.{}.resnets.{j}.{}.{kind}", from_coarsest(i, levels)?, res_layer(layer))
        }
        ["up", i, "upsample", "conv", kind] => {
            format!("up_blocks.{}.upsamplers.0.conv.{kind}", from_coarsest(i, levels)?)
        }
        _ => return None,
    })
}

/// Latent-diffusion counts the decoder's levels from the finest, diffusers from the coarsest.
fn from_coarsest(level: &str, levels: usize) -> Option<usize> {
    levels.checked_sub(1)?.checked_sub(level.parse().ok()?)
}

fn res_layer(name: &str) -> &str {
    match name {
        "nin_shortcut" => "conv_shortcut",
        other => other,
    }
}

fn attention_layer(name: &str) -> Option<&'static str> {
    Some(match name {
        "norm" => "group_norm",
        "q" => "to_q",
        "k" => "to_k",
        "v" => "to_v",
        "proj_out" => "to_out.0",
        _ => return None,
    })
}
