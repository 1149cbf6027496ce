//! The mix: what a desk, a room and its players' places do to the parts.

mod bus;
mod circular;
mod dynamics;
mod room;
mod seat;
mod shelf;

pub(crate) use self::bus::compress;
pub(crate) use self::dynamics::swell;
pub(crate) use self::room::Room;
pub(crate) use self::seat::Seat;
pub(crate) use self::shelf::colour;
