//! A row's id: one number for its partition and offset in `logs.raw`, in the order of a page.
//!
//! Ids of the seed's table are kept: they are below 2^31 there (`SERIAL`), and all others above. An id is below 2^53 for
//! offsets below 2^40 (a trillion records a partition), as clients in JavaScript need it.

/// The partition under which rows stand that the seed's program had stored.
pub const SEED_PARTITION: u32 = 4095;

/// Bits of a partition's number.
pub(crate) const PARTITION_BITS: u32 = 12;
/// The first id that is not the seed's.
pub(crate) const FIRST: i64 = 1 << 31;

/// The id of a row, by partition (below 4,095) and offset.
pub fn row_id(partition: u32, offset: u64) -> i64 {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX >> PARTITION_BITS);
    if partition == SEED_PARTITION {
        return offset;
    }
    (offset << PARTITION_BITS | i64::from(partition)).saturating_add(FIRST)
}

/// Partition and offset of an id.
pub(crate) fn place(id: i64) -> (u32, u64) {
    match id.checked_sub(FIRST) {
        Some(rest) if rest >= 0 => ((rest & i64::from(SEED_PARTITION)) as u32, (rest >> PARTITION_BITS).unsigned_abs()),
        _ => (SEED_PARTITION, id.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_a_page_and_come_back() {
        let places = [(0, 0), (1, 0), (4094, 0), (0, 1), (7, 1), (0, 1 << 40)];
        let ids: Vec<i64> = places.iter().map(|&(partition, offset)| row_id(partition, offset)).collect();
        assert!(ids.is_sorted() && ids[0] >= FIRST && ids[4] < 1 << 53, "{ids:?}");
        for (id, wanted) in ids.into_iter().zip(places) {
            assert_eq!(place(id), wanted);
        }
        assert_eq!((row_id(SEED_PARTITION, 42), place(42)), (42, (SEED_PARTITION, 42)));
    }
}
