//! What an account is made of, as it comes from outside and as it is once checked.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use model::{AccountId, AccountName, AccountPath, Email, Invalid};
use serde_json::{Map, Value, json};

use super::broker::Broker;
use crate::access::tags;
use crate::error::{Error, Result};
use crate::store::entity::account;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field as the organisation file names it: `name`, `tags[env]`, `broker.role`.
    pub field: String,
    /// Follows the name: "must be twelve digits".
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl Fault {
    fn new(field: &str, reason: impl fmt::Display) -> Self {
        Self { field: field.to_owned(), reason: reason.to_string() }
    }

    /// The field's name in forms and refusals.
    pub fn form_field(&self) -> &'static str {
        let end = self.field.find('[').unwrap_or(self.field.len());
        match self.field.get(..end).unwrap_or_default() {
            "id" => "id",
            "name" => "name",
            "email" => "email",
            "path" => "path",
            "status" => "status",
            "tags" => "tags",
            "broker.samlProvider" => "saml_provider",
            "broker.role" => "role_arn",
            "broker.region" => "region",
            "broker.stsEndpoint" => "sts_endpoint",
            "broker.externalId" => "external_id",
            _ => "broker",
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::invalid(fault.form_field(), fault.reason)
    }
}

/// Whether an account is in use. Suspended and closed accounts give no access to anybody: what is assigned there stays
/// written down and counts again once the account is active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AccountStatus {
    /// In use.
    #[default]
    Active,
    /// Out of use for now.
    Suspended,
    /// Out of use for good; kept for the record.
    Closed,
}

impl AccountStatus {
    /// All of them.
    pub const ALL: [AccountStatus; 3] = [AccountStatus::Active, AccountStatus::Suspended, AccountStatus::Closed];

    /// The name in files, forms and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            AccountStatus::Active => "active",
            AccountStatus::Suspended => "suspended",
            AccountStatus::Closed => "closed",
        }
    }
}

impl fmt::Display for AccountStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AccountStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> std::result::Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Invalid::new("must be one of active, suspended, closed"))
    }
}

/// An account as somebody wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountInput {
    /// Twelve digits.
    pub id: String,
    /// 1–50 characters.
    pub name: String,
    /// The account's own address at AWS; may be empty.
    pub email: String,
    /// Where it stands; empty is the root.
    pub path: String,
    /// `active`, `suspended` or `closed`; empty is active.
    pub status: String,
    /// Words of the organisation's own.
    pub tags: BTreeMap<String, String>,
    /// The way to credentials.
    pub broker: Broker,
}

impl AccountInput {
    /// Checks every field; all that is wrong is named, not only the first.
    pub fn check(&self) -> std::result::Result<Account, Vec<Fault>> {
        let mut faults = Vec::new();
        let id = self.id.parse::<AccountId>().map_err(|e| faults.push(Fault::new("id", e)));
        let name = AccountName::parse(&self.name).map_err(|e| faults.push(Fault::new("name", e)));
        let email = match self.email.as_str() {
            "" => Ok(None),
            text => Email::parse(text).map(Some).map_err(|e| faults.push(Fault::new("email", e))),
        };
        let path = match self.path.as_str() {
            "" => Ok(AccountPath::root()),
            text => AccountPath::parse(text).map_err(|e| faults.push(Fault::new("path", e))),
        };
        let status = match self.status.as_str() {
            "" => Ok(AccountStatus::Active),
            text => text.parse().map_err(|e| faults.push(Fault::new("status", e))),
        };
        let of_tags = tags::faults(&self.tags).into_iter();
        faults.extend(of_tags.map(|(key, reason)| Fault { field: format!("tags{key}"), reason }));
        // Without a number there is nothing that ARNs could agree with.
        if id.is_ok() {
            faults.extend(self.broker.faults(&self.id));
        }
        match (id, name, email, path, status) {
            (Ok(id), Ok(name), Ok(email), Ok(path), Ok(status)) if faults.is_empty() => {
                Ok(Account { id, name, email, path, status, tags: self.tags.clone(), broker: self.broker.clone() })
            }
            _ => Err(faults),
        }
    }

    /// [`AccountInput::check`] for a form, which is told of one fault at a time.
    pub(crate) fn checked(&self) -> Result<Account> {
        self.check().map_err(|faults| match faults.into_iter().next() {
            Some(fault) => fault.into(),
            None => Error::internal("an account that is wrong without a fault"),
        })
    }
}

/// An account whose fields have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Its name.
    pub name: AccountName,
    /// The account's own address at AWS.
    pub email: Option<Email>,
    /// Where it stands.
    pub path: AccountPath,
    /// Whether it is in use.
    pub status: AccountStatus,
    /// Words of the organisation's own.
    pub tags: BTreeMap<String, String>,
    /// The way to credentials.
    pub broker: Broker,
}

impl Account {
    /// Reads what the database keeps.
    pub(crate) fn of_row(row: &account::Model) -> Result<Self> {
        let broken = |e: &dyn fmt::Display| Error::internal(format!("account {}: {e}", row.id));
        Ok(Self {
            id: row.id.parse().map_err(|e: Invalid| broken(&e))?,
            name: AccountName::parse(&row.name).map_err(|e| broken(&e))?,
            email: match row.email.as_str() {
                "" => None,
                text => Some(Email::parse(text).map_err(|e| broken(&e))?),
            },
            path: AccountPath::parse(&row.path).map_err(|e| broken(&e))?,
            status: row.status.parse().map_err(|e: Invalid| broken(&e))?,
            tags: serde_json::from_value(row.tags.clone()).map_err(|e| broken(&e))?,
            broker: serde_json::from_value(row.broker.clone()).map_err(|e| broken(&e))?,
        })
    }

    /// The address, or nothing.
    pub fn email(&self) -> &str {
        self.email.as_ref().map_or("", Email::as_str)
    }

    /// As the database keeps it.
    pub(super) fn columns(&self) -> Result<Columns> {
        let json = |e: serde_json::Error| Error::internal(format!("account {}: {e}", self.id));
        Ok(Columns {
            tags: serde_json::to_value(&self.tags).map_err(json)?,
            broker: serde_json::to_value(&self.broker).map_err(json)?,
        })
    }

    /// Every field but the number, by its name in the organisation file.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let fields = json!({
            "name": self.name, "email": self.email(), "path": self.path, "status": self.status.as_str(),
            "tags": self.tags, "broker": self.broker,
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// What is different in another state of this account: `{"path": {"from": …, "to": …}}`.
    pub(crate) fn differences(&self, after: &Account) -> Map<String, Value> {
        let mut after = after.fields();
        self.fields()
            .into_iter()
            .filter_map(|(field, from)| {
                let to = after.remove(&field)?;
                (from != to).then(|| (field, json!({"from": from, "to": to})))
            })
            .collect()
    }
}

/// The columns that hold JSON.
pub(super) struct Columns {
    pub(super) tags: Value,
    pub(super) broker: Value,
}
