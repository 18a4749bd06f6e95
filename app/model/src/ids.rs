//! Ids as types, so that a session's id can never be passed where a person's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::names::Invalid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id from sixteen random bytes (version and variant bits are set here).
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                // Only the hyphenated lower-case form: one id has one spelling.
                match Uuid::try_parse(text) {
                    Ok(id) if text.len() == 36 && !text.bytes().any(|b| b.is_ascii_uppercase()) => Ok(Self(id)),
                    _ => Err(Invalid::new("not an id")),
                }
            }
        }
    };
}

id!(
    /// A person, whatever directory they come from.
    UserId
);
id!(
    /// A group of people.
    GroupId
);
id!(
    /// The public name of a session: shown in lists, useless as a cookie.
    SessionId
);
id!(
    /// A second factor of a person.
    FactorId
);
id!(
    /// One entry of the audit log.
    AuditId
);
