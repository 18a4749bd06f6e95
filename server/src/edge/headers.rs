//! The headers that every answer carries, also a refusal and an error.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::facts::{Facts, REQUEST_ID};

/// An answer's own wishes for its content security policy; in its extensions.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// It loads the islands.
    pub wasm: bool,
    /// It is a page, and so may name scripts by the nonce.
    pub page: bool,
}

/// What a browser may do for our pages: nothing but passkeys.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), \
    geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
    publickey-credentials-create=(self), publickey-credentials-get=(self), screen-wake-lock=(), usb=(), xr-spatial-tracking=()";

/// Sets them all.
pub fn secure(headers: &mut HeaderMap, facts: &Facts, policy: &Policy, https: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    // Only static files say that they may be kept.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, content_policy(facts, policy)),
        (HeaderName::from_static(REQUEST_ID), facts.id.clone()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

fn content_policy(facts: &Facts, policy: &Policy) -> String {
    let scripts = match policy {
        Policy { page: false, .. } => "'none'".to_owned(),
        Policy { wasm: false, .. } => format!("'nonce-{}'", facts.nonce),
        Policy { wasm: true, .. } => format!("'nonce-{}' 'wasm-unsafe-eval'", facts.nonce),
    };
    format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}
