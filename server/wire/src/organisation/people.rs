//! Groups and users.

use std::collections::{BTreeMap, HashSet};

use model::{Email, GroupName, Invalid, PersonName, UserName};

use super::Section;
use super::at::{At, Said};
use super::node::{Content, Fields, Node, Path};
use super::reader::Known;
use super::shape::{Reading, env_name, within};

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    pub at: At,
    pub index: usize,
    pub name: Said<GroupName>,
    pub description: Option<String>,
}

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    pub at: At,
    pub index: usize,
    pub user_name: Said<UserName>,
    pub email: Option<Said<Email>>,
    pub given_name: Option<PersonName>,
    pub family_name: Option<PersonName>,
    pub display_name: Option<PersonName>,
    pub attributes: Option<BTreeMap<String, String>>,
    /// All groups of the person.
    pub groups: Option<Said<Vec<Said<String>>>>,
    pub password: Option<Said<PasswordSource>>,
    pub disabled: Option<Said<bool>>,
}

/// Where a password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// A variable in the environment of `apply`.
    FromEnv(String),
    /// A hash from elsewhere.
    Argon2id(String),
}

/// The name of a person or group, perhaps with its directory in front.
pub(super) fn reference(text: &str) -> Result<(), Invalid> {
    within(text, 1, 256)?;
    if text.matches('/').count() > 1 || text.starts_with('/') || text.ends_with('/') {
        return Err(Invalid::new("must be a name, or directory/name"));
    }
    Ok(())
}

pub(super) fn group(
    node: &Node<'_>,
    index: usize,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    known: &mut Known,
) -> Option<Group> {
    let fields = Fields::of(node, path, &["description", "name"], reading.faults)?;
    let description = fields.parsed("description", reading.faults, |text| {
        if text.chars().count() > 1_024 {
            return Err(Invalid::new("must have at most 1,024 characters"));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(Invalid::new("must not contain control characters"));
        }
        Ok(text.to_owned())
    });
    let name = fields.needed("name", reading.faults, GroupName::parse)?;
    known.note(Section::Groups, name.value.key(), name.at, &Path::Field(path, "name"), reading.faults);
    Some(Group { at: node.at, index, name, description: description.map(|said| said.value) })
}

const USER: [&str; 9] =
    ["attributes", "disabled", "displayName", "email", "familyName", "givenName", "groups", "password", "userName"];

pub(super) fn user(
    node: &Node<'_>,
    index: usize,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    known: &mut Known,
) -> Option<User> {
    let fields = Fields::of(node, path, &USER, reading.faults)?;
    let faults = &mut *reading.faults;
    let person_name =
        |name: &str, faults: &mut _| fields.parsed(name, faults, PersonName::parse).map(|said| said.value);
    let given_name = person_name("givenName", faults);
    let family_name = person_name("familyName", faults);
    let display_name = person_name("displayName", faults);
    let email = fields.parsed("email", faults, Email::parse);
    let attributes = fields.read("attributes", faults, |node, path, faults| {
        let attributes = node.texts(path, faults)?;
        if attributes.len() > 50 {
            faults.add(node.at, path, "must be at most 50");
        }
        for (key, value) in &attributes {
            if let Err(invalid) = within(key, 1, 128).and_then(|()| within(value, 0, 256)) {
                let at = node.entry(key).map_or(node.at, |value| value.at);
                faults.add(at, Path::Field(path, key), invalid.to_string());
            }
        }
        Some(attributes)
    });
    let groups = fields.all("groups", faults, |text| reference(text).map(|()| text.to_owned()));
    let mut seen = HashSet::new();
    for (index, said) in groups.iter().flatten().enumerate() {
        if !seen.insert(model::name_key(&said.value)) {
            faults.add(said.at, Path::Item(&Path::Field(path, "groups"), index), "is given twice");
        }
    }
    let password = fields.read("password", faults, |node, path, faults| {
        if !matches!(node.content, Content::Map(_)) {
            faults.add(
                node.at,
                path,
                "must be {fromEnv: NAME} or {argon2id: HASH}: a password does not stand in a file",
            );
            return None;
        }
        let inner = Fields::of(node, path, &["argon2id", "fromEnv"], faults)?;
        let from_env = inner.parsed("fromEnv", faults, |text| env_name(text).map(|()| text.to_owned()));
        let hash = inner.parsed("argon2id", faults, |text| within(text, 1, 512).map(|()| text.to_owned()));
        match (from_env, hash) {
            (Some(name), None) => Some(Said { value: PasswordSource::FromEnv(name.value), at: name.at }),
            (None, Some(hash)) => Some(Said { value: PasswordSource::Argon2id(hash.value), at: hash.at }),
            (Some(_), Some(second)) => {
                faults.add(second.at, Path::Field(path, "argon2id"), "and fromEnv exclude one another");
                None
            }
            (None, None) => {
                if inner.get("fromEnv").is_none() && inner.get("argon2id").is_none() {
                    faults.add(node.at, path, "must be {fromEnv: NAME} or {argon2id: HASH}");
                }
                None
            }
        }
    });
    let place = |name: &str| fields.get(name).map_or(node.at, |value| value.at);
    let disabled = fields.flag("disabled", faults).map(|value| Said { value, at: place("disabled") });
    let groups = groups.map(|value| Said { value, at: place("groups") });
    let user_name = fields.needed("userName", faults, UserName::parse)?;
    known.note(Section::Users, user_name.value.key(), user_name.at, &Path::Field(path, "userName"), faults);
    Some(User {
        at: node.at,
        index,
        user_name,
        email,
        given_name,
        family_name,
        display_name,
        attributes,
        groups,
        password,
        disabled,
    })
}
