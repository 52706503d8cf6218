//! Queries on the rows of the bulk load: CPU of the server for each, by the difference over many that are not the same.

use std::time::{Duration, Instant};

use whittle_domain::timestamp;
use whittle_testkit::{Connection, Corpus, Server};

use super::{Bench, DAY, cpu, now};
use crate::bodies::NEEDLES;
use crate::figure::Figure;
use crate::latency::Latencies;

/// Wall time that a query is repeated for, and the most repeats.
const SPAN: Duration = Duration::from_secs(4);
const REPEATS: usize = 2_000;

/// Phrases that stand in templates, from frequent to rare.
const PHRASES: [&str; 6] = [
    "answered in",
    "from the outbox",
    "duplicate key value violates unique constraint",
    "Soft bounce from",
    "Possible SYN flooding",
    "circuit breaker for search opened",
];

/// A question, and what it may cost in CPU milliseconds: least and goal.
struct Question {
    name: &'static str,
    least: f64,
    goal: f64,
    path: Box<dyn Fn(usize) -> String>,
}

/// What is measured of a question.
pub struct Asked {
    /// CPU milliseconds of the server for one.
    pub cpu_ms: f64,
    /// Times of the answers.
    pub times: Latencies,
    /// Matches of the last one, where the answer says.
    pub total: Option<String>,
}

/// Asks every question of the table.
pub fn run(bench: &mut Bench<'_>, server: &Server) -> anyhow::Result<()> {
    bench.report.section("queries");
    let mut connection = server.connect(server.storage())?;
    for question in questions(bench.args.seed) {
        let asked = ask(server, &mut connection, &question.path)?;
        let note = format!(
            "p50 {:.2} ms, p99 {:.2} ms over {} queries; {} matches for `{}`",
            asked.times.p50(),
            asked.times.p99(),
            asked.times.len(),
            asked.total.as_deref().unwrap_or("no count of"),
            (question.path)(asked.times.len() - 1),
        );
        bench.report.add(
            Figure::new(format!("{}, CPU", question.name), asked.cpu_ms, "ms")
                .at_most(question.least, question.goal)
                .note(note),
        );
    }
    Ok(())
}

/// Asks one question again and again.
///
/// # Errors
/// An answer is not 200.
pub fn ask(server: &Server, connection: &mut Connection, path: &dyn Fn(usize) -> String) -> anyhow::Result<Asked> {
    let mut times = Latencies::default();
    let mut total = None;
    let before = cpu(server)?;
    let started = Instant::now();
    while times.len() < REPEATS && started.elapsed() < SPAN {
        let path = path(times.len());
        let asked = Instant::now();
        let response = connection.get(&path)?;
        times.add(asked.elapsed());
        anyhow::ensure!(response.status == 200, "{path} answered {}: {:.300}", response.status, response.text());
        anyhow::ensure!(response.header("x-partial").is_none(), "{path} was answered in part");
        total = response.header("x-total-count").map(str::to_owned);
    }
    Ok(Asked { cpu_ms: (cpu(server)? - before) * 1_000.0 / times.len() as f64, times, total })
}

fn question(name: &'static str, least: f64, goal: f64, path: impl Fn(usize) -> String + 'static) -> Question {
    Question { name, least, goal, path: Box::new(path) }
}

fn questions(seed: u64) -> Vec<Question> {
    let sources: Vec<String> = Corpus::new(seed, 0).source_names().map(str::to_owned).collect();
    let end = now();
    let at = |micros: i64| timestamp::to_string(micros);
    let encoded = |text: &str| text.replace(' ', "%20");
    vec![
        question("latest 100", 5.0, 1.0, |_| "/recent?limit=100".into()),
        question("errors of a source in an hour, with their count", 4.0, 1.0, move |i| {
            let from = end - DAY + (i % 23) as i64 * DAY / 24;
            let source = &sources[i * 7 % sources.len()];
            format!("/recent?limit=100&levels=error&source={source}&from={}&to={}", at(from), at(from + DAY / 24))
        }),
        question("a phrase of a template, with its count", 16.0, 2.0, move |i| {
            format!("/recent?limit=100&q=%22{}%22", encoded(PHRASES[i % PHRASES.len()]))
        }),
        question("a needle in variables", 5.0, 2.5, |i| format!("/recent?limit=100&q={}", NEEDLES[i % NEEDLES.len()])),
        question("an absent word", 1.1, 0.6, |i| format!("/recent?limit=100&q=zq{}absent", i * 7919)),
        question("counts over the day by level", 20.0, 2.0, move |i| {
            let from = end - DAY + i as i64 * 1_000;
            format!("/stats/histogram?by=level&buckets=480&from={}&to={}", at(from), at(end))
        }),
    ]
}
