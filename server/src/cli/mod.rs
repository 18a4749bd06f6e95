//! The command line: what there is, and how each command ends.
//!
//! Data goes to standard output, messages to standard error. 0: done, 1: an error, 2: a plan that would change something, 64: not
//! understood.

mod api_keys;
mod audit;
mod database;
mod explain;
mod health;
mod input;
mod keys;
mod local;
mod organisation;
mod output;
mod sessions;
mod users;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use serde_json::json;

use crate::config::{Config, Flags, Problem};
use crate::{logs, serve};
use local::Local;
use output::{Output, say};

/// Not understood, as in sysexits.h.
const USAGE: u8 = 64;

/// A plan that would change something.
const CHANGES: u8 = 2;

/// Why a command ends with 1: one line for each thing that is wrong.
pub type Failure = String;

/// One door to every account: a self-hosted SSO portal.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, about, max_term_width = 100, arg_required_else_help = true, after_help = HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "\
First steps:
  vestibule serve --demo                                    look around, on http://localhost:8080
  vestibule init --admin alice --email alice@example.com    make the first owner of a real installation
  vestibule serve                                           run it

Commands work beside a running server. They act as the operator of the machine, and the audit log says so.
`vestibule COMMAND --help` shows examples.";

/// Options of every command.
#[derive(Args, Clone, Debug)]
struct Global {
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
    /// Make the first owner, and print a one-time link for their password and second factor
    #[command(after_help = INIT_HELP)]
    Init(users::Init),
    /// People: list, show, create, invite, disable, enable, delete, reset
    #[command(subcommand, after_help = users::HELP)]
    User(users::Command),
    /// Sessions of people: list, revoke
    #[command(subcommand, after_help = sessions::HELP)]
    Session(sessions::Command),
    /// Keys: list, rotate
    #[command(subcommand, after_help = keys::HELP)]
    Key(keys::Command),
    /// Keys of administrators for the AWS APIs: create, list, revoke
    #[command(subcommand, after_help = api_keys::HELP)]
    ApiKey(api_keys::Command),
    /// Webhooks, which get events as they happen: list, add, test, pause, resume, remove
    #[command(subcommand, after_help = webhooks::HELP)]
    Webhook(webhooks::Command),
    /// Why a person may use a permission set in an account, or why not
    #[command(after_help = explain::HELP)]
    Explain(explain::Explain),
    /// Show what organisation files would change
    #[command(after_help = organisation::PLAN_HELP)]
    Plan(organisation::Plan),
    /// Make the organisation what files say, all of it or nothing
    #[command(after_help = organisation::APPLY_HELP)]
    Apply(organisation::Apply),
    /// Print the organisation as a file
    #[command(after_help = organisation::EXPORT_HELP)]
    Export,
    /// Print the audit log, or verify that nobody has altered it
    #[command(after_help = audit::HELP, args_conflicts_with_subcommands = true)]
    Audit(audit::Audit),
    /// Copy a SQLite database, in use or not, into one file
    #[command(after_help = database::BACKUP_HELP)]
    Backup(database::Backup),
    /// Put a backup in the place of the database, and end every session issued before it
    #[command(after_help = database::RESTORE_HELP)]
    Restore(database::Restore),
    /// Bring the schema of the database up to date
    #[command(after_help = database::MIGRATE_HELP)]
    Migrate,
    /// Check the configuration without starting
    #[command(after_help = CHECK_HELP)]
    CheckConfig,
    /// Ask the running server whether it is ready
    #[command(after_help = health::HELP)]
    Healthcheck,
    /// Print the version
    Version,
}

const SERVE_HELP: &str = "\
Examples:
  vestibule serve                                 on http://localhost:8080, data in ./data
  vestibule serve --demo                          the same with an organisation to play with
  VESTIBULE_LISTEN=127.0.0.1:0 vestibule serve    on a free port; the address is printed

The server is configured by vestibule.toml, then VESTIBULE_… variables, then flags.";

const INIT_HELP: &str = "\
Example:
  vestibule init --admin alice --email alice@example.com

