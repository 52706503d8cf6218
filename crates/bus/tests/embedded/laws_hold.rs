//! The embedded bus obeys the laws, on the real disk and on the simulated one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use whittle_bus::{Bus, SegmentBus, Settings};
use whittle_disk::{Disk, File, OsDisk, SimDisk};

use crate::laws::{self, Harness};

const MAX_ENTRY: usize = 2 << 20;

fn settings() -> Settings {
    // Segments small enough that the laws fill some.
    Settings { segment_bytes: 100_000, entry_bytes: MAX_ENTRY, ..Settings::default() }
}

fn open(disk: Arc<dyn Disk>, dir: &Path) -> Arc<SegmentBus> {
    SegmentBus::open(disk, dir, settings()).expect("the bus opens")
}

/// On the simulated disk.
#[derive(Default)]
struct Simulated {
    disk: Option<SimDisk>,
    bus: Option<Arc<SegmentBus>>,
}

impl Simulated {
    fn start(&mut self, disk: SimDisk) -> Arc<dyn Bus> {
        let bus = open(Arc::new(disk.clone()), Path::new("/bus"));
        self.disk = Some(disk);
        self.bus = Some(bus.clone());
        bus
    }
}

impl Harness for Simulated {
    fn fresh(&mut self) -> Arc<dyn Bus> {
        self.start(SimDisk::new(1))
    }

    fn reopen(&mut self) -> Arc<dyn Bus> {
        self.bus.take().expect("a bus is open").close();
        let disk = self.disk.clone().expect("there is a disk");
        self.start(disk)
    }

    fn kill(&mut self) -> Arc<dyn Bus> {
        let disk = self.disk.take().expect("there is a disk").kill();
        self.start(disk)
    }

    fn max_entry(&self) -> usize {
        MAX_ENTRY
    }
}

/// On the real disk, in a folder for each bus.
struct Real {
    dir: tempfile::TempDir,
    count: u32,
    disk: Arc<Severable>,
    bus: Option<Arc<SegmentBus>>,
}

impl Real {
    fn start(&mut self) -> Arc<dyn Bus> {
        self.disk = Arc::default();
        let bus = open(self.disk.clone(), &self.dir.path().join(self.count.to_string()));
        self.bus = Some(bus.clone());
        bus
    }
}

impl Harness for Real {
    fn fresh(&mut self) -> Arc<dyn Bus> {
        self.count += 1;
        self.start()
    }

    fn reopen(&mut self) -> Arc<dyn Bus> {
        self.bus.take().expect("a bus is open").close();
        self.start()
    }

    fn kill(&mut self) -> Arc<dyn Bus> {
        self.disk.sever();
        self.start()
    }

    fn max_entry(&self) -> usize {
        MAX_ENTRY
    }
}

/// The real disk until it is severed: then the bus that has it can do no more to it than a process that was killed.
#[derive(Default)]
struct Severable {
    severed: Arc<AtomicBool>,
    locks: Arc<Mutex<Vec<Box<dyn Send + Sync>>>>,
}

struct SeverableFile {
    file: Arc<dyn File>,
    severed: Arc<AtomicBool>,
}

fn check(severed: &AtomicBool) -> io::Result<()> {
    if severed.load(Ordering::SeqCst) { Err(io::Error::other("the process was killed")) } else { Ok(()) }
}

impl Severable {
    fn sever(&self) {
        self.severed.store(true, Ordering::SeqCst);
        self.locks.lock().unwrap().clear();
    }

    fn file(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(SeverableFile { file, severed: self.severed.clone() })
    }
}

impl Disk for Severable {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        check(&self.severed)?;
        OsDisk.open(path).map(|file| self.file(file))
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        check(&self.severed)?;
        OsDisk.create_new(path).map(|file| self.file(file))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        check(&self.severed)?;
        OsDisk.create_dir_all(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        check(&self.severed)?;
        OsDisk.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        check(&self.severed)?;
        OsDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        check(&self.severed)?;
        OsDisk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        check(&self.severed)?;
        OsDisk.sync_dir(dir)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        OsDisk.free_space(path)
    }

    fn total_space(&self, path: &Path) -> io::Result<u64> {
        OsDisk.total_space(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        check(&self.severed)?;
        self.locks.lock().unwrap().push(OsDisk.lock(path)?);
        Ok(Box::new(Unlock(self.locks.clone())))
    }
}

/// Gives the locks back, as far as the process still has them.
struct Unlock(Arc<Mutex<Vec<Box<dyn Send + Sync>>>>);

impl Drop for Unlock {
    fn drop(&mut self) {
        self.0.lock().unwrap().clear();
    }
}

impl File for SeverableFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        check(&self.severed)?;
        self.file.read_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        check(&self.severed)?;
        self.file.write_all_at(buf, offset)
    }

    fn write_parts_at(&self, parts: &[&[u8]], offset: u64) -> io::Result<()> {
        check(&self.severed)?;
        self.file.write_parts_at(parts, offset)
    }

    fn sync(&self) -> io::Result<()> {
        check(&self.severed)?;
        self.file.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        check(&self.severed)?;
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        check(&self.severed)?;
        self.file.allocate(len)
    }

    fn len(&self) -> io::Result<u64> {
        check(&self.severed)?;
        self.file.len()
    }
}

#[test]
fn on_the_simulated_disk() {
    laws::check(&mut Simulated::default());
}

#[test]
fn on_the_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    laws::check(&mut Real { dir, count: 0, disk: Arc::default(), bus: None });
}
