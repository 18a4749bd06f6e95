//! Reading the log: search, export, verification, erasure.

use std::sync::Arc;

use model::{Timestamp, UserId};

use super::Target;
use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::page::{Page, PageRequest};

/// An entry as it is shown and exported; the names are those of the contract's JSON.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub id: String,
    /// RFC 3339 in UTC in JSON.
    #[serde(serialize_with = "rfc3339")]
    pub time: Timestamp,
    pub action: String,
    pub outcome: String,
    pub actor: EntryActor,
    pub target: Option<Target>,
    pub source: Option<String>,
    pub request_id: String,
    pub credential_id: Option<String>,
    pub changes: serde_json::Value,
    pub reason: Option<String>,
    /// The personal part has been erased.
    pub erased: bool,
}

fn rfc3339<S: serde::Serializer>(time: &Timestamp, to: S) -> std::result::Result<S::Ok, S::Error> {
    let text = jiff::Timestamp::from_millisecond(time.0).map_err(serde::ser::Error::custom)?;
    to.collect_str(&text)
}

/// Who did it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct EntryActor {
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub id: Option<String>,
}

/// What is searched for; all given parts must match.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// A person's sign-in name or id.
    pub actor: String,
    /// A person's or group's name or id.
    pub target: String,
    pub action: String,
    /// `success` or `failure`.
    pub outcome: Option<String>,
    pub page: PageRequest,
}

/// What verification found.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Verification {
    pub nodes: u64,
    pub entries: u64,
    pub erased: u64,
    /// Empty when every chain is whole; else one sentence for each fault.
    pub faults: Vec<String>,
}

/// The log.
#[derive(Clone, Debug)]
pub struct AuditLog(pub(crate) Arc<Core>);

impl AuditLog {
    /// Newest first.
    pub async fn search(&self, call: &Call, query: &AuditQuery) -> Result<Page<Entry>> {
        todo!()
    }
    /// One batch of an export, oldest first; `after` is the cursor of the batch before it. Never holds the whole log in memory.
    pub async fn export(&self, call: &Call, query: &AuditQuery, after: Option<String>) -> Result<(Vec<Entry>, Option<String>)> {
        todo!()
    }
    pub async fn verify(&self, call: &Call) -> Result<Verification> {
        todo!()
    }
    /// Erases what identifies a person from every entry; the chain stays whole.
    pub async fn erase_person(&self, call: &Call, user: UserId) -> Result<u64> {
        todo!()
    }
}
