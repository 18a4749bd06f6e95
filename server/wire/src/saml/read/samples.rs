//! Documents of honest peers, for the tests to read, to change and to break.

use std::sync::LazyLock;

use jiff::SignedDuration;

use super::certificate::Pinned;
use super::response::{Asked, Expected};
use super::testing::unsigned;
use crate::saml::keys::KeyKind;
use crate::saml::names::ns;
use crate::saml::testing::at;

/// A request with everything in it.
pub(super) const AUTHN_REQUEST: &str = r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a-1.b" Version="2.0" IssueInstant="2030-01-31T12:00:00.123Z" Destination="https://sso.example/saml/sso" Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified" ForceAuthn="true" IsPassive="0" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" AssertionConsumerServiceURL="https://sp.example/acs" AttributeConsumingServiceIndex="7" ProviderName="R&amp;D">
  <saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">
    https://sp.example/metadata
  </saml:Issuer>
  <samlp:Extensions><x:Hint xmlns:x="urn:x" a="1">text</x:Hint></samlp:Extensions>
  <saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" SPNameQualifier="q">a@b.example</saml:NameID></saml:Subject>
  <samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" SPNameQualifier="group" AllowCreate="true"/>
  <saml:Conditions NotOnOrAfter="2030-01-31T13:00:00Z"/>
  <samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>urn:one</saml:AuthnContextClassRef><saml:AuthnContextClassRef> urn:two </saml:AuthnContextClassRef></samlp:RequestedAuthnContext>
  <samlp:Scoping ProxyCount="0"><samlp:IDPList><samlp:IDPEntry ProviderID="x"/></samlp:IDPList></samlp:Scoping>
</samlp:AuthnRequest>"#;

/// The least there can be in one.
pub(super) const LEAST_AUTHN_REQUEST: &str = r#"<AuthnRequest xmlns="urn:oasis:names:tc:SAML:2.0:protocol" ID="a" Version="2.0" IssueInstant="2030-01-31T12:00:00Z"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">sp</Issuer></AuthnRequest>"#;

/// A request for logout.
pub(super) const LOGOUT_REQUEST: &str = r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" Version="2.0" IssueInstant="2030-01-31T12:00:00Z" Destination="https://sso.example/saml/slo" NotOnOrAfter="2030-01-31T12:05:00Z" Reason="urn:oasis:names:tc:SAML:2.0:logout:user"><saml:Issuer>https://sp.example/metadata</saml:Issuer><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" NameQualifier="https://sso.example/saml/metadata" SPNameQualifier="https://sp.example/metadata">x y </saml:NameID><samlp:SessionIndex>_s1</samlp:SessionIndex><samlp:SessionIndex>_s2</samlp:SessionIndex></samlp:LogoutRequest>"#;

/// An answer to one.
pub(super) const LOGOUT_RESPONSE: &str = r#"<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_2" Version="2.0" IssueInstant="2030-01-31T12:00:00Z" InResponseTo="_1"><saml:Issuer>https://sp.example/metadata</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:PartialLogout"/></samlp:StatusCode><samlp:StatusMessage>one is left</samlp:StatusMessage><samlp:StatusDetail><x/></samlp:StatusDetail></samlp:Status></samlp:LogoutResponse>"#;

/// A service provider as programs describe themselves, comment and all. `@signing@` and `@both@` stand for certificates.
pub(super) const SP_METADATA: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- Generated; review before use. -->
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://sp.example/metadata" validUntil="2031-01-01T00:00:00Z" cacheDuration="PT1H">
  <md:Extensions><x:Any xmlns:x="urn:x"/></md:Extensions>
  <md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="1" protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:KeyName>a</ds:KeyName><ds:X509Data><ds:X509Certificate>
      @signing@
    </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>@both@</ds:X509Certificate></ds:X509Data></ds:KeyInfo><md:EncryptionMethod Algorithm="x"/></md:KeyDescriptor>
    <md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="https://sp.example/soap"/>
    <md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://sp.example/slo" ResponseLocation="https://sp.example/slo/done"/>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact" Location="javascript:never-used" index="0"/>
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example/acs" index="1"/>
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example/acs2" index="2" isDefault="true"/>
    <md:AttributeConsumingService index="0"><md:ServiceName xml:lang="en">x</md:ServiceName></md:AttributeConsumingService>
  </md:SPSSODescriptor>
  <md:Organization><md:OrganizationName xml:lang="en">x</md:OrganizationName></md:Organization>
</md:EntityDescriptor>
"#;

/// An identity provider. `@signing@` stands for a certificate.
pub(super) const IDP_METADATA: &str = r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example/"><RoleDescriptor protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706"/><IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>@signing@</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/slo"/><NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></IDPSSODescriptor></EntityDescriptor>"#;

/// The identity provider of the responses.
pub(super) const IDP: &str = "https://idp.example/";
/// The service provider that they are for.
pub(super) const US: &str = "https://sso.example/saml/metadata";
/// Where they are sent.
pub(super) const ACS: &str = "https://sso.example/saml/acs/partner";

/// An assertion of the identity provider, in answer to `_request`.
pub(super) fn assertion(id: &str, who: &str, signature: &str) -> String {
    format!(
        r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0" IssueInstant="2030-01-31T12:00:00Z"><saml:Issuer>{IDP}</saml:Issuer>{signature}<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{who}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="_request" Recipient="{ACS}" NotOnOrAfter="2030-01-31T12:05:00Z"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="2030-01-31T12:00:00Z" NotOnOrAfter="2030-01-31T12:10:00Z"><saml:AudienceRestriction><saml:Audience>{US}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="2030-01-31T11:00:00Z" SessionIndex="_s" SessionNotOnOrAfter="2030-01-31T20:00:00Z"><saml:AuthnContext><saml:AuthnContextClassRef>urn:class</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="groups" NameFormat="urn:f" FriendlyName="g"><saml:AttributeValue>one</saml:AttributeValue><saml:AttributeValue>R&amp;D</saml:AttributeValue><saml:AttributeValue><x/></saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"#
    )
}

/// A response around something.
pub(super) fn response(signature: &str, inside: &str) -> String {
    format!(
        r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0" IssueInstant="2030-01-31T12:00:00Z" Destination="{ACS}" InResponseTo="_request"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{IDP}</saml:Issuer>{signature}<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{inside}</samlp:Response>"#
    )
}

/// A request as its sender writes it before it is signed with RSA.
pub(super) static REQUEST_TO_SIGN: LazyLock<String> = LazyLock::new(|| {
    let signature = unsigned(KeyKind::Rsa(2048), "_1");
    format!(
        r#"<samlp:AuthnRequest xmlns:samlp="{}" xmlns:saml="{}" xmlns:xs="{}" ID="_1" Version="2.0"><saml:Issuer>https://sp.example/</saml:Issuer>{signature}<samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>"#,
        ns::PROTOCOL,
        ns::ASSERTION,
        ns::SCHEMA
    )
});

/// What is expected of a response by [`response`], half a minute after it was issued.
pub(super) fn expected(pinned: &[Pinned]) -> Expected<'_> {
    Expected {
        issuer: IDP,
        pinned,
        audience: US,
        recipient: ACS,
        asked: Asked::For("_request"),
        now: at("2030-01-31T12:00:30Z"),
        skew: SignedDuration::from_secs(60),
    }
}
