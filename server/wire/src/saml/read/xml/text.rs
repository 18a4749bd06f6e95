//! Characters, white space and references.

use std::borrow::Cow;

use super::Fault;

/// White space of XML.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A character that may stand in a document.
pub fn is_allowed(char: char) -> bool {
    match char {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        other => other >= ' ',
    }
}

/// Where a text stands; white space means something else in an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Content,
    Attribute,
}

/// A text as it is meant: references resolved, line ends as one character, in attributes as a space.
pub fn meant(raw: &str, place: Place) -> Result<Cow<'_, str>, Fault> {
    let special = |byte: u8| match byte {
        b'&' | b'\r' => true,
        b'\t' | b'\n' => place == Place::Attribute,
        _ => false,
    };
    if !raw.bytes().any(special) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.bytes().position(special) {
        let Some((plain, from)) = rest.split_at_checked(at) else { return Err(Fault::Encoding) };
        out.push_str(plain);
        rest = if let Some(reference) = from.strip_prefix('&') {
            let (char, behind) = resolve(reference)?;
            out.push(char);
            behind
        } else {
            out.push(if place == Place::Attribute { ' ' } else { '\n' });
            from.strip_prefix("\r\n").or_else(|| from.strip_prefix(['\r', '\n', '\t'])).unwrap_or_default()
        };
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// The longest reference without its ampersand: `#x0010FFFF;`.
const LONGEST_REFERENCE: usize = 11;

/// The character that a reference names, and what stands behind its semicolon.
fn resolve(text: &str) -> Result<(char, &str), Fault> {
    let end = text.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b';').ok_or(Fault::Reference)?;
    let (name, behind) = text.split_at_checked(end).ok_or(Fault::Reference)?;
    let char = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => numbered(name.strip_prefix('#').ok_or(Fault::Reference)?).ok_or(Fault::Reference)?,
    };
    Ok((char, behind.strip_prefix(';').unwrap_or_default()))
}

fn numbered(text: &str) -> Option<char> {
    let (digits, radix) = text.strip_prefix('x').map_or((text, 10), |digits| (digits, 16));
    // The number parser would also take a sign.
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|char| is_allowed(*char))
}
