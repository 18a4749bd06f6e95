//! The answer to a sign-on: a response with one assertion, or with the reason why there is none.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::EmitError;
use super::encrypt::Encryption;
use super::envelope::{Envelope, Id, NameId, Status, date_time, status_message};
use super::sign::{Signable, Signer};
use super::xml::{self, Canon, Prefix, at, maybe, saml, samlp};
use crate::saml::names::{AttributeNameFormat, AuthnContext, BEARER};

/// How long an assertion may be presented. What a service provider makes of it lasts as long as `session_ends` says.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// The most that clocks may differ: no assertion is valid earlier before it was made.
const MOST_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What is said about somebody.
#[derive(Clone, Debug)]
pub struct Assertion<'a> {
    /// Its id.
    pub id: &'a Id,
    /// Whom it is about.
    pub subject: NameId<'a>,
    /// The entity id of the one it is for; nobody else may take it.
    pub audience: &'a str,
    /// By how much the other side's clock may be behind; at most five minutes.
    pub skew: SignedDuration,
    /// When the person was authenticated.
    pub authenticated: Timestamp,
    /// How: the truth about the factors that were used.
    pub context: AuthnContext,
    /// What a logout will name the session by.
    pub session_index: &'a str,
    /// When the service provider's session has to end.
    pub session_ends: Option<Timestamp>,
    /// What else is told. One without values is left out.
    pub attributes: Vec<Attribute<'a>>,
}

/// One attribute of somebody.
#[derive(Clone, Debug)]
pub struct Attribute<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// What kind of name.
    pub format: AttributeNameFormat,
    /// A name for people.
    pub friendly_name: Option<Cow<'a, str>>,
    /// Its values, as strings.
    pub values: Vec<Cow<'a, str>>,
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The assertion, wherever it goes.
    Assertion,
    /// The response around it.
    Response,
    /// Each.
    Both,
}

/// How a response is protected.
#[derive(Debug)]
pub struct Protection<'a> {
    /// Who signs.
    pub signer: &'a Signer<'a>,
    /// What.
    pub signed: Signed,
    /// For whose eyes only the assertion is.
    pub encryption: Option<Encryption<'a>>,
}

/// A response with an assertion.
pub fn response(
    envelope: &Envelope<'_>,
    assertion: &Assertion<'_>,
    protection: Protection<'_>,
) -> Result<String, EmitError> {
    let Protection { signer, signed, encryption } = protection;
    let of_assertion = (signed != Signed::Response).then_some(signer);
    let of_response = (signed != Signed::Assertion).then_some(signer);
    let issued = date_time(envelope.issued);
    // Where the assertion is encrypted, its types are not part of the response.
    let inclusive = if encryption.is_none() { assertion.inclusive() } else { None };
    let signable = Signable { name: samlp("Response"), id: envelope.id, signer: of_response, inclusive };
    envelope.write(&signable, envelope.attributes(&issued), |canon| {
        Status::SUCCESS.write(canon);
        match encryption {
            None => assertion.write(canon, envelope, of_assertion),
            Some(encryption) => {
                let mut alone = Canon::default();
                assertion.write(&mut alone, envelope, of_assertion)?;
                encryption.write(canon, alone.finish())
            }
        }
    })
}

/// A response that says why there is no assertion.
pub fn refusal(envelope: &Envelope<'_>, status: &Status<'_>, signer: Option<&Signer<'_>>) -> Result<String, EmitError> {
    status_message(samlp("Response"), envelope, status, signer)
}

impl Assertion<'_> {
    fn told(&self) -> impl Iterator<Item = &Attribute<'_>> {
        self.attributes.iter().filter(|attribute| !attribute.values.is_empty())
    }

    /// The prefix of the types of values, if there are values.
    fn inclusive(&self) -> Option<Prefix> {
        self.told().next().map(|_| Prefix::Xs)
    }

    fn write(&self, canon: &mut Canon, envelope: &Envelope<'_>, signer: Option<&Signer<'_>>) -> Result<(), EmitError> {
        debug_assert!(canon.stands_alone(&[Prefix::Saml, Prefix::Xs, Prefix::Xsi, Prefix::Ds]));
        let issued = date_time(envelope.issued);
        let inclusive = self.inclusive();
        let signable = Signable { name: saml("Assertion"), id: self.id, signer, inclusive };
        let types = inclusive.map_or(xml::Attribute::Nothing, xml::Attribute::Declare);
        signable.write(
            canon,
            [at("ID", self.id.as_str()), at("IssueInstant", &issued), at("Version", "2.0"), types],
            |canon| canon.leaf(saml("Issuer"), [], envelope.issuer),
            |canon| {
                let until = date_time(envelope.issued.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX));
                self.subject(canon, envelope, &until);
                self.conditions(canon, envelope, &until);
                self.statement(canon);
                self.attributes(canon);
                Ok(())
            },
        )
    }

    fn subject(&self, canon: &mut Canon, envelope: &Envelope<'_>, until: &str) {
        canon.element(saml("Subject"), [], |canon| {
            self.subject.write(canon);
            canon.element(saml("SubjectConfirmation"), [at("Method", BEARER)], |canon| {
                let data = [
                    maybe("InResponseTo", envelope.in_response_to),
                    at("NotOnOrAfter", until),
                    at("Recipient", envelope.destination),
                ];
                canon.empty(saml("SubjectConfirmationData"), data);
            });
        });
    }

    fn conditions(&self, canon: &mut Canon, envelope: &Envelope<'_>, until: &str) {
        let skew = self.skew.clamp(SignedDuration::ZERO, MOST_SKEW);
        let from = date_time(envelope.issued.saturating_sub(skew).unwrap_or(Timestamp::MIN));
        canon.element(saml("Conditions"), [at("NotBefore", &from), at("NotOnOrAfter", until)], |canon| {
            canon.element(saml("AudienceRestriction"), [], |canon| {
                canon.leaf(saml("Audience"), [], self.audience);
            });
        });
    }

    fn statement(&self, canon: &mut Canon) {
        let authenticated = date_time(self.authenticated);
        let ends = self.session_ends.map(date_time);
        let attributes = [
            at("AuthnInstant", &authenticated),
            at("SessionIndex", self.session_index),
            maybe("SessionNotOnOrAfter", ends.as_deref()),
        ];
        canon.element(saml("AuthnStatement"), attributes, |canon| {
            canon.element(saml("AuthnContext"), [], |canon| {
                canon.leaf(saml("AuthnContextClassRef"), [], self.context.uri());
            });
        });
    }

    fn attributes(&self, canon: &mut Canon) {
        if self.told().next().is_none() {
            return;
        }
        canon.element(saml("AttributeStatement"), [], |canon| {
            for attribute in self.told() {
                attribute.write(canon);
            }
        });
    }
}

impl Attribute<'_> {
    fn write(&self, canon: &mut Canon) {
        let attributes = [
            maybe("FriendlyName", self.friendly_name.as_deref()),
            at("Name", &self.name),
            at("NameFormat", self.format.uri()),
        ];
        canon.element(saml("Attribute"), attributes, |canon| {
            for value in &self.values {
                canon.leaf(saml("AttributeValue"), [xml::Attribute::SchemaType("xs:string")], value);
            }
        });
    }
}
