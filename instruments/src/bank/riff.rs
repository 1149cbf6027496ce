//! Chunks of a RIFF file, every length checked against what is there.

use std::ops::Range;

/// A chunk: what it is called and where its contents lie in the file.
pub(crate) struct Chunk {
    pub(crate) id: [u8; 4],
    pub(crate) body: Range<usize>,
}

/// The chunks within `span` of `bytes`.
///
/// # Errors
///
/// In words, if one reaches beyond it.
pub(crate) fn chunks(bytes: &[u8], span: Range<usize>) -> Result<Vec<Chunk>, String> {
    let mut chunks = Vec::new();
    let mut at = span.start;
    while at + 8 <= span.end {
        let id = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let length = u32_at(bytes, at + 4) as usize;
        let body = at + 8..(at + 8).saturating_add(length);
        if body.end > span.end {
            let missing = body.end - span.end;
            return Err(format!("its chunk {} lacks {missing} bytes; copy or download it again", id.escape_ascii()));
        }
        // Chunks begin at even places, but for those of writers that forgot; no name begins with a zero.
        let is_padded = length % 2 == 1 && bytes.get(body.end) == Some(&0);
        at = body.end + usize::from(is_padded);
        chunks.push(Chunk { id, body });
    }
    Ok(chunks)
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
