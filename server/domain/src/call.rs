//! Who asks, from where, and when: the first argument of every service function.

use std::net::IpAddr;

use model::{AccountTarget, Role, SessionId, Timestamp, UserId};

use crate::audit::refusals::Refusals;
use crate::secret::Secret;

/// One request, or one run of a job.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who asks.
    pub actor: Actor,
    /// Shown on error pages, in logs and in the audit.
    pub request_id: String,
    /// The address it comes from, after trusted proxies.
    pub source: Option<IpAddr>,
    /// The browser's name for itself, cut to 400 characters at the edge.
    pub user_agent: Option<String>,
    /// The long-lived token of a browser that has completed a sign-in before.
    pub device: Option<Secret>,
    /// The moment, read once.
    pub now: Timestamp,
    /// Where it is noted when this call is refused for lack of rights.
    pub refusals: Refusals,
}

impl Call {
    /// The same request, acting as somebody else: after a sign-in step for example.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    /// A call of the local command line, or of a job, which has no address.
    pub fn local(actor: Actor, request_id: impl Into<String>, now: Timestamp) -> Self {
        Self {
            actor,
            request_id: request_id.into(),
            source: None,
            user_agent: None,
            device: None,
            now,
            refusals: Refusals::default(),
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody is signed in.
    Anonymous,
    /// A browser session, complete or on its way.
    Person(Person),
    /// The command line on the server itself, with file-system access and the master key.
    Operator,
    /// A job of ours.
    System(&'static str),
}

/// A person with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Whose session it is.
    pub user: UserId,
    /// The name they sign in with, for logs and audit.
    pub user_name: String,
    /// Which session.
    pub session: SessionId,
    /// How far the sign-in has come.
    pub stage: Stage,
    /// When the first factor was proven.
    pub signed_in_at: Timestamp,
    /// When the person last proved who they are by a second factor (by the password where they have no factor).
    pub confirmed_at: Timestamp,
    /// Whether a second factor or a passkey was used.
    pub strong: bool,
    /// Administrator roles held now, read with the session, so that a demotion counts at once.
    pub roles: Vec<Role>,
    /// Where access administration reaches, for who holds that role.
    pub scopes: Vec<AccountTarget>,
}

impl Person {
    /// The most powerful role, if any.
    pub fn highest_role(&self) -> Option<Role> {
        self.roles.iter().min().copied()
    }
}

/// How far a sign-in has come. Only `Full` opens anything but its own step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The password was right; a second factor is asked for.
    SecondFactor,
    /// A second factor must be set up first.
    Enrol,
    /// A new password must be chosen first.
    NewPassword,
    /// Signed in.
    Full,
}

impl Stage {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::SecondFactor => "second-factor",
            Stage::Enrol => "enrol",
            Stage::NewPassword => "new-password",
            Stage::Full => "full",
        }
    }

    /// Reads the name in the database.
    pub fn parse(text: &str) -> Option<Self> {
        [Stage::SecondFactor, Stage::Enrol, Stage::NewPassword, Stage::Full]
            .into_iter()
            .find(|stage| stage.as_str() == text)
    }
}