The link works once, for 30 minutes. Where it ran out, `vestibule init` again makes a new one as long as nobody is an owner.";

const CHECK_HELP: &str = "\
Examples:
  vestibule check-config
  vestibule check-config --config /etc/vestibule/vestibule.toml

Every fault is named as file:line:column: field: what is wrong. The exit status is 1 if there is one.";

#[derive(Args, Debug)]
struct Serve {
    /// Fill an empty database with people and groups to try things with
    #[arg(long)]
    demo: bool,
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The address people use [default: localhost with the port]
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
        Ok(code) => code,
        Err(failure) => {
            for line in failure.lines() {
                say(&format!("error: {line}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { global, command } = cli;
    let mut flags = Flags { config: global.config.clone(), data_dir: global.data_dir.clone(), ..Flags::default() };
    let out = Output { json: global.json };
    match command {
        Command::Version => {
            let version = env!("CARGO_PKG_VERSION");
            out.one(&json!({ "version": version }), &format!("vestibule {version}"));
            return Ok(ExitCode::SUCCESS);
        }
        Command::Serve(ref given) => {
            flags.listen.clone_from(&given.listen);
            flags.public_url.clone_from(&given.public_url);
        }
        _ => {}
    }
    let config = load(&flags)?;
    if let Command::Serve(given) = command {
        logs::start(&config.log);
        return runtime()?.block_on(serve::run(&config, given.demo)).map(|()| ExitCode::SUCCESS);
    }
    logs::start_quiet(&config.log);
    if let Command::Plan(plan) = command {
        let changes =
            runtime()?.block_on(async { organisation::plan(&Local::open(&config).await?, plan, out).await })?;
        return Ok(if changes { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS });
    }
    runtime()?.block_on(command_of(command, &config, out)).map(|()| ExitCode::SUCCESS)
}

async fn command_of(command: Command, config: &Config, out: Output) -> Result<(), Failure> {
    match command {
        Command::CheckConfig => {
            config.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
            say("the configuration is good");
            Ok(())
        }
        Command::Healthcheck => health::check(config, out).await,
        Command::Migrate => database::migrate(config).await,
        Command::Restore(restore) => database::restore(config, restore, out).await,
        Command::Backup(backup) => database::backup(&Local::open(config).await?, backup, out).await,
        Command::Key(command) => keys::run(&Local::open(config).await?, command, out).await,
        Command::Init(init) => users::init(&Local::open(config).await?, init, out).await,
        Command::User(command) => users::run(&Local::open(config).await?, command, out).await,
        Command::Session(command) => sessions::run(&Local::open(config).await?, command, out).await,
        Command::ApiKey(command) => api_keys::run(&Local::open(config).await?, command, out).await,
        Command::Webhook(command) => webhooks::run(&Local::open(config).await?, command, out).await,
        Command::Explain(asked) => explain::run(&Local::open(config).await?, asked, out).await,
        Command::Audit(audit) => audit::run(&Local::open(config).await?, audit, out).await,
        Command::Apply(apply) => organisation::apply(&Local::open(config).await?, apply, out).await,
        Command::Export => organisation::export(&Local::open(config).await?, out).await,
        Command::Plan(_) | Command::Serve(_) | Command::Version => Ok(()),
    }
}

fn load(flags: &Flags) -> Result<Config, Failure> {
    Config::load(flags).map_err(|problems| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))
}

/// Threads for requests: at least two, so that one slow page does not stop the others; few, because each costs memory.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("vestibule")
        .enable_all()
        .build()
        .map_err(|error| format!("no threads: {error}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed_and_teaches() {
        let cli = Cli::command();
        cli.clone().debug_assert();
        for command in cli.get_subcommands() {
            assert!(command.get_about().is_some(), "{} says what it does", command.get_name());
            let teaches = command.get_after_help().is_some_and(|help| help.to_string().contains("Example"));
            assert!(teaches || command.get_name() == "version", "{} shows an example", command.get_name());
        }
    }
}
