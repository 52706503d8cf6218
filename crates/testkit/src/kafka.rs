//! A real Kafka for a test: one or three nodes on free ports, to be killed, frozen and started again.
//!
//! `deploy/dev/kafka.sh` does the work. Where Java or Maven are missing there is none, and the test says that it is skipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{KitError, Result};

/// Clusters that this process has started.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A cluster. Its data are gone when this is dropped, or when the process ends without doing so.
#[derive(Debug)]
pub struct Kafka {
    dir: PathBuf,
    brokers: String,
}

impl Kafka {
    /// Starts a cluster and waits until it serves; `None`, with a word on why, where this machine cannot run one.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(nodes: u32) -> Result<Option<Kafka>> {
        Kafka::start_with(nodes, "")
    }

    /// The same with further lines for the brokers' settings.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_with(nodes: u32, settings: &str) -> Result<Option<Kafka>> {
        if let Some(missing) = ["java", "mvn"].into_iter().find(|program| !is_there(program)) {
            eprintln!("skipped: there is no {missing}; deploy/dev/setup.sh servers installs it");
            return Ok(None);
        }
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let dir = target_dir().join("servers").join(format!("kafka-{}-{number}", std::process::id()));
        let mut kafka = Kafka { dir, brokers: String::new() };
        let said = kafka.run_with(&["start", &nodes.to_string()], settings)?;
        let brokers = said.lines().find_map(|line| line.strip_prefix("KAFKA_BROKERS="));
        kafka.brokers = brokers.ok_or_else(|| KitError(format!("kafka.sh named no brokers: {said}")))?.to_owned();
        Ok(Some(kafka))
    }

    /// For `KAFKA_BROKERS`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// SIGKILL to a node (from 1).
    ///
    /// # Errors
    /// The script says no.
    pub fn kill(&self, node: u32) -> Result<()> {
        self.run(&["kill", &node.to_string()])
    }

    /// Starts a node again and waits until it serves.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&self, node: u32) -> Result<()> {
        self.run(&["restart", &node.to_string()])
    }

    /// Ends all nodes in order; the data stay.
    ///
    /// # Errors
    /// The script says no.
    pub fn stop(&self) -> Result<()> {
        self.run(&["stop"])
    }

    /// Starts all nodes again and waits until they serve.
    ///
    /// # Errors
    /// They do not start.
    pub fn resume(&self) -> Result<()> {
        self.run(&["start"])
    }

    /// A node hangs: its connections stay open, and it answers nothing.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self, node: u32) -> Result<()> {
        self.run(&["freeze", &node.to_string()])
    }

    /// A node that hangs goes on.
    ///
    /// # Errors
    /// It does not run.
    pub fn thaw(&self, node: u32) -> Result<()> {
        self.run(&["thaw", &node.to_string()])
    }

    fn run(&self, args: &[&str]) -> Result<()> {
        self.run_with(args, "").map(|_| ())
    }

    fn run_with(&self, args: &[&str], settings: &str) -> Result<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/dev/kafka.sh");
        let mut command = Command::new(script);
        command.args(args).env("WHITTLE_KAFKA_DIR", &self.dir).env("WHITTLE_KAFKA_CONF", settings);
        command.env("WHITTLE_KAFKA_OWNER", std::process::id().to_string());
        let Output { status, stdout, stderr } =
            command.output().map_err(KitError::while_trying("cannot run kafka.sh"))?;
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr));
        if status.success() { Ok(stdout) } else { Err(KitError(format!("kafka.sh {}: {stderr}", args.join(" ")))) }
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if let Err(error) = self.run(&["wipe"]) {
            eprintln!("{error}");
        }
    }
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Cargo's target folder: a test's binary is in `debug/deps` there.
fn target_dir() -> PathBuf {
    let own = std::env::current_exe().ok();
    own.and_then(|own| own.ancestors().nth(3).map(Path::to_owned)).unwrap_or_else(std::env::temp_dir)
}
