//! The engine's state as bytes of a checkpoint: a version, then JSON packed with zstd.

use std::io::Read;

use bytes::Bytes;
use whittle_domain::alerts::EngineState;

const VERSION: u8 = 1;
/// Bytes of the unpacked state: ten thousand windows have some ten megabytes.
const MAX_UNPACKED: u64 = 256 << 20;

/// Why a state cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A newer program wrote it.
    #[error("the alert state has format {0}, this program knows {VERSION}; run the newer version of whittle")]
    Newer(u8),
    /// It is not what was written.
    #[error("the alert state cannot be read: {0}")]
    Damaged(String),
}

/// Packs a state.
pub(super) fn encode(state: &EngineState) -> Bytes {
    // A state is plain data, which always becomes JSON, and memory always takes what is packed.
    let json = serde_json::to_vec(state).unwrap_or_default();
    let mut bytes = vec![VERSION];
    bytes.extend(zstd::bulk::compress(&json, 1).unwrap_or_default());
    bytes.into()
}

/// Unpacks a state.
///
/// # Errors
/// [`StateError::Newer`] and [`StateError::Damaged`].
pub(super) fn decode(bytes: &[u8]) -> Result<EngineState, StateError> {
    let damaged = |error: &dyn std::fmt::Display| StateError::Damaged(error.to_string());
    match bytes.split_first() {
        None => Err(damaged(&"it is empty")),
        Some((&version, _)) if version > VERSION => Err(StateError::Newer(version)),
        Some((_, packed)) => {
            let decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(|error| damaged(&error))?;
            let mut json = Vec::new();
            decoder.take(MAX_UNPACKED).read_to_end(&mut json).map_err(|error| damaged(&error))?;
            serde_json::from_slice(&json).map_err(|error| damaged(&error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_and_a_damaged_or_newer_one_is_refused() {
        let state = EngineState { positions: [(0, 7), (3, u64::MAX)].into(), windows: Vec::new() };
        let bytes = encode(&state);
        assert_eq!(decode(&bytes), Ok(state));
        assert_eq!(decode(&[2, 0]), Err(StateError::Newer(2)));
        for bytes in [&bytes[..bytes.len() - 1], &bytes[..1], &[], b"\x01{}"] {
            assert!(matches!(decode(bytes), Err(StateError::Damaged(_))), "{bytes:?}");
        }
    }
}
