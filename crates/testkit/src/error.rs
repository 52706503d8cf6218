//! What goes wrong in a test's or a bench's own means.

/// An error of the kit, in a sentence that says what was waited for or tried.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KitError(pub String);

/// A result of the kit.
pub type Result<T> = std::result::Result<T, KitError>;

impl KitError {
    /// An error while something was tried.
    pub fn while_trying(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> KitError {
        move |error| KitError(format!("{what}: {error}"))
    }
}
