use proptest::prelude::*;

use super::*;
use crate::saml::keys::SigningKey;
use crate::saml::testing;

fn pinned(kind: KeyKind) -> (SigningKey, Pinned) {
    let key = SigningKey::generate(kind).unwrap();
    let certificate = testing::certificate(&key);
    (key, Pinned::new(certificate).unwrap())
}

#[test]
fn pem_and_bare_base64_name_the_same_certificate() {
    let (_, pinned) = pinned(KeyKind::P256);
    let bare = STANDARD.encode(pinned.certificate().der());
    let lines = bare.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n");
    let broken: String = lines.map(|line| format!("    {line}")).collect();
    let pem = format!("subject=/CN=sp\r\n{BEGIN}\r\n{broken}{END}\r\n");
    for text in [&bare, &broken, &pem] {
        assert_eq!(Pinned::parse(text).as_ref(), Ok(&pinned));
    }
    assert_eq!(Pinned::parse(&pem.repeat(2)), Err(CertificateError::Several));
    assert_eq!(Pinned::parse(""), Err(CertificateError::Missing), "SSP-02");
    assert_eq!(Pinned::parse(&format!("{BEGIN}\n{END}")), Err(CertificateError::Missing));
    assert_eq!(Pinned::parse(&format!("{BEGIN}\n{bare}")), Err(CertificateError::Encoding));
    assert_eq!(Pinned::parse("not base64!"), Err(CertificateError::Encoding));
    assert_eq!(Pinned::parse(&"A".repeat(LARGEST + 1)), Err(CertificateError::TooLarge));
    assert_eq!(Pinned::parse("-----BEGIN PRIVATE KEY-----\nAAAA"), Err(CertificateError::PrivateKey));
    assert_eq!(Pinned::parse("AAAA"), Err(CertificateError::Content(KeyError::UnreadableCertificate)));
    let longer = STANDARD.encode([pinned.certificate().der(), b"x"].concat());
    assert_eq!(Pinned::parse(&longer), Err(CertificateError::Content(KeyError::UnreadableCertificate)));
}

#[test]
fn short_keys_and_other_kinds_are_refused() {
    let make = |arguments: &[&str]| {
        let common = ["req", "-x509", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=sp", "-newkey"];
        testing::openssl(&[&common[..], arguments].concat(), b"")
    };
    let weak = Pinned::parse(&make(&["rsa:1024"])).unwrap_err();
    assert_eq!(weak, CertificateError::Content(KeyError::WeakRsa(1024)));
    let curve = Pinned::parse(&make(&["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"])).unwrap_err();
    assert_eq!(curve, CertificateError::Content(KeyError::UnsupportedCurve));
    let other = Pinned::parse(&make(&["ed25519"])).unwrap_err();
    assert_eq!(other, CertificateError::Content(KeyError::UnsupportedKey));
}

#[test]
fn a_key_verifies_by_its_own_kind_of_algorithm_only_ssp_22() {
    for kind in [KeyKind::Rsa(2048), KeyKind::P256, KeyKind::P384] {
        let (key, pinned) = pinned(kind);
        let (_, other) = self::pinned(kind);
        for own in kind.algorithms() {
            let signature = key.sign(*own, b"message").unwrap();
            for algorithm in SignatureAlgorithm::ALL {
                assert_eq!(
                    pinned.verifies(*algorithm, b"message", &signature),
                    algorithm == own,
                    "{kind} {algorithm:?}"
                );
            }
            assert!(pinned.verifies_in_address(*own, b"message", &signature));
            assert!(!pinned.verifies(*own, b"messagf", &signature));
            assert!(!other.verifies(*own, b"message", &signature));
            for short in [&[][..], &signature[1..], &vec![0; signature.len()]] {
                assert!(!pinned.verifies(*own, b"message", short));
                assert!(!pinned.verifies_in_address(*own, b"message", short));
            }
            if !own.is_rsa() {
                let asn1 = asn1(&signature).unwrap();
                assert!(pinned.verifies_in_address(*own, b"message", &asn1));
                assert!(!pinned.verifies(*own, b"message", &asn1), "not inside documents");
                let (r, s) = signature.split_at(signature.len() / 2);
                let longer = [&[0][..], r, &[0], s].concat();
                assert!(!pinned.verifies(*own, b"message", &longer), "each number has one length");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", at in 0..400_usize, to: u8) {
        let _ = Pinned::parse(&text);
        let mut der = SAMPLE.with(|sample| sample.certificate().der().to_vec());
        let place = at % der.len();
        der[place] = to;
        let _ = Pinned::parse(&STANDARD.encode(&der));
        let _ = Pinned::parse(&STANDARD.encode(&der[..place]));
    }

    #[test]
    fn numbers_become_integers_of_asn1(number in prop::collection::vec(any::<u8>(), 32)) {
        let both = [number.as_slice(), number.as_slice()].concat();
        let zero = number.iter().all(|byte| *byte == 0);
        prop_assert_eq!(asn1(&both).is_none(), zero);
        if let Some(asn1) = asn1(&both) {
            let one = integer(&number).unwrap();
            prop_assert_eq!(&asn1[2..], [one.as_slice(), one.as_slice()].concat());
            prop_assert!(one[2] < 0x80 && (one[2] != 0 || one[3] >= 0x80), "positive, and no zero too many");
        }
    }
}

thread_local! {
    static SAMPLE: Pinned = pinned(KeyKind::P256).1;
}
