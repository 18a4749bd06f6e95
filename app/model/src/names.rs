//! Names as people type them, checked once where they enter.
//!
//! Two names are the same name when their keys are: NFKC, then lower case, then NFKC again. Invisible and
//! direction-changing characters are refused, so that no two names look alike by means of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Why a text is not the thing it was meant to be. Shown beside the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    /// The reason, as a phrase that follows the name of the field.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// The form in which names are compared and kept unique.
pub fn name_key(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// Characters that are not seen, or that change how others are seen.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{2028}' | '\u{2029}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{FFFE}' | '\u{FFFF}' | '\u{E000}'..='\u{F8FF}' | '\u{E0000}'..='\u{E0FFF}')
}

fn checked(text: &str, most: usize) -> Result<String, Invalid> {
    let text: String = text.nfc().collect();
    if text.is_empty() {
        return Err(Invalid::new("must not be empty"));
    }
    if text.chars().count() > most {
        return Err(Invalid::new(format!("must have at most {most} characters")));
    }
    if text.trim() != text {
        return Err(Invalid::new("must not begin or end with a space"));
    }
    if text.chars().any(is_deceptive) {
        return Err(Invalid::new("must not contain control, invisible or direction characters"));
    }
    Ok(text)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks a text that came from outside.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                let check: fn(&str) -> Result<String, Invalid> = $parse;
                check(text).map(Self)
            }

            /// The name as it was typed.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The form in which it is compared.
            pub fn key(&self) -> String {
                name_key(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// The name a person signs in with: 1–128 characters, no spaces, no slash (a slash separates a directory's name).
    UserName,
    |text| {
        let text = checked(text, 128)?;
        if text.chars().any(|c| c.is_whitespace() || c == '/') {
            return Err(Invalid::new("must not contain spaces or slashes"));
        }
        Ok(text)
    }
);
name!(
    /// The name of a group: 1–128 characters.
    GroupName,
    |text| {
        let text = checked(text, 128)?;
        if text.contains('/') {
            return Err(Invalid::new("must not contain slashes"));
        }
        Ok(text)
    }
);
name!(
    /// A given, family or display name: 1–256 characters.
    PersonName,
    |text| checked(text, 256)
);
name!(
    /// A short name that a person gives to something of theirs, a factor for example: 1–64 characters.
    Label,
    |text| checked(text, 64)
);
name!(
    /// A mail address: enough of a check to catch slips and to keep line breaks out of mail headers.
    Email,
    |text| {
        let text = checked(text, 254)?;
        let shape = Invalid::new("must be a mail address such as name@example.com");
        let Some((local, host)) = text.rsplit_once('@') else {
            return Err(shape);
        };
        let host_ok = !host.is_empty()
            && host.split('.').all(|label| {
                !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
                    && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            });
        let local_ok = !local.is_empty()
            && local.chars().count() <= 64
            && local.chars().all(|c| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c));
        if host_ok && local_ok { Ok(text) } else { Err(shape) }
    }
);

name!(
    /// The name of an account: 1–50 characters.
    AccountName,
    |text| checked(text, 50)
);
name!(
    /// The name of a permission set, as AWS has it: 1–32 of letters, digits and `_+=,.@-`.
    PermissionSetName,
    |text| {
        if text.is_empty() || text.len() > 32 {
            return Err(Invalid::new("must have 1 to 32 characters"));
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b)) {
            return Err(Invalid::new("may contain letters, digits and _ + = , . @ -"));
        }
        Ok(text.to_owned())
    }
);
name!(
    /// The name of an application: 1–100 characters.
    ApplicationName,
    |text| checked(text, 100)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_only_in_form_are_one_name() {
        for (a, b) in [("Alice", "alice"), ("ﬁona", "fiona"), ("Ａdmin", "admin"), ("JOSE\u{301}", "josé")] {
            assert_eq!(name_key(a), name_key(b), "{a} and {b}");
        }
        assert_ne!(name_key("admin"), name_key("аdmin"), "a Cyrillic letter is another name (PW-18)");
    }

    #[test]
    fn deceptive_user_names_are_refused() {
        for bad in
            ["", " admin", "admin ", "ad\u{200b}min", "\u{202e}nimda", "a\0b", "a b", "corp/alice", "a\nb", "\u{feff}a"]
        {
            assert!(UserName::parse(bad).is_err(), "{bad:?} (PW-18, PW-22)");
        }
        assert!(UserName::parse(&"x".repeat(129)).is_err());
        for good in ["alice", "alice@example.com", "žofie", "李小龙", "o'brien", "a"] {
            assert!(UserName::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn mail_addresses_keep_headers_whole() {
        for bad in ["a", "@b", "a@", "a@b\r\nBcc: c@d", "a b@c", "a@-b", "a@b..c", "<a@b>", "a@b,c@d"] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["a@b", "alice.l+x@example.co.uk", "o'brien@exämple.de"] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
    }
}
