//! `storage-service`: `logs.insights` to the history, and questions about it.
//!
//! In PostgreSQL copies share the partitions; on the embedded history one copy holds all of them. Lines are scanned once more here: files keep a message as its form and
//! variables, which follow from its text alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use whittle_bus::Bus as _;
use whittle_disk::{Disk, OsDisk};
use whittle_domain::Batch;
use whittle_domain::knowledge::Knowledge;
use whittle_history::{FileHistory, Opened, Positions, Reader, StageState, Writer};
use whittle_patterns::{Catalog, Limits, Miner};
use whittle_postgres::{Address, PgHistory};

use super::base::Base;
use super::numbered::Numbered;
use super::program::Part;
use super::{Role, owner};
use crate::clock::now_micros;
use crate::config::Config;
use crate::insights::Insights;
use crate::model::ModelStatus;
use crate::pipeline::{Analyse, Detour, Durable, EdgeError, Feed, FeedLimits, HistoryOutlet, PatternJournal, Stage};
use crate::shared;
use crate::storage::{self, Replay, Storage};
use crate::topics::{ReadRecords, Traces};
use crate::up::build::PATTERNS;
use crate::up::data::history_settings;
use crate::up::stages::NamedStage;

/// The group of its copies.
pub(super) const GROUP: &str = "storage-service-group";
/// Between two looks at how far the group has come.
const LOOK: Duration = Duration::from_millis(500);
/// Partitions of `logs.raw` that the history's positions are kept for, so that some may be added while it runs.
const PARTITIONS: usize = 4096;

/// Scans lines again on their way into the history.
struct Store(Analyse);

impl Stage for Store {
    type In = Batch;
    type Out = Arc<Batch>;
    const NAME: &'static str = "storage";

    fn process(&mut self, batch: &mut Batch) -> Arc<Batch> {
        self.0.process(batch)
    }

    fn tick(&mut self, idle: bool) {
        self.0.tick(idle);
    }
}

pub(super) fn build(base: &Base, registry: &mut Registry) -> anyhow::Result<Part> {
    let topic = &base.config.kafka_topic_insights;
    let mut miner = Miner::new(Limits::default());
    let place = place(base, &mut miner)?;
    let stop = base.end.sinks.clone();
    let learned = shared::learn_into(&mut miner, &base.bus, &stop)?;
    let catalog = miner.catalog();
    let configured = base.config.asks_a_model();
    let insights = Insights::new(Arc::new(Knowledge::builtin()?), catalog.clone(), configured);
    shared::follow_words(&insights, &base.bus, &stop)?;
    let journal = PatternJournal::default();
    let Started { reader, writer, durable, keeps_patterns, stages } = place.start(base, &catalog, &insights)?;
    let shared_work = !keeps_patterns;
    let (feed, replay) = replay(base, shared_work)?;
    let consumer = base.subscribe(topic, GROUP)?;
    let inlet = base.inlet(topic, consumer, ReadRecords(Traces::default()), "storage");
    let analyse = Analyse::new(miner, journal.clone(), Vec::new(), Box::new(now_micros)).learning(learned);
    let state = move || gather(&journal, keeps_patterns);
    let outlet = HistoryOutlet::new(writer, state, feed.clone(), Detour::default());
    let stage = base.counted_stage(inlet.until_held(durable), Store(analyse), outlet, topic, feed);
    super::storage_numbers::register(registry, reader.clone());
    let storage = Storage::new(reader, catalog, insights, ModelStatus::off(), replay, now_micros);
    let asked = storage.clone();
    let no_such_route = || async { crate::http::Refusal::not_found("not_found", "there is no such route") };
    Ok(Part {
        routes: storage::routes(storage).fallback(no_such_route),
        ready: Arc::new(move || asked.readiness()),
        ..Part::of_stages(Role::Storage, stages.into_iter().chain([stage]).collect())
    })
}

/// Where rows end up, before it runs.
enum Place {
    /// In files, of which one copy is the owner.
    Files { opened: Box<Opened>, owner: NamedStage },
    /// In a database, into which several copies write.
    Postgres(Box<whittle_postgres::Settings>),
}

/// Where rows end up, running.
struct Started {
    reader: Arc<dyn Reader>,
    writer: Box<dyn Writer>,
    durable: Durable,
    /// The patterns' journal stands beside the rows.
    keeps_patterns: bool,
    stages: Vec<NamedStage>,
}

/// Opens what there is; files tell the miner what was known when they were written.
fn place(base: &Base, miner: &mut Miner) -> anyhow::Result<Place> {
    let config = &base.config;
    if let Some(url) = &config.postgres_url {
        let address = Address::parse(url).context("POSTGRES_URL")?;
        let cluster = base.bus.cluster().context("the brokers do not say which cluster they are")?;
        let mut settings = whittle_postgres::Settings::new(address, format!("{cluster}/{}", config.kafka_topic_raw));
        settings.keep_age = history_settings(config).keep_age;
        settings.keep_bytes = config.whittle_retention_bytes;
        return Ok(Place::Postgres(Box::new(settings)));
    }
    let owner = owner::claim(base)?;
    let opened = open(config)?;
    if let Some(journal) = opened.checkpoint.journals.get(PATTERNS) {
        miner.load(journal)?;
    }
    Ok(Place::Files { opened: Box::new(opened), owner })
}

