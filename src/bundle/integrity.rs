//! Whether a file is what it should be.

use safetensors::{Dtype, SafeTensors};

/// Checks that `bytes` are safetensors, that every tensor lies within them and that every number is finite.
pub(super) fn check_tensors(bytes: &[u8]) -> Result<(), String> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("no intact safetensors file ({error}); install the bundle again"))?;
    for (name, tensor) in tensors.iter() {
        if !is_finite(tensor.dtype(), tensor.data()) {
            return Err(format!("tensor {name} holds numbers that are not finite; install the bundle again"));
        }
    }
    Ok(())
}

/// Whether no element is infinite or not a number, which in IEEE formats have all bits of the exponent set.
fn is_finite(dtype: Dtype, data: &[u8]) -> bool {
    match dtype {
        Dtype::F16 => none(data, |bytes| u16::from_le_bytes(bytes) & 0x7c00 == 0x7c00),
        Dtype::BF16 => none(data, |bytes| u16::from_le_bytes(bytes) & 0x7f80 == 0x7f80),
        Dtype::F32 => none(data, |bytes| u32::from_le_bytes(bytes) & 0x7f80_0000 == 0x7f80_0000),
        Dtype::F64 => none(data, |bytes| !f64::from_le_bytes(bytes).is_finite()),
        _ => true,
    }
}

/// Looks at every element, since a loop without a way out becomes vector code.
fn none<const N: usize>(data: &[u8], is_bad: impl Fn([u8; N]) -> bool) -> bool {
    let (elements, _) = data.as_chunks::<N>();
    !elements.iter().fold(false, |bad, bytes| bad | is_bad(*bytes))
}
