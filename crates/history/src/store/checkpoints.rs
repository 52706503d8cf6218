//! A checkpoint without rows: for a pipeline whose rows go elsewhere, but whose stages have state all the same.

use std::path::Path;
use std::sync::Arc;

use whittle_disk::Disk;

use super::journals::Journals;
use super::log::ManifestLog;
use super::manifest::Record;
use super::{OpenError, lock_dir, remove_orphans};
use crate::{Checkpoint, Positions, StageState};

/// What a restart goes on from, in a folder of its own. Belongs to one thread.
pub struct Checkpoints {
    log: ManifestLog,
    journals: Journals,
    _lock: Box<dyn Send + Sync>,
}

impl Checkpoints {
    /// Reads the last commit of a folder; makes an empty folder where there is none.
    ///
    /// # Errors
    /// Another process has it, it is of a later format or damaged, or the disk refuses.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<(Checkpoint, Checkpoints), OpenError> {
        let lock = lock_dir(&*disk, dir)?;
        let log = ManifestLog::open(disk.clone(), dir)?;
        let (journals, contents) = Journals::open(disk.clone(), dir, &log.live().journals)?;
        remove_orphans(&*disk, dir, &log)?;
        let checkpoint = Checkpoint {
            positions: log.live().positions.clone(),
            states: log.live().states.clone(),
            journals: contents,
        };
        Ok((checkpoint, Checkpoints { log, journals, _lock: lock }))
    }

    /// Commits: durable when it returns.
    ///
    /// # Errors
    /// The disk refuses. Commit the same again: what was written of it does not count.
    pub fn commit(&mut self, positions: &Positions, state: &StageState) -> std::io::Result<()> {
        let done = self.try_commit(positions, state);
        if done.is_err() {
            self.journals.rewind(&self.log.live().journals);
        }
        done
    }

    fn try_commit(&mut self, positions: &Positions, state: &StageState) -> std::io::Result<()> {
        let mut record = Record { positions: positions.clone(), states: state.states.clone(), ..Record::default() };
        let Checkpoints { log, journals, .. } = self;
        for (name, bytes) in &state.journals {
            let entry = journals.append(name, bytes, || log.take_id())?;
            record.journals.insert(name.clone(), entry);
        }
        self.log.commit(record)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use whittle_disk::sim::{Fault, Rule, SimDisk};

    use super::*;

    fn state(byte: u8) -> StageState {
        let mut state = StageState::default();
        state.states.insert("alerts".to_owned(), Bytes::from(vec![byte; 3]));
        state.journals.insert("patterns".to_owned(), Bytes::from(vec![byte; 4]));
        state
    }

    #[test]
    fn a_commit_that_fails_anywhere_counts_once_when_it_is_made_again() {
        for at in 0..40 {
            let disk = SimDisk::new(7);
            let dir = Path::new("/data/stages");
            let (_, mut checkpoints) = Checkpoints::open(Arc::new(disk.clone()), dir).expect("an empty folder");
            checkpoints.commit(&[(0, 5)].into(), &state(1)).expect("the disk takes it");
            disk.inject(Rule { call: None, after: at, times: 1, fault: Fault::Io });
            let again = (0..3).find(|_| checkpoints.commit(&[(0, 9)].into(), &state(2)).is_ok());
            assert!(again.is_some(), "one fault does not fail three commits");
            disk.heal();
            drop(checkpoints);
            let (checkpoint, _) = Checkpoints::open(Arc::new(disk), dir).expect("it opens");
            assert_eq!(checkpoint.positions, [(0, 9)].into());
            assert_eq!(checkpoint.states["alerts"], Bytes::from(vec![2; 3]));
            assert_eq!(checkpoint.journals["patterns"], Bytes::from(vec![1, 1, 1, 1, 2, 2, 2, 2]), "fault {at}");
        }
    }
}
