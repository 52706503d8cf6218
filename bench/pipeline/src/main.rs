//! `make bench`: what the whole program costs, beside its goals.
//!
//! Starts the release binary as a child, drives it over loopback, and reads its CPU seconds, its memory and its files from
//! outside. Machines are shared: a fixed job beside each figure (the yardstick) says how fast this machine was just then.

mod args;
mod bodies;
mod drive;
mod figure;
mod latency;
mod machine;
mod null_server;
mod report;
mod sections;
mod yardstick;

use clap::Parser;

use args::{Args, Command};

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match args.command {
        Some(Command::NullServer) => null_server::run(),
        None => sections::run(&args),
    }
}
