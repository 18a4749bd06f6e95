use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::saml::read::samples::{IDP_METADATA as IDP, SP_METADATA as SP};
use crate::saml::testing;

static SIGNING: LazyLock<Pinned> = LazyLock::new(|| Pinned::new(testing::RSA.certificate.clone()).unwrap());
static BOTH: LazyLock<Pinned> = LazyLock::new(|| Pinned::new(testing::P256.certificate.clone()).unwrap());

fn now() -> Timestamp {
    testing::at("2030-01-31T12:00:00Z")
}

fn filled(text: &str) -> String {
    let base64 = |pinned: &Pinned| STANDARD.encode(pinned.certificate().der());
    text.replace("@signing@", &base64(&SIGNING)).replace("@both@", &base64(&BOTH))
}

fn sp(text: &str) -> Result<ServiceProvider, MetadataError> {
    ServiceProvider::read(filled(text).as_bytes(), now(), None)
}

fn idp(text: &str) -> Result<IdentityProvider, MetadataError> {
    IdentityProvider::read(filled(text).as_bytes(), now(), None)
}

/// Why a service provider is refused once a piece of its metadata is another.
fn refused(from: &str, to: &str) -> String {
    assert!(SP.contains(from), "{from}");
    sp(&SP.replace(from, to)).expect_err(to).to_string()
}

#[test]
fn service_providers_are_read() {
    let consumer = |location: &str, index, is_default| AssertionConsumer {
        location: location.to_owned(),
        index: Some(index),
        is_default,
    };
    assert_eq!(
        sp(SP).unwrap(),
        ServiceProvider {
            entity_id: "https://sp.example/metadata".to_owned(),
            consumers: vec![
                consumer("https://sp.example/acs", 1, None),
                consumer("https://sp.example/acs2", 2, Some(true))
            ],
            logout: vec![Endpoint {
                binding: Binding::HttpRedirect,
                location: "https://sp.example/slo".to_owned(),
                response_location: Some("https://sp.example/slo/done".to_owned()),
            }],
            signing: vec![SIGNING.clone(), BOTH.clone()],
            encryption: vec![BOTH.clone()],
            name_id_formats: vec!["urn:oasis:names:tc:SAML:2.0:nameid-format:transient".to_owned()],
            signs_requests: true,
            wants_assertions_signed: true,
            valid_until: Some(testing::at("2031-01-01T00:00:00Z")),
        }
    );
    assert_eq!(idp(SP), Err(MetadataError::NoRole("identity provider")));
}

#[test]
fn identity_providers_are_read() {
    let read = idp(IDP).unwrap();
    assert_eq!((read.entity_id.as_str(), read.wants_requests_signed), ("https://idp.example/", true));
    assert_eq!(read.signing.as_slice(), std::slice::from_ref(&*SIGNING));
    assert_eq!(
        read.sign_on,
        [Endpoint {
            binding: Binding::HttpRedirect,
            location: "https://idp.example/sso".to_owned(),
            response_location: None,
        }]
    );
    assert_eq!(read.logout.len(), 1);
    assert_eq!(read.valid_until, None);
}

#[test]
fn places_that_no_answer_may_go_to_refuse_the_import_sidp_04() {
    for location in [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://sp.example/acs",
        "https://sp.example/&quot;&gt;&lt;script&gt;",
        "https://user:secret@sp.example/acs",
        "https://sp.example/acs#x",
        "https://sp.example/&#10;acs",
        "",
        "acs",
    ] {
        let found = refused("https://sp.example/acs\"", &format!("{location}\""));
        assert!(found.starts_with("the address ") && found.contains(" of <AssertionConsumerService> "), "{found}");
        let found = refused("https://sp.example/slo\"", &format!("{location}\""));
        assert!(found.contains(" of <SingleLogoutService> "), "{found}");
        let found = refused("https://sp.example/slo/done", location);
        assert!(found.contains(" of <SingleLogoutService> "), "{found}");
    }
    assert!(sp(&SP.replace("https://sp.example/acs\"", "http://127.0.0.1:8080/acs\"")).is_ok(), "for development");
    assert_eq!(refused("index=\"2\"", "index=\"1\""), "two <AssertionConsumerService> have the index 1");
    assert_eq!(
        refused("bindings:HTTP-POST", "bindings:PAOS"),
        "no <AssertionConsumerService> takes answers by HTTP-POST"
    );
    assert!(refused("index=\"2\"", "index=\"x\"").contains("which is no number"));
}

#[test]
fn an_identity_provider_without_a_usable_key_is_refused_ssp_02() {
    let with = |from: &str, to: &str| {
        assert!(IDP.contains(from), "{from}");
        idp(&IDP.replace(from, to)).expect_err(to)
    };
    let start = IDP.find("<KeyDescriptor").unwrap();
    let end = IDP.find("</KeyDescriptor>").unwrap() + "</KeyDescriptor>".len();
    assert_eq!(with(&IDP[start..end], ""), MetadataError::NoSigningKey);
    assert_eq!(with("use=\"signing\"", "use=\"encryption\""), MetadataError::NoSigningKey);
    assert_eq!(
        with("<X509Data><X509Certificate>@signing@</X509Certificate></X509Data>", "<KeyName>x</KeyName>"),
        MetadataError::NoSigningKey
    );
    assert_eq!(with("@signing@", ""), MetadataError::Certificate(CertificateError::Missing));
    assert_eq!(with("@signing@", "  \n "), MetadataError::Certificate(CertificateError::Missing));
    assert!(matches!(with("@signing@", "AAAA"), MetadataError::Certificate(CertificateError::Content(_))));
    assert_eq!(with("use=\"signing\"", "use=\"Signing\""), MetadataError::KeyUse("Signing".to_owned()));
    assert_eq!(with("SAML:2.0:protocol", "SAML:1.1:protocol"), MetadataError::NoRole("identity provider"));
}

