//! A consumer group: who of its members has which partition, and what it has committed.
//!
//! Partitions move only when members come or go, and then as few as possible. Each hand-over gives the partition a new
//! term; a commit names the term in which its records were read, so that a member that lost a partition, even one that got it
//! back since, cannot overwrite what another has done.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use whittle_disk::Disk;

use crate::api::{BusError, Position};
use crate::files;

const MAGIC: &str = "whittle-group 1";

/// A group of one topic.
pub(crate) struct Group {
    path: PathBuf,
    /// Counts hand-overs, so that members see without a lock that something changed.
    changes: AtomicU64,
    /// Held during the I/O of a commit: commits of a group are one after the other.
    state: Mutex<State>,
}

struct State {
    members: Vec<u64>,
    next_member: u64,
    owners: Vec<Owner>,
    committed: Vec<Option<u64>>,
    /// Where each partition began when the group first came: what retention keeps for it until it commits.
    joined_at: Vec<u64>,
}

#[derive(Clone, Copy, Default)]
struct Owner {
    member: Option<u64>,
    term: u64,
}

/// A partition that a member has, and since which hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assigned {
    pub partition: u32,
    pub term: u64,
    /// Where to go on from.
    pub from: u64,
}

impl Group {
    /// A new group, whose file is durable when this returns.
    pub fn create(disk: &dyn Disk, path: PathBuf, joined_at: Vec<u64>) -> Result<Self, BusError> {
        let committed = vec![None; joined_at.len()];
        write(disk, &path, &committed, &joined_at)?;
        Ok(Self::with(path, committed, joined_at))
    }

    /// Reads a group's file. Where it is damaged the group begins again at `starts`: what it had done comes twice.
    pub fn open(disk: &dyn Disk, path: PathBuf, starts: &[u64]) -> Result<Self, BusError> {
        let contents = files::read_small(disk, &path).map_err(|e| BusError::io("cannot read", &path, e))?;
        let Some(mut offsets) = contents.as_deref().and_then(parse) else {
            tracing::error!(path = %path.display(), "the commits of a group are damaged; it begins again at the oldest record");
            return Ok(Self::with(path, vec![None; starts.len()], starts.to_vec()));
        };
        for start in starts.iter().skip(offsets.len()) {
            offsets.push((None, *start));
        }
        let (committed, joined_at) = offsets.into_iter().take(starts.len()).unzip();
        Ok(Self::with(path, committed, joined_at))
    }

