//! What is known about rows without looking at them.

/// Whether rows match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// None does.
    No,
    /// It depends on the row.
    Maybe,
    /// All do.
    Yes,
}

impl Verdict {
    pub(crate) fn of(known: bool) -> Self {
        if known { Verdict::Yes } else { Verdict::No }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Verdict::No => Verdict::Yes,
            Verdict::Maybe => Verdict::Maybe,
            Verdict::Yes => Verdict::No,
        }
    }
}
