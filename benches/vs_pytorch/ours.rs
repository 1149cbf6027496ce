//! Our side: what a case does, built from the weights and inputs that the other side wrote.

mod networks;
mod operations;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::cases::Work;
/// Does the case once.
pub type Call = Box<dyn FnMut() -> Result<Tensor>>;

/// A case in the layouts that we can be given it in, by name; the first is the plainest.
pub type Variants = Vec<(&'static str, Call)>;

/// Builds `work`; `tensors` holds `weights.*` and `inputs.*`, or gives zeros of any shape.
pub fn build(work: &Work, tensors: &VarBuilder) -> std::result::Result<Variants, Box<dyn std::error::Error>> {
    let (weights, inputs) = (tensors.pp("weights"), tensors.pp("inputs"));
    match work {
        Work::Music { .. }
        | Work::Image
        | Work::Picture { .. }
        | Work::Text { .. }
        | Work::Unet { .. }
        | Work::Dit { .. }
        | Work::MelDecoder { .. }
        | Work::HifiGan { .. } => networks::build(work, weights, inputs),
        _ => Ok(operations::build(work, weights, inputs)?),
    }
}

fn plain(call: impl FnMut() -> Result<Tensor> + 'static) -> Variants {
    vec![("plain", boxed(call))]
}

fn boxed(call: impl FnMut() -> Result<Tensor> + 'static) -> Call {
    Box::new(call)
}

/// The same call on `xs` as it is and with its channels last.
fn layouts(xs: Tensor, call: impl Fn(&Tensor) -> Result<Tensor> + Clone + 'static) -> Result<Variants> {
    let (last, other) = (channels_last(&xs)?, call.clone());
    Ok(vec![("plain", boxed(move || call(&xs))), ("channels last", boxed(move || other(&last)))])
}

/// The same tensor `(b, c, ..)`, in memory `(b, .., c)`.
fn channels_last(xs: &Tensor) -> Result<Tensor> {
    match xs.rank() {
        4 => xs.permute((0, 2, 3, 1))?.contiguous()?.permute((0, 3, 1, 2)),
        3 => xs.transpose(1, 2)?.contiguous()?.transpose(1, 2),
        _ => Ok(xs.clone()),
    }
}