    fn with(path: PathBuf, committed: Vec<Option<u64>>, joined_at: Vec<u64>) -> Self {
        let owners = vec![Owner::default(); committed.len()];
        let state = State { members: Vec::new(), next_member: 0, owners, committed, joined_at };
        Group { path, changes: AtomicU64::new(0), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a member.
    pub fn join(&self) -> u64 {
        let mut state = self.state();
        let member = state.next_member;
        state.next_member += 1;
        state.members.push(member);
        state.share_out();
        self.changes.fetch_add(1, Ordering::Release);
        member
    }

    /// Lets a member go.
    pub fn leave(&self, member: u64) {
        let mut state = self.state();
        state.members.retain(|m| *m != member);
        state.share_out();
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Whether anyone is in it.
    pub fn has_members(&self) -> bool {
        !self.state().members.is_empty()
    }

    /// How often partitions may have moved.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// What a member has.
    pub fn assigned(&self, member: u64) -> Vec<Assigned> {
        let state = self.state();
        let owned = state.owners.iter().enumerate().filter(|(_, owner)| owner.member == Some(member));
        owned.map(|(n, owner)| Assigned { partition: n as u32, term: owner.term, from: state.position(n) }).collect()
    }

    /// For each partition what was committed.
    pub fn committed(&self) -> Vec<Option<u64>> {
        self.state().committed.clone()
    }

    /// For each partition the first offset that the group may still want.
    pub fn held(&self) -> Vec<u64> {
        let state = self.state();
        (0..state.committed.len()).map(|n| state.position(n)).collect()
    }

    /// Makes commits of a member durable. Each comes with the term in which the member has the partition.
    pub fn commit(&self, disk: &dyn Disk, member: u64, commits: &[(Position, Option<u64>)]) -> Result<(), BusError> {
        let mut state = self.state();
        let mut committed = state.committed.clone();
        for (position, term) in commits {
            let owner = state.owners.get(position.partition as usize).copied().unwrap_or_default();
            if owner.member != Some(member) || Some(owner.term) != *term {
                return Err(BusError::Revoked(position.partition));
            }
            committed[position.partition as usize] = Some(position.offset);
        }
        if committed != state.committed {
            write(disk, &self.path, &committed, &state.joined_at)?;
            state.committed = committed;
        }
        Ok(())
    }

    /// Removes the group's file.
    pub fn forget(&self, disk: &dyn Disk) -> Result<(), BusError> {
        let _state = self.state();
        files::remove_if_there(disk, &self.path)
            .and_then(|()| disk.sync_dir(self.path.parent().unwrap_or(Path::new("."))))
            .map_err(|e| BusError::io("cannot remove", &self.path, e))
    }
}

impl State {
    fn position(&self, partition: usize) -> u64 {
        self.committed[partition].unwrap_or(self.joined_at[partition])
    }

    /// Gives each partition an owner, so that no member has over one more than another and few partitions move.
    fn share_out(&mut self) {
        let (count, members) = (self.owners.len(), self.members.len());
        let mut shares: Vec<(u64, usize)> = self.members.iter().map(|m| (*m, 0)).collect();
        // So many members may have one more than the others.
        let (least, mut larger) = (count.checked_div(members).unwrap_or(0), count.checked_rem(members).unwrap_or(0));
        let mut free = Vec::new();
        for (n, owner) in self.owners.iter().enumerate() {
            let share = shares.iter_mut().find(|(m, _)| Some(*m) == owner.member);
            match share {
                Some((_, has)) if *has < least => *has += 1,
                Some((_, has)) if *has == least && larger > 0 => {
                    *has += 1;
                    larger -= 1;
                }
                _ => free.push(n),
            }
        }
        for n in free {
            let least = shares.iter_mut().min_by_key(|(_, has)| *has);
            let member = least.map(|(member, has)| {
                *has += 1;
                *member
            });
            self.owners[n] = Owner { member, term: self.owners[n].term + 1 };
        }
    }
}

fn write(disk: &dyn Disk, path: &Path, committed: &[Option<u64>], joined_at: &[u64]) -> Result<(), BusError> {
    use std::fmt::Write as _;
    let mut text = format!("{MAGIC}\n");
    for (committed, joined) in committed.iter().zip(joined_at) {
        let committed = committed.map_or("-".to_owned(), |c| c.to_string());
        let _ = writeln!(text, "{committed} {joined}");
    }
    let _ = writeln!(text, "{:08x}", crc32c::crc32c(text.as_bytes()));
    files::replace(disk, path, text.as_bytes()).map_err(|e| BusError::io("cannot write the commits to", path, e))
}

/// The commits of a group's file, and where it joined; `None` when a bit of it is wrong.
fn parse(contents: &[u8]) -> Option<Vec<(Option<u64>, u64)>> {
    let text = std::str::from_utf8(contents).ok()?.strip_suffix('\n')?;
    let (body, crc) = text.split_at(text.rfind('\n')? + 1);
    if crc != format!("{:08x}", crc32c::crc32c(body.as_bytes())) {
        return None;
    }
    let mut lines = body.lines();
    if lines.next()? != MAGIC {
        return None;
    }
    lines
        .map(|line| {
            let (committed, joined) = line.split_once(' ')?;
            let committed = if committed == "-" { None } else { Some(committed.parse().ok()?) };
            Some((committed, joined.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(partitions: usize) -> Group {
        Group::with("group".into(), vec![None; partitions], vec![0; partitions])
    }

    #[test]
    fn shares_out_evenly_and_moves_little() {
        let group = group(7);
        let mut members = vec![group.join()];
        for _ in 1..9 {
            let before: Vec<_> = members.iter().map(|m| group.assigned(*m)).collect();
            members.push(group.join());
            let sizes: Vec<usize> = members.iter().map(|m| group.assigned(*m).len()).collect();
            assert_eq!(sizes.iter().sum::<usize>(), 7);
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
            let new = group.assigned(*members.last().unwrap()).len();
            let kept: usize = before
                .iter()
                .zip(&members)
                .map(|(had, m)| group.assigned(*m).iter().filter(|a| had.contains(a)).count())
                .sum();
            assert_eq!(kept, 7 - new, "only what the new member got has moved");
        }
        while members.len() > 1 {
            group.leave(members.swap_remove(0));
            let sizes: Vec<usize> = members.iter().map(|m| group.assigned(*m).len()).collect();
            assert_eq!(sizes.iter().sum::<usize>(), 7);
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        }
    }

    #[test]
    fn a_partition_that_came_back_is_not_committed_as_if_it_had_stayed() {
        let disk = whittle_disk::SimDisk::new(1);
        disk.create_dir_all(Path::new("/g")).unwrap();
        let group = Group::create(&disk, "/g/a".into(), vec![0, 0]).unwrap();
        let first = group.join();
        let before = group.assigned(first);
        let second = group.join();
        let moved = group.assigned(second)[0];
        let at = |offset| Position { partition: moved.partition, offset };
        group.commit(&disk, second, &[(at(9), Some(moved.term))]).unwrap();
        group.leave(second);
        let stale = before.iter().find(|a| a.partition == moved.partition).unwrap();
        let refused = group.commit(&disk, first, &[(at(4), Some(stale.term))]);
        assert!(matches!(refused, Err(BusError::Revoked(p)) if p == moved.partition), "{refused:?}");
        let now = group.assigned(first).into_iter().find(|a| a.partition == moved.partition).unwrap();
        assert_eq!(now.from, 9);
        group.commit(&disk, first, &[(at(10), Some(now.term))]).unwrap();
        assert_eq!(group.committed()[moved.partition as usize], Some(10));
    }

    #[test]
    fn a_damaged_file_is_found_out() {
        let disk = whittle_disk::SimDisk::new(1);
        disk.create_dir_all(Path::new("/g")).unwrap();
        let path = Path::new("/g/a");
        write(&disk, path, &[Some(7), None], &[0, 3]).unwrap();
        let sound = files::read_small(&disk, path).unwrap().unwrap();
        assert_eq!(parse(&sound), Some(vec![(Some(7), 0), (None, 3)]));
        for bit in 0..sound.len() * 8 {
            let mut bad = sound.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&bad), None, "bit {bit}");
        }
    }
}
