//! What every port shares: serving, refusals, health, origins.

pub mod health;
pub mod origin;
pub mod patient;
pub mod refusal;
pub mod retry;
pub mod serve;

pub use health::{Health, Readiness, Warnings};
pub use origin::Origins;
pub use refusal::Refusal;
pub use serve::{Course, Routes, bind, serve};
