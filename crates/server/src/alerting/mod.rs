//! Notifications: from the alert engine's notices to the world outside, through an outbox on disk.

mod settings;

pub use settings::{AlertSettings, WebhookSettings};
