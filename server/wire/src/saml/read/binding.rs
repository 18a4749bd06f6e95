//! How messages travel: in an address (HTTP-Redirect) or in a form (HTTP-POST).
//!
//! A signature in an address covers the bytes of the query as they were sent, so they are kept and never written anew. All of
//! the parameters that matter may be there once only and by their plain names; what two readers could understand in two
//! ways is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};

use super::certificate::Pinned;
use super::{shown, xml};
use crate::form;
use crate::saml::names::{DEFLATE_ENCODING, MessageKind, SignatureAlgorithm};

/// The most bytes of a query.
pub const LARGEST_QUERY: usize = 64 * 1024;
/// The most parameters of a query.
const MOST_PARAMETERS: usize = 32;
/// The most bytes of a `RelayState`. The standard says 80; what real applications send is longer.
pub const LONGEST_RELAY_STATE: usize = 1_024;
/// How much is unpacked at a time.
const STEP: usize = 16 * 1024;

/// Why no message could be taken out of an address or a form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    #[error("the query is longer than {} KiB", LARGEST_QUERY / 1024)]
    LongQuery,
    #[error("the query has more than {MOST_PARAMETERS} parameters")]
    TooManyParameters,
    #[error("there is neither SAMLRequest nor SAMLResponse")]
    NoMessage,
    #[error("there are both SAMLRequest and SAMLResponse; only one may be there")]
    TwoMessages,
    #[error("the parameter {0} is given more than once")]
    Duplicate(&'static str),
    #[error("the name of a parameter is percent-encoded; names must be plain")]
    EncodedName,
    #[error("the parameter {0} is not well percent-encoded UTF-8")]
    Escape(&'static str),
    #[error("{0} is not base64; in an address a plus sign must be sent as %2B")]
    Base64(&'static str),
    #[error("SAMLEncoding names another encoding than DEFLATE")]
    Encoding,
    #[error("the message is not well compressed (raw DEFLATE, complete, nothing behind it)")]
    Compression,
    #[error("the message is larger than {} KiB", xml::LARGEST / 1024)]
    TooLarge,
    #[error("RelayState is longer than {LONGEST_RELAY_STATE} bytes")]
    LongRelayState,
    #[error("RelayState holds a NUL")]
    RelayState,
    #[error("SigAlg and Signature belong together, and one of them is missing")]
    HalfSigned,
    #[error("the message is not signed")]
    Unsigned,
    #[error("the signature algorithm {0} is not accepted; use RSA or ECDSA with SHA-256, SHA-384 or SHA-512")]
    Algorithm(String),
    #[error("no certificate is registered that could verify the signature")]
    NoCertificate,
    #[error("the signature does not match: it was made by another key, or the query was changed on its way")]
    Signature,
}

/// A message that came in an address.
#[derive(Debug)]
pub struct Redirected {
    /// Request or response.
    pub kind: MessageKind,
    /// The XML.
    pub document: Vec<u8>,
    /// What is to be given back unchanged. Where it is there and the message is signed, the signature covers it.
    pub relay_state: Option<String>,
    signature: Option<QuerySignature>,
}

#[derive(Debug)]
struct QuerySignature {
    /// The URI as it came.
    algorithm: String,
    value: Vec<u8>,
    /// What it was made over: bytes of the query, in the order of the standard.
    signed: Vec<u8>,
}

/// The parameters that mean something, raw.
#[derive(Default)]
struct Parameters<'q> {
    request: Option<&'q [u8]>,
    response: Option<&'q [u8]>,
    relay_state: Option<&'q [u8]>,
    algorithm: Option<&'q [u8]>,
    signature: Option<&'q [u8]>,
    encoding: Option<&'q [u8]>,
}

impl<'q> Parameters<'q> {
    fn of(query: &'q [u8]) -> Result<Self, BindingError> {
        let mut found = Self::default();
        for (count, pair) in query.split(|byte| *byte == b'&').enumerate() {
            if count == MOST_PARAMETERS {
                return Err(BindingError::TooManyParameters);
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
            let (place, name) = match name {
                b"SAMLRequest" => (&mut found.request, "SAMLRequest"),
                b"SAMLResponse" => (&mut found.response, "SAMLResponse"),
                b"RelayState" => (&mut found.relay_state, "RelayState"),
                b"SigAlg" => (&mut found.algorithm, "SigAlg"),
                b"Signature" => (&mut found.signature, "Signature"),
                b"SAMLEncoding" => (&mut found.encoding, "SAMLEncoding"),
                // It could be one of ours in disguise.
                other if other.contains(&b'%') || other.contains(&b'+') => return Err(BindingError::EncodedName),
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(BindingError::Duplicate(name));
            }
        }
        Ok(found)
    }
}

impl Redirected {
    /// Reads the query of an address, without its question mark and exactly as it was sent.
    pub fn parse(query: &[u8]) -> Result<Self, BindingError> {
        if query.len() > LARGEST_QUERY {
            return Err(BindingError::LongQuery);
        }
        let found = Parameters::of(query)?;
        let (kind, raw) = match (found.request, found.response) {
            (Some(raw), None) => (MessageKind::Request, raw),
            (None, Some(raw)) => (MessageKind::Response, raw),
            (None, None) => return Err(BindingError::NoMessage),
            (Some(_), Some(_)) => return Err(BindingError::TwoMessages),
        };
        let name = kind.parameter();
        if let Some(raw) = found.encoding
            && decoded("SAMLEncoding", raw)? != DEFLATE_ENCODING
        {
            return Err(BindingError::Encoding);
        }
        let relay_state = found.relay_state.map(|raw| decoded("RelayState", raw)).transpose()?;
        if let Some(text) = &relay_state {
            check_relay_state(text)?;
        }
        let signature = match (found.algorithm, found.signature) {
            (None, None) => None,
            (Some(algorithm), Some(value)) => Some(QuerySignature {
                algorithm: decoded("SigAlg", algorithm)?,
                value: base64("Signature", &decoded("Signature", value)?)?,
                signed: signed(name, raw, found.relay_state, algorithm),
            }),
            _ => return Err(BindingError::HalfSigned),
        };
        let document = inflate(&base64(name, &decoded(name, raw)?)?)?;
        Ok(Self { kind, document, relay_state, signature })
    }

    /// Whether there is a signature at all.
    pub fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Which of the registered certificates signed it.
    pub fn verify<'c>(&self, registered: &'c [Pinned]) -> Result<&'c Pinned, BindingError> {
        let signature = self.signature.as_ref().ok_or(BindingError::Unsigned)?;
        let algorithm = SignatureAlgorithm::from_uri(&signature.algorithm)
            .ok_or_else(|| BindingError::Algorithm(shown(&signature.algorithm)))?;
        if registered.is_empty() {
            return Err(BindingError::NoCertificate);
        }
        let fits = |key: &&Pinned| key.verifies_in_address(algorithm, &signature.signed, &signature.value);
        registered.iter().find(fits).ok_or(BindingError::Signature)
    }
}

