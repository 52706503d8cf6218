//! Rows into a file, newest first.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use url::Url;
use whittle_domain::timestamp;

use super::{Patience, beside, client, may_come_back, words};

/// Bytes of a line at most: a record with all that is said about it.
const LINE: usize = 96 << 20;

/// Arguments of `whittle export`.
#[derive(Debug, Clone, clap::Args)]
pub struct ExportArgs {
    /// File to write, one row a line as JSON; one that was broken off is gone on with
    pub file: PathBuf,
    /// Where storage listens
    #[arg(long, default_value = "http://localhost:4000")]
    pub url: Url,
    /// Only rows that match, by a parameter of /recent, like source=web or from=2026-01-01T00:00:00Z; may be given several times
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub filters: Vec<String>,
    /// Seconds for which a server that is away is waited for
    #[arg(long, default_value_t = 60)]
    pub patience: u64,
}

/// What is read of a row to know where a file ends.
#[derive(Deserialize)]
struct Mark {
    id: u64,
    timestamp: String,
}

/// A file that rows are appended to.
struct Target {
    file: BufWriter<File>,
    /// Time of the last row, and the ids of all rows of that time.
    last: Option<(i64, HashSet<u64>)>,
    rows: u64,
}

/// Writes all rows that match; gives how many stand in the file now.
///
/// # Errors
/// The file cannot be written, or the server does not come back.
pub async fn export(args: &ExportArgs, mut progress: impl Write, stop: CancellationToken) -> anyhow::Result<u64> {
    let client = client()?;
    let mut patience = Patience::new(args.patience);
    let mut target = Target::open(args)?;
    let until = anchor(args, &client, &mut patience, &stop).await?;
    loop {
        let request = client.get(export_url(args, &until, &target)?).send().await;
        let (reason, wait) = match request {
            Ok(answer) if answer.status().is_success() => match target.take(answer, &mut patience, &stop).await? {
                None => break,
                Some(reason) => (reason, None),
            },
            Ok(answer) => match may_come_back(&answer) {
                Some(wait) => (words(answer).await, wait),
                None => bail!("{}; is --url where storage listens?", words(answer).await),
            },
            Err(error) => (error.to_string(), None),
        };
        target.file.flush().context("the file cannot be written")?;
        patience.wait(wait, &reason, &stop).await?;
        target = Target::open(args)?;
    }
    let file = target.file.into_inner().context("the file cannot be written")?;
    file.sync_all().context("the file cannot be written")?;
    std::fs::remove_file(beside(&args.file, "until")).context("the mark beside the file cannot be removed")?;
    writeln!(progress, "{} rows in {}", target.rows, args.file.display())?;
    Ok(target.rows)
}

/// Up to where rows had arrived when the export began: kept beside the file, so that going on gives the same rows.
async fn anchor(
    args: &ExportArgs,
    client: &reqwest::Client,
    patience: &mut Patience,
    stop: &CancellationToken,
) -> anyhow::Result<String> {
    let path = beside(&args.file, "until");
    if let Ok(known) = std::fs::read_to_string(&path) {
        return Ok(known);
    }
    loop {
        let url = args.url.join("/recent?limit=0").context("--url")?;
        let (reason, wait) = match client.get(url).send().await {
            Ok(answer) => match (answer.headers().get("x-until"), may_come_back(&answer)) {
                (Some(until), _) if answer.status().is_success() => {
                    let until = until.to_str().context("the server gave no position")?.to_owned();
                    std::fs::write(&path, &until).with_context(|| format!("cannot write {}", path.display()))?;
                    return Ok(until);
                }
                (_, Some(wait)) => (words(answer).await, wait),
                _ => bail!("{}; is --url where storage listens?", words(answer).await),
            },
            Err(error) => (error.to_string(), None),
        };
        patience.wait(wait, &reason, stop).await?;
    }
}

fn export_url(args: &ExportArgs, until: &str, target: &Target) -> anyhow::Result<Url> {
    let mut url = args.url.join("/export").context("--url")?;
    let mut query = url.query_pairs_mut();
    query.append_pair("format", "ndjson").append_pair("until", until);
    let to = target.last.as_ref().map(|(last, _)| timestamp::to_string(last.saturating_add(1)));
    for filter in &args.filters {
        let (key, value) = filter.split_once('=').with_context(|| format!("--filter {filter}: write KEY=VALUE"))?;
        // Rows go on from the last one, which is within what was asked for.
        if key != "to" || to.is_none() {
            query.append_pair(key, value);
        }
    }
    query.extend_pairs(to.map(|to| ("to", to)));
    drop(query);
    Ok(url)
}

