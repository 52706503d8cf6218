//! Pieces of SQL: arguments, ranges of time, sets of series. Text of users goes in arguments alone.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
const EPOCH: i64 = 946_684_800_000_000;
/// The year 10000: no timestamp is as late.
const END: i64 = 253_402_300_800_000_000;

/// Microseconds since 1970 as TIMESTAMPTZ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Micros(pub(crate) i64);

impl ToSql for Micros {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.saturating_sub(EPOCH).to_sql(&Type::INT8, out)?;
        debug_assert_eq!(*ty, Type::TIMESTAMPTZ);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Micros {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Micros(i64::from_sql(&Type::INT8, raw)?.saturating_add(EPOCH)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

/// Arguments of a statement, in order.
#[derive(Default)]
pub(crate) struct Args(pub(crate) Vec<(Box<dyn ToSql + Sync + Send>, Type)>);

impl Args {
    /// Adds one; gives how the statement names it.
    fn push(&mut self, value: impl ToSql + Sync + Send + 'static, ty: Type) -> String {
        self.0.push((Box::new(value), ty));
        format!("${}", self.0.len())
    }

    pub(crate) fn time(&mut self, micros: i64) -> String {
        self.push(Micros(micros), Type::TIMESTAMPTZ)
    }

    pub(crate) fn text(&mut self, text: impl Into<String>) -> String {
        self.push(text.into(), Type::TEXT)
    }

    pub(crate) fn ints(&mut self, numbers: Vec<i32>) -> String {
        self.push(numbers, Type::INT4_ARRAY)
    }

    pub(crate) fn bigints(&mut self, numbers: Vec<i64>) -> String {
        self.push(numbers, Type::INT8_ARRAY)
    }

    pub(crate) fn times(&mut self, micros: impl Iterator<Item = i64>) -> String {
        self.push(micros.map(Micros).collect::<Vec<_>>(), Type::TIMESTAMPTZ_ARRAY)
    }
}

/// A stretch of time: at or after `from`, before `to`, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Span {
    /// The stretch that a filter asks for.
    pub(crate) fn of(from: Option<i64>, to: Option<i64>) -> Span {
        Span { from: from.unwrap_or(0).clamp(0, END), to: to.unwrap_or(END).clamp(0, END) }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.from >= self.to
    }

    pub(crate) fn and(self, other: Span) -> Span {
        Span { from: self.from.max(other.from), to: self.to.min(other.to) }
    }

    pub(crate) fn contains(self, micros: i64) -> bool {
        (self.from..self.to).contains(&micros)
    }

    /// The condition on `timestamp`.
    pub(crate) fn sql(self, args: &mut Args) -> String {
        match (self.from > 0, self.to < END) {
            (false, false) => "true".to_owned(),
            (true, false) => format!("timestamp >= {}", args.time(self.from)),
            (false, true) => format!("timestamp < {}", args.time(self.to)),
            (true, true) => format!("timestamp >= {} AND timestamp < {}", args.time(self.from), args.time(self.to)),
        }
    }
}

/// A set of series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// Every one that there is.
    All,
    /// These.
    These(Vec<i32>),
}

impl Which {
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Which::These(none) if none.is_empty())
    }

    /// The condition on `series`.
    pub(crate) fn sql(&self, args: &mut Args) -> String {
        match self {
            Which::All => "true".to_owned(),
            Which::These(ids) => format!("series = ANY({})", args.ints(ids.clone())),
        }
    }
}
