//! What an entry holds, as a function of its number, so that every byte of it can be checked.

use bytes::Bytes;

pub fn of(id: u64, len: usize) -> Bytes {
    let mut rng = fastrand::Rng::with_seed(id);
    let mut body = vec![0; len];
    rng.fill(&mut body);
    body.into()
}
