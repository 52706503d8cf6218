//! Looks after the bus in the background: whether brokers answer, whether its topics are still there, whether its producer lives.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::producer::Producer;
use crate::topics::Topics;

/// Between two looks while all is well, and while it is not.
const PACE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_millis(500));

/// The thread. It ends when this is dropped.
pub(crate) struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub fn start(producer: Arc<Producer>, topics: Arc<Topics>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let body = move || keep(&producer, &topics, &stopped);
        let thread = std::thread::Builder::new().name("kafka-keeper".into()).spawn(body)?;
        Ok(Keeper { stop: Some(stop), thread: Some(thread) })
    }

    /// Ends it and waits for the end: at most as long as a question to the brokers takes.
    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What it panicked of it has said.
            let _ = thread.join();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

fn keep(producer: &Producer, topics: &Topics, stopped: &Receiver<()>) {
    let mut well = true;
    loop {
        match stopped.recv_timeout(if well { PACE.0 } else { PACE.1 }) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        producer.mend();
        let trouble = topics.tend().err().map(|error| error.to_string());
        match (&trouble, well) {
            (Some(trouble), true) => tracing::warn!("Kafka: {trouble}; trying again until it works"),
            (None, false) => tracing::info!("Kafka answers again"),
            _ => {}
        }
        well = trouble.is_none();
        producer.course.set_trouble(trouble);
    }
}
