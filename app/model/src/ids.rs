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

id!(
    /// One grant: a principal, a permission set, an account or a rule for accounts.
    AssignmentId
);

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 8]);

        impl $name {
            /// Makes an id from eight random bytes.
            pub fn from_random(bytes: [u8; 8]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:016x}"), u64::from_be_bytes(self.0))
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let hex = text.strip_prefix($prefix).filter(|hex| {
                    hex.len() == 16 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                });
                let number = hex.and_then(|hex| u64::from_str_radix(hex, 16).ok());
                number.map(|number| Self(number.to_be_bytes())).ok_or_else(|| Invalid::new("not an id"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_id!(
    /// A permission set, as AWS writes it: `ps-` and sixteen hexadecimal digits.
    PermissionSetId,
    "ps-"
);
hex_id!(
    /// An application, as AWS writes it: `apl-` and sixteen hexadecimal digits.
    ApplicationId,
    "apl-"
);

impl AssignmentId {
    /// An id whose order is the order of creation, so that many of them are written side by side.
    pub fn ordered(time: crate::Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(time.0).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

impl AuditId {
    /// An id whose order is the order of the entries of one node: the time first, then the place in the chain.
    pub fn ordered(time: crate::Timestamp, place: i64, random: [u8; 8]) -> Self {
        let [.., high, low] = place.to_be_bytes();
        let mut counter_random_bytes = [0; 10];
        let (counter, rest) = counter_random_bytes.split_at_mut(2);
        counter.copy_from_slice(&[high, low]);
        rest.copy_from_slice(&random);
        let millis = u64::try_from(time.0).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &counter_random_bytes).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::{AuditId, PermissionSetId, UserId};
    use crate::Timestamp;

    #[test]
    fn audit_ids_sort_as_their_entries() {
        let id = |time, place| AuditId::ordered(Timestamp(time), place, [7; 8]).to_string();
        assert!(id(1_700_000_000_000, 1) < id(1_700_000_000_000, 2));
        assert!(id(1_700_000_000_000, 4_000) < id(1_700_000_000_001, 1));
        assert!(id(1, 1).parse::<AuditId>().is_ok());
    }

    #[test]
    fn an_id_of_aws_shape_comes_back_as_it_went() {
        let text = "ps-00ab2c3d4e5f6071";
        assert_eq!(text.parse::<PermissionSetId>().map(|id| id.to_string()).as_deref(), Ok(text));
        for bad in ["ps-00AB2c3d4e5f6071", "ps-00ab2c3d4e5f607", "apl-00ab2c3d4e5f6071", "ps-+0ab2c3d4e5f6071", ""] {
            assert!(bad.parse::<PermissionSetId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = UserId::from_random([0xab; 16]).to_string();
        assert!(id.parse::<UserId>().is_ok());
        for bad in [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), String::new(), "1".into()] {
            assert!(bad.parse::<UserId>().is_err(), "{bad}");
        }
    }
}
