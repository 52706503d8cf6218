//! The embedded history as the laws use it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use whittle_disk::{Disk, OsDisk};
use whittle_history::{Clock, FileHistory, Settings};
use whittle_patterns::Catalog;

use crate::harness::{Harness, Open};
use crate::rows::NOON;

pub struct Files {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub settings: Settings,
    now: Arc<AtomicI64>,
    history: Option<std::sync::Weak<FileHistory>>,
    _temporary: Option<tempfile::TempDir>,
}

impl Files {
    /// On a folder of the real disk that goes away with it.
    pub fn temporary() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut files = Files::on(Arc::new(OsDisk), folder.path().join("history"));
        files._temporary = Some(folder);
        files
    }

    /// With small files and nothing done in the background.
    pub fn on(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        let now = Arc::new(AtomicI64::new(NOON));
        let clock = now.clone();
        let settings = Settings {
            tidy_every: None,
            group_rows: 16,
            merge_files: 2,
            merged_rows: 200,
            keep_free_percent: 0,
            retry_after: std::time::Duration::from_millis(20),
            clock: Clock::new(move || clock.load(Ordering::Relaxed)),
            ..Settings::default()
        };
        Files { disk, dir, settings, now, history: None, _temporary: None }
    }

    pub fn try_open(&mut self, catalog: Catalog) -> Result<Open, whittle_history::OpenError> {
        let opened = FileHistory::open(self.disk.clone(), &self.dir, self.settings.clone())?;
        let checkpoint = opened.checkpoint.clone();
        let durable = Arc::new(Mutex::new(checkpoint.positions.clone()));
        let told = durable.clone();
        let on_durable = move |positions: &whittle_history::Positions| {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = positions.clone();
        };
        let (history, writer) = opened.start(catalog, Box::new(on_durable))?;
        self.history = Some(Arc::downgrade(&history));
        Ok(Open { checkpoint, reader: history, writer, durable })
    }

    /// As [`Harness::tidy`], where the disk may refuse.
    pub fn try_tidy(&mut self) -> std::io::Result<()> {
        self.history.as_ref().and_then(std::sync::Weak::upgrade).expect("an open history").tidy()
    }
}

impl Harness for Files {
    fn open(&mut self, catalog: Catalog) -> Open {
        self.try_open(catalog).expect("the history opens")
    }

    fn tidy(&mut self) {
        self.try_tidy().expect("the disk takes what is merged");
    }

    fn set_now(&mut self, micros: i64) {
        self.now.store(micros, Ordering::Relaxed);
    }
}
