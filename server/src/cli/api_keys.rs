//! `vestibule api-key …`.

use clap::{Args, Subcommand};
use domain::identity::api_keys::{ApiKeyRow, NewApiKey};
use model::{Role, Timestamp};
use serde_json::{Value, json};

use super::Failure;
use super::input::{moment, span};
use super::local::{Local, OrFailure as _};
use super::output::{Output, say, time};

pub const HELP: &str = "\
Examples:
  vestibule api-key create --user olivia --role admin --description pipeline --expires P90D
  vestibule api-key list                          whose keys there are, and whether they work
  vestibule api-key revoke AKIAQ4ZL2XK7M3PV5D6T";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key for the AWS APIs; prints its id and, this once, its secret
    Create(Create),
    /// All keys, the newest first
    List,
    /// End a key for good
    Revoke { id: String },
}

#[derive(Args, Debug)]
pub struct Create {
    /// The administrator whose key it is
    #[arg(long, value_name = "NAME")]
    user: String,
    /// The role in which it acts: one that they hold
    #[arg(long)]
    role: Role,
    /// What it is for
    #[arg(long, default_value = "")]
    description: String,
    /// When it ends: a moment, a day, or a time from now [default: never by itself]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

/// Runs one.
pub async fn run(local: &Local, command: Command, out: Output) -> Result<(), Failure> {
    let (keys, call) = (&local.services.api_keys, local.call());
    match command {
        Command::Create(Create { user, role, description, expires }) => {
            let expires_at = expires.map(|text| end(&text, call.now)).transpose()?;
            let user = local.services.people.find(&call, &user).await.or_failure()?;
            let (id, secret) =
                keys.create(&call, &NewApiKey { user, role, description, expires_at }).await.or_failure()?;
            say("the key is made; its secret is not shown again:");
            out.one(
                &json!({ "accessKeyId": id, "secretAccessKey": secret.expose() }),
                &format!("aws_access_key_id = {id}\naws_secret_access_key = {}", secret.expose()),
            );
        }
        Command::List => {
            let listed = keys.list(&call).await.or_failure()?;
            let rows: Vec<_> = listed.iter().map(|key| (row_json(key), row_cells(key))).collect();
            out.list(&["id", "user", "role", "state", "created", "expires", "last used", "description"], &rows);
        }
        Command::Revoke { id } => {
            keys.revoke(&call, &id).await.or_failure()?;
            say("the key is revoked");
        }
    }
    Ok(())
}

fn end(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    moment(text).or_else(|| Some(now.plus(span(text)?))).ok_or_else(|| {
        format!(
            "--expires: {text} is no moment: use 2026-01-31, 2026-01-31T08:00:00Z, or P90D for ninety days from now"
        )
    })
}

fn row_json(key: &ApiKeyRow) -> Value {
    json!({
        "accessKeyId": key.id, "userName": key.user_name, "role": key.role.as_str(), "state": key.state.as_str(),
        "description": key.description, "createdAt": time(key.created_at), "expiresAt": key.expires_at.map(time),
        "lastUsedAt": key.last_used_at.map(time),
    })
}

fn row_cells(key: &ApiKeyRow) -> Vec<String> {
    let never = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), time);
    vec![
        key.id.clone(),
        key.user_name.clone(),
        key.role.to_string(),
        key.state.as_str().to_owned(),
        time(key.created_at),
        never(key.expires_at),
        never(key.last_used_at),
        key.description.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, end};

    #[test]
    fn a_key_ends_at_a_moment_or_some_time_from_now() {
        let now = Timestamp(1_767_225_600_000);
        for text in ["2026-01-01", "2026-01-01T00:00:00Z"] {
            assert_eq!(end(text, now).unwrap(), now, "{text}");
        }
        assert_eq!(end("P90D", now).unwrap(), now.plus(90 * Timestamp::DAY));
        assert!(end("soon", now).unwrap_err().starts_with("--expires: soon"));
    }
}
