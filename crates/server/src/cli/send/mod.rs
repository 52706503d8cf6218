//! `whittle send`: lines of files and pipes to ingestion, none of them dropped in silence.
//!
//! Threads read and make records; one task sends them in batches. What a server refuses or does not take in time is kept in
//! a folder, and sent by the next run.

mod args;
mod batch;
mod follow;
mod input;
mod post;
mod record;
mod report;
mod sender;
mod spool;
mod stamp;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use args::{Compression, SendArgs};
use batch::Batch;
use follow::Follow;
use input::{Chunk, Splitter, read_all};
use post::Post;
use record::Recorder;
use report::Report;
use sender::{Sender, Timing};
use spool::Spool;
pub use stamp::Zone;

use crate::http::retry::Backoff;

/// Chunks between the readers and the sender.
const CHUNKS: usize = 4;
/// Longest time that a record waits for others to fill its batch.
const GATHER: Duration = Duration::from_millis(200);
/// Time for readers to hand on what they have read, at a stop.
const LAST_CHUNKS: Duration = Duration::from_secs(1);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendStatus {
    /// Everything was sent, also what earlier runs had kept.
    Sent,
    /// Some lines were refused or could not be sent; they are kept.
    Kept,
    /// The arguments are wrong; nothing was sent.
    Usage,
}

impl From<SendStatus> for ExitCode {
    fn from(status: SendStatus) -> Self {
        ExitCode::from(status as u8)
    }
}

/// Runs the command until its input ends, or until `stop`: then what has been read is sent or kept.
///
/// What a person should know goes to `err`.
pub async fn run(
    args: SendArgs,
    stdin: Box<dyn Read + Send>,
    err: Box<dyn Write + Send>,
    stop: CancellationToken,
) -> SendStatus {
    let timing = Timing {
        backoff: Backoff { base: Duration::from_millis(250), most: Duration::from_secs(10) },
        patience: args.patience(),
        probe: Duration::from_secs(10),
    };
    run_with(args, stdin, err, stop, timing).await
}

async fn run_with(
    args: SendArgs,
    stdin: Box<dyn Read + Send>,
    err: Box<dyn Write + Send>,
    stop: CancellationToken,
    timing: Timing,
) -> SendStatus {
    let mut report = Report::new(err);
    let prepared = args.check().and_then(|()| {
        let post = Post::new(args.ingest_url(), args.compress)?;
        Ok((post, open(&args, stdin)?))
    });
    let (post, inputs) = match prepared {
        Ok(prepared) => prepared,
        Err(message) => {
            report.say(&format!("whittle send: {message}"));
            return SendStatus::Usage;
        }
    };
    if args.progress {
        report.show_progress(inputs.iter().map(|input| input.len).sum());
    }
    let dir = args.spool_dir(|name| std::env::var(name).ok());
    let spool = Spool::new(dir, args.ingest_url().to_string(), args.spool_limit.saturating_mul(1 << 20));
    let mut sender = Sender::new(post, spool.clone(), timing, args.max_line, report, stop.clone());
    sender.send_kept(now()).await;
    if !args.kept {
        let stopped = Arc::new(AtomicBool::new(false));
        match read(&args, inputs, &spool, stopped.clone()) {
            Ok(chunks) => pump(&mut sender, chunks, stop, stopped).await,
            Err(error) => {
                sender.report().say(&format!("no thread for reading: {error}"));
                sender.totals.lost += 1;
            }
        }
    }
    let left = sender.finish().await;
    let all = left.records == 0 && left.files == 0 && sender.totals.lost == 0 && sender.totals.refused == 0;
    if all { SendStatus::Sent } else { SendStatus::Kept }
}

/// An input that could be opened.
struct Input {
    path: Option<PathBuf>,
    reader: Reader,
    /// Bytes that will come, where that is known.
    len: Option<u64>,
}

enum Reader {
    Once(Box<dyn Read + Send>),
    Follow(Follow),
}

/// Opens all inputs before anything is sent.
fn open(args: &SendArgs, stdin: Box<dyn Read + Send>) -> Result<Vec<Input>, String> {
    let mut stdin = Some(stdin);
    if args.kept {
        return Ok(Vec::new());
    }
    let none = [PathBuf::from("-")];
    let paths = if args.files.is_empty() { &none[..] } else { &args.files };
    paths.iter().map(|path| open_one(args, path, &mut stdin)).collect()
}

