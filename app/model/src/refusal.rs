//! The kinds of refusal that every protocol has to translate.

use serde::{Deserialize, Serialize};

/// Why something was not done. Each protocol turns each kind into its own words in one exhaustive match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// A value is not acceptable; the field is named.
    Invalid,
    /// Nobody is signed in, or the sign-in is not finished.
    SignInNeeded,
    /// The person must confirm who they are again before this.
    ConfirmNeeded,
    /// Known who it is, and not allowed.
    Forbidden,
    /// Does not exist, or may not be known to exist.
    NotFound,
    /// Exists already, or was changed by somebody else meanwhile.
    Conflict,
    /// Too many attempts.
    Throttled,
    /// Cannot be done now; later it can.
    Unavailable,
    /// A fault of ours.
    Internal,
}
