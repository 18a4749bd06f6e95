//! `vestibule audit`.

use clap::{Args, Subcommand};
use domain::audit::log::{AuditQuery, Entry};
use model::Timestamp;
use serde_json::json;

use super::local::{Local, OrFailure as _};
use super::output::{Output, line, say, time};
use super::{Failure, input};

pub const HELP: &str = "\
Examples:
  vestibule audit --since P1D                     the last day, one line for each entry
  vestibule audit --actor alice --json            everything alice did, one JSON object a line
  vestibule audit --since 2026-01-01 --until 2026-02-01 --action CreateUser
  vestibule audit verify                          is the chain of entries whole?";

#[derive(Args, Debug)]
pub struct Audit {
    #[command(subcommand)]
    command: Option<Command>,
    /// From this moment on: 2026-01-31, 2026-01-31T08:00:00Z, or P1D for the last day
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Done by this person (name or id)
    #[arg(long, value_name = "NAME", default_value = "")]
    actor: String,
    /// This action, such as `CreateUser`
    #[arg(long, value_name = "ACTION", default_value = "")]
    action: String,
    /// Done to this person or group (name or id)
    #[arg(long, value_name = "NAME", default_value = "")]
    target: String,
    /// Made by this request, whose id an error page or a log line names
    #[arg(long, value_name = "ID", default_value = "")]
    request: String,
    /// success or failure
    #[arg(long, value_parser = ["success", "failure"])]
    outcome: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that no entry was altered, removed or put in between
    Verify,
}

/// Runs it.
pub async fn run(local: &Local, audit: Audit, out: Output) -> Result<(), Failure> {
    if let Some(Command::Verify) = audit.command {
        return verify(local, out).await;
    }
    let now = local.services.clock().now();
    let query = AuditQuery {
        since: audit.since.map(|text| moment("--since", &text, now)).transpose()?,
        until: audit.until.map(|text| moment("--until", &text, now)).transpose()?,
        actor: audit.actor,
        target: audit.target,
        action: audit.action,
        request: audit.request,
        outcome: audit.outcome,
        ..AuditQuery::default()
    };
    let mut after = None;
    loop {
        let (entries, next) = local.services.audit.export(&local.call(), &query, after).await.or_failure()?;
        for entry in &entries {
            line(&if out.json {
                serde_json::to_string(entry).map_err(|error| error.to_string())?
            } else {
                text(entry)
            });
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn verify(local: &Local, out: Output) -> Result<(), Failure> {
    let found = local.services.audit.verify(&local.call()).await.or_failure()?;
    let whole = format!("{} entries of {} nodes, {} of them erased", found.entries, found.nodes, found.erased);
    out.one(&json!(found), &whole);
    if found.faults.is_empty() {
        say("the chains are whole");
        return Ok(());
    }
    Err(found.faults.join("\n"))
}

fn text(entry: &Entry) -> String {
    let target = entry.target.as_ref().map(|target| format!(" {} {}", target.kind, target.name)).unwrap_or_default();
    let reason = entry.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let source = entry.source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
    format!("{} {} {} {}{target}{source}{reason}", time(entry.time), entry.outcome, entry.actor.name, entry.action)
}

/// A moment, a day, or a time before now.
fn moment(flag: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    input::moment(text).or_else(|| Some(now.plus(-input::span(text)?))).ok_or_else(|| {
        format!("{flag}: {text} is no moment: use 2026-01-31, 2026-01-31T08:00:00Z, or P1D for one day ago")
    })
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::moment;

    #[test]
    fn moments_are_days_instants_or_spans() {
        let now = Timestamp(1_767_225_600_000);
        for text in ["2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "PT0S"] {
            assert_eq!(moment("--since", text, now).unwrap(), now, "{text}");
        }
        assert_eq!(moment("--since", "P1D", now).unwrap(), now.plus(-Timestamp::DAY));
        assert!(moment("--since", "yesterday", now).unwrap_err().starts_with("--since: yesterday"));
    }
}
