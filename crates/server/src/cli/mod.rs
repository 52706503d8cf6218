//! The command line: one binary, a subcommand for each thing that it can do.

pub mod demo;
pub mod dlq;
pub mod patterns;
pub mod send;
pub mod transfer;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config};
use crate::roles::{self, Role};
use crate::up;

/// Takes whatever applications log, never loses a line, knows the pattern of each one, and shows it live.
#[derive(Debug, Parser)]
#[command(name = "whittle", version, about, disable_help_subcommand = true)]
struct Cli {
    /// Settings file (TOML); ./whittle.toml is read where there is one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole pipeline on this machine: ingestion, analysis, history, alerts, live stream, page
    #[command(after_help = settings_help())]
    Up,
    /// Receive records over HTTP, into logs.raw
    #[command(after_help = settings_help())]
    IngestionService,
    /// From logs.raw to logs.normalized
    #[command(after_help = settings_help())]
    NormalizerService,
    /// From logs.normalized to logs.insights; ask a model about patterns
    #[command(after_help = settings_help())]
    AiAnalysisService,
    /// From logs.insights to notifications
    #[command(after_help = settings_help())]
    AlertService,
    /// From logs.insights to the history; answer questions about it
    #[command(after_help = settings_help())]
    StorageService,
    /// From logs.insights to browsers
    #[command(after_help = settings_help())]
    WebsocketGateway,
    /// Serve the page
    #[command(after_help = settings_help())]
    Dashboard,
    /// Send files or a pipe to a running server
    Send(send::SendArgs),
    /// Print the patterns of files or a pipe, without a server
    Patterns(patterns::PatternsArgs),
    /// Send the logs of made-up services, with incidents in them, to a running server
    Demo(demo::DemoArgs),
    /// Write the rows of a running server's history into a file
    Export(transfer::ExportArgs),
    /// Send the rows of such a file to a running server
    Import(transfer::ImportArgs),
    /// List, show or replay what could not be processed
    Dlq(dlq::DlqArgs),
    /// Read all settings, say what is wrong with them or what they come to, and end
    #[command(after_help = settings_help())]
    CheckConfig,
}

/// Every setting of the environment, for `--help`.
fn settings_help() -> String {
    let width = config::KEYS.iter().map(|key| key.name.len()).max().unwrap_or(0);
    let mut help = "Settings, from the environment (or in lower case from the settings file):\n".to_owned();
    for key in config::KEYS {
        help.push_str(&format!("  {:width$}  {}\n", key.name, key.about));
    }
    help.push_str(
        "\nA secret may come from a file: NAME_FILE. Alert rules and the model's limits stand in the settings file.",
    );
    help
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "whittle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Up => {
            let config = settings(cli.config)?;
            start_log(&config.whittle_log)?;
            block_on(async move |stop| up::run(config, stop).await.map(|()| ExitCode::SUCCESS))
        }
        Command::IngestionService => alone(cli.config, Role::Ingestion),
        Command::NormalizerService => alone(cli.config, Role::Normalizer),
        Command::AiAnalysisService => alone(cli.config, Role::Analysis),
        Command::AlertService => alone(cli.config, Role::Alerts),
        Command::StorageService => alone(cli.config, Role::Storage),
        Command::WebsocketGateway => alone(cli.config, Role::Gateway),
        Command::Dashboard => alone(cli.config, Role::Dashboard),
        Command::Dlq(args) => {
            let config = settings(cli.config)?;
            start_log(&config.whittle_log)?;
            dlq::run(&args, &config, std::io::stdout().lock(), std::io::stderr())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::CheckConfig => {
            let config = settings(cli.config)?;
            writeln!(std::io::stdout(), "{}", config.summary())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Patterns(mut args) => {
            args.progress = std::io::stderr().is_terminal();
            patterns::run(&args, std::io::stdin().lock(), std::io::stdout().lock(), std::io::stderr())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Send(mut args) => block_on(async move |stop| {
            args.progress = std::io::stderr().is_terminal();
            let run = send::run(args, Box::new(std::io::stdin()), Box::new(std::io::stderr()), stop);
            Ok(run.await.into())
        }),
        Command::Export(args) => block_on(async move |stop| {
            transfer::export(&args, std::io::stderr(), stop).await.map(|_| ExitCode::SUCCESS)
        }),
        Command::Import(args) => block_on(async move |stop| {
            transfer::import(&args, std::io::stderr(), stop).await.map(|_| ExitCode::SUCCESS)
        }),
        Command::Demo(mut args) => {
            args.progress = std::io::stderr().is_terminal();
            block_on(async move |stop| {
                let run = demo::run(&args, std::io::stdout(), std::io::stderr(), stop);
                run.await.map(|()| ExitCode::SUCCESS)
            })
        }
    }
}

/// Runs one role.
fn alone(file: Option<PathBuf>, role: Role) -> anyhow::Result<ExitCode> {
    let config = settings(file)?;
    start_log(&config.whittle_log)?;
    block_on(async move |stop| roles::run(config, &[role], stop).await.map(|()| ExitCode::SUCCESS))
}

fn settings(file: Option<PathBuf>) -> anyhow::Result<Config> {
    Ok(config::load(file.as_deref(), |name| std::env::var_os(name))?)
}

/// What the program says of itself goes to the error stream; standard output belongs to notifications.
fn start_log(filter: &str) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .context("WHITTLE_LOG: give error, warn, info, debug, or a tracing filter")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    Ok(())
}

/// Runs a future to its end; SIGINT and SIGTERM ask it to come to one, a second SIGINT does not ask.
fn block_on<T>(future: impl AsyncFnOnce(CancellationToken) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let stop = CancellationToken::new();
    let result = runtime.block_on(async {
        tokio::spawn(watch_signals(stop.clone())?);
        future(stop).await
    });
    // What hangs is cut off: together with the end of `up` this stays below the ten seconds after which it may be killed.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    result
}

fn watch_signals(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.cancel();
        interrupt.recv().await;
        std::process::exit(130);
    })
}
