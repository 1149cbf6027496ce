//! How many numbers a bundle's weights are.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};

use melfusion::bundle::Bundle;
use melfusion::error::Error;
use safetensors::tensor::Metadata;

/// Longest header of a safetensors file, as the format has it.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// Counts the numbers in all tensors of a bundle's file. Of a file on disk only the header is read.
///
/// # Errors
///
/// [`Error::Bundle`]: it cannot be read or is no safetensors file.
pub fn parameters(bundle: &Bundle, name: &str) -> Result<u64, Error> {
    let path = bundle.location().join(name);
    let header = match bundle.location().is_dir() {
        true => File::open(&path).and_then(read_header).map(Cow::Owned),
        // Built in: borrowed, however long it is.
        false => Ok(bundle.bytes(name)?),
    };
    let counted = header.and_then(|header| count(&header));
    counted
        .map_err(|error| Error::Bundle { path, problem: format!("cannot be read ({error}); install the bundle again") })
}

/// The length in 8 bytes, little endian, and as many bytes of JSON.
fn read_header(mut file: File) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let mut header = length.to_vec();
    file.take(u64::from_le_bytes(length).min(MAX_HEADER_BYTES)).read_to_end(&mut header)?;
    Ok(header)
}

fn count(file: &[u8]) -> io::Result<u64> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "no safetensors file");
    let (length, rest) = file.split_first_chunk::<8>().ok_or_else(bad)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| bad())?;
    let header: Metadata = serde_json::from_slice(rest.get(..length).ok_or_else(bad)?)?;
    let numbers = |shape: &[usize]| shape.iter().fold(1_u64, |product, &side| product.saturating_mul(side as u64));
    Ok(header.tensors().values().fold(0, |sum, tensor| sum.saturating_add(numbers(&tensor.shape))))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use safetensors::tensor::{Dtype, TensorView};

    use super::*;

    #[test]
    fn every_tensor_counts() {
        let view =
            |shape: &[usize]| TensorView::new(Dtype::U8, shape.to_vec(), &[0; 6][..shape.iter().product()]).unwrap();
        let about = Some([("licence".to_string(), "MIT".to_string())].into());
        let file = safetensors::serialize([("a", view(&[2, 3])), ("b", view(&[]))], about).unwrap_or_default();
        assert_eq!(count(&file).unwrap(), 7);
    }

    #[test]
    fn what_is_no_safetensors_file_is_refused() {
        for file in [&b"short"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff{}", b"\x02\0\0\0\0\0\0\0[]"] {
            assert!(count(file).is_err(), "{file:?}");
        }
    }
}
