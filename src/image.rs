//! Picture to latents.

mod picture;

pub use self::picture::Picture;
