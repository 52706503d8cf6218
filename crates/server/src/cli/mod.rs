//! The subcommands that do something by themselves, apart from the roles of the server.

pub mod demo;
pub mod patterns;
pub mod send;