impl Place {
    fn start(self, base: &Base, catalog: &Catalog, insights: &Insights) -> anyhow::Result<Started> {
        let told = |durable: &Durable| {
            let raised = durable.clone();
            Box::new(move |positions: &Positions| {
                positions.iter().for_each(|(partition, offset)| raised.raise(*partition, *offset));
            })
        };
        match self {
            Place::Files { opened, owner } => {
                let durable = Durable::new(&held(&opened));
                let started = opened.start(catalog.clone(), told(&durable)).context("the history cannot start")?;
                let (reader, stages) = (Arc::new(Numbered(started.0)) as Arc<dyn Reader>, vec![owner]);
                Ok(Started { reader, writer: started.1, durable, keeps_patterns: true, stages })
            }
            Place::Postgres(mut settings) => {
                let durable = Durable::new(&[0; PARTITIONS]);
                let insights = insights.clone();
                settings.insight = Arc::new(move |pattern, level| insights.json(pattern, level).to_string());
                let started = PgHistory::start(*settings, catalog.clone(), told(&durable)).context("POSTGRES_URL")?;
                let (reader, stages) = (started.0 as Arc<dyn Reader>, Vec::new());
                tracing::info!("rows go to PostgreSQL; {} may have several copies", base.config.kafka_topic_insights);
                Ok(Started { reader, writer: started.1, durable, keeps_patterns: false, stages })
            }
        }
    }
}

fn open(config: &Config) -> anyhow::Result<Opened> {
    let dir = &config.whittle_data_dir;
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let fix = || format!("WHITTLE_DATA_DIR: cannot use {}; give a folder that this user may write", dir.display());
    disk.create_dir_all(dir).with_context(fix)?;
    let opened = FileHistory::open(disk, &dir.join("history"), history_settings(config))?;
    for file in &opened.set_aside {
        tracing::error!(file, "a file of the history is damaged and was set aside");
    }
    Ok(opened)
}

/// By partition of `logs.raw`: up to where the history holds everything.
fn held(opened: &Opened) -> Vec<u64> {
    let mut held = vec![0; PARTITIONS];
    for (partition, offset) in &opened.checkpoint.positions {
        if let Some(place) = held.get_mut(*partition as usize) {
            *place = *offset;
        }
    }
    held
}

/// What the history has to read before questions about it have true answers: what the topic holds now and was not committed. Where
/// copies share the work, it is read once their group has committed it, whoever does so.
fn replay(base: &Base, shared_work: bool) -> anyhow::Result<(Arc<Feed>, Replay)> {
    let topic = &base.config.kafka_topic_insights;
    let (starts, ends) = (base.bus.starts(topic)?, base.bus.ends(topic)?);
    let committed = base.bus.committed(topic, GROUP)?;
    let from = starts.iter().zip(committed).map(|(start, committed)| committed.unwrap_or(*start).max(*start));
    let left: u64 = ends.iter().zip(from).map(|(end, from)| end.saturating_sub(from)).sum();
    let counting = || Arc::new(Feed::new(&[left], &[0], FeedLimits { bytes: 0, lag_records: u64::MAX }));
    let feed = counting();
    let replay = Replay::new(feed.clone(), &[0], &[left]);
    if !shared_work {
        return Ok((feed, replay));
    }
    let (bus, topic, stop) = (base.bus.clone(), topic.clone(), base.end.draining.clone());
    let body = move || {
        while !stop.is_cancelled() {
            let committed = bus.committed(&topic, GROUP).unwrap_or_default();
            let reached = |(end, start): (&u64, &u64), committed: Option<u64>| end <= start || committed >= Some(*end);
            let all = committed.len() >= ends.len()
                && ends.iter().zip(&starts).zip(committed).all(|(range, committed)| reached(range, committed));
            if all {
                return feed.stored(left);
            }
            std::thread::sleep(LOOK);
        }
    };
    std::thread::Builder::new().name("replay".into()).spawn(body).context("no thread to watch the group")?;
    Ok((counting(), replay))
}

/// The state that is committed with rows. In a database of several copies it is none: patterns stand in their topic.
fn gather(journal: &PatternJournal, keeps_patterns: bool) -> Result<StageState, EdgeError> {
    let learned = journal.take();
    let journals = if learned.is_empty() || !keeps_patterns {
        BTreeMap::new()
    } else {
        BTreeMap::from([(PATTERNS.to_owned(), learned)])
    };
    Ok(StageState { states: BTreeMap::new(), journals })
}
