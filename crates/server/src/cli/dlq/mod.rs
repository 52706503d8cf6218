//! `whittle dlq`: what could not be processed: listed, shown, and given another try.

mod letters;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use whittle_bus::{Bus, Frame, SegmentBus};
use whittle_disk::OsDisk;
use whittle_domain::timestamp;
use whittle_kafka::KafkaBus;

use crate::config::{Config, DEAD_LETTERS};
use letters::Letters;

/// Time for Kafka to take what is given another try.
const FLUSH: Duration = Duration::from_secs(10);

/// Arguments of `whittle dlq`.
#[derive(Debug, Args)]
pub struct DlqArgs {
    #[command(subcommand)]
    pub(super) command: DlqCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum DlqCommand {
    /// A line for each: its number, when it was received, where it came from, why it was refused
    List {
        /// From this number on
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// So many at most
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// The bytes of one, as they were
    Show {
        /// Its number in `list`
        number: u64,
    },
    /// Sends some to logs.raw again as new records; what still cannot be read is told and left
    Replay {
        /// Their numbers in `list`
        #[arg(required_unless_present = "all")]
        numbers: Vec<u64>,
        /// All that were not replayed by --all before
        #[arg(long, conflicts_with = "numbers")]
        all: bool,
    },
}

/// The bus of the settings, and how it is closed.
struct Opened {
    bus: Arc<dyn Bus>,
    close: Box<dyn FnOnce()>,
    /// Each record is a message of its own.
    apart: bool,
}

/// Runs the command; says what it found on `out` and what it could not do on `err`.
///
/// # Errors
/// The bus cannot be opened or read, or something could not be replayed.
pub fn run(args: &DlqArgs, config: &Config, out: impl Write, err: impl Write) -> anyhow::Result<()> {
    let Opened { bus, close, apart } = open(config)?;
    let done = on(&*bus, args, (&config.kafka_topic_raw, apart), out, err);
    drop(bus);
    close();
    done
}

fn open(config: &Config) -> anyhow::Result<Opened> {
    if let Some(settings) = config.kafka_settings("dlq") {
        let bus = KafkaBus::open(settings).context("KAFKA_BROKERS")?;
        let closing = bus.clone();
        return Ok(Opened { bus, close: Box::new(move || closing.close(FLUSH)), apart: true });
    }
    let dir = config.whittle_data_dir.join("bus");
    if !dir.is_dir() {
        bail!("WHITTLE_DATA_DIR: there are no data in {}", config.whittle_data_dir.display());
    }
    let bus = SegmentBus::open(Arc::new(OsDisk), &dir, crate::up::data::bus_settings(config))
        .context("end whittle up first: the embedded bus belongs to one process")?;
    let closing = bus.clone();
    Ok(Opened { bus, close: Box::new(move || closing.close()), apart: false })
}

fn on(
    bus: &dyn Bus,
    args: &DlqArgs,
    raw: (&str, bool),
    mut out: impl Write,
    mut err: impl Write,
) -> anyhow::Result<()> {
    let letters = Letters::open(bus)?;
    match &args.command {
        DlqCommand::List { from, limit } => {
            for frame in letters.read(*from, *limit)? {
                writeln!(out, "{}", line(&frame))?;
            }
            Ok(())
        }
        DlqCommand::Show { number } => {
            let frame = letters.one(*number)?;
            Ok(out.write_all(&frame.body)?)
        }
        DlqCommand::Replay { numbers, all } => {
            let chosen = if *all { letters.unplayed()? } else { letters.these(numbers)? };
            let mut left = 0;
            for frame in &chosen {
                match letters::replay(bus, raw.0, raw.1, frame) {
                    Ok(()) => writeln!(out, "{} is in {} again", frame.base_offset, raw.0)?,
                    Err(reason) => {
                        left += 1;
                        writeln!(err, "{} is left: {reason}", frame.base_offset)?;
                    }
                }
            }
            if *all {
                letters.played(&chosen)?;
            }
            if left > 0 { bail!("{left} of {} could not be replayed", chosen.len()) } else { Ok(()) }
        }
    }
}

/// One letter in a line: control characters of a reason would be obeyed by a terminal.
fn line(frame: &Frame) -> String {
    let header = |name| letters::header(frame, name).unwrap_or_default();
    let reason: String = header("reason").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let from = format!("{}/{}@{}", header("topic"), header("partition"), header("offset"));
    let time = timestamp::to_string(frame.time.max(0));
    format!("{}\t{time}\t{from}\t{} bytes\t{reason}", frame.base_offset, frame.body.len())
}

/// The topic, for those who look for it.
pub(crate) const TOPIC: &str = DEAD_LETTERS;
