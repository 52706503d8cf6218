//! The history in PostgreSQL: the seed's table `logs` for everyone's own SQL, and beside it what makes answers exact and quick.
//!
//! ```text
//! logs               the rows, a partition a day of receipt; retention drops partitions
//! logs_current       the same with what is known of each row's pattern now
//! whittle.series     source × level × form: what every row and every count points to
//! whittle.fresh      counts by minute and series, as they were written with their rows
//! whittle.minutes    the same, added up;  whittle.hours, whittle.dates  the same by hour and date
//! whittle.positions  up to where each partition of `logs.raw` is stored
//! ```
//!
//! Rows, counts and positions change in one transaction, and the positions only from what the writer took them to be: what
//! was stored is never stored again, and a consumer that lost its partition is told so by the database itself.
//!
//! A question is judged on the series first, as the files do it: some match for certain and are counted without reading a
//! row, some cannot match, and of the others the rows are read and judged by the same evaluator. So both histories answer alike.
//!
//! Nothing here connects before it has to, and everything is tried again: a database that is away is an
//! [`Unavailable`](whittle_history::WriteError::Unavailable) until it is back.

mod address;
mod connection;
mod copy;
mod identity;
mod literal;
mod pool;
mod query;
mod schema;
mod series;
mod settings;
mod shared;
mod store;
mod takeover;
mod text;
mod tidy;
mod tls;
mod write;

pub use address::{Address, BadAddress};
pub use identity::{SEED_PARTITION, row_id};
pub use settings::Settings;
pub use store::{OpenError, Opened, PgHistory};