#[test]
fn metadata_that_ended_or_means_several_is_refused_ssp_42() {
    assert_eq!(refused("2031-01-01T00:00:00Z", "2030-01-31T12:00:00Z"), "the metadata ended on 2030-01-31T12:00:00Z");
    let entity = SP.split_once("-->").unwrap().1;
    let group = |inside: &str| {
        format!("<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">{inside}</EntitiesDescriptor>")
    };
    assert!(sp(&group(entity)).is_ok(), "one alone is taken out of its group");
    assert!(sp(&group(&group(&format!("{entity}{IDP}")))).is_ok(), "and beside an identity provider");
    let ended = group(entity).replace("<EntitiesDescriptor", "<EntitiesDescriptor validUntil=\"2029-01-01T00:00:00Z\"");
    assert_eq!(sp(&ended), Err(MetadataError::Expired(testing::at("2029-01-01T00:00:00Z"))));
    assert_eq!(
        sp(&group(&entity.repeat(2))),
        Err(MetadataError::DuplicateEntity("https://sp.example/metadata".to_owned()))
    );
    let numbered = |most: usize| {
        let one = |n: usize| {
            format!(
                "<EntityDescriptor entityID=\"https://{n}.example\"><SPSSODescriptor protocolSupportEnumeration=\"{}\"/></EntityDescriptor>",
                crate::saml::names::ns::PROTOCOL
            )
        };
        group(&(0..most).map(one).collect::<String>())
    };
    let several = sp(&numbered(20)).unwrap_err().to_string();
    assert!(several.starts_with("there is more than one service provider in this metadata: https://"), "{several}");
    assert!(several.ends_with(", and 15 more; give the metadata of one alone"), "{several}");
    let aggregate = numbered(50_000);
    assert_eq!(sp(&aggregate).unwrap_err().to_string(), "line 1 of the document: the document is larger than 256 KiB");
    assert_eq!(sp(&group("")), Err(MetadataError::NoRole("service provider")));
    assert_eq!(sp("<html/>"), Err(MetadataError::Root("html".to_owned())));
    assert!(matches!(sp("<html>"), Err(MetadataError::Malformed(_))));
    for id in ["", "a b", "a&#10;", &"x".repeat(1_025)] {
        let found = refused("https://sp.example/metadata", id);
        assert!(found.starts_with("entityID ") && found.len() < 200, "{found}");
    }
}

#[test]
fn where_a_certificate_is_pinned_the_metadata_must_be_signed_by_it_ssp_42() {
    let pinned = [SIGNING.clone()];
    let unsigned = IdentityProvider::read(filled(IDP).as_bytes(), now(), Some(&pinned));
    assert_eq!(unsigned, Err(MetadataError::Signature(SignatureError::Unsigned)));
    // The signature is the first child; an ID is put beside the name of the entity.
    let template = filled(IDP).replace("<EntityDescriptor ", "<EntityDescriptor ID=\"_1\" ").replacen(
        '>',
        r##"><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#_1"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature><!-- a comment is not covered, and not read -->"##,
        1,
    );
    let folder = tempfile::tempdir().unwrap();
    let (document, private) = (folder.path().join("document.xml"), folder.path().join("key.der"));
    std::fs::write(&document, &template).unwrap();
    std::fs::write(&private, testing::RSA.key.to_pkcs8().unwrap()).unwrap();
    let kind = "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor";
    let paths = [private.to_str().unwrap(), document.to_str().unwrap()];
    let signed =
        testing::run("xmlsec1", "xmlsec1", &["--sign", "--id-attr:ID", kind, "--privkey-der", paths[0], paths[1]], b"");
    let read = |text: &str, pinned: &[Pinned]| IdentityProvider::read(text.as_bytes(), now(), Some(pinned));
    assert_eq!(read(&signed, &pinned), idp(IDP));
    assert_eq!(read(&signed, std::slice::from_ref(&*BOTH)), Err(MetadataError::Signature(SignatureError::Signature)));
    assert_eq!(read(&signed, &[]), Err(MetadataError::Signature(SignatureError::NoCertificate)));
    let changed = signed.replace("https://idp.example/sso", "https://evil.example/sso");
    assert_eq!(read(&changed, &pinned), Err(MetadataError::Signature(SignatureError::Digest)));
}

#[test]
fn entities_in_metadata_are_refused_sidp_14_sidp_15() {
    let document_type = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>";
    for text in [SP.replace("<!--", &format!("{document_type}<!--")), format!("{document_type}{IDP}")] {
        assert!(matches!(sp(&text), Err(MetadataError::Malformed(_))));
        assert!(matches!(idp(&text), Err(MetadataError::Malformed(_))));
    }
}

proptest! {
    #[test]
    fn no_changed_metadata_makes_it_panic(at in 0..SP.len(), to in "\\PC{0,4}", length in 0..20_usize) {
        for sample in [SP, IDP] {
            let mut text = sample.as_bytes().to_vec();
            let start = at.min(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, to.bytes());
            let text = filled(&String::from_utf8_lossy(&text));
            let _ = (sp(&text), idp(&text));
        }
    }
}
