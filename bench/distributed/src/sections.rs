//! What is measured, one after the other.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::bail;
use whittle_testkit::{Server, recent, wait};

use crate::Args;
use crate::cast::{Stage, cpu_of, send};

/// Time for everything to have passed.
const PATIENCE: Duration = Duration::from_secs(900);
/// Connections of the latencies, and requests of each.
const CONNECTIONS: usize = 32;
const REQUESTS: usize = 60;

/// One line: what, measured, goal.
fn say(what: &str, measured: impl std::fmt::Display, goal: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{what:<58} {measured:>16}   {goal}")
}

/// Runs all sections.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let Some(stage) = Stage::open(args)? else {
        bail!("there is no Kafka on this machine: deploy/dev/setup.sh servers")
    };
    say("", "measured", "goal")?;
    let ingestion = stage.role("ingestion-service")?;
    let millions = args.records as f64 / 1e6;
    send(&ingestion, args.records / 10)?; // warm
    let (cpu, took, ()) = cpu_of(&[("ingestion-service", &ingestion)], || send(&ingestion, args.records))?;
    say("ingestion -> logs.raw, CPU s a million", format!("{:.2}", cpu[0] / millions), "<= 4")?;
    say("  records a second", format!("{:.0}", args.records as f64 / took.as_secs_f64()), "")?;
    acks(&ingestion)?;
    whole(&stage, &ingestion)
}

/// Single records over many connections.
fn acks(ingestion: &Server) -> anyhow::Result<()> {
    let body = br#"{"source":"bench","level":"info","message":"one record alone, to see how long its answer takes"}"#;
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let client = |_| {
            scope.spawn(|| -> anyhow::Result<Vec<Duration>> {
                let mut connection = ingestion.connect(ingestion.ingestion())?;
                let mut times = Vec::with_capacity(REQUESTS);
                for _ in 0..REQUESTS {
                    let began = Instant::now();
                    if connection.post("/ingest", "application/json", body)?.status == 202 {
                        times.push(began.elapsed());
                    }
                }
                Ok(times)
            })
        };
        let clients: Vec<_> = (0..CONNECTIONS).map(client).collect();
        clients.into_iter().filter_map(|client| client.join().ok()?.ok()).flatten().collect()
    });
    times.sort_unstable();
    let at =
        |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default().as_secs_f64() * 1e3;
    say("ack, 32 connections, p50 ms (wall)", format!("{:.1}", at(0.5)), "<= 15")?;
    say("ack, 32 connections, p99 ms (wall)", format!("{:.1}", at(0.99)), "<= 60")?;
    Ok(())
}

/// All roles, from `logs.raw` to the history, over what the sections before have left in it.
fn whole(stage: &Stage<'_>, ingestion: &Server) -> anyhow::Result<()> {
    let names = ["normalizer-service", "ai-analysis-service", "storage-service", "alert-service", "websocket-gateway"];
    let servers = names.map(|role| stage.role(role));
    let servers: Vec<Server> = servers.into_iter().collect::<anyhow::Result<_>>()?;
    let storage = &servers[2];
    let mut connection = storage.connect(storage.storage())?;
    let mut before = 0;
    let quiet = || {
        // What is in the raw log from before has passed once the count stands still.
        let now = recent::count(&mut connection, "").ok()?;
        let still = now > 0 && now == std::mem::replace(&mut before, now);
        std::thread::sleep(Duration::from_secs(2));
        still.then_some(now)
    };
    let start = wait::until("the history to have what was sent before", PATIENCE, quiet)?;
    let wanted = start + (stage.args.records / 4000 * 4000) as u64;
    let all: Vec<(&str, &Server)> = names.into_iter().zip(&servers).chain([("ingestion-service", ingestion)]).collect();
    let mut asking = storage.connect(storage.storage())?;
    let (cpu, took, ()) = cpu_of(&all, || {
        send(ingestion, stage.args.records)?;
        let mut arrived = || recent::count(&mut asking, "").is_ok_and(|count| count >= wanted).then_some(());
        Ok(wait::until("all records to arrive", PATIENCE, || {
            std::thread::sleep(Duration::from_millis(200));
            arrived()
        })?)
    })?;
    let millions = stage.args.records as f64 / 1e6;
    for ((role, _), cpu) in all.iter().zip(&cpu) {
        say(&format!("  {role}, CPU s a million"), format!("{:.2}", cpu / millions), "")?;
    }
    let place = if stage.postgres.is_some() { "PostgreSQL" } else { "files" };
    let sum: f64 = cpu.iter().sum();
    say(&format!("all roles, raw to {place}, CPU s a million"), format!("{:.2}", sum / millions), "<= 25")?;
    say("  records a second from end to end", format!("{:.0}", stage.args.records as f64 / took.as_secs_f64()), "")?;
    Ok(())
}
