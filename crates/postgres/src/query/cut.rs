//! `until`: rows below some positions. Ids say where a row stood in the raw log.

use whittle_history::Positions;

use crate::identity::{FIRST, PARTITION_BITS, row_id};

/// Conditions on ids by positions that leave something out.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    below: String,
    lowest: i64,
}

impl Cut {
    /// Rows below `until`, where not all rows are.
    pub(crate) fn of(until: Option<&Positions>, head: &Positions) -> Option<Cut> {
        let until = until?;
        let end = |partition: &u32| until.get(partition).copied().unwrap_or(0);
        if head.iter().all(|(partition, next)| end(partition) >= *next) {
            return None;
        }
        let mask = (1 << PARTITION_BITS) - 1;
        let of = head
            .keys()
            .map(|partition| format!("(id & {mask}) = {partition} AND id < {}", row_id(*partition, end(partition))));
        let below = std::iter::once(format!("id < {FIRST}")).chain(of).collect::<Vec<_>>().join(" OR ");
        let lowest = head.keys().map(|partition| row_id(*partition, end(partition))).min().unwrap_or(FIRST);
        Some(Cut { below: format!("({below})"), lowest })
    }

    /// The condition that a row is below.
    pub(crate) fn below(cut: Option<&Cut>) -> &str {
        cut.map_or("true", |cut| &cut.below)
    }

    /// The condition that it is not.
    pub(crate) fn above(&self) -> String {
        format!("(id >= {} AND NOT {})", self.lowest, self.below)
    }
}
