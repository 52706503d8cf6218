//! The last stage: rows into the history, and the checkpoint that a restart goes on from.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use whittle_domain::Batch;
use whittle_history::{StageState, WriteError, Writer};

use super::{DeadLetter, Detour, Divide, EdgeError, Feed, Held, Outlet, Refused, Stage};

/// Gathers the stages' state for a commit; called at the border of a batch.
type GatherState = Box<dyn FnMut() -> Result<StageState, EdgeError> + Send>;

/// A stage that changes nothing: what the outlet does is its work.
#[derive(Debug, Default)]
pub struct Pass;

impl Stage for Pass {
    type In = Arc<Batch>;
    type Out = Arc<Batch>;
    const NAME: &'static str = "storage";

    fn process(&mut self, batch: &mut Arc<Batch>) -> Arc<Batch> {
        batch.clone()
    }
}

impl Divide for Arc<Batch> {
    fn records(&self) -> usize {
        self.len()
    }

    fn halves(self) -> (Self, Self) {
        let (first, second) = Arc::unwrap_or_clone(self).halves();
        (Arc::new(first), Arc::new(second))
    }

    fn dead_letter(&self, topic: &str, reason: String) -> Option<DeadLetter> {
        self.as_ref().dead_letter(topic, reason)
    }
}

/// The history as an outlet.
pub struct HistoryOutlet {
    writer: Box<dyn Writer>,
    state: GatherState,
    feed: Arc<Feed>,
    detour: Detour,
    /// Journals that a refused commit did not take.
    unwritten: BTreeMap<String, Bytes>,
    /// The last commit failed, and that was said.
    failing: bool,
}

impl HistoryOutlet {
    /// An outlet that commits with the state that `state` gathers, and tells `detour` whether the history takes rows.
    pub fn new(
        writer: Box<dyn Writer>,
        state: impl FnMut() -> Result<StageState, EdgeError> + Send + 'static,
        feed: Arc<Feed>,
        detour: Detour,
    ) -> Self {
        HistoryOutlet { writer, state: Box::new(state), feed, detour, unwritten: BTreeMap::new(), failing: false }
    }

    fn commit_if_due(&mut self) -> Result<(), EdgeError> {
        if !self.writer.is_due() {
            return Ok(());
        }
        self.with_state(|writer, state| writer.commit(state))
    }

    /// Gathers the state for a commit. The journals of a commit that was refused go with the next one; the rest of its
    /// state is gathered anew, since rows may have passed meanwhile.
    fn with_state(
        &mut self,
        commit: impl FnOnce(&mut dyn Writer, StageState) -> Result<(), WriteError>,
    ) -> Result<(), EdgeError> {
        let mut state = (self.state)()?;
        for (name, earlier) in std::mem::take(&mut self.unwritten) {
            let later = state.journals.entry(name).or_default();
            *later = [earlier.as_ref(), later.as_ref()].concat().into();
        }
        let journals = state.journals.clone();
        commit(&mut *self.writer, state).map_err(|error| {
            self.unwritten = journals;
            unavailable(error)
        })
    }
}

fn unavailable(error: WriteError) -> EdgeError {
    EdgeError::Unavailable(error.to_string())
}

impl Outlet for HistoryOutlet {
    type Item = Arc<Batch>;

    fn send(&mut self, batch: Arc<Batch>) -> Result<Held, Refused<Arc<Batch>>> {
        match self.writer.append(&batch) {
            Ok(()) => {
                self.detour.taken();
                self.feed.stored(batch.len() as u64);
                Ok(Held::Later)
            }
            Err(error) => {
                self.detour.refused();
                Err(Box::new((unavailable(error), batch)))
            }
        }
    }

    /// A commit that fails is tried again at the next tick and holds nothing up: rows go on being appended, until the
    /// history itself has no more room for them.
    fn tick(&mut self) -> Result<(), EdgeError> {
        match self.commit_if_due() {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::warn!(%error, "the history cannot be committed; trying again");
            }
            Err(_) => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), EdgeError> {
        self.with_state(|writer, state| writer.finish(state))
    }
}
