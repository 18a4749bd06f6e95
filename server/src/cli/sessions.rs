//! `vestibule session …`.

use clap::{ArgGroup, Args, Subcommand};
use domain::PageRequest;
use model::SessionId;
use serde_json::json;

use super::Failure;
use super::local::{Local, OrFailure as _};
use super::output::{Output, say, time};

pub const HELP: &str = "\
Examples:
  vestibule session list --user bob
  vestibule session revoke 0b5e9a52-9f0e-4c6f-8d0e-3f1c5a3f3b57
  vestibule session revoke --user bob             sign bob out everywhere";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sessions that live, newest first
    List {
        /// Of one person
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// End one session, or all of a person
    Revoke(Revoke),
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct Revoke {
    /// The session, as `session list` shows it
    #[arg(group = "which", value_name = "ID")]
    session: Option<SessionId>,
    /// All sessions of this person
    #[arg(long, group = "which", value_name = "NAME")]
    user: Option<String>,
}

/// Runs one.
pub async fn run(local: &Local, command: Command, out: Output) -> Result<(), Failure> {
    let (sessions, people, call) = (&local.services.sessions, &local.services.people, local.call());
    match command {
        Command::List { user } => {
            let of = match user {
                Some(name) => Some(people.find(&call, &name).await.or_failure()?),
                None => None,
            };
            let mut page = PageRequest { cursor: None, size: Some(200) };
            let mut rows = Vec::new();
            loop {
                let found = sessions.list(&call, of, &page).await.or_failure()?;
                rows.extend(found.rows.iter().map(|session| {
                    let value = json!({
                        "id": session.id.to_string(), "userName": session.user_name, "strong": session.strong,
                        "signedInAt": time(session.signed_in_at), "lastSeenAt": time(session.last_seen_at),
                        "expiresAt": time(session.expires_at), "source": session.source, "userAgent": session.user_agent,
                    });
                    let cells = vec![
                        session.id.to_string(),
                        session.user_name.clone(),
                        time(session.signed_in_at),
                        time(session.last_seen_at),
                        session.source.clone().unwrap_or_default(),
                    ];
                    (value, cells)
                }));
                if found.next.is_none() {
                    break;
                }
                page.cursor = found.next;
            }
            out.list(&["id", "name", "signed in", "last seen", "from"], &rows);
        }
        Command::Revoke(Revoke { session: Some(session), .. }) => {
            sessions.end(&call, session).await.or_failure()?;
            say("the session has ended");
        }
        Command::Revoke(Revoke { user, .. }) => {
            let name = user.unwrap_or_default();
            let ended = sessions.end_all_of(&call, people.find(&call, &name).await.or_failure()?).await.or_failure()?;
            say(&format!("{ended} sessions of {name} have ended"));
        }
    }
    Ok(())
}
