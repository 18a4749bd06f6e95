//! TLS from files, seen by a client that checks: names, chain, protocols, a renewed certificate under the running server.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use it::{Setup, Vestibule};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    ssl::{SslConnector, SslMethod, SslStream, SslVersion},
    x509::{
        X509, X509Name,
        extension::{BasicConstraints, KeyUsage, SubjectAlternativeName},
    },
};

const HOST: &str = "sso.example.com";

/// A certification authority of a test's own.
struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

/// A certificate for [`HOST`], with its key.
struct Issued {
    certificate: X509,
    key: PKey<Private>,
}

fn key() -> Result<PKey<Private>, ErrorStack> {
    PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)
}

impl Authority {
    fn new() -> Result<Self, ErrorStack> {
        let key = key()?;
        let certificate = certificate("Test authority", &key, None)?;
        Ok(Self { certificate, key })
    }

    fn issue(&self, host: &str) -> Result<Issued, ErrorStack> {
        let key = key()?;
        let certificate = certificate(host, &key, Some(self))?;
        Ok(Issued { certificate, key })
    }
}

/// Signed by the authority, or by itself.
fn certificate(name: &str, key: &PKey<Private>, by: Option<&Authority>) -> Result<X509, ErrorStack> {
    let mut subject = X509Name::builder()?;
    subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
    let subject = subject.build();
    let mut made = X509::builder()?;
    made.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(100, openssl::bn::MsbOption::ONE, false)?;
    made.set_serial_number(&*serial.to_asn1_integer()?)?;
    made.set_subject_name(&subject)?;
    made.set_issuer_name(by.map_or(&*subject, |by| by.certificate.subject_name()))?;
    made.set_pubkey(key)?;
    made.set_not_before(&*Asn1Time::from_unix(0)?)?;
    made.set_not_after(&*Asn1Time::days_from_now(1)?)?;
    if by.is_some() {
        let names = SubjectAlternativeName::new().dns(name).build(&made.x509v3_context(None, None))?;
        made.append_extension(names)?;
    } else {
        made.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        made.append_extension(KeyUsage::new().critical().key_cert_sign().build()?)?;
    }
    made.sign(by.map_or(key, |by| &by.key), MessageDigest::sha256())?;
    Ok(made.build())
}

/// Where the server is told to look.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn of(setup: &Setup) -> Self {
        Self { certificate: setup.data_dir().join("tls.pem"), key: setup.data_dir().join("tls.key") }
    }

    #[expect(clippy::unwrap_used, reason = "tests")]
    fn put(&self, issued: &Issued) {
        replace(&self.certificate, &issued.certificate.to_pem().unwrap());
        replace(&self.key, &issued.key.private_key_to_pem_pkcs8().unwrap());
    }

    fn named_to(&self, setup: Setup) -> Setup {
        setup
            .env("VESTIBULE_PUBLIC_URL", &format!("https://{HOST}"))
            .env("VESTIBULE_TLS__CERT_FILE", &self.certificate.display().to_string())
            .env("VESTIBULE_TLS__KEY_FILE", &self.key.display().to_string())
    }
}

/// In one step, as programs that renew certificates do.
#[expect(clippy::unwrap_used, reason = "tests")]
fn replace(file: &Path, content: &[u8]) {
    let beside = file.with_extension("new");
    fs::write(&beside, content).unwrap();
    fs::rename(beside, file).unwrap();
}

/// A handshake as a browser makes it, trusting one authority and speaking these protocols.
fn connect(
    server: &Vestibule,
    authority: &Authority,
    host: &str,
    protocols: &[u8],
    newest: SslVersion,
) -> Result<SslStream<TcpStream>, String> {
    let said = |error: ErrorStack| error.to_string();
    let mut client = SslConnector::builder(SslMethod::tls_client()).map_err(said)?;
    client.cert_store_mut().add_cert(authority.certificate.clone()).map_err(said)?;
    client.set_alpn_protos(protocols).map_err(said)?;
    client.set_max_proto_version(Some(newest)).map_err(said)?;
    let stream = TcpStream::connect(("127.0.0.1", server.port())).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).map_err(|error| error.to_string())?;
    client.build().connect(host, stream).map_err(|error| error.to_string())
}

/// One request over HTTP/1.1, and all that comes back.
#[expect(clippy::unwrap_used, reason = "tests")]
fn ask(server: &Vestibule, authority: &Authority, request: &str) -> (X509, String) {
    let mut stream = connect(server, authority, HOST, b"\x08http/1.1", SslVersion::TLS1_3).unwrap();
    let shown = stream.ssl().peer_certificate().unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    // Some servers end without a word of TLS; what came before counts.
    let _ = stream.read_to_string(&mut answer);
    (shown, answer)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")
}

