//! What an application is made of, as it comes from outside and as it is once checked.

use std::fmt;
use std::str::FromStr;

use model::{ApplicationName, Invalid};
use serde_json::{Map, Value, json};
use url::Url;

use crate::error::{Error, Result};
use crate::store::entity::application;

/// The longest description and start address.
const LONGEST_DESCRIPTION: usize = 128;
const LONGEST_URL: usize = 512;

/// Whether an application is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplicationStatus {
    /// In use.
    #[default]
    Enabled,
    /// Out of use: nobody sees it or gets into it.
    Disabled,
}

impl ApplicationStatus {
    /// The name in files and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

impl FromStr for ApplicationStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> std::result::Result<Self, Invalid> {
        [Self::Enabled, Self::Disabled]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Invalid::new("must be one of enabled, disabled"))
    }
}

/// An application as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationInput {
    /// 1–100 characters.
    pub name: String,
    /// At most 128 characters.
    pub description: String,
    /// Where it begins: http or https; may be empty.
    pub start_url: String,
    /// Whether the portal shows it.
    pub visible: bool,
    /// Whether it is in use.
    pub status: ApplicationStatus,
    /// Whether everybody may use it.
    pub everyone: bool,
    /// How it speaks SAML; null where it does not.
    pub saml: Value,
}

impl Default for ApplicationInput {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            start_url: String::new(),
            visible: true,
            status: ApplicationStatus::Enabled,
            everyone: false,
            saml: Value::Null,
        }
    }
}

impl ApplicationInput {
    /// Checks every field; each fault is the field's name in files and what follows it.
    pub fn check(&self) -> std::result::Result<Application, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let name = ApplicationName::parse(&self.name).map_err(|e| faults.push(("name", e.to_string())));
        if self.description.chars().count() > LONGEST_DESCRIPTION {
            faults.push(("description", format!("must have at most {LONGEST_DESCRIPTION} characters")));
        }
        if self.description.chars().any(char::is_control) {
            faults.push(("description", "must be one line without control characters".to_owned()));
        }
        if let Err(reason) = check_url(&self.start_url) {
            faults.push(("startUrl", reason));
        }
        match name {
            Ok(name) if faults.is_empty() => Ok(Application {
                name,
                description: self.description.clone(),
                start_url: self.start_url.clone(),
                visible: self.visible,
                status: self.status,
                everyone: self.everyone,
                saml: self.saml.clone(),
            }),
            _ => Err(faults),
        }
    }

    /// [`ApplicationInput::check`] for a form, which is told of one fault at a time.
    pub(crate) fn checked(&self) -> Result<Application> {
        self.check().map_err(|faults| match faults.into_iter().next() {
            Some(("startUrl", reason)) => Error::invalid("start_url", reason),
            Some((field, reason)) => Error::invalid(field, reason),
            None => Error::internal("an application that is wrong without a fault"),
        })
    }
}

/// Anything but http and https could run something in the browser of whoever follows it.
fn check_url(text: &str) -> std::result::Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    if text.chars().count() > LONGEST_URL {
        return Err(format!("must have at most {LONGEST_URL} characters"));
    }
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    match Url::parse(text) {
        Ok(url) if plain && matches!(url.scheme(), "http" | "https") && url.has_host() => {
            if url.username().is_empty() && url.password().is_none() {
                Ok(())
            } else {
                Err("must not contain a user name or password".to_owned())
            }
        }
        _ => Err("must be an address such as https://wiki.example.com/".to_owned()),
    }
}

/// An application whose fields have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its name.
    pub name: ApplicationName,
    /// What it is.
    pub description: String,
    /// Where it begins; may be empty.
    pub start_url: String,
    /// Whether the portal shows it.
    pub visible: bool,
    /// Whether it is in use.
    pub status: ApplicationStatus,
    /// Whether everybody may use it.
    pub everyone: bool,
    /// How it speaks SAML; null where it does not.
    pub saml: Value,
}

impl Application {
    /// Reads what the database keeps.
    pub(crate) fn of_row(row: &application::Model) -> Result<Self> {
        let broken = |e: &dyn fmt::Display| Error::internal(format!("application {}: {e}", row.id));
        Ok(Self {
            name: ApplicationName::parse(&row.name).map_err(|e| broken(&e))?,
            description: row.description.clone(),
            start_url: row.start_url.clone(),
            visible: row.visible,
            status: row.status.parse().map_err(|e: Invalid| broken(&e))?,
            everyone: row.everyone,
            saml: row.saml.clone(),
        })
    }

    /// Every field, by its name in the organisation file.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let fields = json!({
            "name": self.name, "description": self.description, "startUrl": self.start_url, "visible": self.visible,
            "status": self.status.as_str(), "everyone": self.everyone, "saml": self.saml,
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}
