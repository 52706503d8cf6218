//! One question: a connection, a snapshot, a time by which it has to end, and somebody who may stop waiting.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use whittle_history::{Budget, Positions, Total};

use super::sql::Args;
use crate::connection::DbError;
use crate::pool::Lease;
use crate::series::AllSeries;
use crate::shared::{Shared, lock, positions};

/// Between two looks whether somebody still waits.
const LOOK: Duration = Duration::from_millis(20);
/// Time beyond the budget for the rows of a page whose count is not whole.
const GRACE: Duration = Duration::from_secs(2);
/// Rows between two looks at the clock.
const ROWS: u32 = 512;

/// A question goes no further.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Its time is over: it answers with what it has.
    Partial,
    /// It holds as much as it may: it answers with that.
    Full,
    /// Nobody waits any more.
    Cancelled,
    /// The database is away.
    Away(String),
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Stop::Away(error.0)
    }
}

impl From<tokio_postgres::Error> for Stop {
    fn from(error: tokio_postgres::Error) -> Self {
        DbError::from(error).into()
    }
}

/// The question.
pub(crate) struct Ask<'a> {
    pub(crate) shared: &'a Shared,
    budget: &'a Budget,
    lease: Option<Lease<'a>>,
    deadline: Instant,
    partial: RefCell<Option<String>>,
    /// All series of the snapshot.
    pub(crate) series: Arc<AllSeries>,
    /// Up to where rows are stored in the snapshot.
    pub(crate) head: Positions,
}

impl<'a> Ask<'a> {
    /// Takes a connection and a snapshot.
    pub(crate) async fn begin(shared: &'a Shared, budget: &'a Budget) -> Result<Self, Stop> {
        if budget.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        shared.prepare().await?;
        let deadline = Instant::now() + budget.cpu;
        let (series, head) = Default::default();
        let mut ask = Ask { shared, budget, lease: None, deadline, partial: RefCell::default(), series, head };
        ask.snapshot().await?;
        Ok(ask)
    }

    async fn snapshot(&mut self) -> Result<(), Stop> {
        let lease = self.shared.pool.lease().await?;
        // The server ends by itself what nobody can cancel.
        let limit = self.budget.cpu.saturating_add(GRACE * 2).as_millis().min(3_600_000);
        let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {limit}");
        lease.client.batch_execute(&begin).await?;
        let known = lock(&self.shared.series).clone();
        self.series = AllSeries::read(&lease.client, &known).await?;
        *lock(&self.shared.series) = self.series.clone();
        self.head = positions(&lease.client, "whittle.positions").await?;
        self.head.retain(|partition, next| *next > 0 && *partition != crate::SEED_PARTITION);
        self.lease = Some(lease);
        Ok(())
    }

    /// Gives the connection back, or throws it away when something still runs on it.
    pub(crate) async fn end(mut self) {
        let Some(lease) = self.lease.take() else { return };
        if let Ok(Ok(())) = timeout(GRACE, lease.client.batch_execute("ROLLBACK")).await {
            lease.give_back();
        }
    }

    /// Time is over while something ran: breaks that off, and takes a new snapshot with a little time for what is needed to
    /// answer at all.
    async fn last_chance(&mut self) -> Result<(), Stop> {
        self.break_off().await;
        self.deadline = Instant::now() + GRACE;
        let series = self.series.clone();
        self.snapshot().await?;
        // What was judged stays as it was.
        self.series = series;
        Ok(())
    }

    async fn break_off(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.shared.pool.connector.cancel(&lease.client).await;
        }
    }

    /// Whether to go on.
    fn look(&self) -> Result<(), Stop> {
        if self.budget.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        if Instant::now() < self.deadline {
            return Ok(());
        }
        self.note(format!("the query took more than {} ms", self.budget.cpu.as_millis()));
        Err(Stop::Partial)
    }

    /// Keeps the first reason why the answer is not whole.
    fn note(&self, reason: String) {
        self.partial.borrow_mut().get_or_insert(reason);
    }

    /// Bytes that the question may hold.
    pub(crate) fn memory(&self) -> usize {
        self.budget.memory
    }

    /// What something came to, as far as the question goes on; a question that is not whole says so in its total.
    pub(crate) async fn settle(&mut self, done: Result<(), Stop>) -> Result<(), Stop> {
        match done {
            Err(Stop::Partial | Stop::Full) => self.last_chance().await,
            done => done,
        }
    }

    /// A count with what is known of it.
    pub(crate) fn total(&self, count: u64) -> Total {
        match &*self.partial.borrow() {
            None => Total::Exact(count),
            Some(reason) => Total::AtLeast(count, reason.clone()),
        }
    }

    /// All rows of a statement.
    pub(crate) async fn rows(&mut self, sql: &str, args: Args) -> Result<Vec<Row>, Stop> {
        let mut rows = Vec::new();
        self.each(sql, args, |row| {
            rows.push(row);
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// Gives each row of a statement as it comes.
    pub(crate) async fn each(
        &mut self,
        sql: &str,
        args: Args,
        mut give: impl FnMut(Row) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.look()?;
        let Some(lease) = &self.lease else { return Err(Stop::Away("the connection is gone".to_owned())) };
        let params = args.0.iter().map(|(value, ty)| (&**value as &(dyn ToSql + Sync), ty.clone()));
        let params: Vec<(&(dyn ToSql + Sync), Type)> = params.collect();
        let work = async {
            let stream = lease.client.query_typed_raw(sql, params).await?;
            tokio::pin!(stream);
            let mut count = 0_u32;
            while let Some(row) = stream.try_next().await? {
                give(row)?;
                count = count.wrapping_add(1);
                if count.is_multiple_of(ROWS) {
                    self.look()?;
                }
            }
            Ok(())
        };
        let done = self.watched(work).await;
        if let Err(Stop::Full) = &done {
            self.note(format!("the query needs more than {} MiB of memory", self.budget.memory >> 20));
        }
        if done.is_err() {
            self.break_off().await;
        }
        done
    }

    /// Waits for something, and looks now and then whether it is still wanted.
    async fn watched<T>(&self, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        tokio::pin!(work);
        loop {
            let look = (Instant::now() + LOOK).min(self.deadline);
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = sleep_until(look) => self.look()?,
            }
        }
    }
}
