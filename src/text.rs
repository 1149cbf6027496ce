//! Prompt to embeddings.
