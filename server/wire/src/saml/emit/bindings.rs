//! How a message travels: in the query of an address (HTTP-Redirect), or in the field of a form (HTTP-POST).

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::EmitError;
use super::sign::Signer;
use crate::saml::names::MessageKind;

/// The value of the form field for the POST binding.
pub fn post_value(xml: &str) -> String {
    STANDARD.encode(xml)
}

/// The address for the redirect binding. The signature covers the bytes of the query as they stand in it; the message itself has to
/// be without one.
pub fn redirect_url(
    destination: &str,
    kind: MessageKind,
    xml: &str,
    relay_state: Option<&str>,
    signer: Option<&Signer<'_>>,
) -> Result<String, EmitError> {
    let mut url = String::with_capacity(destination.len() + xml.len());
    url.push_str(destination);
    url.push(if destination.contains('?') { '&' } else { '?' });
    let query = url.len();
    push_parameter(&mut url, kind.parameter(), &STANDARD.encode(deflated(xml)));
    if let Some(relay_state) = relay_state {
        url.push('&');
        push_parameter(&mut url, "RelayState", relay_state);
    }
    if let Some(signer) = signer {
        url.push('&');
        push_parameter(&mut url, "SigAlg", signer.algorithm().uri());
        let signature = signer.sign(url.get(query..).unwrap_or_default().as_bytes())?;
        url.push('&');
        push_parameter(&mut url, "Signature", &STANDARD.encode(signature));
    }
    Ok(url)
}

/// Raw DEFLATE, without the header of zlib.
fn deflated(xml: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(xml.len() / 2), Compression::default());
    // Writing into memory has nothing that could fail.
    let written = encoder.write_all(xml.as_bytes()).and_then(|()| encoder.finish());
    debug_assert!(written.is_ok());
    written.unwrap_or_default()
}

/// Everything but the unreserved characters is encoded, with capital digits: the form that both sides make of it again when they
/// have to encode for themselves.
fn push_parameter(url: &mut String, name: &str, value: &str) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    url.push_str(name);
    url.push('=');
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push('%');
            url.extend([byte >> 4, byte & 0xf].map(|digit| DIGITS[usize::from(digit)]));
        }
    }
}
