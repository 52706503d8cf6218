//! The only crate with effects.
