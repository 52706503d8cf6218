//! The insight store as the gateway asks it.

use std::sync::Arc;

use whittle_domain::Level;
use whittle_patterns::PatternId;

use super::InsightLookup;
use crate::insights::Insights;

impl InsightLookup for Insights {
    fn json(&self, pattern: PatternId, level: Level) -> Arc<str> {
        Insights::json(self, pattern, level)
    }

    fn resolve(&self, pattern: PatternId) -> PatternId {
        Insights::resolve(self, pattern)
    }
}
