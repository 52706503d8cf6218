//! What stands before and behind a stage: a topic, a channel, the history. Stages can't tell which.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::DeadLetter;

/// Why an edge cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// Keep what you have and try again.
    #[error("{0}")]
    Unavailable(String),
    /// The other side is gone for good.
    #[error("the next stage has ended")]
    Closed,
}

/// What a poll came to.
#[derive(Debug)]
pub enum Polled<T> {
    /// Something to work on, and what could not be read on the way.
    Item(T, Vec<DeadLetter>),
    /// Nothing within the time.
    Idle,
    /// Nothing any more: the stage before has ended, or the program does.
    Ended,
}

/// Where a stage's input comes from.
pub trait Inlet: Send {
    /// What it gives.
    type Item;
    /// The next item, within `timeout`.
    ///
    /// # Errors
    /// When the source is away; the runner tries again.
    fn poll(&mut self, timeout: Duration) -> Result<Polled<Self::Item>, EdgeError>;
    /// Everything polled so far is held downstream, durably.
    ///
    /// # Errors
    /// When the source is away; the runner tries again.
    fn commit(&mut self) -> Result<(), EdgeError>;
}

/// Who answers for an item from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It is durable: its source may forget it.
    Durable,
    /// It is in memory: a later stage says when it is durable.
    Later,
}

/// An item that was not taken, and why.
pub type Refused<T> = Box<(EdgeError, T)>;

/// Where a stage's output goes.
pub trait Outlet: Send {
    /// What it takes.
    type Item;
    /// Takes an item. May block: that is the backpressure.
    ///
    /// # Errors
    /// When it cannot be taken now, or never again: then the item comes back.
    fn send(&mut self, item: Self::Item) -> Result<Held, Refused<Self::Item>>;
    /// Called between items and while there are none, several times a second.
    ///
    /// # Errors
    /// As of [`Outlet::send`].
    fn tick(&mut self) -> Result<(), EdgeError> {
        Ok(())
    }
    /// Called once, after the last item.
    ///
    /// # Errors
    /// What could not be finished.
    fn finish(&mut self) -> Result<(), EdgeError> {
        Ok(())
    }
}

/// A bounded channel between two stages of one process.
pub fn channel<T>(room: usize) -> (ChannelOutlet<T>, ChannelInlet<T>) {
    let (sender, receiver) = bounded(room);
    (ChannelOutlet(sender), ChannelInlet(receiver))
}

/// The giving end of a channel.
#[derive(Debug)]
pub struct ChannelInlet<T>(Receiver<T>);

impl<T> ChannelInlet<T> {
    /// An inlet that gives what comes through the channel.
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        ChannelInlet(receiver)
    }
}

/// The taking end of a channel.
#[derive(Debug)]
pub struct ChannelOutlet<T>(Sender<T>);

impl<T: Send> Inlet for ChannelInlet<T> {
    type Item = T;

    fn poll(&mut self, timeout: Duration) -> Result<Polled<T>, EdgeError> {
        match self.0.recv_timeout(timeout) {
            Ok(item) => Ok(Polled::Item(item, Vec::new())),
            Err(RecvTimeoutError::Timeout) => Ok(Polled::Idle),
            Err(RecvTimeoutError::Disconnected) => Ok(Polled::Ended),
        }
    }

    fn commit(&mut self) -> Result<(), EdgeError> {
        Ok(())
    }
}

impl<T: Send> Outlet for ChannelOutlet<T> {
    type Item = T;

    fn send(&mut self, item: T) -> Result<Held, Refused<T>> {
        self.0.send(item).map(|()| Held::Later).map_err(|back| Box::new((EdgeError::Closed, back.0)))
    }
}
