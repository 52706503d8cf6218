//! The state of the simulated disk: names, files, faults, capacity.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::faults::{Fault, Faults, power_is_off};
use super::inode::Inode;
use super::rng::Rng;

pub(super) struct World {
    rng: Rng,
    /// Goes up with each power cut and kill; handles of an older boot are dead.
    pub boot: u64,
    pub faults: Faults,
    pub capacity: u64,
    names: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    /// Changes of names since their folder was synced, the oldest first.
    pending: Vec<NameChange>,
    inodes: HashMap<u64, Inode>,
    next_inode: u64,
    locks: HashSet<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(u64),
}

/// A change in one folder. A rename within a folder is one change, as journals make it.
#[derive(Debug, Clone)]
struct NameChange {
    folder: PathBuf,
    gone: Option<PathBuf>,
    come: Option<(PathBuf, Node)>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        World {
            rng: Rng::new(seed),
            boot: 0,
            faults: Faults::default(),
            capacity: 1 << 40,
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: Vec::new(),
            inodes: HashMap::new(),
            next_inode: 0,
            locks: HashSet::new(),
        }
    }

    pub fn power_cut(&mut self) {
        let all = self.rng.below(4);
        for change in std::mem::take(&mut self.pending) {
            let kept = match all {
                0 => false,
                1 => true,
                _ => self.rng.coin(),
            };
            if kept {
                apply(&mut self.durable, &change);
            }
        }
        // What is in a folder whose own name was lost is lost with it. Parents come before their children here.
        let mut names = BTreeMap::new();
        for (path, node) in std::mem::take(&mut self.durable) {
            if is_root(&folder(&path)) || names.get(&folder(&path)) == Some(&Node::Dir) {
                names.insert(path, node);
            }
        }
        self.durable.clone_from(&names);
        self.names = names;
        let mut inodes: Vec<u64> = self.inodes.keys().copied().collect();
        inodes.sort_unstable(); // a seed must mean the same each time
        for inode in inodes {
            if let Some(inode) = self.inodes.get_mut(&inode) {
                inode.power_cut(&mut self.rng);
            }
        }
        let named: HashSet<u64> = self.names.values().filter_map(|n| n.inode()).collect();
        self.inodes.retain(|inode, _| named.contains(inode));
        self.reboot();
    }

    pub fn reboot(&mut self) {
        self.boot += 1;
        self.faults.on();
        self.locks.clear();
    }

    pub fn inode(&mut self, inode: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&inode).ok_or_else(power_is_off)
    }

    pub fn inode_of(&self, path: &Path) -> io::Result<u64> {
        match self.names.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub fn create(&mut self, path: &Path) -> io::Result<u64> {
        self.check_folder(path)?;
        if self.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if self.free() == 0 {
            return Err(Fault::NoSpace.error());
        }
        let inode = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(inode, Inode::default());
        self.change(NameChange { folder: folder(path), gone: None, come: Some((path.to_owned(), Node::File(inode))) });
        Ok(inode)
    }

    pub fn create_dir_all(&mut self, path: &Path) -> io::Result<()> {
        let mut missing = Vec::new();
        for dir in path.ancestors().take_while(|p| !is_root(p)) {
            match self.names.get(dir) {
                Some(Node::Dir) => break,
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None => missing.push(dir.to_owned()),
            }
        }
        for dir in missing.into_iter().rev() {
            self.change(NameChange { folder: folder(&dir), gone: None, come: Some((dir, Node::Dir)) });
        }
        Ok(())
    }

    pub fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        if !is_root(dir) && self.names.get(dir) != Some(&Node::Dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(self.names.keys().filter(|path| folder(path) == dir).cloned().collect())
    }

    pub fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let node = Node::File(self.inode_of(from)?);
        self.check_folder(to)?;
        let come = Some((to.to_owned(), node));
        if folder(from) == folder(to) {
            self.change(NameChange { folder: folder(to), gone: Some(from.to_owned()), come });
        } else {
            self.change(NameChange { folder: folder(to), gone: None, come });
            self.change(NameChange { folder: folder(from), gone: Some(from.to_owned()), come: None });
        }
        Ok(())
    }

    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.inode_of(path)?;
        self.change(NameChange { folder: folder(path), gone: Some(path.to_owned()), come: None });
        Ok(())
    }

    pub fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        self.list(dir)?;
        let (synced, rest) = std::mem::take(&mut self.pending).into_iter().partition(|c: &NameChange| c.folder == dir);
        self.pending = rest;
        for change in synced {
            apply(&mut self.durable, &change);
        }
        Ok(())
    }

    /// Writes; where it fails, or the disk is full, only the front part.
    pub fn write(&mut self, inode: u64, data: &[u8], offset: u64, failed: io::Result<()>) -> io::Result<()> {
        let room = self.free();
        let len = self.inode(inode)?.len();
        let grows = (offset + data.len() as u64).saturating_sub(len);
        let (part, result) = match failed {
            Err(e) => (self.rng.below(data.len() as u64 + 1), Err(e)),
            Ok(()) if grows > room => ((len + room).saturating_sub(offset), Err(Fault::NoSpace.error())),
            Ok(()) => (data.len() as u64, Ok(())),
        };
        let part = part.min(data.len() as u64).min((len + room).saturating_sub(offset)) as usize;
        if part > 0 {
            self.inode(inode)?.write(&data[..part], offset);
        }
        result
    }

    pub fn sync(&mut self, inode: u64, failed: io::Result<()>) -> io::Result<()> {
        let rng = &mut self.rng;
        let inode = self.inodes.get_mut(&inode).ok_or_else(power_is_off)?;
        match failed {
            Ok(()) => inode.sync(),
            Err(_) => inode.fail_sync(rng),
        }
        failed
    }

    pub fn set_len(&mut self, inode: u64, len: u64) -> io::Result<()> {
        let room = self.free();
        let inode = self.inode(inode)?;
        if len.saturating_sub(inode.len()) > room {
            return Err(Fault::NoSpace.error());
        }
        inode.set_len(len);
        Ok(())
    }

    pub fn flip(&mut self, path: &Path, bit: u64) -> io::Result<()> {
        let inode = self.inode_of(path)?;
        self.inode(inode)?.flip(bit)
    }

    pub fn files(&self) -> Vec<PathBuf> {
        self.names.iter().filter(|(_, node)| node.inode().is_some()).map(|(path, _)| path.clone()).collect()
    }

    pub fn used(&self) -> u64 {
        let inodes = self.names.values().filter_map(|node| self.inodes.get(&node.inode()?));
        inodes.map(Inode::len).sum()
    }

    pub fn free(&self) -> u64 {
        self.capacity.saturating_sub(self.used())
    }

    pub fn lock(&mut self, path: &Path) -> io::Result<()> {
        if !self.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }

    pub fn unlock(&mut self, path: &Path) {
        self.locks.remove(path);
    }

    fn check_folder(&self, path: &Path) -> io::Result<()> {
        let folder = folder(path);
        if is_root(&folder) || self.names.get(&folder) == Some(&Node::Dir) {
            return Ok(());
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: NameChange) {
        apply(&mut self.names, &change);
        self.pending.push(change);
    }
}

impl Node {
    fn inode(self) -> Option<u64> {
        match self {
            Node::File(inode) => Some(inode),
            Node::Dir => None,
        }
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Node>, change: &NameChange) {
    if let Some(gone) = &change.gone {
        names.remove(gone);
    }
    if let Some((path, node)) = &change.come {
        names.insert(path.clone(), *node);
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

fn is_root(path: &Path) -> bool {
    path.parent().is_none() || path == Path::new(".")
}
