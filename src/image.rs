//! Picture to latents.
