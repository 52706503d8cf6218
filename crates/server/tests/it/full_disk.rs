//! A disk that fills up: no false acknowledgement, no end of the process, and it goes on by itself.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use whittle_testkit::load::{Load, request};
use whittle_testkit::numbered::query_of;
use whittle_testkit::oracle::{Fate, Oracle};
use whittle_testkit::{Response, recent, wait};

use crate::{VISIBLE, ingestion, setup, storage};

/// Size of the disk.
const DISK: u64 = 512 << 20;
/// Time to recover once there is room.
const RECOVERY: Duration = Duration::from_secs(60);

/// A disk of its own in memory, unmounted when dropped.
struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Nothing, with a printed line, where this user may not mount.
    fn mount() -> Option<Disk> {
        let folder = TempDir::with_prefix("whittle-disk-").expect("a folder");
        let size = format!("size={DISK}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Disk { folder });
        }
        eprintln!("skipped: a disk that fills up needs the right to mount one");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills the disk up but for `left` bytes.
    fn fill(&self, left: u64) {
        let free = rustix::fs::statvfs(self.path()).map(|stat| stat.f_bavail * stat.f_frsize).expect("a disk");
        let mut file = File::create(self.path().join("filler")).expect("a file");
        let block = vec![0; 1 << 20];
        for _ in 0..free.saturating_sub(left) >> 20 {
            file.write_all(&block).expect("there is room");
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).expect("the filler is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let Some(disk) = Disk::mount() else { return };
    let mut server = setup().data_dir(disk.path().join("data")).start().expect("the server starts");
    let next = Arc::new(AtomicU64::new(0));
    let load = Load::start(server.ingestion(), 2, &next, 1);
    wait::until("records", VISIBLE, || (load.acknowledged() > 500).then_some(())).expect("it takes records");
    let mut all = load.finish().expect("clients end");
    disk.fill(1 << 20);
    let (refused, oracle) = send_until(&server, &next, |response| response.status != 202);
    all.extend(oracle);
    assert!(matches!(refused.status, 429 | 500 | 503), "{}: {}", refused.status, refused.text());
    assert!(refused.header("retry-after").is_some(), "a refusal says when to come again");
    assert!(whittle_testkit::process::cpu_seconds(server.pid()).is_ok(), "the process lives");
    disk.free();
    let (_, oracle) = send_until(&server, &next, |response| response.status == 202);
    all.extend(oracle);
    let query = query_of(0, next.load(Ordering::Relaxed));
    wait::until("what was acknowledged to be visible", RECOVERY, || {
        let rows = recent::all(&mut storage(&server), &query).ok()?;
        all.judge(&rows).missing.is_empty().then_some(())
    })
    .expect("nothing acknowledged is lost");
    server.crash_and_restart().expect("it starts after that too");
    let verdict = all.judge(&recent::all(&mut storage(&server), &query).expect("the history is read"));
    assert!(verdict.is_clean(), "{verdict:?}; it said:\n{}", server.said());
}

/// Sends requests until an answer is as wanted.
fn send_until(
    server: &whittle_testkit::Server,
    next: &AtomicU64,
    mut wanted: impl FnMut(&Response) -> bool,
) -> (Response, Oracle) {
    let mut connection = ingestion(server);
    let mut oracle = Oracle::default();
    let found = wait::until("the disk's state to show in the answers", RECOVERY, || {
        let first = next.fetch_add(200, Ordering::Relaxed);
        let mut response = Response::default();
        let sent = connection.exchange(&request(first..first + 200), &mut response);
        oracle.note(first..first + 200, if sent.is_ok() { Fate::of(response.status) } else { Fate::Unknown });
        (sent.is_ok() && wanted(&response)).then_some(response)
    });
    (found.unwrap_or_else(|error| panic!("{error}; the server said:\n{}", server.said())), oracle)
}
