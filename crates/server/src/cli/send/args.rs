//! What `whittle send` is told, and what of it makes no sense.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use super::stamp::Zone;

/// How a batch is packed on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Compression {
    /// As it is.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

/// Arguments of `whittle send`.
#[derive(Debug, Clone, Args)]
pub struct SendArgs {
    /// Files to read, `-` for standard input [default: standard input]
    pub files: Vec<PathBuf>,
    /// Source of records that name none [default: the file's name without its extension, or `stdin`]
    #[arg(long)]
    pub source: Option<String>,
    /// Where ingestion listens
    #[arg(long, default_value = "http://127.0.0.1:3001")]
    pub url: Url,
    /// Each line is a record as JSON; what is none is refused [default: JSON objects with a `message` are records, all
    /// other lines are messages]
    #[arg(long, conflicts_with = "plain")]
    pub json: bool,
    /// Each line is a message, JSON or not
    #[arg(long)]
    pub plain: bool,
    /// Wait for more at the end of the files, also where they are rotated or cut
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// With --follow: begin at the end of the files
    #[arg(long, requires = "follow")]
    pub tail: bool,
    /// Zone of times that tell none, like `+02:00`
    #[arg(long, default_value = "UTC", allow_hyphen_values = true)]
    pub zone: Zone,
    /// How batches are packed on their way
    #[arg(long, value_enum, default_value_t)]
    pub compress: Compression,
    /// Seconds for which a batch is tried before it is kept for later
    #[arg(long, default_value_t = 60)]
    pub patience: u64,
    /// Folder for what was refused or could not be sent; the next run sends it [default: the user's state folder]
    #[arg(long)]
    pub spool: Option<PathBuf>,
    /// MiB that the spool folder may hold; beyond, reading waits for the server
    #[arg(long, default_value_t = 1024)]
    pub spool_limit: u64,
    /// Bytes of a line; longer ones are kept in the spool folder
    #[arg(long, default_value_t = 1 << 20)]
    pub max_line: usize,
    /// Send what earlier runs kept, and read nothing
    #[arg(long, conflicts_with_all = ["files", "follow"])]
    pub kept: bool,
    /// Whether the error stream is a terminal, for progress shown there.
    #[arg(skip)]
    pub progress: bool,
}

impl SendArgs {
    /// Checks what no single argument shows.
    ///
    /// # Errors
    /// What is wrong and what helps.
    pub(super) fn check(&self) -> Result<(), String> {
        if !matches!(self.url.scheme(), "http" | "https") || !self.url.has_host() {
            return Err("--url must start with http:// or https:// and name a host".into());
        }
        if self.source.as_deref().is_some_and(|source| source.is_empty() || source.len() > 256) {
            return Err("--source takes 1 to 256 bytes".into());
        }
        if !(1..=64 << 20).contains(&self.max_line) {
            return Err("--max-line takes 1 to 67108864 bytes".into());
        }
        if self.patience > 86_400 {
            return Err("--patience takes at most 86400 seconds".into());
        }
        Ok(())
    }

    /// Where records are posted.
    pub(super) fn ingest_url(&self) -> Url {
        let mut url = self.url.clone();
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&if path.ends_with("/ingest") { path } else { format!("{path}/ingest") });
        url
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }

    /// The folder for what is kept: as given, in the user's state folder, or here.
    pub(super) fn spool_dir(&self, environment: impl Fn(&str) -> Option<String>) -> PathBuf {
        let set = |name| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let state = || set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
        match &self.spool {
            Some(dir) => dir.clone(),
            None => state().map_or_else(|| "./whittle-spool".into(), |state| state.join("whittle/spool")),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: SendArgs,
    }

    fn parse(line: &str) -> Result<SendArgs, String> {
        let parsed = Command::try_parse_from(std::iter::once("send").chain(line.split_whitespace()));
        let args = parsed.map_err(|error| error.to_string())?.args;
        args.check().map(|()| args)
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "--url ftp://x",
            "--url nonsense",
            "--source=",
            "--tail",
            "--json --plain",
            "--kept a.log",
            "--zone mars",
            "--max-line 0",
            "--compress lzma",
            "--patience 100000",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn records_are_posted_below_the_url() {
        for (url, posted) in [
            ("http://a:1", "http://a:1/ingest"),
            ("http://a:1/", "http://a:1/ingest"),
            ("https://a/logs/", "https://a/logs/ingest"),
            ("http://a/ingest", "http://a/ingest"),
        ] {
            let args = parse(&format!("--url {url} --zone -05:30")).expect("valid");
            assert_eq!(args.ingest_url().as_str(), posted);
        }
    }

    #[test]
    fn the_spool_is_where_the_user_keeps_state() {
        let args = parse("").expect("valid");
        let with = |set: &'static [(&str, &str)]| {
            let find = move |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            args.spool_dir(find).display().to_string()
        };
        assert_eq!(with(&[]), "./whittle-spool");
        assert_eq!(with(&[("HOME", "/home/a")]), "/home/a/.local/state/whittle/spool");
        assert_eq!(with(&[("HOME", "/home/a"), ("XDG_STATE_HOME", "/s")]), "/s/whittle/spool");
        assert_eq!(parse("--spool here").expect("valid").spool_dir(|_| None), PathBuf::from("here"));
    }
}
