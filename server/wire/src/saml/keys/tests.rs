//! Keys are made, stored, read again and imported; what is weak or does not go together is refused with the reason.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};

use super::*;
use crate::saml::testing::{at, certificate, openssl};

#[test]
fn a_key_signs_with_each_of_its_algorithms_and_with_no_other() {
    for kind in [KeyKind::DEFAULT, KeyKind::P256, KeyKind::P384] {
        let made = SigningKey::generate(kind).unwrap();
        let key = SigningKey::from_pkcs8(&made.to_pkcs8().unwrap()).unwrap();
        assert_eq!(key.kind(), kind);
        for algorithm in SignatureAlgorithm::ALL {
            let signed = key.sign(*algorithm, b"message");
            if !kind.algorithms().contains(algorithm) {
                assert_eq!(signed, Err(KeyError::WrongAlgorithm(kind, *algorithm)));
                continue;
            }
            let verifier: &'static dyn VerificationAlgorithm = match algorithm {
                SignatureAlgorithm::RsaSha256 => &RSA_PKCS1_2048_8192_SHA256,
                SignatureAlgorithm::RsaSha384 => &RSA_PKCS1_2048_8192_SHA384,
                SignatureAlgorithm::RsaSha512 => &RSA_PKCS1_2048_8192_SHA512,
                SignatureAlgorithm::EcdsaSha256 => &ECDSA_P256_SHA256_FIXED,
                _ => &ECDSA_P384_SHA384_FIXED,
            };
            let public = UnparsedPublicKey::new(verifier, certificate(&key).public_key_info().to_vec());
            assert_eq!(public.verify(b"message", signed.as_ref().unwrap()), Ok(()), "{algorithm:?}");
            assert!(public.verify(b"messagf", signed.as_ref().unwrap()).is_err());
        }
    }
}

#[test]
fn a_private_key_shows_nothing_of_itself_sidp_32() {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    assert_eq!(format!("{key:?}"), "SigningKey(ECDSA P-256, [hidden])");
}

#[test]
fn a_certificate_says_what_it_was_made_with() {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let certificate = certificate(&key);
    assert_eq!(certificate.subject(), "CN=Vestibule & <friends>");
    assert_eq!(certificate.not_before(), at("2026-01-01T00:00:00Z"));
    assert_eq!(certificate.not_after(), at("2028-01-01T00:00:00Z"));
    assert_eq!(certificate.kind(), KeyKind::P256);
    assert!(certificate.belongs_to(&key));
    assert!(!certificate.belongs_to(&SigningKey::generate(KeyKind::P256).unwrap()));
    assert_eq!(Certificate::from_der(certificate.der()).as_ref(), Ok(&certificate));
    let base64 = certificate.to_pem().lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\r\n ");
    assert_eq!(Certificate::from_base64(&base64), Ok(certificate));
}

#[test]
fn openssl_reads_our_certificate_as_we_do() {
    let key = SigningKey::generate(KeyKind::P384).unwrap();
    let certificate = certificate(&key);
    let said = openssl(&["x509", "-noout", "-fingerprint", "-sha256", "-enddate"], certificate.to_pem().as_bytes());
    let hex: Vec<String> = certificate.fingerprint().iter().map(|byte| format!("{byte:02X}")).collect();
    assert!(said.contains(&hex.join(":")), "{said}");
    assert!(said.contains("notAfter=Jan  1 00:00:00 2028 GMT"), "{said}");
}

#[test]
fn keys_of_every_common_form_are_imported_with_their_certificate() {
    let now = at("2026-11-21T00:00:00Z");
    let other = certificate(&SigningKey::generate(KeyKind::P256).unwrap()).to_pem();
    for (make, kind) in [
        (&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"][..], KeyKind::Rsa(2048)),
        (&["genrsa", "-traditional", "3072"], KeyKind::Rsa(3072)),
        (&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], KeyKind::P256),
        (&["ecparam", "-name", "secp384r1", "-genkey", "-noout"], KeyKind::P384),
    ] {
        let pem = openssl(make, b"");
        let key = private_key_of(&pem);
        assert_eq!(key.kind(), kind);
        let own = certificate(&key);
        let (imported, found) = import(&pem, &format!("{other}{}", own.to_pem()), now).unwrap();
        assert_eq!((imported.kind(), found), (kind, own));
        assert_eq!(import(&pem, &other, now).unwrap_err(), KeyError::NotAPair);
    }
}

fn private_key_of(pem: &str) -> SigningKey {
    super::import::private_key(pem).unwrap()
}

#[test]
fn what_cannot_be_imported_is_named() {
    let now = at("2026-11-21T00:00:00Z");
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let pem = openssl(&["pkey", "-inform", "DER"], &key.to_pkcs8().unwrap());
    let own = certificate(&key).to_pem();
    let refused = |key: &str, certificate: &str, now| import(key, certificate, now).unwrap_err();

    assert_eq!(refused("", &own, now), KeyError::NoKey);
    assert_eq!(refused(&own, &own, now), KeyError::NoKey);
    assert_eq!(refused(&pem, "", now), KeyError::NoCertificate);
    assert_eq!(refused(&pem, &pem, now), KeyError::NoCertificate);
    assert_eq!(refused(&pem, &own, at("2028-01-02T00:00:00Z")).to_string(), "the certificate expired on 2028-01-01");
    assert_eq!(
        refused(&pem, &own, at("2025-01-02T00:00:00Z")).to_string(),
        "the certificate is not valid before 2026-01-01"
    );
    assert_eq!(refused(&pem, &own.replacen("MII", "MIJ", 1), now), KeyError::UnreadableCertificate);
    let other = certificate(&SigningKey::generate(KeyKind::P256).unwrap()).to_pem();
    assert_eq!(refused(&pem, &other.repeat(17), now), KeyError::TooManyCertificates(16));

    let under = openssl(&["pkcs8", "-topk8", "-passout", "pass:secret"], pem.as_bytes());
    assert_eq!(refused(&under, &own, now), KeyError::KeyUnderPassphrase);

    for (make, expected) in [
        (&["-newkey", "rsa:1024"][..], KeyError::WeakRsa(1024)),
        (&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"], KeyError::UnsupportedCurve),
        (&["-newkey", "ed25519"], KeyError::UnsupportedKey),
    ] {
        let mut command = vec!["req", "-x509", "-nodes", "-subj", "/CN=x", "-keyout", "/dev/null"];
        command.extend(make);
        assert_eq!(refused(&pem, &openssl(&command, b""), now), expected);
    }
}
