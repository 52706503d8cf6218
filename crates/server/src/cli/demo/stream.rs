//! The stream of the demo: which record comes next.

use whittle_synth::{Catalog, Generator, Record, Source};

use super::incident::{Incident, STORIES, Story, Timeline};

/// The services of the demo, by their names in the catalogue.
const SERVICES: [&str; 16] = [
    "gateway",
    "checkout",
    "payments",
    "auth",
    "cart",
    "orders",
    "search",
    "mobile-api",
    "notifications",
    "postgres",
    "redis",
    "kafka",
    "scheduler",
    "cron",
    "kernel",
    "kubernetes",
];
/// Part of the records that tell of an incident while one goes on.
const INCIDENT_PART: f64 = 0.3;

/// A seeded, endless stream of records at a rate.
#[derive(Debug)]
pub struct Demo {
    generator: Generator,
    stories: Vec<Story>,
    timeline: Timeline,
    start: i64,
    rate: u32,
    made: u64,
    /// Number of the incident that went on at the last record, and those that began since they were asked for.
    current: Option<u64>,
    begun: Vec<Incident>,
}

impl Demo {
    /// A stream that starts at `start` (microseconds since 1970) with `rate` records a second.
    pub fn new(seed: u64, start: i64, rate: u32, timeline: Timeline) -> Demo {
        let catalog = Catalog::built_in();
        let service = |(i, name): (usize, &&str)| Some(Source::new(name, catalog.service(name)?, i, 3));
        let sources: Vec<Source> = SERVICES.iter().enumerate().filter_map(service).collect();
        let stories = STORIES.iter().map(|story| story.bind(&sources)).collect();
        let generator = Generator::new(catalog, sources, seed);
        Demo { generator, stories, timeline, start, rate: rate.max(1), made: 0, current: None, begun: Vec::new() }
    }

    /// The next record; times rise.
    pub fn next_record(&mut self) -> Record {
        // In 128 bits: an endless stream at a high rate passes 64 on the way.
        let elapsed = (u128::from(self.made) * 1_000_000 / u128::from(self.rate)) as i64;
        self.made += 1;
        let room = (1_000_000 / i64::from(self.rate)).max(1);
        // Whole milliseconds, as most programs log.
        let time = (self.start + elapsed + self.generator.rng().i64(0..room)) / 1_000 * 1_000;
        let Some((number, progress)) = self.timeline.at(elapsed) else {
            self.current = None;
            return self.generator.record(time);
        };
        let story = &self.stories[number as usize % self.stories.len()];
        if self.current != Some(number) {
            self.current = Some(number);
            self.begun.push(Incident { elapsed, title: story.title, look_for: story.look_for });
        }
        let told = self.generator.rng().f64() < INCIDENT_PART;
        let step = if told { story.step(progress, self.generator.rng().f64()) } else { None };
        match step {
            Some((source, line)) => self.generator.say(source, line, time),
            None => self.generator.record(time),
        }
    }

    /// The incidents that began since the last call.
    pub fn begun(&mut self) -> Vec<Incident> {
        std::mem::take(&mut self.begun)
    }
}
