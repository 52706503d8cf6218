//! `whittle export` and `whittle import`: from one history into another, whatever they are kept in.
//!
//! Rows go out over `GET /export` and in over `POST /ingest`: times, levels, contexts and messages are kept, and with the
//! messages their patterns; ids are new. Both go on where they were broken off.

mod export;
mod import;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail};
use reqwest::{Client, Response, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::http::retry::retry_after;

pub use export::{ExportArgs, export};
pub use import::{ImportArgs, import};

/// Time to connect, and for a server to say anything at all.
const CONNECT: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(60);
/// First and longest wait before a request is made again.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

fn client() -> anyhow::Result<Client> {
    let client = Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE);
    let client = client.redirect(reqwest::redirect::Policy::none());
    client.user_agent(concat!("whittle/", env!("CARGO_PKG_VERSION"))).build().context("no connection can be made")
}

/// A file that says how far another one is: `<file>.<what>`.
fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

/// Tries requests again for as long as the server may come back.
struct Patience {
    total: Duration,
    wait: Duration,
    since: Option<Instant>,
}

impl Patience {
    fn new(seconds: u64) -> Self {
        Patience { total: Duration::from_secs(seconds), wait: WAITS.0, since: None }
    }

    /// Something got through.
    fn renew(&mut self) {
        (self.wait, self.since) = (WAITS.0, None);
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// It has been tried for long enough.
    async fn wait(&mut self, asked: Option<Duration>, reason: &str, stop: &CancellationToken) -> anyhow::Result<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.total {
            bail!("{reason}; tried for {} s. Run the same command again: it goes on from here", self.total.as_secs());
        }
        let wait = asked.unwrap_or(self.wait).min(self.total);
        self.wait = (self.wait * 2).min(WAITS.1);
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = stop.cancelled() => bail!("stopped; run the same command again: it goes on from here"),
        }
    }
}

/// Whether it may work later, and when.
fn may_come_back(answer: &Response) -> Option<Option<Duration>> {
    let later = answer.status().is_server_error()
        || matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    later.then(|| retry_after(answer.headers(), SystemTime::now()))
}

/// What a refusal says, cut short.
async fn words(answer: Response) -> String {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap_or_default();
    format!("the server answered {status}: {}", text.chars().take(300).collect::<String>())
}
