//! The model worker: asks an OpenAI-compatible server what a pattern means. Nobody waits for it.

mod settings;

pub use settings::ModelSettings;
