//! Rows of a file into a server.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Patience, beside, client, may_come_back, words};

/// Rows and bytes of a request.
const ROWS: usize = 1_000;
const BYTES: usize = 4 << 20;

/// Arguments of `whittle import`.
#[derive(Debug, Clone, clap::Args)]
pub struct ImportArgs {
    /// File that `whittle export` wrote
    pub file: PathBuf,
    /// Where ingestion listens
    #[arg(long, default_value = "http://localhost:3001")]
    pub url: Url,
    /// Seconds for which a server that is away is waited for
    #[arg(long, default_value_t = 60)]
    pub patience: u64,
}

/// A row as it was exported, as far as it is a record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exported<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    level: Cow<'a, str>,
    level_text: Option<Cow<'a, str>>,
    message: Cow<'a, str>,
    timestamp: Cow<'a, str>,
    context: Option<&'a RawValue>,
}

/// The record that it was.
#[derive(Serialize)]
struct Record<'a> {
    source: &'a str,
    level: &'a str,
    message: &'a str,
    timestamp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a RawValue>,
}

/// Sends all rows that were not sent yet; gives how many. How far it is stands beside the file, in `<file>.imported`.
///
/// # Errors
/// The file holds something else than rows, or the server refuses or does not come back.
pub async fn import(args: &ImportArgs, mut progress: impl Write, stop: CancellationToken) -> anyhow::Result<u64> {
    let client = client()?;
    let url = args.url.join("/ingest").context("--url")?;
    let mark = beside(&args.file, "imported");
    let mut at: u64 = std::fs::read_to_string(&mark).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let cannot = || format!("cannot read {}", args.file.display());
    let mut file = File::open(&args.file).with_context(cannot)?;
    file.seek(SeekFrom::Start(at)).with_context(cannot)?;
    let (mut reader, mut rows) = (BufReader::new(file), 0);
    let mut patience = Patience::new(args.patience);
    loop {
        let (body, count, bytes) = batch(&mut reader, at)?;
        if count == 0 {
            break;
        }
        loop {
            let request = client.post(url.clone()).header("content-type", "application/x-ndjson");
            let (reason, wait) = match request.body(body.clone()).send().await {
                Ok(answer) if answer.status().is_success() => break,
                Ok(answer) => match may_come_back(&answer) {
                    Some(wait) => (words(answer).await, wait),
                    None => bail!("{}; the rows are those from byte {at} on", words(answer).await),
                },
                Err(error) => (error.to_string(), None),
            };
            patience.wait(wait, &reason, &stop).await?;
        }
        patience.renew();
        at += bytes;
        rows += count;
        std::fs::write(&mark, at.to_string()).with_context(|| format!("cannot write {}", mark.display()))?;
    }
    writeln!(progress, "{rows} rows of {} sent; {} says that it is done", args.file.display(), mark.display())?;
    Ok(rows)
}

/// The next records, how many, and the bytes of the file that they are.
fn batch(reader: &mut BufReader<File>, at: u64) -> anyhow::Result<(Vec<u8>, u64, u64)> {
    let (mut body, mut count, mut bytes, mut line) = (Vec::new(), 0, 0_u64, Vec::new());
    while (count as usize) < ROWS && body.len() < BYTES {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).context("the file cannot be read")? as u64;
        if read == 0 {
            break;
        }
        let place = at + bytes;
        bytes += read;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let row: Exported<'_> = serde_json::from_slice(&line).with_context(|| {
            format!("at byte {place} stands no exported row; was the export broken off? Run it again, it goes on")
        })?;
        let record = Record {
            source: &row.source,
            level: row.level_text.as_deref().unwrap_or(&row.level),
            message: &row.message,
            timestamp: &row.timestamp,
            context: row.context.filter(|context| context.get() != "{}"),
        };
        serde_json::to_writer(&mut body, &record).context("a row cannot be written")?;
        body.push(b'\n');
        count += 1;
    }
    Ok((body, count, bytes))
}
