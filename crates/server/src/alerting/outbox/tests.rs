//! The outbox over crashes, torn files, failing disks and changed settings.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};

use whittle_disk::{File, OsDisk};
use whittle_domain::alerts::NoticeKind;

use super::journal::Journal;
use super::record::scan;
use super::*;
use crate::alerting::testing::*;

type Identity = (String, NoticeKind);

fn identity(notice: &Notice) -> Identity {
    (notice.key.clone(), notice.kind)
}

/// A file with the records of some notices, of which some are delivered and one is given up.
fn recorded() -> Vec<u8> {
    let mut ledger = Ledger::default();
    let sinks: [Arc<str>; 2] = ["a".into(), "b".into()];
    let mut out = Vec::new();
    record::encode(&Record::Format(VERSION), &mut out);
    for n in 0..4 {
        ledger.offer(notice(n), &sinks, 5, &mut out);
        ledger.settle(n, "a", 6, None, &mut out);
    }
    ledger.settle(1, "b", 7, None, &mut out);
    ledger.settle(2, "b", 8, Some("it is gone"), &mut out);
    ledger.offer(update(1), &sinks, 9, &mut out);
    out
}

/// What a reader of these whole records must hold: the notices that were taken, and those that wait for each sink.
fn expected(records: &[(Record<'_>, u64)]) -> (HashSet<Identity>, BTreeMap<String, BTreeSet<u64>>) {
    let (mut taken, mut waiting) = (HashSet::new(), BTreeMap::<String, BTreeSet<u64>>::new());
    for (record, _) in records {
        match record {
            Record::Add { seq, sinks, notice, .. } => {
                taken.insert(identity(notice));
                for sink in sinks {
                    waiting.entry(sink.to_string()).or_default().insert(*seq);
                }
            }
            Record::Done { seq, sink, .. } => {
                waiting.entry(sink.to_string()).or_default().remove(seq);
            }
            _ => {}
        }
    }
    (taken, waiting)
}

#[test]
fn a_file_cut_at_any_byte_loses_nothing_that_is_whole() {
    let bytes = recorded();
    for cut in 0..=bytes.len() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("outbox.log"), &bytes[..cut]).expect("written");
        let (_, found) = Journal::open(Arc::new(Failing::never()), dir.path()).expect("opens");
        let (taken, waiting) = expected(&found.records);
        assert_eq!(found.records, scan(&bytes[..cut]).records);
        let mut ledger = Ledger::default();
        for (record, bytes) in found.records {
            ledger.apply(record, bytes);
        }
        for (sink, seqs) in waiting {
            let held: BTreeSet<u64> = ledger.waiting(&sink).map(|pending| pending.seq).collect();
            assert_eq!(held, seqs, "cut at {cut}, sink {sink}");
        }
        for (n, kind) in (0..4).map(|n| (n, notice(n))).chain([(1, update(1))]) {
            let (offer, _) = ledger.offer(kind.clone(), &["a".into()], 10, &mut Vec::new());
            assert_eq!(offer != Offer::Taken, taken.contains(&identity(&kind)), "cut at {cut}, notice {n}");
        }
        let left = std::fs::metadata(dir.path().join("outbox.log")).expect("there").len() as usize;
        assert_eq!(left, scan(&bytes[..cut]).end, "the torn tail is cut");
    }
}

