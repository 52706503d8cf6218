//! A topic behind a stage.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus, BusError, Entry, Position, ProduceError};
use whittle_domain::{Batch, Row};

use super::{Lives, Traces, heads, records};
use crate::insights::Insights;
use crate::pipeline::{DeadLetter, DeadLetters, EdgeError, Held, Outlet, Refused};

/// Pause when the bus has no room for more at the moment.
const BUSY: Duration = Duration::from_millis(5);
/// Between two looks at whether the program gives up.
const LOOK: Duration = Duration::from_millis(100);

/// What became of messages that were sent together.
#[derive(Debug)]
pub struct Acks {
    state: Mutex<State>,
    news: Condvar,
    busy: AtomicBool,
}

#[derive(Debug)]
struct State {
    left: usize,
    failed: Vec<(usize, ProduceError)>,
}

impl Acks {
    /// Waits for so many messages.
    pub fn of(count: usize) -> Arc<Self> {
        Arc::new(Acks {
            state: Mutex::new(State { left: count, failed: Vec::new() }),
            news: Condvar::new(),
            busy: AtomicBool::new(false),
        })
    }

    /// One of them has its answer. That there is no room for it is none: it is to be offered again.
    pub fn told(&self, index: usize, result: Result<Position, ProduceError>) {
        if result == Err(ProduceError::Busy) {
            self.busy.store(true, Ordering::Relaxed);
            return;
        }
        let mut state = self.lock();
        state.left = state.left.saturating_sub(1);
        if let Err(error) = result {
            state.failed.push((index, error));
        }
        if state.left == 0 {
            self.news.notify_all();
        }
    }

    /// Whether there was no room for the one that was offered last.
    pub fn take_busy(&self) -> bool {
        self.busy.swap(false, Ordering::Relaxed)
    }

