//! Log generators, a fake model server and fault hooks for tests and benches.
pub mod corpus;
