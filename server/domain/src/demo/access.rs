//! What the demo people may use: six accounts in two paths, five permission sets, assignments by group and by
//! person, and two applications.

use model::{AccountTarget, ApplicationId, AssignmentId, PermissionSetId, Timestamp, name_key};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _};
use serde_json::{Value, json};

use super::{group_id, marked, user_id};
use crate::access::Principal;
use crate::access::applications::{self, ApplicationInput};
use crate::access::stamp::{self, Touched};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::store::Change;
use crate::store::entity::{account, assignment, permission_set};

/// Number, name, path.
const ACCOUNTS: [(&str, &str, &str); 6] = [
    ("111122223333", "Production", "/workloads/prod"),
    ("222233334444", "Payments", "/workloads/prod"),
    ("333344445555", "Staging", "/workloads"),
    ("444455556666", "Development", "/workloads"),
    ("555566667777", "Sandbox", "/workloads"),
    ("666677778888", "Log archive", "/security"),
];

/// Name, description, hours, policy of AWS.
const SETS: [(&str, &str, i64, &str); 5] = [
    ("ReadOnly", "Look at everything, change nothing", 4, "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    ("Developer", "Build and deploy, but no users and no bills", 8, "arn:aws:iam::aws:policy/PowerUserAccess"),
    ("Billing", "Budgets and invoices", 1, "arn:aws:iam::aws:policy/job-function/Billing"),
    ("SecurityAudit", "Read what an audit needs", 2, "arn:aws:iam::aws:policy/SecurityAudit"),
    ("Admin", "Everything. Use it seldom", 1, "arn:aws:iam::aws:policy/AdministratorAccess"),
];

/// Name, description, where it begins, and the group that may use it; everybody where none is named.
const APPLICATIONS: [(&str, &str, &str, Option<usize>); 2] = [
    ("Wiki", "Handbook, decisions and minutes", "https://wiki.example.com/", None),
    ("Observatory", "Dashboards and alarms of all products", "https://observatory.example.com/", Some(0)),
];

/// Whom a grant is for: the demo's groups and people by their place.
enum To {
    Group(usize),
    Person(usize),
}

/// To whom, which set, where, for how many days, why.
const GRANTS: [(To, usize, &str, Option<i64>, &str); 9] = [
    (To::Group(0), 0, "/workloads/**", None, ""),
    (To::Group(0), 1, "444455556666", None, ""),
    (To::Group(0), 1, "555566667777", None, ""),
    (To::Group(1), 4, "/**", None, "Platform keeps the accounts"),
    (To::Group(2), 2, "/workloads/**", None, ""),
    (To::Group(3), 3, "/**", None, ""),
    (To::Person(1), 1, "333344445555", Some(3), "Release 4.2, ticket 4711"),
    (To::Person(5), 4, "555566667777", None, ""),
    (To::Person(5), 0, "666677778888", Some(30), "Looks into an incident"),
];

/// Writes all of it, in the change that makes the demo.
pub(super) async fn fill(change: &Change, core: &Core, call: &Call) -> Result<()> {
    let (txn, now) = (change.txn(), call.now);
    for (id, name, path) in ACCOUNTS {
        let row = account::Model {
            id: id.to_owned(),
            name: name.to_owned(),
            name_key: name_key(name),
            email: format!("aws+{}@example.com", name.to_lowercase().replace(' ', "-")),
            path: path.to_owned(),
            status: "active".to_owned(),
            broker: json!({"type": "local"}),
            tags: json!({}),
            created_at: now.0,
            updated_at: now.0,
            version: 1,
        };
        account::Entity::insert(account::ActiveModel::from(row).reset_all()).exec_without_returning(txn).await?;
    }
    for (at, (name, description, hours, policy)) in SETS.into_iter().enumerate() {
        let row = permission_set::Model {
            id: set_id(at).to_string(),
            name: name.to_owned(),
            name_key: name_key(name),
            description: description.to_owned(),
            session_seconds: hours * 3600,
            relay_state: String::new(),
            managed_policies: json!([policy]),
            customer_policies: json!([]),
            inline_policy: None,
            boundary: Value::Null,
            tags: json!({}),
            require_fresh_factor: false,
            last_used_at: None,
            created_at: now.0,
            updated_at: now.0,
            version: 1,
        };
        let row = permission_set::ActiveModel::from(row).reset_all();
        permission_set::Entity::insert(row).exec_without_returning(txn).await?;
    }
    for (to, set, target, days, reason) in GRANTS {
        let principal = match to {
            To::Group(at) => Principal::Group(group_id(at)),
            To::Person(at) => Principal::User(user_id(at)),
        };
        let target = AccountTarget::parse(target).map_err(|e| Error::internal(format!("demo target {target}: {e}")))?;
        let row = assignment::Model {
            id: AssignmentId::ordered(now, core.entropy.bytes()?).to_string(),
            principal_kind: principal.kind().to_owned(),
            principal_id: principal.id(),
            permission_set_id: set_id(set).to_string(),
            target: target.to_string(),
            expires_at: days.map(|days| now.plus(days * Timestamp::DAY).0),
            reason: reason.to_owned(),
            created_at: now.0,
            created_by: "demo".to_owned(),
            warned_at: None,
            renewed_at: None,
        };
        assignment::Entity::insert(assignment::ActiveModel::from(row).reset_all()).exec_without_returning(txn).await?;
    }
    for (at, (name, description, start_url, of)) in APPLICATIONS.into_iter().enumerate() {
        let input = ApplicationInput {
            name: name.to_owned(),
            description: description.to_owned(),
            start_url: start_url.to_owned(),
            everyone: of.is_none(),
            ..ApplicationInput::default()
        };
        let id = application_id(at);
        applications::insert(txn, now, id, &input.checked()?).await?;
        if let Some(at) = of {
            let row = applications::lock(txn, id).await?;
            applications::assign(txn, now, &row, Principal::Group(group_id(at))).await?;
        }
    }
    stamp::touch(txn, now, Touched::Everything).await
}

fn application_id(at: usize) -> ApplicationId {
    ApplicationId::from_random(half(marked(b"vestibule demo a", at)))
}

fn set_id(at: usize) -> PermissionSetId {
    PermissionSetId::from_random(half(marked(b"vestibule demo p", at)))
}

fn half(bytes: [u8; 16]) -> [u8; 8] {
    let number = u128::from_be_bytes(bytes) >> 64;
    u64::try_from(number).unwrap_or_default().to_be_bytes()
}
