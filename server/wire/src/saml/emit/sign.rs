//! The signature inside a document: enveloped, exclusive canonical form, one reference to the id of the element it stands in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::xml::{Attribute, Canon, Name, Prefix, at, ds};
use super::{EmitError, Id};
use crate::saml::keys::{Certificate, KeyError, SigningKey, digest_of};
use crate::saml::names::{ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, SignatureAlgorithm};

/// Who signs, and how.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    key: &'a SigningKey,
    certificate: &'a Certificate,
    algorithm: SignatureAlgorithm,
}

impl<'a> Signer<'a> {
    /// Refuses what does not go together.
    pub fn new(
        key: &'a SigningKey,
        certificate: &'a Certificate,
        algorithm: SignatureAlgorithm,
    ) -> Result<Self, KeyError> {
        if !certificate.belongs_to(key) {
            return Err(KeyError::NotAPair);
        }
        if !key.kind().algorithms().contains(&algorithm) {
            return Err(KeyError::WrongAlgorithm(key.kind(), algorithm));
        }
        Ok(Self { key, certificate, algorithm })
    }

    pub(super) fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.key.sign(self.algorithm, bytes)
    }
}

/// An element that is signed, if there is a signer. The signature stands between what `head` and what `rest` write.
///
/// `inclusive` names a prefix that is declared inside and stands in values only: without it in the list the canonical form would drop
/// the declaration, and what `xs:string` means would not be signed.
pub(super) struct Signable<'a> {
    pub(super) name: Name,
    pub(super) id: &'a Id,
    pub(super) signer: Option<&'a Signer<'a>>,
    pub(super) inclusive: Option<Prefix>,
}

impl Signable<'_> {
    pub(super) fn write<const N: usize>(
        &self,
        canon: &mut Canon,
        attributes: [Attribute<'_>; N],
        head: impl FnOnce(&mut Canon),
        rest: impl FnOnce(&mut Canon) -> Result<(), EmitError>,
    ) -> Result<(), EmitError> {
        let start = canon.position();
        let mut place = start;
        canon.try_element(self.name, attributes, |canon| {
            head(canon);
            place = canon.position();
            rest(canon)
        })?;
        if let Some(signer) = self.signer {
            // What was written is what the transforms leave: the signature is not in it yet, and it is canonical.
            let digest = digest_of(signer.algorithm.digest(), canon.since(start).as_bytes());
            let signature = self.signature(signer, digest.as_ref())?;
            canon.insert(place, &signature);
        }
        Ok(())
    }

    fn signature(&self, signer: &Signer<'_>, digest: &[u8]) -> Result<String, KeyError> {
        let signed = self.signed_info(signer.algorithm, digest);
        let value = signer.sign(signed.as_bytes())?;
        let mut canon = Canon::with_capacity(4096);
        canon.element(ds("Signature"), [], |canon| {
            canon.embed(ds("SignedInfo"), &signed);
            canon.base64(ds("SignatureValue"), [], &value);
            key_info(canon, signer.certificate);
        });
        Ok(canon.finish())
    }

    /// As a document of its own, for that is the form in which it is signed.
    fn signed_info(&self, algorithm: SignatureAlgorithm, digest: &[u8]) -> String {
        let reference = format!("#{}", self.id);
        let mut canon = Canon::with_capacity(1024);
        canon.element(ds("SignedInfo"), [], |canon| {
            canon.empty(ds("CanonicalizationMethod"), [at("Algorithm", EXCLUSIVE_C14N)]);
            canon.empty(ds("SignatureMethod"), [at("Algorithm", algorithm.uri())]);
            canon.element(ds("Reference"), [at("URI", &reference)], |canon| {
                canon.element(ds("Transforms"), [], |canon| {
                    canon.empty(ds("Transform"), [at("Algorithm", ENVELOPED_SIGNATURE)]);
                    canon.element(ds("Transform"), [at("Algorithm", EXCLUSIVE_C14N)], |canon| {
                        if let Some(prefix) = self.inclusive {
                            let name = Name(Prefix::Ec, "InclusiveNamespaces");
                            canon.empty(name, [at("PrefixList", prefix.name())]);
                        }
                    });
                });
                canon.empty(ds("DigestMethod"), [at("Algorithm", algorithm.digest().uri())]);
                canon.leaf(ds("DigestValue"), [], &STANDARD.encode(digest));
            });
        });
        canon.finish()
    }
}

/// A certificate, for those who look their key up by it.
pub(super) fn key_info(canon: &mut Canon, certificate: &Certificate) {
    canon.element(ds("KeyInfo"), [], |canon| {
        canon.element(ds("X509Data"), [], |canon| {
            canon.base64(ds("X509Certificate"), [], certificate.der());
        });
    });
}
