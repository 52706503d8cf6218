//! The model worker: asks an OpenAI-compatible server what a pattern means. Nobody waits for it.

mod settings;

pub use settings::ModelSettings;
pub trait ModelState: Send + Sync {
    fn state(&self) -> serde_json::Value;
}
pub struct Off;
impl ModelState for Off {
    fn state(&self) -> serde_json::Value {
        serde_json::json!({"model":{"configured":false,"name":null,"state":"off"},"budget":{}})
    }
}
pub struct ModelWorker;
impl ModelWorker {
    pub fn state(&self) -> std::sync::Arc<dyn ModelState> {
        std::sync::Arc::new(Off)
    }
    pub async fn run(self, stop: tokio_util::sync::CancellationToken) {
        stop.cancelled().await
    }
}
pub struct Candidates;
impl Candidates {
    pub fn observe(&mut self, _: &whittle_domain::Batch) {}
}
