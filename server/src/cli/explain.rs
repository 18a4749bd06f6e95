//! `vestibule explain`

use app::parts::explained;
use clap::Args;
use domain::access::explain::{Explanation, Path};
use model::AccountId;
use serde_json::{Value, json};

use super::Failure;
use super::local::{Local, OrFailure as _};
use super::output::{Output, say, time};

pub const HELP: &str = "\
Examples:
  vestibule explain --user alice --account 111122223333 --permission-set ReadOnly
  vestibule explain --user alice                  everything that alice may use, and through what
  vestibule explain --user alice --permission-set ReadOnly --json";

/// Why a person may use a permission set in an account, or why not.
#[derive(Args, Debug)]
pub struct Explain {
    /// Who
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Where: twelve digits
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// As what
    #[arg(long, value_name = "NAME")]
    permission_set: Option<String>,
}

/// Runs it.
pub async fn run(local: &Local, asked: Explain, out: Output) -> Result<(), Failure> {
    let Explain { user, account, permission_set: set } = asked;
    let call = local.call();
    let id = local.services.people.find(&call, &user).await.or_failure()?;
    let explain = &local.services.explain;
    if let (Some(account), Some(set)) = (account, &set) {
        let explanation = explain.one(&call, id, account, set).await.or_failure()?;
        out.one(&as_json(&explanation), &as_text(&explanation));
        return Ok(());
    }
    let lines = explain.all(&call, id, account, set.as_deref()).await.or_failure()?;
    if let Some(why) = explained::nothing(&lines) {
        say(&why);
    }
    let rows: Vec<(Value, Vec<String>)> = lines
        .lines
        .iter()
        .map(|line| {
            let value = json!({
                "user": lines.user_name, "account": line.account.id, "permissionSet": line.set.name, "allowed": true,
                "paths": line.paths.iter().map(path_json).collect::<Vec<_>>(), "nearest": null,
            });
            let through: Vec<String> = line.paths.iter().map(explained::via).collect();
            let cells =
                vec![line.account.id.to_string(), line.account.name.clone(), line.set.name.clone(), through.join(", ")];
            (value, cells)
        })
        .collect();
    out.list(&["account", "name", "permission set", "through"], &rows);
    Ok(())
}

fn as_json(explanation: &Explanation) -> Value {
    let nearest = explanation.obstacles.first().map(|obstacle| explained::sentence(explanation, obstacle, time));
    json!({
        "user": explanation.user_name,
        "account": explanation.account,
        "permissionSet": explanation.set_name,
        "allowed": explanation.allowed,
        "paths": explanation.paths.iter().map(path_json).collect::<Vec<_>>(),
        "nearest": nearest,
    })
}

fn path_json(path: &Path) -> Value {
    json!({
        "via": if path.group.is_some() { "group" } else { "user" },
        "group": path.group.as_ref().map(|(_, name)| name),
        "assignment": path.assignment,
        "target": path.target.to_string(),
        "expires": path.expires.map(time),
    })
}

fn as_text(explanation: &Explanation) -> String {
    let mut lines = vec![explained::verdict(explanation)];
    for path in &explanation.paths {
        let ends = path.expires.map_or_else(String::new, |at| format!(", until {}", time(at)));
        lines.push(format!("  {}: assignment {} for {}{ends}", explained::via(path), path.assignment, path.target));
    }
    if let Some(made_of) = explanation.policies.as_ref().filter(|_| !explanation.paths.is_empty()) {
        lines.extend(explained::policies(made_of).into_iter().map(|policy| format!("  policy: {policy}")));
    }
    lines.extend(
        explanation.obstacles.iter().map(|obstacle| format!("  {}", explained::sentence(explanation, obstacle, time))),
    );
    lines.join("\n")
}
