//! Pictures from files, as the image model wants them.

mod picture;

pub use self::picture::Picture;
