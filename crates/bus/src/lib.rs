//! Bytes in, bytes out: a durable segmented log behind a trait.
