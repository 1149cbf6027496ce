//! The variational autoencoder of latent diffusion, for pictures and for mel spectrograms alike.
