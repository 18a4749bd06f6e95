//! Administration of people.

use std::sync::Arc;

use model::{Role, Timestamp, UserId};

use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::identity::factors::FactorView;
use crate::page::{Page, PageRequest};
use crate::secret::Secret;

/// A person's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Invited,
    Active,
    Disabled,
}

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub struct PeopleQuery {
    /// The beginning of any word of a name or of the mail address.
    pub search: String,
    pub status: Option<Status>,
    pub sort: PeopleSort,
    pub descending: bool,
    pub page: PageRequest,
}

/// Allowed orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeopleSort {
    #[default]
    UserName,
    DisplayName,
    Email,
    Created,
}

/// One row.
#[derive(Clone, Debug)]
pub struct PersonRow {
    pub id: UserId,
    pub user_name: String,
    pub display_name: String,
    pub email: String,
    pub status: Status,
    pub last_sign_in_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub has_factor: bool,
    pub roles: Vec<Role>,
}

/// Everything about a person.
#[derive(Clone, Debug)]
pub struct PersonView {
    pub row: PersonRow,
    pub given_name: String,
    pub family_name: String,
    pub directory: String,
    pub attributes: serde_json::Map<String, serde_json::Value>,
    pub groups: Vec<(model::GroupId, String)>,
    pub factors: Vec<FactorView>,
    pub enrol_by: Option<Timestamp>,
    pub must_change_password: bool,
    pub password_set_at: Option<Timestamp>,
    pub break_glass: bool,
    pub version: i64,
    /// What the caller may do with this person, so that a page shows no dead button.
    pub allowed: Vec<crate::authz::Action>,
}

/// Fields of a new or changed person, as typed.
#[derive(Clone, Debug, Default)]
pub struct PersonInput {
    pub user_name: String,
    pub email: String,
    pub given_name: String,
    pub family_name: String,
    /// Empty: given and family name.
    pub display_name: String,
}

/// What became of an action that sends a link.
#[derive(Debug)]
pub enum LinkSent {
    /// By mail, through the outbox.
    ByMail,
    /// No mail is configured: shown once to whoever caused it.
    ShowOnce(Secret),
}

/// People.
#[derive(Clone, Debug)]
pub struct People(pub(crate) Arc<Core>);

impl People {
    pub async fn list(&self, call: &Call, query: &PeopleQuery) -> Result<Page<PersonRow>> {
        todo!()
    }
    pub async fn get(&self, call: &Call, user: UserId) -> Result<PersonView> {
        todo!()
    }
    /// By sign-in name, for the command line.
    pub async fn find(&self, call: &Call, user_name: &str) -> Result<UserId> {
        todo!()
    }
    pub async fn create(&self, call: &Call, input: &PersonInput, groups: &[model::GroupId]) -> Result<UserId> {
        todo!()
    }
    /// Refused as a conflict when somebody else changed the person since `version`.
    pub async fn update(&self, call: &Call, user: UserId, version: i64, input: &PersonInput) -> Result<()> {
        todo!()
    }
    pub async fn invite(&self, call: &Call, user: UserId) -> Result<LinkSent> {
        todo!()
    }
    pub async fn disable(&self, call: &Call, user: UserId) -> Result<()> {
        todo!()
    }
    pub async fn enable(&self, call: &Call, user: UserId) -> Result<()> {
        todo!()
    }
    pub async fn delete(&self, call: &Call, user: UserId) -> Result<()> {
        todo!()
    }
    /// Ends sessions, voids the password, sends a link.
    pub async fn reset_password(&self, call: &Call, user: UserId) -> Result<LinkSent> {
        todo!()
    }
    /// Removes all factors, ends sessions, opens a new time for enrolment and sends a link for it.
    pub async fn reset_factors(&self, call: &Call, user: UserId) -> Result<LinkSent> {
        todo!()
    }
    /// Operator only: sets a password (checked by the policy) without a link.
    pub async fn set_password(&self, call: &Call, user: UserId, password: &Secret) -> Result<()> {
        todo!()
    }
    /// Operator only, on an instance without owner: the first owner and the link to set password and factor (30 minutes).
    pub async fn init_owner(&self, call: &Call, input: &PersonInput) -> Result<Secret> {
        todo!()
    }
}
