//! Fetches a selection's data: at once, or in pieces (ICCCM 2.7.2).

use x11rb::protocol::xproto::*;

use super::{Result, Warden};

/// Data under way in the helper's property.
#[derive(Debug, Default)]
pub struct Transfer {
    data: Vec<u8>,
    in_pieces: bool,
}

impl Transfer {
    /// The owner has answered. Returns the data, or `None` if it comes in pieces.
    pub fn begin(&mut self, warden: &Warden) -> Result<Option<Vec<u8>>> {
        let (kind, data) = take(warden)?;
        self.in_pieces = kind == warden.atoms.INCR;
        Ok((!self.in_pieces).then_some(data))
    }

    /// The property has a new value. Returns all data with the last, empty piece.
    pub fn go_on(&mut self, warden: &Warden) -> Result<Option<Vec<u8>>> {
        if !self.in_pieces {
            return Ok(None);
        }
        let (_, piece) = take(warden)?;
        let last = piece.is_empty();
        self.data.extend(piece);
        Ok(last.then(|| std::mem::take(&mut self.data)))
    }
}

/// Deleting the property asks for the next piece.
fn take(warden: &Warden) -> Result<(Atom, Vec<u8>)> {
    let property = warden.atoms._MELFUSION_DROP;
    let everything = u32::MAX / 4;
    let request = warden.connection.get_property(true, warden.helper, property, AtomEnum::ANY, 0, everything)?;
    let reply = request.reply()?;
    Ok((reply.type_, reply.value))
}
