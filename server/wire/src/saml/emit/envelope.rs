//! What all messages have in common: ids, the envelope, names of people, and how a request went.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

use super::EmitError;
use super::sign::{Signable, Signer};
use super::xml::{Attribute, Canon, Name, at, maybe, saml, samlp};
use crate::saml::names::{NameIdFormat, StatusCode};

/// Room for most messages, so that they grow in place.
const ROOM: usize = 8 * 1024;

/// The id of something we write. 160 random bits, more than the 128 that SAML wants at least.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Id(String);

impl Id {
    /// From random bytes. Begins with an underscore, because an XML id must not begin with a digit.
    pub fn from_random(bytes: [u8; 20]) -> Self {
        Self(format!("_{}", HEXLOWER.encode(&bytes)))
    }

    /// As it stands in the document.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who says something to whom, when, and in answer to what.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The id of the message.
    pub id: &'a Id,
    /// The entity id of the one who speaks.
    pub issuer: &'a str,
    /// When.
    pub issued: Timestamp,
    /// The address it goes to. For a response that is the assertion consumer service, and the assertion's recipient as well.
    pub destination: &'a str,
    /// The id of the request that is answered.
    pub in_response_to: Option<&'a str>,
}

impl<'a> Envelope<'a> {
    /// The attributes that every message has. `issued` is the instant as text, because something has to own it.
    pub(super) fn attributes(&self, issued: &'a str) -> [Attribute<'a>; 5] {
        [
            at("Destination", self.destination),
            at("ID", self.id.as_str()),
            maybe("InResponseTo", self.in_response_to),
            at("IssueInstant", issued),
            at("Version", "2.0"),
        ]
    }

    /// The message: its issuer, its signature, and what follows.
    pub(super) fn write<const N: usize>(
        &self,
        signable: &Signable<'_>,
        attributes: [Attribute<'_>; N],
        rest: impl FnOnce(&mut Canon) -> Result<(), EmitError>,
    ) -> Result<String, EmitError> {
        let mut canon = Canon::with_capacity(ROOM);
        signable.write(&mut canon, attributes, |canon| canon.leaf(saml("Issuer"), [], self.issuer), rest)?;
        Ok(canon.finish())
    }
}

/// The name of somebody, as a service provider knows them.
#[derive(Clone, Copy, Debug)]
pub struct NameId<'a> {
    /// The name.
    pub value: &'a str,
    /// What kind of name.
    pub format: NameIdFormat,
    /// Within what it is unique: the identity provider, if said.
    pub name_qualifier: Option<&'a str>,
    /// For whom it is meant: the service provider, if said.
    pub sp_name_qualifier: Option<&'a str>,
}

impl NameId<'_> {
    pub(super) fn write(&self, canon: &mut Canon) {
        let attributes = [
            at("Format", self.format.uri()),
            maybe("NameQualifier", self.name_qualifier),
            maybe("SPNameQualifier", self.sp_name_qualifier),
        ];
        canon.leaf(saml("NameID"), attributes, self.value);
    }
}

/// How a request went. Who is to blame stands at the top, what it was below.
#[derive(Clone, Copy, Debug)]
pub struct Status<'a> {
    top: StatusCode,
    second: Option<StatusCode>,
    message: Option<&'a str>,
}

impl<'a> Status<'a> {
    /// It went well.
    pub const SUCCESS: Self = Self { top: StatusCode::Success, second: None, message: None };

    /// Logged out here, but not everywhere.
    pub const PARTIAL_LOGOUT: Self =
        Self { top: StatusCode::Success, second: Some(StatusCode::PartialLogout), message: None };

    /// The one who asked did something wrong.
    pub const fn requester(second: StatusCode) -> Self {
        Self { top: StatusCode::Requester, second: Some(second), message: None }
    }

    /// We could not, or the person may not.
    pub const fn responder(second: StatusCode) -> Self {
        Self { top: StatusCode::Responder, second: Some(second), message: None }
    }

    /// Another version of SAML was spoken.
    pub const fn version_mismatch() -> Self {
        Self { top: StatusCode::VersionMismatch, second: None, message: None }
    }

    /// With a sentence for people.
    #[must_use]
    pub const fn saying(mut self, message: &'a str) -> Self {
        self.message = Some(message);
        self
    }

    pub(super) fn write(&self, canon: &mut Canon) {
        canon.element(samlp("Status"), [], |canon| {
            canon.element(samlp("StatusCode"), [at("Value", self.top.uri())], |canon| {
                // A top-level code below another would say nothing to anybody.
                if let Some(second) = self.second.filter(|second| !second.is_top_level()) {
                    canon.empty(samlp("StatusCode"), [at("Value", second.uri())]);
                }
            });
            if let Some(message) = self.message {
                canon.leaf(samlp("StatusMessage"), [], message);
            }
        });
    }
}

/// A message that is nothing but a status.
pub(super) fn status_message(
    name: Name,
    envelope: &Envelope<'_>,
    status: &Status<'_>,
    signer: Option<&Signer<'_>>,
) -> Result<String, EmitError> {
    let issued = date_time(envelope.issued);
    let signable = Signable { name, id: envelope.id, signer, inclusive: None };
    envelope.write(&signable, envelope.attributes(&issued), |canon| {
        status.write(canon);
        Ok(())
    })
}

/// An instant as `xs:dateTime` in UTC. Whole seconds: some service providers cannot read more.
pub(super) fn date_time(at: Timestamp) -> String {
    DateTimePrinter::new().precision(Some(0)).timestamp_to_string(&at)
}
