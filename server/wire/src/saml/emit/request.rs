//! The request for a sign-on that goes to an upstream identity provider.

use super::EmitError;
use super::envelope::{Envelope, date_time};
use super::sign::{Signable, Signer};
use super::xml::{at, maybe, saml, samlp};
use crate::saml::names::{AuthnContext, Binding, NameIdFormat};

/// What is asked of the upstream.
#[derive(Clone, Copy, Debug)]
pub struct AuthnRequest<'a> {
    /// Where the response shall go, by the POST binding.
    pub acs: &'a str,
    /// Whether the person has to prove themselves again.
    pub force_authn: bool,
    /// The kind of name that is wanted; nothing: whatever the upstream gives.
    pub name_id_format: Option<NameIdFormat>,
    /// Any of these ways of authentication will do; none: all will.
    pub contexts: &'a [AuthnContext],
}

/// Asks an upstream to authenticate somebody. Signed inside for the POST binding, outside for the redirect binding.
pub fn authn_request(
    envelope: &Envelope<'_>,
    request: &AuthnRequest<'_>,
    signer: Option<&Signer<'_>>,
) -> Result<String, EmitError> {
    let issued = date_time(envelope.issued);
    let signable = Signable { name: samlp("AuthnRequest"), id: envelope.id, signer, inclusive: None };
    // It begins a conversation and answers nothing.
    let [destination, id, _, instant, version] = envelope.attributes(&issued);
    let attributes = [
        destination,
        id,
        instant,
        version,
        at("AssertionConsumerServiceURL", request.acs),
        maybe("ForceAuthn", request.force_authn.then_some("true")),
        at("ProtocolBinding", Binding::HttpPost.uri()),
    ];
    envelope.write(&signable, attributes, |canon| {
        let format = request.name_id_format.map(NameIdFormat::uri);
        canon.empty(samlp("NameIDPolicy"), [at("AllowCreate", "true"), maybe("Format", format)]);
        if !request.contexts.is_empty() {
            canon.element(samlp("RequestedAuthnContext"), [at("Comparison", "exact")], |canon| {
                for context in request.contexts {
                    canon.leaf(saml("AuthnContextClassRef"), [], context.uri());
                }
            });
        }
        Ok(())
    })
}
