//! The real binary as a child process: on free ports, with a data folder of its own, to be killed and started again.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::error::{KitError, Result};
use crate::http::Connection;
use crate::wait;
use crate::ws::WsClient;

/// Time for the program to bind its ports. Generous: tests share machines.
const START: Duration = Duration::from_secs(30);
/// Time for the program to have replayed what it finds.
const READY: Duration = Duration::from_secs(120);
/// Time for an answer.
const ANSWER: Duration = Duration::from_secs(30);

/// How a server is started.
#[derive(Debug, Clone)]
pub struct Setup {
    binary: PathBuf,
    command: &'static str,
    settings: Vec<(String, String)>,
    config: Option<String>,
    data: Option<PathBuf>,
}

impl Setup {
    /// `whittle up` of a binary, on free ports of loopback; or a role alone, with [`Setup::role`].
    pub fn new(binary: impl Into<PathBuf>) -> Setup {
        let keys = ["PORT", "HTTP_PORT", "WS_PORT", "DASHBOARD_PORT", "METRICS_PORT"];
        let ports = keys.map(|key| (key.to_owned(), "0".to_owned()));
        Setup { binary: binary.into(), command: "up", settings: ports.into(), config: None, data: None }
    }

    /// A role alone in place of `up`.
    #[must_use]
    pub fn role(mut self, command: &'static str) -> Setup {
        self.command = command;
        self
    }

    /// A setting of the environment; the last of a name wins.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl ToString) -> Setup {
        self.settings.retain(|(known, _)| known != key);
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }

    /// The text of a settings file.
    #[must_use]
    pub fn config(mut self, toml: &str) -> Setup {
        self.config = Some(toml.to_owned());
        self
    }

    /// A data folder in place of a temporary one; it stays.
    #[must_use]
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Setup {
        self.data = Some(folder.into());
        self
    }

    /// Starts it and waits until every role is ready.
    ///
    /// # Errors
    /// It ends, or is not ready in time; with the last lines of what it said.
    pub fn start(self) -> Result<Server> {
        let mut server = self.spawn()?;
        server.wait_ready()?;
        Ok(server)
    }

    /// Starts it and waits for nothing.
    ///
    /// # Errors
    /// The binary cannot be run.
    pub fn spawn(self) -> Result<Server> {
        let home = TempDir::with_prefix("whittle-").map_err(KitError::while_trying("cannot make a folder"))?;
        let data = self.data.clone().unwrap_or_else(|| home.path().join("data"));
        let mut server = Server { setup: self, home, data, child: None, ports: Ports::default() };
        server.spawn()?;
        Ok(server)
    }
}

/// The ports that the program says it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports(BTreeMap<String, u16>);

impl Ports {
    fn read(data: &Path) -> Option<Ports> {
        let text = std::fs::read(data.join("ports.json")).ok()?;
        serde_json::from_slice(&text).ok().map(Ports)
    }

    fn all(&self) -> Vec<SocketAddr> {
        self.0.values().map(|port| (Ipv4Addr::LOCALHOST, *port).into()).collect()
    }

    fn address(&self, role: &str) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.0.get(role).copied().unwrap_or(0)).into()
    }
}

/// A child process. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    home: TempDir,
    data: PathBuf,
    child: Option<Child>,
    ports: Ports,
}

impl Server {
    /// Where `POST /ingest` is.
    pub fn ingestion(&self) -> SocketAddr {
        self.ports.address("ingestion")
    }

    /// Where `GET /recent` is.
    pub fn storage(&self) -> SocketAddr {
        self.ports.address("storage")
    }

    /// Where the WebSocket is.
    pub fn gateway(&self) -> SocketAddr {
        self.ports.address("gateway")
    }

    /// Where the page is.
    pub fn dashboard(&self) -> SocketAddr {
        self.ports.address("dashboard")
    }

