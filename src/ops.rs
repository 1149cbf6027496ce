//! The one seam for heavy operations.
//!
//! Model code calls these and nothing of `candle_nn` directly. On the CPU, in f32, they run kernels of our own; on other
//! devices and types they are stock candle, but for the traps that measurements found: there a transposed convolution is
//! always run without padding and then trimmed.
//!
//! Activations are `(b, c, h, w)` for pictures and latents, `(b, c, t)` for sound and `(b, n, c)` for tokens. The kernels
//! leave maps *channel-last*: shapes stay as they are, but the values of a position lie side by side, as in PyTorch's
//! memory format of that name. Operations take any layout, and copy what is not channel-last; so models use these
//! operations from end to end and add with [`Conv2d::forward_add`] and [`Linear::forward_add`], where nothing is copied.

mod activation;
mod attention;
mod conv;
mod floats;
mod linear;
mod map;
mod norm;

pub use activation::{add_gated, geglu, gelu, leaky_relu, silu, softmax};
pub use attention::{attention, attention_by_distance};
pub use conv::{Conv1d, Conv2d, Conv2dConfig, ConvTranspose1d, TimePadding};
pub use linear::{Gate, GatedLinear, Linear, linear, linear_no_bias, together};
pub use map::{concatenate, from_tokens, mean, tokens, upsample_nearest};
pub use norm::{GroupNorm, LayerNorm, RmsNorm, modulated_layer_norm};
