//! What every port shares: serving, refusals, health, origins.

pub mod health;
//ORIGIN pub mod origin;
pub mod refusal;
pub mod serve;

pub use health::{Health, Readiness};
pub use refusal::Refusal;
pub use serve::{bind, serve};