#[test]
fn a_snapshot_holds_what_the_records_held() {
    let read = |bytes: &[u8]| {
        let mut ledger = Ledger::default();
        for (record, bytes) in scan(bytes).records {
            ledger.apply(record, bytes);
        }
        ledger
    };
    let ledger = read(&recorded());
    let mut again = read(&ledger.snapshot().encode());
    for sink in ["a", "b"] {
        let seqs = |ledger: &Ledger| ledger.waiting(sink).map(|pending| pending.seq).collect::<Vec<_>>();
        assert_eq!(seqs(&again), seqs(&ledger), "{sink}");
    }
    let dead: Vec<_> = again.dead().map(|dead| (dead.sink.to_string(), dead.at, dead.notice().clone())).collect();
    assert_eq!(dead, [("b".to_owned(), 8, notice(2))]);
    for known in [notice(0), notice(1), notice(2), notice(3), update(1)] {
        let count = known.count;
        assert_eq!(again.offer(known, &[], 10, &mut Vec::new()).0, Offer::Known { count });
    }
    let (offer, pending) = again.offer(notice(9), &["a".into()], 10, &mut Vec::new());
    assert_eq!((offer, pending.map(|pending| pending.seq)), (Offer::Taken, Some(5)), "numbers go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_each_record_everything_is_delivered() {
    let bytes = recorded();
    let mut end = 0;
    for (_, length) in scan(&bytes).records {
        end += length as usize;
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("outbox.log"), &bytes[..end]).expect("written");
        let waiting = expected(&scan(&bytes[..end]).records).1.remove("a").unwrap_or_default();
        let receiver = Receiver::new(|_, _| Answer::Status(200)).await;
        let running = Running::start(dir.path(), vec![hook("a", &receiver.url, 5_000)]);
        running.wait_for_metric(&format!("whittle_alert_delivered_total{{sink=\"a\"}} {}", waiting.len())).await;
        running.close().await;
        assert_eq!(receiver.got().len(), waiting.len(), "cut at {end}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_is_known_after_a_crash_and_what_was_not_comes_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::new(|_, _| Answer::Status(200)).await;
    let running = Running::start(dir.path(), vec![hook("hook", &receiver.url, 5_000)]);
    for n in 0..5 {
        running.outbox.offer(notice(n));
    }
    running.wait_for_metric("whittle_alert_delivered_total{sink=\"hook\"} 5").await;
    running.outbox.flush(PATIENCE).expect("on disk");
    running.kill().await;
    let hanging = Receiver::new(|_, _| Answer::Hang).await;
    let running = Running::start(dir.path(), vec![hook("hook", &hanging.url, 60_000)]);
    for n in 0..8 {
        let known = n < 5;
        let expected = if known { Offer::Known { count: 3 } } else { Offer::Taken };
        assert_eq!(running.outbox.offer(notice(n)), expected, "{n}");
    }
    running.outbox.flush(PATIENCE).expect("on disk");
    hanging.wait_for(3).await;
    running.kill().await;
    let back = Receiver::new(|_, _| Answer::Status(200)).await;
    let running = Running::start(dir.path(), vec![hook("hook", &back.url, 5_000)]);
    let got: BTreeSet<String> = back.wait_for(3).await.into_iter().map(|got| got.notice.key).collect();
    assert_eq!(got, (5..8).map(|n| notice(n).key).collect());
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_stays_small_and_still_knows_every_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("outbox.log");
    let printed = Printed::default();
    let running = Running::start(dir.path(), vec![printed.sink()]);
    for n in 0..2_000 {
        running.outbox.offer(notice(n));
    }
    running.wait_for_metric("whittle_alert_delivered_total{sink=\"stdout\"} 2000").await;
    running.outbox.flush(PATIENCE).expect("on disk");
    running.close().await;
    // 2,000 notices take 800 KB as they come; their keys some 170 KB.
    let size = std::fs::metadata(&file).expect("there").len();
    assert!(size < 2 * 2_000 * 90 + (128 << 10), "{size} bytes");
    let running = Running::start(dir.path(), vec![printed.sink()]);
    assert!((0..2_000).all(|n| running.outbox.offer(notice(n)) != Offer::Taken));
    running.close().await;
    assert_eq!(printed.notices().len(), 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn sinks_that_are_gone_give_up_what_waited_for_them() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("outbox.log"), recorded()).expect("written");
    let running = Running::start(dir.path(), vec![Printed::default().sink()]);
    let dead: Vec<_> = running.outbox.dead().iter().map(|dead| dead.sink.to_string()).collect();
    assert_eq!(dead, ["b", "b", "b", "a", "b"]);
    running.close().await;
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut bytes = Vec::new();
    record::encode(&Record::Format(VERSION + 1), &mut bytes);
    std::fs::write(dir.path().join("outbox.log"), bytes).expect("written");
    let clock = ManualClock::new().clock();
    let metrics = AlertMetrics::register(&mut Default::default(), clock.clone());
    let error = Outbox::open(Arc::new(OsDisk), dir.path(), Vec::new(), policy(), &metrics, clock).err();
    assert!(error.is_some_and(|error| error.to_string().contains("run the newer version")));
}

/// A disk of which one call fails, or all from one on. It does not wait for the platter: no test cuts the power.
struct Failing {
    /// Calls until the first failure; below zero, none fails.
    left: Arc<AtomicI64>,
    forever: bool,
}

impl Failing {
    fn never() -> Self {
        Failing { left: Arc::new(AtomicI64::new(i64::MAX)), forever: false }
    }

    fn file(&self, inner: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(FailingFile { inner, left: self.left.clone(), forever: self.forever })
    }

    fn check(left: &AtomicI64, forever: bool) -> io::Result<()> {
        let before = left.fetch_sub(1, Ordering::SeqCst);
        let fails = before == 0 || (forever && before < 0);
        if fails { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
    }
}

struct FailingFile {
    inner: Arc<dyn File>,
    left: Arc<AtomicI64>,
    forever: bool,
}

impl File for FailingFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buf, offset)
    }
    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = Failing::check(&self.left, self.forever) {
            // Half of it got there.
            self.inner.write_all_at(&buf[..buf.len() / 2], offset)?;
            return Err(error);
        }
        self.inner.write_all_at(buf, offset)
    }
    fn sync(&self) -> io::Result<()> {
        Failing::check(&self.left, self.forever)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }
    fn allocate(&self, len: u64) -> io::Result<()> {
        self.inner.allocate(len)
    }
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

