//! Sessions: resolved by token at every request, listed, ended.

use std::sync::Arc;

use model::{SessionId, Timestamp, UserId};

use crate::call::{Call, Person};
use crate::core::Core;
use crate::error::Result;
use crate::page::{Page, PageRequest};
use crate::secret::Secret;

/// A session as lists show it.
#[derive(Clone, Debug)]
pub struct SessionView {
    pub id: SessionId,
    pub user: UserId,
    pub user_name: String,
    /// The one that asks.
    pub current: bool,
    pub strong: bool,
    pub signed_in_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub source: Option<String>,
    pub user_agent: Option<String>,
}

/// What a person is told after an action, kept with the session until a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// `good`, `warn` or `bad`.
    pub tone: String,
    /// A name in the message catalogue.
    pub message: String,
    /// What goes into it.
    pub values: Vec<String>,
}

/// A resolved cookie.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub person: Person,
    /// The end, whatever happens.
    pub expires_at: Timestamp,
    /// Shown by the next page.
    pub notice: Option<Notice>,
    /// The person's preferences, for theme and zone of every page.
    pub preferences: crate::identity::me::Preferences,
}

/// Sessions of browsers.
#[derive(Clone, Debug)]
pub struct Sessions(pub(crate) Arc<Core>);

impl Sessions {
    /// Who a cookie belongs to: not ended, not idle, not over, of an active person. Called once per request by the edge, before
    /// there is an actor.
    pub async fn resolve(&self, token: &Secret, now: Timestamp) -> Result<Option<Resolved>> {
        todo!()
    }
    /// Keeps a notice for the next page of this session.
    pub async fn leave_notice(&self, call: &Call, notice: Notice) -> Result<()> {
        todo!()
    }
    /// Forgets the notice once a page has shown it.
    pub async fn clear_notice(&self, call: &Call) -> Result<()> {
        todo!()
    }
    /// All sessions that live (administration), newest first; of one person where given.
    pub async fn list(&self, call: &Call, of: Option<UserId>, page: &PageRequest) -> Result<Page<SessionView>> {
        todo!()
    }
    /// Ends one session (administration).
    pub async fn end(&self, call: &Call, session: SessionId) -> Result<()> {
        todo!()
    }
    /// Ends all sessions of a person (administration).
    pub async fn end_all_of(&self, call: &Call, user: UserId) -> Result<u64> {
        todo!()
    }
}
