//! A PostgreSQL server of a test's own, by `deploy/dev/postgres.sh`: to be used, killed and started again.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{KitError, Result};

/// The script's exit code where PostgreSQL is not installed.
const NOT_INSTALLED: i32 = 3;
/// Commits wait for no disk: what tests kill is the server, not the machine.
const OPTIONS: &str = "-c fsync=off -c max_connections=200";

/// A running server. Ended, with all its data, when dropped.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    url: String,
    databases: AtomicU32,
}

impl Postgres {
    /// Starts a server; `None`, and a line on the error stream, where PostgreSQL is not installed.
    ///
    /// # Errors
    /// It is installed and does not start.
    pub fn start(name: &str) -> Result<Option<Postgres>> {
        sweep();
        let folder = home().join(format!("{}-{name}", std::process::id()));
        let mut server = Postgres { folder, url: String::new(), databases: AtomicU32::new(0) };
        let output = server.run("start")?;
        if output.status.code() == Some(NOT_INSTALLED) {
            eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr).trim());
            return Ok(None);
        }
        server.url = url_of(&output)?;
        Ok(Some(server))
    }

    /// The address of a new, empty database.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn database(&self) -> Result<String> {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&self.url, &format!("create database {name}"))?;
        let server = self.url.rsplit_once('/').map_or(self.url.as_str(), |(server, _)| server);
        Ok(format!("{server}/{name}"))
    }

    /// Runs SQL; gives what `psql` prints, unaligned.
    ///
    /// # Errors
    /// It fails, with what the server said.
    pub fn sql(&self, url: &str, sql: &str) -> Result<String> {
        let mut command = Command::new("psql");
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, url]);
        let output = command.output().map_err(KitError::while_trying("cannot run psql"))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned()),
            false => Err(KitError(format!("psql: {}", String::from_utf8_lossy(&output.stderr).trim()))),
        }
    }

    /// Lets the server crash.
    ///
    /// # Errors
    /// It does not end.
    pub fn kill(&self) -> Result<()> {
        succeeded(&self.run("kill")?)
    }

    /// Starts it again on its data and port.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&self) -> Result<()> {
        url_of(&self.run("start")?).map(drop)
    }

    /// The id of the server's first process.
    ///
    /// # Errors
    /// It does not run.
    pub fn pid(&self) -> Result<u32> {
        let path = self.folder.join("data/postmaster.pid");
        let text = std::fs::read_to_string(&path).map_err(KitError::while_trying("cannot read postmaster.pid"))?;
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        pid.ok_or_else(|| KitError("postmaster.pid names no process".into()))
    }

    fn run(&self, command: &str) -> Result<Output> {
        script(&self.folder, command)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A server that cannot be ended is swept up by the next test.
        let _ = self.run("wipe");
    }
}

fn script(folder: &Path, command: &str) -> Result<Output> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/dev/postgres.sh");
    let mut run = Command::new("bash");
    run.arg(script).arg(command).env("POSTGRES_DEV_DIR", folder).env("POSTGRES_OPTIONS", OPTIONS);
    run.output().map_err(KitError::while_trying("cannot run postgres.sh"))
}

/// Where servers of tests have their data: in the target folder, beside what else tests leave.
fn home() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")).join("postgres")
}

/// Ends servers whose test was killed before it could.
fn sweep() {
    for entry in std::fs::read_dir(home()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.split_once('-')?.0.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // What is left behind is tried again next time.
            let _ = script(&entry.path(), "wipe");
        }
    }
}

fn succeeded(output: &Output) -> Result<()> {
    match output.status.success() {
        true => Ok(()),
        false => Err(KitError(format!("postgres.sh: {}", String::from_utf8_lossy(&output.stderr).trim()))),
    }
}

fn url_of(output: &Output) -> Result<String> {
    succeeded(output)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let url = said.lines().find_map(|line| line.strip_prefix("POSTGRES_URL="));
    url.map(str::to_owned).ok_or_else(|| KitError(format!("postgres.sh gave no URL: {said}")))
}
