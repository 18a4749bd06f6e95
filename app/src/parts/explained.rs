//! Explanations of access in words, for the page and for the command line.

use domain::access::explain::{Explanation, Lines, Obstacle, Path, Policies};
use model::words::count;
use model::{Timestamp, t};

/// Why somebody may not, as a sentence. `exact` writes a moment.
pub fn sentence(explanation: &Explanation, obstacle: &Obstacle, exact: impl Fn(Timestamp) -> String) -> String {
    let user = &explanation.user_name;
    let set = &explanation.set_name;
    let account = match &explanation.account_name {
        Some(name) => format!("{name} ({})", explanation.account),
        None => explanation.account.to_string(),
    };
    match obstacle {
        Obstacle::Disabled => t!("explain.disabled", user = user),
        Obstacle::Invited => t!("explain.invited", user = user),
        Obstacle::NoAccount => t!("explain.no-account", account = account),
        Obstacle::OutOfUse => t!("explain.out-of-use", account = account),
        Obstacle::NoSet => t!("explain.no-set", set = set),
        Obstacle::Ended { group: None, at } => t!("explain.ended", user = user, when = exact(*at)),
        Obstacle::Ended { group: Some(group), at } => {
            t!("explain.ended-group", user = user, group = group, when = exact(*at))
        }
        Obstacle::OtherSets(names) => t!("explain.other-sets", user = user, names = names.join(", "), set = set),
        Obstacle::OtherAccounts { count: n, some } => {
            let accounts = count("count.accounts-other", u64::try_from(*n).unwrap_or(u64::MAX));
            t!("explain.other-accounts", user = user, set = set, accounts = accounts, some = some.join(", "))
        }
        Obstacle::OtherGroups(names) => t!("explain.other-groups", user = user, names = names.join(", ")),
        Obstacle::Nothing => t!("explain.nothing", user = user, account = account, set = set),
    }
}

/// The whole answer as a sentence.
pub fn verdict(explanation: &Explanation) -> String {
    let (user, set) = (&explanation.user_name, &explanation.set_name);
    let account = explanation.account_name.clone().unwrap_or_else(|| explanation.account.to_string());
    if explanation.allowed {
        t!("explain.allowed", user = user, set = set, account = account)
    } else {
        t!("explain.refused", user = user, set = set, account = account)
    }
}

/// Why a list of what somebody may use holds nothing, where it does not.
pub fn nothing(lines: &Lines) -> Option<String> {
    let user = &lines.user_name;
    match &lines.obstacle {
        Some(Obstacle::Invited) => Some(t!("explain.invited", user = user)),
        Some(_) => Some(t!("explain.disabled", user = user)),
        None => lines.lines.is_empty().then(|| t!("explain.has-nothing", user = user)),
    }
}

/// Through what a path goes.
pub fn via(path: &Path) -> String {
    match &path.group {
        Some((_, group)) => t!("explain.via-group", group = group),
        None => t!("explain.direct").to_owned(),
    }
}

/// What a permission set is made of, one entry a line.
pub fn policies(policies: &Policies) -> Vec<String> {
    let mut lines: Vec<String> = policies.managed.clone();
    lines.extend(policies.customer.iter().map(|name| t!("explain.customer", name = name)));
    lines.extend(policies.inline.map(|n| count("count.statements", u64::try_from(n).unwrap_or(u64::MAX))));
    lines.extend(policies.boundary.as_ref().map(|name| t!("explain.boundary", name = name)));
    if lines.is_empty() {
        lines.push(t!("explain.no-policy").to_owned());
    }
    lines
}
