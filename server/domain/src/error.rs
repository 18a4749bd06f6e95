//! One error type: what the outside is told, and what only the log sees.
//!
//! Each protocol turns [`Error::kind`] into its own answer in one exhaustive match. The private cause is never shown; it is
//! logged once, where the answer is written.

use std::fmt;

use model::Refusal;
use sea_orm::{DbErr, RuntimeErr};

/// The result of every service function.
pub type Result<T> = std::result::Result<T, Error>;

/// A refusal with its outside text and its private cause.
#[derive(Debug)]
pub struct Error {
    kind: Refusal,
    field: Option<&'static str>,
    outside: String,
    retry_after_seconds: Option<u32>,
    cause: Option<String>,
}

impl Error {
    fn of(kind: Refusal, outside: impl Into<String>) -> Self {
        Self { kind, field: None, outside: outside.into(), retry_after_seconds: None, cause: None }
    }

    /// A value is not acceptable. `reason` follows the field's name: "must not be empty".
    pub fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field: Some(field), ..Self::of(Refusal::Invalid, reason) }
    }

    /// Nobody is signed in, or not completely.
    pub fn sign_in_needed() -> Self {
        Self::of(Refusal::SignInNeeded, "Sign in to continue.")
    }

    /// The person must confirm who they are before this.
    pub fn confirm_needed() -> Self {
        Self::of(Refusal::ConfirmNeeded, "Confirm it is you to continue.")
    }

    /// Not allowed.
    pub fn forbidden() -> Self {
        Self::of(Refusal::Forbidden, "You are not allowed to do this.")
    }

    /// Not allowed, with the rule that says so ("The last owner cannot be removed.").
    pub fn forbidden_because(outside: impl Into<String>) -> Self {
        Self::of(Refusal::Forbidden, outside)
    }

    /// Absent, or not for the caller to know.
    pub fn not_found(what: &str) -> Self {
        Self::of(Refusal::NotFound, format!("There is no such {what}."))
    }

    /// Exists already or has changed meanwhile.
    pub fn conflict(field: Option<&'static str>, outside: impl Into<String>) -> Self {
        Self { field, ..Self::of(Refusal::Conflict, outside) }
    }

    /// Too many attempts; try again after so many seconds.
    pub fn throttled(retry_after_seconds: u32) -> Self {
        let unit = if retry_after_seconds == 1 { "second" } else { "seconds" };
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::of(Refusal::Throttled, format!("Too many attempts. Try again in {retry_after_seconds} {unit}."))
        }
    }

    /// Cannot be done now.
    pub fn unavailable(outside: impl Into<String>) -> Self {
        Self::of(Refusal::Unavailable, outside)
    }

    /// So much is asked for at once that this is refused; soon it can be done.
    pub fn overloaded() -> Self {
        Self {
            retry_after_seconds: Some(2),
            ..Self::unavailable("Too many people are signing in at once. Try again in a moment.")
        }
    }

    /// A proof (password, code, passkey, link) was not accepted. One text for every reason, so that it tells nothing.
    pub fn not_accepted(outside: impl Into<String>) -> Self {
        Self::of(Refusal::Invalid, outside)
    }

    /// The attempts are used up, and waiting alone does not help: other ways are named.
    pub fn stopped(retry_after_seconds: u32, outside: impl Into<String>) -> Self {
        Self { retry_after_seconds: Some(retry_after_seconds), ..Self::of(Refusal::Throttled, outside) }
    }

    /// A fault of ours; the cause goes to the log only.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..Self::of(Refusal::Internal, "Something went wrong on our side.") }
    }

    /// Adds the private cause.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Which kind of refusal this is.
    pub fn kind(&self) -> Refusal {
        self.kind
    }

    /// The field a refusal is about.
    pub fn field(&self) -> Option<&'static str> {
        self.field
    }

    /// The text that may be shown.
    pub fn outside(&self) -> &str {
        &self.outside
    }

    /// When to try again.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// What only the log may see.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(f, "{field}: {}", self.outside),
            None => f.write_str(&self.outside),
        }
    }
}

impl std::error::Error for Error {}

/// Whether PostgreSQL ended a transaction because another stood in its way: a deadlock, or no order in which both fit.
fn in_the_way(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    cause
        .as_database_error()
        .and_then(sea_orm::sqlx::error::DatabaseError::code)
        .is_some_and(|code| matches!(&*code, "40001" | "40P01"))
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        let busy = matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
            || error.to_string().contains("database is locked")
            || in_the_way(&error);
        if busy {
            Self::unavailable("The database did not answer. Try again in a moment.").because(error)
        } else {
            Self::internal(format!("database: {error}"))
        }
    }
}
