//! The embedded bus: the laws that every bus obeys, and what no other could be tested for, on a simulated disk that loses
//! power, fails and fills up.

#[path = "embedded/faults.rs"]
mod faults;
#[path = "embedded/power.rs"]
mod power;
mod simulation;
