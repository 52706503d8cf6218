//! What can be said of a pattern without a model.
