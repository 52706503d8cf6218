//! What the embedded bus costs: CPU microseconds a record for appending and reading back.
//!
//! `cargo run --release -p whittle-bus --example bench [folder]`. Compare CPU, not wall time, and the yardstick beside it.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use whittle_bus::{Bus, Entry, Position, Retention, SegmentBus, Settings};
use whittle_disk::{Disk, OsDisk};

const LINE: usize = 227;
const LINES: u32 = 1000;
const BULK: u64 = 4000;
const SINGLES: u64 = 60_000;
const THREADS: u64 = 32;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let dir = std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("whittle-bus-bench"), PathBuf::from);
    if dir.exists() {
        return Err(format!("{} is there; remove it or give another folder", dir.display()).into());
    }
    let result = run(&dir);
    std::fs::remove_dir_all(&dir)?;
    result
}

fn run(dir: &Path) -> Result<(), Failure> {
    yardstick(dir)?;
    let retention = Retention { bytes: Some(300 << 20), age: None, quota: None };
    let settings = Settings { retention, keep_every: Duration::from_millis(100), ..Settings::default() };
    let bus = SegmentBus::open(Arc::new(OsDisk), dir, settings)?;
    bus.ensure_topic("bulk", 1)?;
    bus.ensure_topic("single", 1)?;
    for what in ["bulk, new segments", "bulk, segments used again"] {
        let records = BULK * u64::from(LINES);
        report(what, records, &bus, || bulk(&*bus))?;
    }
    report("single, 32 threads", SINGLES, &bus, || single(&bus))?;
    read_back(&*bus)?;
    bus.close();
    Ok(())
}

/// A fixed job and the disk's own sync, to compare the machine by.
fn yardstick(dir: &Path) -> Result<(), Failure> {
    let block = vec![7_u8; 64 << 20];
    let before = cpu();
    let crc = crc32c::crc32c(&block);
    println!("yardstick: CRC32C of 64 MiB ({crc:08x}): {:.1} ms of CPU", (cpu() - before) * 1e3);
    OsDisk.create_dir_all(dir)?;
    let path = dir.join("yardstick");
    let file = OsDisk.create_new(&path)?;
    file.write_all_at(&block[..1 << 20], 0)?;
    file.sync()?;
    let start = Instant::now();
    for i in 0..100 {
        file.write_all_at(&block[..4096], i * 4096)?;
        file.sync()?;
    }
    println!("yardstick: fdatasync of 4 KiB in place: {:.2} ms", start.elapsed().as_secs_f64() * 10.0);
    OsDisk.remove(&path)?;
    Ok(())
}

fn report(
    what: &str,
    records: u64,
    bus: &SegmentBus,
    job: impl FnOnce() -> Result<Vec<Duration>, Failure>,
) -> Result<(), Failure> {
    let (syncs, cpu_before, start) = (bus.stats().syncs, cpu(), Instant::now());
    let mut acks = job()?;
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu() - cpu_before);
    acks.sort_unstable();
    let ack = |share: f64| acks[((acks.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: {:.3} µs of CPU a record, {:.0} records/s, {} syncs, ack p50 {:.2} ms p99 {:.2} ms",
        cpu * 1e6 / records as f64,
        records as f64 / wall,
        bus.stats().syncs - syncs,
        ack(0.5),
        ack(0.99)
    );
    Ok(())
}

/// Frames of 1,000 lines, eight under way at a time.
fn bulk(bus: &dyn Bus) -> Result<Vec<Duration>, Failure> {
    let body = Bytes::from(vec![b'x'; LINE * LINES as usize]);
    let (answer, answered) = mpsc::channel();
    let (mut under_way, mut acks) = (0, Vec::new());
    for _ in 0..BULK {
        let (answer, sent) = (answer.clone(), Instant::now());
        let entry = Entry { body: body.clone(), count: LINES, ..Entry::default() };
        bus.produce("bulk", entry, Box::new(move |result| drop(answer.send((sent.elapsed(), result)))));
        under_way += 1;
        if under_way == 8 {
            let (ack, result) = answered.recv()?;
            result?;
            acks.push(ack);
            under_way -= 1;
        }
    }
    for _ in 0..under_way {
        answered.recv()?.1?;
    }
    Ok(acks)
}

/// Single lines from many threads, each waiting for its own.
fn single(bus: &Arc<SegmentBus>) -> Result<Vec<Duration>, Failure> {
    let next = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (bus, next) = (bus.clone(), next.clone());
            thread::spawn(move || {
                let body = Bytes::from(vec![b'x'; LINE]);
                let (answer, answered) = mpsc::sync_channel(1);
                let mut acks = Vec::new();
                while next.fetch_add(1, Ordering::Relaxed) < SINGLES {
                    let (answer, sent) = (answer.clone(), Instant::now());
                    let entry = Entry { body: body.clone(), count: 1, ..Entry::default() };
                    bus.produce("single", entry, Box::new(move |result| drop(answer.send(result))));
                    match answered.recv() {
                        Ok(Ok(_)) => acks.push(sent.elapsed()),
                        Ok(Err(e)) => return Err(e.to_string()),
                        Err(e) => return Err(e.to_string()),
                    }
                }
                Ok(acks)
            })
        })
        .collect();
    let mut acks = Vec::new();
    for thread in threads {
        acks.extend(thread.join().map_err(|_| "a producer panicked")??);
    }
    Ok(acks)
}

fn read_back(bus: &dyn Bus) -> Result<(), Failure> {
    for topic in ["bulk", "single"] {
        let mut consumer = bus.subscribe(topic, "bench")?;
        consumer.seek(Position { partition: 0, offset: 0 })?;
        let (mut records, mut bytes, before, start) = (0, 0, cpu(), Instant::now());
        loop {
            let frames = consumer.poll(4 << 20, Duration::ZERO)?;
            if frames.is_empty() {
                break;
            }
            records += frames.iter().map(|f| u64::from(f.count)).sum::<u64>();
            bytes += frames.iter().map(|f| f.body.len()).sum::<usize>();
        }
        let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu() - before);
        println!(
            "reading back {topic}: {:.3} µs of CPU a record, {:.1} million records/s, {:.0} MB/s",
            cpu * 1e6 / records as f64,
            records as f64 / wall / 1e6,
            bytes as f64 / wall / 1e6
        );
    }
    Ok(())
}

/// CPU seconds of this process so far, user and system.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
