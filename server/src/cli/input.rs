//! What commands read from standard input.

use std::io::Read as _;

use domain::Secret;

use super::Failure;

/// A secret on standard input, without the line's end.
pub fn secret(what: &str) -> Result<Secret, Failure> {
    let mut text = zeroize::Zeroizing::new(String::new());
    std::io::stdin().take(4096).read_to_string(&mut text).map_err(|error| format!("standard input: {error}"))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(format!("there is no {what} on standard input")) } else { Ok(Secret::new(secret)) }
}