    /// The ports that it says it has.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.ports.all()
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// The process's id; 0 when it does not run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// A connection to an address of this server.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(&self, address: SocketAddr) -> Result<Connection> {
        Connection::open(address, ANSWER).map_err(KitError::while_trying(format!("cannot connect to {address}")))
    }

    /// A WebSocket to the gateway; `path` with its query.
    ///
    /// # Errors
    /// It is refused.
    pub fn listen(&self, path: &str) -> Result<WsClient> {
        WsClient::connect(self.gateway(), path, ANSWER)
    }

    /// Starts the program again on the same data. It must not run.
    ///
    /// # Errors
    /// The binary cannot be run.
    pub fn spawn(&mut self) -> Result<()> {
        // Roles over Kafka name their ports only where there is a folder. Where none can be made, the program is to say so.
        let _ = std::fs::create_dir_all(&self.data);
        let _ = std::fs::remove_file(self.data.join("ports.json"));
        let log = |name: &str| File::options().create(true).append(true).open(self.home.path().join(name));
        let log = |name| log(name).map_err(KitError::while_trying("cannot make a log file"));
        let mut command = Command::new(&self.setup.binary);
        command.arg(self.setup.command);
        if let Some(config) = &self.setup.config {
            let path = self.home.path().join("settings.toml");
            std::fs::write(&path, config).map_err(KitError::while_trying("cannot write the settings"))?;
            command.arg("--config").arg(path);
        }
        // Nothing of the developer's environment: a key of a model would be used, and paid for.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("WHITTLE_DATA_DIR", &self.data).envs(self.setup.settings.iter().map(|(k, v)| (k, v)));
        command.current_dir(self.home.path());
        command.stdin(Stdio::null()).stdout(log("stdout")?).stderr(log("stderr")?);
        let trying = format!("cannot run {}", self.setup.binary.display());
        self.child = Some(command.spawn().map_err(KitError::while_trying(trying))?);
        Ok(())
    }

    /// Waits until the ports are bound.
    ///
    /// # Errors
    /// The program ended, or took too long.
    pub fn wait_bound(&mut self) -> Result<()> {
        let data = self.data.clone();
        self.ports = self.wait("the ports to be bound", START, || Ports::read(&data))?;
        Ok(())
    }

    /// Waits until every role is ready.
    ///
    /// # Errors
    /// The program ended, or took too long.
    pub fn wait_ready(&mut self) -> Result<()> {
        self.wait_bound()?;
        for address in self.ports.all() {
            self.wait(&format!("{address} to be ready"), READY, || is_ready(address).then_some(()))?;
        }
        Ok(())
    }

    fn wait<T>(&mut self, what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> Result<T> {
        let mut child = self.child.take();
        let ended = || match child.as_mut().map(Child::try_wait) {
            Some(Ok(Some(status))) => Some(format!("the program ended with {status}")),
            Some(_) => None,
            None => Some("the program does not run".to_owned()),
        };
        let done = wait::until_or(what, limit, look, ended);
        self.child = child;
        done.map_err(|error| KitError(format!("{error}; it said:\n{}", self.said())))
    }

    /// The last lines that the program wrote, both streams.
    pub fn said(&self) -> String {
        let tail = |name: &str| {
            let text = std::fs::read(self.home.path().join(name)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(25)..].join("\n")
        };
        format!("{}\n{}", tail("stdout"), tail("stderr"))
    }

    /// `kill -9`, and waits for the end.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().ok_or_else(|| KitError("the program does not run".into()))?;
        child.kill().map_err(KitError::while_trying("cannot kill the program"))?;
        child.wait().map_err(KitError::while_trying("cannot wait for the program"))?;
        Ok(())
    }

    /// SIGTERM, and waits for the end for at most `limit`.
    ///
    /// # Errors
    /// It goes on.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.wait_end(limit)
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// It does not run.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child.as_ref().and_then(|child| Pid::from_raw(child.id() as i32));
        let pid = pid.ok_or_else(|| KitError("the program does not run".into()))?;
        kill_process(pid, signal).map_err(|error| KitError(format!("cannot signal the program: {error}")))
    }

    /// Waits for the end for at most `limit`.
    ///
    /// # Errors
    /// It goes on.
    pub fn wait_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let mut child = self.child.take().ok_or_else(|| KitError("the program does not run".into()))?;
        let ended = wait::until("the program to end", limit, || child.try_wait().ok().flatten());
        if ended.is_err() {
            self.child = Some(child);
        }
        ended.map_err(|error| KitError(format!("{error}; it said:\n{}", self.said())))
    }

    /// `kill -9`, start, and wait until it is ready.
    ///
    /// # Errors
    /// It does not become ready.
    pub fn crash_and_restart(&mut self) -> Result<()> {
        self.kill()?;
        self.spawn()?;
        self.wait_ready()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether a port answers `/readyz` with 200.
pub fn is_ready(address: SocketAddr) -> bool {
    let connection = Connection::open(address, Duration::from_secs(5));
    connection.and_then(|mut c| c.get("/readyz")).is_ok_and(|response| response.status == 200)
}
