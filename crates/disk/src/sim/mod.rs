//! A disk in memory that fails as real ones do, the same way for the same seed.
//!
//! It keeps apart what was written and what was synced, for contents and for names. [`SimDisk::power_cut`] undoes any part of
//! what was not synced: each write is kept, dropped, or torn into sectors of 512 bytes or 4 KiB of which any may be missing; each
//! change of a name is kept or dropped. [`SimDisk::kill`] ends the process alone and loses nothing. A sync that fails
//! behaves like Linux: the pages count as clean, what of them reached the disk nobody knows, and a later sync of the same file
//! succeeds without writing them again.

mod faults;
mod inode;
mod rng;
mod world;

#[cfg(test)]
mod tests;

pub use faults::{Call, Fault, Rule};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Disk, File};
use faults::power_is_off;
use world::World;

/// The simulated disk, as one life of a process sees it. Clones are the same disk in the same life.
#[derive(Clone)]
pub struct SimDisk {
    world: Arc<Mutex<World>>,
    boot: u64,
}

struct SimFile {
    world: Arc<Mutex<World>>,
    inode: u64,
    boot: u64,
}

struct SimLock {
    world: Arc<Mutex<World>>,
    path: PathBuf,
    boot: u64,
}

impl SimDisk {
    /// An empty disk of 1 TiB whose accidents follow from `seed`.
    pub fn new(seed: u64) -> Self {
        SimDisk { world: Arc::new(Mutex::new(World::new(seed))), boot: 0 }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    fn call(&self, call: Call) -> io::Result<MutexGuard<'_, World>> {
        start(&self.world, self.boot, call)
    }

    /// Cuts the power: what was not synced may be gone in any part. Answers with the disk as the next start finds it;
    /// whatever was opened through the one before no longer works.
    #[must_use = "the disk before no longer works"]
    pub fn power_cut(&self) -> SimDisk {
        let mut world = self.world();
        world.power_cut();
        SimDisk { world: self.world.clone(), boot: world.boot }
    }

    /// Ends the process: nothing written is lost, but whatever was opened before no longer works.
    #[must_use = "the disk before no longer works"]
    pub fn kill(&self) -> SimDisk {
        let mut world = self.world();
        world.reboot();
        SimDisk { world: self.world.clone(), boot: world.boot }
    }

    /// Lets the power go once so many more calls were made: what comes then fails. [`SimDisk::power_cut`] starts anew.
    pub fn power_off_after(&self, calls: u64) {
        self.world().faults.off_after(calls);
    }

    /// Whether the power has gone.
    pub fn is_off(&self) -> bool {
        self.world().faults.is_off()
    }

    /// Lets calls fail.
    pub fn inject(&self, rule: Rule) {
        self.world().faults.add(rule);
    }

    /// Takes back all that [`SimDisk::inject`] did.
    pub fn heal(&self) {
        self.world().faults.clear();
    }

    /// How many calls were made so far.
    pub fn calls(&self) -> u64 {
        self.world().faults.calls()
    }

    /// Sets the size of the disk. It may be less than what is on it.
    pub fn set_capacity(&self, bytes: u64) {
        self.world().capacity = bytes;
    }

    /// Bytes of all files.
    pub fn used(&self) -> u64 {
        self.world().used()
    }

    /// The paths of all files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.world().files()
    }

    /// Flips a bit of a file, as if it had always been wrong.
    ///
    /// # Errors
    /// `NotFound` when there is no such file or bit.
    pub fn flip(&self, path: &Path, bit: u64) -> io::Result<()> {
        self.world().flip(path, bit)
    }
}

impl SimFile {
    fn call(&self, call: Call) -> io::Result<MutexGuard<'_, World>> {
        start(&self.world, self.boot, call)
    }
}

/// The world, if the power was not cut since `boot` and the call is not to fail.
fn start(world: &Mutex<World>, boot: u64, call: Call) -> io::Result<MutexGuard<'_, World>> {
    let mut world = lock(world);
    if world.boot != boot {
        return Err(power_is_off());
    }
    world.faults.check(call)?;
    Ok(world)
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk for SimDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let world = self.call(Call::Open)?;
        let inode = world.inode_of(path)?;
        Ok(Arc::new(SimFile { world: self.world.clone(), inode, boot: self.boot }))
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut world = self.call(Call::Create)?;
        let inode = world.create(path)?;
        Ok(Arc::new(SimFile { world: self.world.clone(), inode, boot: self.boot }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut world = self.call(Call::CreateDir)?;
        world.create_dir_all(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let world = self.call(Call::List)?;
        world.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.call(Call::Rename)?;
        world.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.call(Call::Remove)?;
        world.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.call(Call::SyncDir)?;
        world.sync_dir(dir)
    }

    fn free_space(&self, _path: &Path) -> io::Result<u64> {
        let world = self.call(Call::Space)?;
        Ok(world.free())
    }

    fn total_space(&self, _path: &Path) -> io::Result<u64> {
        let world = self.call(Call::Space)?;
        Ok(world.capacity)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        let mut world = self.call(Call::Lock)?;
        world.lock(path)?;
        Ok(Box::new(SimLock { world: self.world.clone(), path: path.to_owned(), boot: self.boot }))
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.call(Call::Read)?.inode(self.inode)?.read_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut world = lock(&self.world);
        if world.boot != self.boot {
            return Err(power_is_off());
        }
        let failed = world.faults.check(Call::Write);
        if world.faults.is_off() {
            return failed;
        }
        world.write(self.inode, buf, offset, failed)
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = lock(&self.world);
        if world.boot != self.boot {
            return Err(power_is_off());
        }
        let failed = world.faults.check(Call::Sync);
        if world.faults.is_off() {
            return failed;
        }
        world.sync(self.inode, failed)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut world = self.call(Call::SetLen)?;
        world.set_len(self.inode, len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut world = self.call(Call::Allocate)?;
        let now = world.inode(self.inode)?.len();
        world.set_len(self.inode, len.max(now))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.call(Call::Len)?.inode(self.inode)?.len())
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut world = lock(&self.world);
        if world.boot == self.boot {
            world.unlock(&self.path);
        }
    }
}
