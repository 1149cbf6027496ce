//! The visual synapse.
