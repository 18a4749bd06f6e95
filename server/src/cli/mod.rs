//! The command line: what there is, and how each command ends.
//!
//! Data goes to standard output, messages to standard error. 0: done, 1: an error, 64: not understood.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Flags, Problem};
use crate::{logs, serve};

/// Not understood, as in sysexits.h.
const USAGE: u8 = 64;

/// One door to every account: a self-hosted SSO portal.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, about, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// The configuration file [default: vestibule.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where database, keys and the like are kept [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the portal
    #[command(after_help = SERVE_HELP)]
    Serve(Serve),
    /// Check the configuration without starting
    CheckConfig,
    /// Print the version
    Version,
}

const SERVE_HELP: &str = "\
Examples:
  vestibule serve                              on http://localhost:8080, data in ./data
  vestibule serve --demo                       the same with an organisation to play with
  VESTIBULE_LISTEN=127.0.0.1:0 vestibule serve a free port; the address is printed

The server is configured by vestibule.toml, then VESTIBULE_… variables, then flags.";

#[derive(Args, Debug)]
struct Serve {
    /// Fill an empty database with people and groups to try things with
    #[arg(long)]
    demo: bool,
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The address people use [default: http://localhost:<port>]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Where nobody reads, there is nobody to tell.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(USAGE),
            };
        }
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.lines() {
                eprintln!("error: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), String> {
    let Cli { global, command } = cli;
    let mut flags = Flags { config: global.config.clone(), data_dir: global.data_dir.clone(), ..Flags::default() };
    match command {
        Command::Serve(given) => {
            flags.listen = given.listen;
            flags.public_url = given.public_url;
            let config = load(&flags)?;
            logs::start(&config.log);
            runtime()?.block_on(serve::run(&config, async |_| Ok(())))
        }
        Command::CheckConfig => load(&flags).map(|_| ()),
        Command::Version => Ok(()),
    }
}

fn load(flags: &Flags) -> Result<Config, String> {
    Config::load(flags).map_err(|problems| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))
}

/// Threads for requests: at least two, so that one slow page does not stop the others; few, because each costs memory.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("vestibule")
        .enable_all()
        .build()
        .map_err(|error| format!("no threads: {error}"))
}
