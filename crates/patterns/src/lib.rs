//! A log line in, a stable pattern id out, without training.
//!
//! A line is *scanned* once into literal text and variables. Its **form** is the
//! literal text with every variable as a hole; a form's id is the hash of that
//! text and never changes. Forms that say the same thing are grouped into a
//! **pattern**, whose id is the lowest of its forms' ids.

mod id;

pub use id::{FormId, PatternId};