#[test]
fn people_sign_in_over_the_servers_own_tls() {
    let authority = Authority::new().unwrap();
    let setup = Vestibule::setup();
    let files = Files::of(&setup);
    files.put(&authority.issue(HOST).unwrap());
    let server = files.named_to(setup).start();
    let bob = server.person("bob");

    let (_, page) = ask(&server, &authority, &get("/start/sign-in"));
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("strict-transport-security: max-age="), "{page}");
    let form = format!("username=bob&password={}", bob.password);
    let post = format!(
        "POST /actions/sign-in/password HTTP/1.1\r\nHost: {HOST}\r\nOrigin: https://{HOST}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    let (_, answer) = ask(&server, &authority, &post);
    assert!(answer.starts_with("HTTP/1.1 303") && answer.contains("__Host-vestibule="), "{answer}");

    let speaks = |protocols, newest| {
        let stream = connect(&server, &authority, HOST, protocols, newest).unwrap();
        let chosen = stream.ssl().selected_alpn_protocol().unwrap_or_default();
        (String::from_utf8_lossy(chosen).into_owned(), stream.ssl().version_str())
    };
    assert_eq!(speaks(b"\x02h2\x08http/1.1", SslVersion::TLS1_3), ("h2".to_owned(), "TLSv1.3"));
    assert_eq!(speaks(b"\x08http/1.1", SslVersion::TLS1_2), ("http/1.1".to_owned(), "TLSv1.2"));

    let stranger = Authority::new().unwrap();
    for (authority, host) in [(&stranger, HOST), (&authority, "other.example.com")] {
        let refused = connect(&server, authority, host, b"\x08http/1.1", SslVersion::TLS1_3);
        assert!(refused.is_err(), "the client of this test checks chain and name");
    }
}

#[test]
fn a_renewed_certificate_counts_without_a_restart_and_a_broken_one_does_not() {
    let authority = Authority::new().unwrap();
    let (first, second, third) =
        (authority.issue(HOST).unwrap(), authority.issue(HOST).unwrap(), authority.issue(HOST).unwrap());
    let setup = Vestibule::setup();
    let files = Files::of(&setup);
    files.put(&first);
    let server = files.named_to(setup).start();
    let shown = || {
        let (shown, answer) = ask(&server, &authority, &get("/healthz"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        shown.to_der().unwrap()
    };
    let is = |shown: Vec<u8>, issued: &Issued| shown == issued.certificate.to_der().unwrap();
    assert!(is(shown(), &first));

    let mut open = connect(&server, &authority, HOST, b"\x08http/1.1", SslVersion::TLS1_3).unwrap();
    files.put(&second);
    assert!(is(shown(), &second), "the next connection sees the new one");
    open.write_all(get("/healthz").as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = open.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 200"), "an open connection goes on: {answer}");

    replace(&files.certificate, b"no certificate");
    assert!(is(shown(), &second), "what cannot be read changes nothing");
    assert!(server.log().contains("the new certificate is not used"), "{}", server.log());
    replace(&files.certificate, &third.certificate.to_pem().unwrap());
    assert!(is(shown(), &second), "the key of another certificate neither");
    replace(&files.key, &third.key.private_key_to_pem_pkcs8().unwrap());
    assert!(is(shown(), &third), "once both fit, they count");
}

#[test]
fn files_that_do_not_fit_stop_the_start_and_are_named() {
    let authority = Authority::new().unwrap();
    let (one, other) = (authority.issue(HOST).unwrap(), authority.issue(HOST).unwrap());
    let pem = |issued: &Issued| issued.certificate.to_pem().unwrap();
    let key = one.key.private_key_to_pem_pkcs8().unwrap();
    for (what, certificate, key, named) in [
        ("another key", pem(&other), key.clone(), "tls.key_file"),
        ("no key", pem(&one), b"nothing".to_vec(), "tls.key_file"),
        ("no certificate", b"nothing".to_vec(), key.clone(), "tls.cert_file"),
        ("a key in the place of the certificate", key.clone(), key, "tls.cert_file"),
    ] {
        let setup = Vestibule::setup();
        let files = Files::of(&setup);
        fs::write(&files.certificate, certificate).unwrap();
        fs::write(&files.key, key).unwrap();
        let started = files.named_to(setup).cli(&["serve"]);
        assert_eq!(started.code, 1, "{what}: {}", started.err);
        assert!(started.err.contains(named) && !started.out.contains("listening"), "{what}: {}", started.err);
    }
    let setup = Vestibule::setup();
    let files = Files::of(&setup);
    let missing = files.named_to(setup).cli(&["check-config"]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("tls.cert_file") && missing.err.contains("tls.key_file"), "{}", missing.err);
}
