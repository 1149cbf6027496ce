//! The one seam for heavy operations.
//!
//! Model code calls these and nothing of `candle_nn` directly, so that faster kernels can take their place without
//! touching a model. Activations are `(b, c, h, w)` for pictures and latents, `(b, c, t)` for sound and
//! `(b, n, c)` for tokens. Everything here is stock candle, but for the traps that measurements found:
//! a transposed convolution is always run without padding and then trimmed.

mod activation;
mod attention;
mod conv;
mod linear;
mod norm;

pub use activation::{geglu, gelu, silu, softmax};
pub use attention::attention;
pub use conv::{Conv1d, Conv2d, Conv2dConfig, ConvTranspose1d, TimePadding};
pub use norm::{GroupNorm, LayerNorm};

pub use linear::{Linear, linear, linear_no_bias};
