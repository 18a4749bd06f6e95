//! Static files: found by their hashed name in the table that `build.rs` wrote, sent in the smallest form the client takes.
//!
//! Everything below `/static/` is named by its content and may be kept for ever. `favicon.svg`, `favicon.ico` and
//! `robots.txt` also answer at the root, where programs look for them, and are kept for a day.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
    response::IntoResponse,
    routing::any,
};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// One embedded file in all its forms.
#[derive(Debug)]
pub struct Asset {
    /// The name pages use, for example `main.css`.
    pub logical: &'static str,
    /// The address, with the hash in it.
    pub path: &'static str,
    pub content_type: &'static str,
    pub hash: &'static str,
    pub identity: &'static [u8],
    /// Only where it is smaller than the file itself; the same for gzip.
    pub brotli: Option<&'static [u8]>,
    pub gzip: Option<&'static [u8]>,
}

/// Names that programs ask for at the root of a site.
const AT_ROOT: &[&str] = &["favicon.ico", "favicon.svg", "robots.txt"];

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// Routes of all static files.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    AT_ROOT
        .iter()
        .fold(Router::new(), |router, name| router.route(&format!("/{name}"), any(serve_asset)))
        .route("/static/{*name}", any(serve_asset))
}

/// The file at an address below `/static/`.
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// The address of a file by the name pages use. A name that does not exist gives an address that answers 404.
pub fn url_of(logical: &str) -> &'static str {
    URLS.iter().find(|(name, _)| *name == logical).map_or("/static/missing", |(_, url)| url)
}

/// Answers for every address of [`router`].
pub async fn serve_asset(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    let name = uri.path().trim_start_matches('/');
    let (asset, cache) = if AT_ROOT.contains(&name) {
        (ASSETS.iter().find(|asset| asset.logical == name), FOR_A_DAY)
    } else {
        (find(uri.path()), FOR_EVER)
    };
    let Some(asset) = asset else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let form = Form::choose(asset, &headers);
    let mut answer = Response::new(Body::empty());
    let sent = answer.headers_mut();
    sent.insert(header::CACHE_CONTROL, cache);
    sent.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let tag = format!("\"{}{}\"", asset.hash, form.tag());
    if let Ok(value) = HeaderValue::from_str(&tag) {
        sent.insert(header::ETAG, value);
    }
    if already_there(&headers, &tag) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    sent.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    if let Some(coding) = form.coding() {
        sent.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    let bytes = form.bytes(asset);
    sent.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    if method == Method::GET {
        *answer.body_mut() = Body::from(bytes);
    }
    answer
}

/// How the bytes travel, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Brotli,
    Gzip,
    Identity,
}

impl Form {
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// The form the client likes best; among equals the smallest. A client that refuses all of them gets the plain file.
    fn choose(asset: &Asset, headers: &HeaderMap) -> Self {
        let there = Self::ALL.into_iter().filter(|form| match form {
            Self::Brotli => asset.brotli.is_some(),
            Self::Gzip => asset.gzip.is_some(),
            Self::Identity => true,
        });
        Self::among(headers, &there.collect::<Vec<_>>())
    }

    /// The same among some forms, the first of equals.
    pub fn among(headers: &HeaderMap, forms: &[Self]) -> Self {
        let mut best = (Self::Identity, 0);
        for form in forms {
            let weight = weight(headers, *form);
            if weight > best.1 {
                best = (*form, weight);
            }
        }
        best.0
    }

    /// As `Content-Encoding` names it.
    pub fn coding(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// Each form is another representation and so has another tag.
    fn tag(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gz",
            Self::Identity => "",
        }
    }

    fn bytes(self, asset: &Asset) -> &'static [u8] {
        match self {
            Self::Brotli => asset.brotli,
            Self::Gzip => asset.gzip,
            Self::Identity => None,
        }
        .unwrap_or(asset.identity)
    }
}

/// What `Accept-Encoding` says about a form, in thousandths; 0 means "not this one".
fn weight(headers: &HeaderMap, form: Form) -> u16 {
    let name = form.coding().unwrap_or("identity");
    let (mut named, mut star) = (None, None);
    for item in listed(headers, &header::ACCEPT_ENCODING) {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight =
            parameters.trim().strip_prefix("q=").or(parameters.trim().strip_prefix("Q=")).map_or(1000, thousandths);
        match coding.trim() {
            "*" => star = Some(weight),
            coding if coding.eq_ignore_ascii_case(name) => named = Some(weight),
            _ => {}
        }
    }
    // Unnamed, the plain file is always welcome, but less than anything the client took the trouble to name.
    named.or(star).unwrap_or(u16::from(form == Form::Identity))
}

/// `0.85` is 850; what is no weight counts as a refusal.
fn thousandths(text: &str) -> u16 {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits_only = part.len() <= 3 && part.bytes().all(|digit| digit.is_ascii_digit());
    match (whole, digits_only) {
        ("1", true) => 1000,
        ("0", true) => format!("{part:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// Whether `If-None-Match` names this tag.
fn already_there(headers: &HeaderMap, tag: &str) -> bool {
    listed(headers, &header::IF_NONE_MATCH)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// The items of a comma-separated header, over all its lines.
fn listed<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
#[path = "../build/stylesheet.rs"]
mod stylesheet;

#[cfg(test)]
#[path = "assets_tests.rs"]
mod tests;
