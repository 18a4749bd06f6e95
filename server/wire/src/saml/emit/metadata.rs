//! Metadata: what others have to know of us, as identity provider of applications and as service provider of an upstream.

use jiff::{SignedDuration, Timestamp};

use super::EmitError;
use super::envelope::{Id, date_time};
use super::sign::{Signable, Signer, key_info};
use super::xml::{Canon, Prefix, at, maybe, md};
use crate::saml::keys::Certificate;
use crate::saml::names::{Binding, NameIdFormat, ns};

/// What both kinds of metadata say.
#[derive(Clone, Copy, Debug)]
pub struct Entity<'a> {
    /// The id of the document, which its signature refers to.
    pub id: &'a Id,
    /// The entity id.
    pub entity_id: &'a str,
    /// Until when it may be believed.
    pub valid_until: Option<Timestamp>,
    /// How soon it should be fetched again.
    pub cache_duration: Option<SignedDuration>,
    /// The certificates of keys that sign: the current one, then the next, so that nobody has to change on the same day.
    pub signing: &'a [&'a Certificate],
    /// Where logout is taken, by both bindings.
    pub logout: Option<&'a str>,
    /// The kinds of names that are given, or wanted, the best first.
    pub name_id_formats: &'a [NameIdFormat],
}

/// What is said of us as identity provider.
#[derive(Clone, Copy, Debug)]
pub struct IdentityProvider<'a> {
    /// Where requests for a sign-on are taken, by both bindings.
    pub sign_on: &'a str,
    /// Whether requests have to be signed.
    pub want_requests_signed: bool,
}

/// What is said of us as service provider.
#[derive(Clone, Copy, Debug)]
pub struct ServiceProvider<'a> {
    /// Where responses are taken, by the POST binding.
    pub acs: &'a str,
    /// Whether our requests are signed.
    pub requests_signed: bool,
}

/// Metadata of an identity provider.
pub fn idp_metadata(
    entity: &Entity<'_>,
    provider: &IdentityProvider<'_>,
    signer: Option<&Signer<'_>>,
) -> Result<String, EmitError> {
    let attributes = [
        at("WantAuthnRequestsSigned", truth(provider.want_requests_signed)),
        at("protocolSupportEnumeration", ns::PROTOCOL),
    ];
    entity.write(signer, |canon| {
        canon.element(md("IDPSSODescriptor"), attributes, |canon| {
            entity.role(canon);
            endpoints(canon, "SingleSignOnService", provider.sign_on);
        });
    })
}

/// Metadata of a service provider.
pub fn sp_metadata(
    entity: &Entity<'_>,
    provider: &ServiceProvider<'_>,
    signer: Option<&Signer<'_>>,
) -> Result<String, EmitError> {
    let attributes = [
        at("AuthnRequestsSigned", truth(provider.requests_signed)),
        at("WantAssertionsSigned", "true"),
        at("protocolSupportEnumeration", ns::PROTOCOL),
    ];
    let acs = [
        at("Binding", Binding::HttpPost.uri()),
        at("Location", provider.acs),
        at("index", "0"),
        at("isDefault", "true"),
    ];
    entity.write(signer, |canon| {
        canon.element(md("SPSSODescriptor"), attributes, |canon| {
            entity.role(canon);
            canon.empty(md("AssertionConsumerService"), acs);
        });
    })
}

impl Entity<'_> {
    fn write(&self, signer: Option<&Signer<'_>>, role: impl FnOnce(&mut Canon)) -> Result<String, EmitError> {
        let mut canon = Canon::with_capacity(12 * 1024);
        debug_assert!(canon.stands_alone(&[Prefix::Md]));
        let until = self.valid_until.map(date_time);
        let cached = self.cache_duration.map(|duration| duration.abs().to_string());
        let attributes = [
            at("ID", self.id.as_str()),
            maybe("cacheDuration", cached.as_deref()),
            at("entityID", self.entity_id),
            maybe("validUntil", until.as_deref()),
        ];
        let signable = Signable { name: md("EntityDescriptor"), id: self.id, signer, inclusive: None };
        signable.write(
            &mut canon,
            attributes,
            |_| {},
            |canon| {
                role(canon);
                Ok(())
            },
        )?;
        Ok(canon.finish())
    }

    /// What stands in every role before what is special to it, in the order of the schema.
    fn role(&self, canon: &mut Canon) {
        for certificate in self.signing {
            canon.element(md("KeyDescriptor"), [at("use", "signing")], |canon| key_info(canon, certificate));
        }
        if let Some(logout) = self.logout {
            endpoints(canon, "SingleLogoutService", logout);
        }
        for format in self.name_id_formats {
            canon.leaf(md("NameIDFormat"), [], format.uri());
        }
    }
}

fn endpoints(canon: &mut Canon, service: &'static str, location: &str) {
    for binding in Binding::ALL {
        canon.empty(md(service), [at("Binding", binding.uri()), at("Location", location)]);
    }
}

const fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
