//! The embedded bus: the laws that every bus obeys, and what no other could be tested for, on a simulated disk that loses
//! power, fails and fills up.

#[path = "embedded/faults.rs"]
mod faults;
#[path = "embedded/killed.rs"]
mod killed;
mod laws;
#[path = "embedded/laws_hold.rs"]
mod laws_hold;
#[path = "embedded/model.rs"]
mod model;
#[path = "embedded/power.rs"]
mod power;
#[path = "embedded/races.rs"]
mod races;
#[path = "embedded/scenes.rs"]
mod scenes;
mod simulation;
