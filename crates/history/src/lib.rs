//! Rows in, rows out: columnar files with rollups behind a trait.
