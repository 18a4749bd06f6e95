//! What the tests of SAML share: the programs that judge what is written here, and keys to write it with.
//!
//! The programs are other people's implementations, so a missing one fails the test and says which package has it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use jiff::Timestamp;

use super::keys::{Certificate, KeyKind, SelfSigned, SigningKey};
use tempfile::TempDir;

/// An instant.
pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A certificate for a key.
pub(super) fn certificate(key: &SigningKey) -> Certificate {
    let wanted = SelfSigned {
        common_name: "Vestibule & <friends>",
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at("2028-01-01T00:00:00Z"),
        serial: [0xff; 16],
    };
    Certificate::self_signed(key, &wanted).unwrap()
}

/// Runs a program with an input and gives back what it wrote, whether or not it was content.
pub(super) fn attempt(package: &str, program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} (Debian package {package}) is needed: {error}"));
    // A program that does not read its input closes it, which is no fault.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The same where the program has to be content; what it wrote to its output.
pub(super) fn run(package: &str, program: &str, arguments: &[&str], input: &[u8]) -> String {
    let output = attempt(package, program, arguments, input);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// `openssl`.
pub(super) fn openssl(arguments: &[&str], input: &[u8]) -> String {
    run("openssl", "openssl", arguments, input)
}

/// A key and its certificate.
pub(super) struct Pair {
    pub(super) key: SigningKey,
    pub(super) certificate: Certificate,
}

impl Pair {
    pub(super) fn new(kind: KeyKind) -> Self {
        let key = SigningKey::generate(kind).unwrap();
        let certificate = certificate(&key);
        Self { key, certificate }
    }
}

/// RSA keys take long to make, so that one serves all tests.
pub(super) static RSA: LazyLock<Pair> = LazyLock::new(|| Pair::new(KeyKind::DEFAULT));
/// The other one, for what is signed with a curve.
pub(super) static P256: LazyLock<Pair> = LazyLock::new(|| Pair::new(KeyKind::P256));

/// A scratch folder with one document and what `xmlsec1` and `xmllint` need to judge it.
pub(super) struct Judges {
    folder: TempDir,
}

/// The schemas as Debian packages them refer to each other by addresses in the network. Named together here, each finds the others.
const SCHEMAS: &str = r#"<schema xmlns="http://www.w3.org/2001/XMLSchema">
<import namespace="http://www.w3.org/XML/1998/namespace" schemaLocation="/usr/share/xml/xmltooling/xml.xsd"/>
<import namespace="http://www.w3.org/2000/09/xmldsig#" schemaLocation="/usr/share/xml/xmltooling/xmldsig-core-schema.xsd"/>
<import namespace="http://www.w3.org/2001/04/xmlenc#" schemaLocation="/usr/share/xml/xmltooling/xenc-schema.xsd"/>
<import namespace="http://www.w3.org/2009/xmlenc11#" schemaLocation="/usr/share/xml/xmltooling/xenc11-schema.xsd"/>
<import namespace="urn:oasis:names:tc:SAML:2.0:assertion" schemaLocation="/usr/share/xml/opensaml/saml-schema-assertion-2.0.xsd"/>
<import namespace="urn:oasis:names:tc:SAML:2.0:protocol" schemaLocation="/usr/share/xml/opensaml/saml-schema-protocol-2.0.xsd"/>
<import namespace="urn:oasis:names:tc:SAML:2.0:metadata" schemaLocation="/usr/share/xml/opensaml/saml-schema-metadata-2.0.xsd"/>
</schema>"#;

/// What may be referred to by its attribute `ID`.
const WITH_IDS: [&str; 6] = [
    "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
    "urn:oasis:names:tc:SAML:2.0:protocol:Response",
    "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest",
    "urn:oasis:names:tc:SAML:2.0:protocol:LogoutRequest",
    "urn:oasis:names:tc:SAML:2.0:protocol:LogoutResponse",
    "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor",
];

impl Judges {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Whether `xmlsec1` verifies the signature that is a child of the element named, with the key of the certificate.
    pub(super) fn verifies(&self, xml: &str, signed: &str, certificate: &Certificate) -> bool {
        self.verifies_all(&[xml.to_owned()], signed, certificate)
    }

    /// The same of many documents by one process, which ends at the first that it does not verify.
    pub(super) fn verifies_all(&self, documents: &[String], signed: &str, certificate: &Certificate) -> bool {
        let put = |(number, xml): (usize, &String)| self.put(&format!("{number}.xml"), xml.as_bytes());
        let documents: Vec<PathBuf> = documents.iter().enumerate().map(put).collect();
        let certificate = self.put("certificate.pem", certificate.to_pem().as_bytes());
        let place = format!("//*[local-name()='{signed}']/*[local-name()='Signature']");
        let mut arguments =
            vec!["--verify", "--enabled-key-data", "rsa,ecdsa", "--pubkey-cert-pem", argument(&certificate)];
        arguments.extend(WITH_IDS.iter().flat_map(|name| ["--id-attr:ID", name]));
        arguments.extend(["--node-xpath", &place]);
        arguments.extend(documents.iter().map(|path| argument(path)));
        attempt("xmlsec1", "xmlsec1", &arguments, b"").status.success()
    }

    /// The document with what is encrypted in it decrypted by `xmlsec1`.
    pub(super) fn decrypted(&self, xml: &str, key: &SigningKey) -> String {
        let document = self.put("document.xml", xml.as_bytes());
        let key = self.put("key.der", &key.to_pkcs8().unwrap());
        run("xmlsec1", "xmlsec1", &["--decrypt", "--privkey-der", argument(&key), argument(&document)], b"")
    }

    /// What `xmllint` finds wrong by the schemas of SAML, if anything.
    pub(super) fn faults(&self, xml: &str) -> Option<String> {
        let schemas = self.put("schemas.xsd", SCHEMAS.as_bytes());
        let output = attempt(
            "libxml2-utils",
            "xmllint",
            &["--nonet", "--noout", "--schema", argument(&schemas), "-"],
            xml.as_bytes(),
        );
        let missing = "packages opensaml-schemas and xmltooling-schemas";
        assert_ne!(output.status.code(), Some(5), "the schemas do not load ({missing} are needed)");
        (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The exclusive canonical form by `xmllint`.
pub(super) fn canonical(xml: &str) -> String {
    run("libxml2-utils", "xmllint", &["--nonet", "--exc-c14n", "-"], xml.as_bytes())
}

fn argument(path: &Path) -> &str {
    path.to_str().unwrap()
}
