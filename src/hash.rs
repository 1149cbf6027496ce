//! SHA-256 as text: 64 lower-case hexadecimal digits, by which files, pictures and bundles are known.

use sha2::{Digest, Sha256};

/// Of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

/// Of all that `hash` was given.
pub fn hex(hash: Sha256) -> String {
    format!("{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second message of FIPS 180-2, appendix B; its digest has bytes that begin with 0.
    #[test]
    fn a_hash_is_what_the_standard_says() {
        let digest = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
        let message = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(sha256(message), digest);
        let mut hash = Sha256::new();
        message.chunks(5).for_each(|part| hash.update(part));
        assert_eq!(hex(hash), digest);
    }
}
