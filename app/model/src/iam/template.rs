//! Texts with variables (`${aws:username}`), wildcards and their escapes (`${*}`, `${?}`, `${$}`).

use super::policy::{Part, Template, Version};

/// Reads a text. `wild`: `*` and `?` are wildcards here. In the language of 2008 nothing is a variable.
pub(super) fn read(text: &str, version: Version, wild: bool) -> Result<Template, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    let flush = |plain: &mut String, parts: &mut Vec<Part>| {
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(plain)));
        }
    };
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '*' | '?' if wild => {
                flush(&mut plain, &mut parts);
                parts.push(if c == '*' { Part::Many } else { Part::One });
                rest = after;
            }
            '$' if version == Version::V2012 && after.starts_with('{') => {
                let inner = after.strip_prefix('{').unwrap_or_default();
                let (name, end) = variable(inner)?;
                if let "*" | "?" | "$" = name {
                    plain.push_str(name);
                } else {
                    flush(&mut plain, &mut parts);
                    parts.push(part(name)?);
                }
                rest = inner.get(end..).unwrap_or_default();
            }
            _ => {
                plain.push(c);
                rest = after;
            }
        }
    }
    flush(&mut plain, &mut parts);
    Ok(Template { text: text.to_owned(), parts })
}

/// What stands between the braces, and where the text goes on. A quoted default may hold a brace.
fn variable(inner: &str) -> Result<(&str, usize), String> {
    let mut quoted = false;
    for (at, c) in inner.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '}' if !quoted => return Ok((inner.get(..at).unwrap_or_default(), at + 1)),
            '$' if !quoted && inner.get(at + 1..).is_some_and(|rest| rest.starts_with('{')) => {
                return Err("must not hold a variable inside a variable".to_owned());
            }
            _ => {}
        }
    }
    Err("has a variable “${” without its closing “}”".to_owned())
}

/// `aws:username`, or `aws:PrincipalTag/team, 'none'`.
fn part(name: &str) -> Result<Part, String> {
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key.trim(), Some(default.trim())),
        None => (name, None),
    };
    if !is_key(key) {
        return Err(format!("has the variable “${{{}}}”, which is no key such as aws:username", cut(name)));
    }
    let default = match default {
        None => None,
        Some(text) => match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            Some(text) if !text.contains('\'') => Some(text.to_owned()),
            _ => return Err(format!("has the default {} , which must stand in single quotes", cut(text))),
        },
    };
    Ok(Part::Variable { key: key.to_owned(), default })
}

/// `aws:SourceIp`, `aws:PrincipalTag/cost center`, `accounts.google.com:aud`, `oidc.example.com/id/AB:sub`.
pub(super) fn is_key(key: &str) -> bool {
    let Some((prefix, name)) = key.split_once(':') else { return false };
    let in_prefix = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    let in_name = |c: char| !c.is_control() && !"{}'\"*?$".contains(c);
    key.len() <= 1024
        && !prefix.is_empty()
        && prefix.chars().all(in_prefix)
        && !name.is_empty()
        && name.trim() == name
        && name.chars().all(in_name)
}

/// The beginning of a text, for a message.
pub(super) fn cut(text: &str) -> String {
    let mut out: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}
