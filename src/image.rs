//! Pictures from files, as the image model wants them.

mod crop;
mod picture;
mod words;

pub use self::crop::Crop;
pub use self::picture::Picture;