impl Target {
    /// Opens the file, and cuts off what a broken line left at its end.
    fn open(args: &ExportArgs) -> anyhow::Result<Target> {
        let cannot = || format!("cannot use {}", args.file.display());
        let fresh = !beside(&args.file, "until").exists();
        if fresh && args.file.metadata().is_ok_and(|known| known.len() > 0) {
            bail!("{} is there and whole; remove it, or give another file", args.file.display());
        }
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&args.file);
        let file = file.as_mut().map_err(|error| anyhow::anyhow!("{}: {error}", cannot()))?;
        let (mut rows, mut whole, mut last) = (0, 0_u64, None::<(i64, HashSet<u64>)>);
        let mut reader = Lines::new(file.try_clone().with_context(cannot)?);
        while let Some(line) = reader.next().with_context(cannot)? {
            let Some((time, id)) = mark(line) else { break };
            whole += line.len() as u64 + 1;
            rows += 1;
            match &mut last {
                Some((same, ids)) if *same == time => drop(ids.insert(id)),
                _ => last = Some((time, HashSet::from([id]))),
            }
        }
        file.set_len(whole).with_context(cannot)?;
        file.seek(SeekFrom::End(0)).with_context(cannot)?;
        Ok(Target { file: BufWriter::new(file.try_clone().with_context(cannot)?), last, rows })
    }

    /// Appends the rows of an answer; gives why it was broken off, if it was.
    async fn take(
        &mut self,
        answer: reqwest::Response,
        patience: &mut Patience,
        stop: &CancellationToken,
    ) -> anyhow::Result<Option<String>> {
        let (mut chunks, mut open) = (answer.bytes_stream(), Vec::new());
        loop {
            let chunk = tokio::select! {
                chunk = chunks.next() => chunk,
                () = stop.cancelled() => bail!("stopped; run the same command again: it goes on from here"),
            };
            match chunk {
                None => return Ok((!open.is_empty()).then(|| "the answer ends within a row".to_owned())),
                Some(Err(error)) => return Ok(Some(error.to_string())),
                Some(Ok(chunk)) => open.extend_from_slice(&chunk),
            }
            patience.renew();
            let mut done = 0;
            while let Some(end) = memchr::memchr(b'\n', &open[done..]) {
                self.push(&open[done..done + end])?;
                done += end + 1;
            }
            open.drain(..done);
            if open.len() > LINE {
                bail!("a row has more than {} MiB; is --url where storage listens?", LINE >> 20);
            }
        }
    }

    fn push(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let (time, id) = mark(line).context("the server sent something that is no row")?;
        match &mut self.last {
            Some((same, ids)) if *same == time => {
                if !ids.insert(id) {
                    return Ok(());
                }
            }
            _ => self.last = Some((time, HashSet::from([id]))),
        }
        self.file.write_all(line).and_then(|()| self.file.write_all(b"\n")).context("the file cannot be written")?;
        self.rows += 1;
        Ok(())
    }
}

/// Time and id of a row; none when the line is not whole.
fn mark(line: &[u8]) -> Option<(i64, u64)> {
    let mark: Mark = serde_json::from_slice(line).ok()?;
    Some((timestamp::parse(&mark.timestamp)?, mark.id))
}

/// The whole lines of a file, without their ends.
struct Lines {
    file: File,
    open: Vec<u8>,
    at: usize,
}

impl Lines {
    fn new(file: File) -> Self {
        Lines { file, open: Vec::new(), at: 0 }
    }

    fn next(&mut self) -> std::io::Result<Option<&[u8]>> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.open[self.at..]) {
                let start = self.at;
                self.at += end + 1;
                return Ok(Some(&self.open[start..start + end]));
            }
            self.open.drain(..self.at);
            self.at = 0;
            let before = self.open.len();
            self.open.resize(before + (1 << 20), 0);
            let read = self.file.read(&mut self.open[before..])?;
            self.open.truncate(before + read);
            if read == 0 || before > LINE {
                return Ok(None);
            }
        }
    }
}