impl Disk for Failing {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(self.file(OsDisk.open(path)?))
    }
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Failing::check(&self.left, self.forever)?;
        Ok(self.file(OsDisk.create_new(path)?))
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        OsDisk.create_dir_all(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        OsDisk.list(dir)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Failing::check(&self.left, self.forever)?;
        OsDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove(path)
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn free_space(&self, path: &Path) -> io::Result<u64> {
        OsDisk.free_space(path)
    }
    fn total_space(&self, path: &Path) -> io::Result<u64> {
        OsDisk.total_space(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        OsDisk.lock(path)
    }
}

/// Flushes until the disk has taken it.
async fn flushed(outbox: &OutboxHandle) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = outbox.flush(PATIENCE) {
        assert!(Instant::now() < deadline, "the disk is well again, but: {error}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_nothing_taken_is_lost() {
    for failing in 0..12 {
        let dir = tempfile::tempdir().expect("a folder");
        let disk = Failing { left: Arc::new(AtomicI64::new(failing)), forever: false };
        let left = disk.left.clone();
        let hanging = Receiver::new(|_, _| Answer::Hang).await;
        let running = Running::with(Arc::new(disk), dir.path(), vec![hook("hook", &hanging.url, 60_000)], policy());
        for n in 0..6 {
            running.outbox.offer(notice(n));
            flushed(&running.outbox).await;
        }
        assert!(left.load(Ordering::SeqCst) < 0, "call {failing} was made");
        running.kill().await;
        let good = Receiver::new(|_, _| Answer::Status(200)).await;
        let running = Running::start(dir.path(), vec![hook("hook", &good.url, 5_000)]);
        let got: BTreeSet<String> = good.wait_for(6).await.into_iter().map(|got| got.notice.key).collect();
        assert_eq!(got.len(), 6, "call {failing}");
        running.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_does_not_silence_alerts_but_allows_no_checkpoint() {
    let dir = tempfile::tempdir().expect("a folder");
    let left = Arc::new(AtomicI64::new(4));
    let disk = Failing { left: left.clone(), forever: true };
    let receiver = Receiver::new(|_, _| Answer::Status(200)).await;
    let running = Running::with(Arc::new(disk), dir.path(), vec![hook("hook", &receiver.url, 5_000)], policy());
    for n in 0..20 {
        running.outbox.offer(notice(n));
    }
    assert_eq!(receiver.wait_for(20).await.len(), 20);
    let error = running.outbox.flush(PATIENCE).expect_err("the disk is full");
    assert!(error.to_string().contains("not on disk"), "{error}");
    assert!(running.outbox.trouble().is_some());
    left.store(i64::MAX, Ordering::SeqCst);
    flushed(&running.outbox).await;
    assert_eq!(running.outbox.trouble(), None);
    running.kill().await;
    let running = Running::start(dir.path(), vec![hook("hook", &receiver.url, 5_000)]);
    assert!((0..20).all(|n| running.outbox.offer(notice(n)) != Offer::Taken));
    running.close().await;
}