    /// Waits until all have their answer; gives those that failed, or nothing when the program gives up or time is over.
    ///
    /// However long the bus is away: a message that waits to be sent stays in its queue, and sending it once more would put it
    /// there twice.
    pub fn wait(&self, give_up: &CancellationToken, until: Option<Instant>) -> Option<Vec<(usize, ProduceError)>> {
        let mut state = self.lock();
        while state.left > 0 {
            if give_up.is_cancelled() || until.is_some_and(|until| Instant::now() > until) {
                return None;
            }
            state = self.news.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(std::mem::take(&mut state.failed))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a topic at least so many partitions; says how many it has.
pub type Grow = Box<dyn Fn(u32) -> Result<u32, BusError> + Send>;

/// How rows become messages.
pub trait Write: Send {
    /// What the stage gives.
    type Item: AsRef<Batch> + Send;
    /// Appends the value of a row.
    fn write(&mut self, batch: &Batch, row: &Row, out: &mut Vec<u8>);
    /// What must be durable before the batch is.
    ///
    /// # Errors
    /// When it is not; the batch is tried again.
    fn before(&mut self) -> Result<(), EdgeError> {
        Ok(())
    }
}

/// The values of a batch's rows, in one allocation.
struct Values {
    text: Bytes,
    ends: Vec<usize>,
}

impl Values {
    fn of(&self, index: usize) -> Bytes {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.slice(start..self.ends[index])
    }
}

/// The outlet: a batch is taken once all of it is durable.
pub struct TopicOutlet<W> {
    bus: Arc<dyn Bus>,
    topic: String,
    write: W,
    traces: Traces,
    dead_letters: DeadLetters,
    grow: Grow,
    partitions: u32,
    /// Where all of it goes, where that is not the partition of the same number.
    one: Option<u32>,
    /// Says how far offsets of `logs.raw` are counted on, where the stage reads it.
    lives: Option<Lives>,
    give_up: CancellationToken,
}

impl<W: Write> TopicOutlet<W> {
    /// An outlet to a topic that exists. Messages that it does not take for their size go to the dead letters.
    pub fn new(
        bus: Arc<dyn Bus>,
        topic: &str,
        write: W,
        traces: Traces,
        dead_letters: DeadLetters,
        grow: Grow,
        give_up: CancellationToken,
    ) -> Self {
        TopicOutlet {
            bus,
            topic: topic.to_owned(),
            write,
            traces,
            dead_letters,
            grow,
            partitions: 0,
            one: None,
            lives: None,
            give_up,
        }
    }

    /// Says with each record how far its offset was counted on.
    #[must_use]
    pub fn of_lives(mut self, lives: Lives) -> Self {
        self.lives = Some(lives);
        self
    }

    /// Sends all to one partition.
    #[must_use]
    pub fn into_one(mut self, partition: u32) -> Self {
        self.one = Some(partition);
        self
    }

    /// Where partitions were added to the topic before, this one gets as many: each has its counterpart.
    fn make_room(&mut self, batch: &Batch) -> Result<(), EdgeError> {
        let wanted = batch.rows().iter().map(|row| self.one.unwrap_or(row.partition) + 1).max().unwrap_or(0);
        if wanted > self.partitions {
            self.partitions = (self.grow)(wanted).map_err(|error| EdgeError::Unavailable(error.to_string()))?;
        }
        Ok(())
    }

    fn send_all(&mut self, batch: &Batch) -> Result<(), EdgeError> {
        self.write.before()?;
        self.make_room(batch)?;
        let values = self.values(batch);
        let acks = Acks::of(batch.len());
        for index in 0..batch.len() {
            self.produce(batch, &values, index, &acks)?;
        }
        let ending = || EdgeError::Unavailable("the program ends before the bus has taken the batch".into());
        for (index, error) in acks.wait(&self.give_up, None).ok_or_else(ending)? {
            match (error, batch.rows().get(index)) {
                (ProduceError::TooLarge(most), Some(row)) => self.too_large(batch, row, most)?,
                // All of the batch is sent again, in order: what is behind a gap would be skipped as old by the history.
                (error, _) => return Err(EdgeError::Unavailable(error.to_string())),
            }
        }
        Ok(())
    }

    fn produce(&self, batch: &Batch, values: &Values, index: usize, acks: &Arc<Acks>) -> Result<(), EdgeError> {
        loop {
            let told = acks.clone();
            let entry = self.entry(batch, values, index);
            self.bus.produce(&self.topic, entry, Box::new(move |result| told.told(index, result)));
            // An entry for which there is no room is refused at once, and offered again.
            if !acks.take_busy() {
                return Ok(());
            }
            if self.give_up.is_cancelled() {
                return Err(EdgeError::Unavailable("the program ends and the bus has no room".into()));
            }
            std::thread::sleep(BUSY);
        }
    }

    fn values(&mut self, batch: &Batch) -> Values {
        let mut text = Vec::with_capacity(batch.len() * 512);
        let mut ends = Vec::with_capacity(batch.len());
        for row in batch.rows() {
            self.write.write(batch, row, &mut text);
            ends.push(text.len());
        }
        Values { text: text.into(), ends }
    }

    fn entry(&self, batch: &Batch, values: &Values, index: usize) -> Entry {
        let row = &batch.rows()[index];
        let position = Position { partition: row.partition, offset: row.offset };
        let trace = self.traces.get(row.partition, row.offset);
        let mut headers = heads::of_record(row.event_id, Some(position), row.received_at, trace);
        if let Some(base) = self.lives.as_ref().map(|lives| lives.base(row.partition)).filter(|base| *base > 0) {
            headers.push((heads::RAW_BASE.to_owned(), Bytes::from(base.to_string())));
        }
        Entry {
            key: Bytes::copy_from_slice(batch.str(row.source).as_bytes()),
            partition: self.one.or(Some(row.partition)),
            headers,
            body: values.of(index),
            count: 1,
            time: row.received_at,
        }
    }

    fn too_large(&mut self, batch: &Batch, row: &Row, most: usize) -> Result<(), EdgeError> {
        let mut body = Vec::new();
        self.write.write(batch, row, &mut body);
        self.dead_letters.put(&DeadLetter {
            topic: self.topic.clone(),
            partition: row.partition,
            offset: row.offset,
            received_at: row.received_at,
            records: 1,
            reason: format!("{} takes {most} bytes at most, and this one has more", self.topic),
            body: body.into(),
        })
    }
}

impl<W: Write> Outlet for TopicOutlet<W> {
    type Item = W::Item;

    fn send(&mut self, item: W::Item) -> Result<Held, Refused<W::Item>> {
        match self.send_all(item.as_ref()) {
            Ok(()) => Ok(Held::Durable),
            Err(error) => {
                // The topic may have been made again, with fewer.
                self.partitions = 0;
                Err(Box::new((error, item)))
            }
        }
    }
}

/// `logs.normalized`.
#[derive(Debug, Default)]
pub struct WriteNormalized;

impl Write for WriteNormalized {
    type Item = Batch;

    fn write(&mut self, batch: &Batch, row: &Row, out: &mut Vec<u8>) {
        records::push_normalized(batch, row, out);
    }
}

/// Makes durable what the stage has learned.
type Before = Box<dyn FnMut() -> Result<(), EdgeError> + Send>;

/// `logs.insights`.
pub struct WriteInsights {
    insights: Insights,
    before: Before,
}

impl WriteInsights {
    /// Rows with what is known of their patterns at the moment; `before` makes durable what the ids follow from.
    pub fn new(insights: Insights, before: impl FnMut() -> Result<(), EdgeError> + Send + 'static) -> Self {
        WriteInsights { insights, before: Box::new(before) }
    }
}

impl Write for WriteInsights {
    type Item = Arc<Batch>;

    fn write(&mut self, batch: &Batch, row: &Row, out: &mut Vec<u8>) {
        records::push_insight(batch, row, &self.insights.json(row.pattern, row.level), out);
    }

    fn before(&mut self) -> Result<(), EdgeError> {
        (self.before)()
    }
}