/// Takes a message out of the field of a form, whose value has been decoded as forms are.
pub fn posted(field: &str) -> Result<Vec<u8>, BindingError> {
    // Base64 makes four bytes of three, and lines of 64 add two for each.
    if field.len() > xml::LARGEST / 2 * 3 {
        return Err(BindingError::TooLarge);
    }
    let plain: String = field.chars().filter(|char| !matches!(char, '\r' | '\n')).collect();
    let document = STANDARD.decode(plain).map_err(|_| BindingError::Base64("the message"))?;
    if document.len() > xml::LARGEST {
        return Err(BindingError::TooLarge);
    }
    if document.is_empty() {
        return Err(BindingError::NoMessage);
    }
    Ok(document)
}

/// What a `RelayState` must be, however it came.
pub fn check_relay_state(text: &str) -> Result<(), BindingError> {
    if text.len() > LONGEST_RELAY_STATE {
        return Err(BindingError::LongRelayState);
    }
    if text.contains('\0') {
        return Err(BindingError::RelayState);
    }
    Ok(())
}

fn decoded(name: &'static str, raw: &[u8]) -> Result<String, BindingError> {
    form::decode(raw).map_err(|_| BindingError::Escape(name))
}

fn base64(name: &'static str, text: &str) -> Result<Vec<u8>, BindingError> {
    STANDARD.decode(text).map_err(|_| BindingError::Base64(name))
}

/// What a signature in an address is made over (SAML bindings, 3.4.4.1), out of the bytes as they came.
fn signed(name: &str, message: &[u8], relay_state: Option<&[u8]>, algorithm: &[u8]) -> Vec<u8> {
    let mut out = [name.as_bytes(), b"=", message].concat();
    if let Some(relay_state) = relay_state {
        out.extend_from_slice(b"&RelayState=");
        out.extend_from_slice(relay_state);
    }
    out.extend_from_slice(b"&SigAlg=");
    out.extend_from_slice(algorithm);
    out
}

/// Unpacks raw DEFLATE, and stops as soon as it is more than a document may be.
fn inflate(packed: &[u8]) -> Result<Vec<u8>, BindingError> {
    let mut inflater = Decompress::new(false);
    let mut out = Vec::new();
    let mut rest = packed;
    loop {
        out.reserve(STEP);
        let before = (inflater.total_in(), out.len());
        let status =
            inflater.decompress_vec(rest, &mut out, FlushDecompress::None).map_err(|_| BindingError::Compression)?;
        if out.len() > xml::LARGEST {
            return Err(BindingError::TooLarge);
        }
        let used = usize::try_from(inflater.total_in() - before.0).map_err(|_| BindingError::Compression)?;
        rest = rest.get(used..).unwrap_or_default();
        match status {
            Status::StreamEnd if rest.is_empty() => return Ok(out),
            Status::StreamEnd => return Err(BindingError::Compression),
            // It ended before it was complete.
            _ if used == 0 && out.len() == before.1 => return Err(BindingError::Compression),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
