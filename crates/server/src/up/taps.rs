//! Who sees rows between their analysis and the history.

use std::sync::{Arc, Mutex, PoisonError};

use whittle_domain::Batch;

use crate::alerting::AlertStage;
use crate::gateway::Gateway;
use crate::model::Candidates;
use crate::pipeline::Tap;

/// The live stream.
pub(super) struct ToGateway(pub Arc<Gateway>);

impl Tap for ToGateway {
    fn observe(&mut self, batch: &Arc<Batch>) {
        self.0.publish(batch);
    }

    fn tick(&mut self, _now: Option<i64>) {}
}

/// The alert engine. Shared with whoever writes the checkpoint.
pub(super) struct ToAlerts(pub Arc<Mutex<AlertStage>>);

impl Tap for ToAlerts {
    fn observe(&mut self, batch: &Arc<Batch>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).observe(batch);
    }

    fn tick(&mut self, now: Option<i64>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tick(now);
    }
}

/// The model worker.
pub(super) struct ToModel(pub Candidates);

impl Tap for ToModel {
    fn observe(&mut self, batch: &Arc<Batch>) {
        self.0.observe(batch);
    }

    fn tick(&mut self, _now: Option<i64>) {}
}