fn open_one(args: &SendArgs, path: &Path, stdin: &mut Option<Box<dyn Read + Send>>) -> Result<Input, String> {
    if path == Path::new("-") {
        let reader = Reader::Once(stdin.take().ok_or("standard input can be read only once")?);
        return Ok(Input { path: None, reader, len: None });
    }
    let cannot = |error: std::io::Error| format!("{} cannot be opened: {error}", path.display());
    if std::fs::metadata(path).map_err(cannot)?.is_dir() {
        return Err(format!("{} is a folder; name the files in it", path.display()));
    }
    let path = path.to_owned();
    if args.follow {
        let follow = Follow::open(path.clone(), args.tail).map_err(cannot)?;
        return Ok(Input { path: Some(path), reader: Reader::Follow(follow), len: None });
    }
    let file = File::open(&path).map_err(cannot)?;
    let len = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
    Ok(Input { path: Some(path), reader: Reader::Once(Box::new(file)), len })
}

/// Reads the inputs: in turn, or each on a thread of its own where they are followed.
fn read(
    args: &SendArgs,
    inputs: Vec<Input>,
    spool: &Spool,
    stopped: Arc<AtomicBool>,
) -> std::io::Result<mpsc::Receiver<Chunk>> {
    let (chunks, received) = mpsc::channel(CHUNKS);
    let prepare = |input: Input| {
        let name = input.path.as_ref().map_or("standard input".to_owned(), |path| path.display().to_string());
        let recorder = Recorder::new(args, input.path.as_deref());
        (input.reader, Splitter::new(name, recorder, spool.clone(), args.max_line))
    };
    let threads: Vec<Vec<_>> = if args.follow {
        inputs.into_iter().map(|input| vec![prepare(input)]).collect()
    } else {
        vec![inputs.into_iter().map(prepare).collect()]
    };
    for inputs in threads {
        let (chunks, stopped) = (chunks.clone(), stopped.clone());
        std::thread::Builder::new().name("send-read".into()).spawn(move || {
            for (reader, splitter) in inputs {
                if !read_one(reader, splitter, &chunks, &stopped) {
                    break;
                }
            }
        })?;
    }
    Ok(received)
}

/// Reads one input to its end; false when that is enough.
fn read_one(reader: Reader, mut splitter: Splitter, chunks: &mpsc::Sender<Chunk>, stopped: &AtomicBool) -> bool {
    let is_stopped = || stopped.load(Ordering::Relaxed);
    match reader {
        Reader::Once(mut input) => {
            let emit = |chunk| chunks.blocking_send(chunk).is_ok() && !is_stopped();
            read_all(&mut *input, &mut splitter, now, emit)
        }
        Reader::Follow(follow) => {
            follow.run(&mut splitter, now, |chunk| chunks.blocking_send(chunk).is_ok(), is_stopped);
            !is_stopped()
        }
    }
}

/// Sends the records of the chunks, in batches, until the inputs end.
async fn pump(
    sender: &mut Sender,
    mut chunks: mpsc::Receiver<Chunk>,
    stop: CancellationToken,
    stopped: Arc<AtomicBool>,
) {
    let mut gathered = Gathered::default();
    let mut ends_at = None;
    loop {
        let chunk = tokio::select! {
            biased;
            () = stop.cancelled(), if ends_at.is_none() => {
                stopped.store(true, Ordering::Relaxed);
                sender.report().say("stopped before the end of the input; what was read is sent or kept");
                ends_at = Some(Instant::now() + LAST_CHUNKS);
                continue;
            }
            chunk = chunks.recv() => chunk,
            () = until(gathered.due()) => {
                gathered.send(sender).await;
                continue;
            }
            // A reader that hands nothing on is blocked, and holds nothing but a part of a line.
            () = until(ends_at) => None,
        };
        let Some(mut chunk) = chunk else { break };
        sender.note(&mut chunk);
        for record in chunk.records.records() {
            gathered.push(sender, record).await;
        }
        if ends_at.is_some() {
            ends_at = Some(Instant::now() + LAST_CHUNKS);
        }
    }
    gathered.send(sender).await;
}

/// Records that wait for others to fill their batch.
#[derive(Default)]
struct Gathered {
    batch: Batch,
    first_at: Option<Instant>,
}

impl Gathered {
    fn due(&self) -> Option<Instant> {
        self.first_at.map(|at| at + GATHER)
    }

    async fn push(&mut self, sender: &mut Sender, record: &[u8]) {
        if self.batch.is_full_for(record.len()) {
            self.send(sender).await;
        }
        self.batch.push(record);
        self.first_at.get_or_insert_with(Instant::now);
    }

    async fn send(&mut self, sender: &mut Sender) {
        self.first_at = None;
        if !self.batch.is_empty() {
            sender.send(std::mem::take(&mut self.batch)).await;
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Microseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
