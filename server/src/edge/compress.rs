//! Long pages that ask for it travel compressed. Everything else is short, or a static file that is compressed already.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::BodyExt as _;

use crate::assets::Form;

/// Shorter bodies are sent as they are.
const LEAST: usize = 1024;

/// Quick before small: a page is packed once, for one reader.
const BROTLI_QUALITY: i32 = 2;
const GZIP_LEVEL: u32 = 5;

/// The form the client likes best of those that are made while it waits.
pub fn form(headers: &HeaderMap) -> Form {
    Form::among(headers, &Form::ALL)
}

/// Packs the body of an answer.
pub async fn pack(response: Response<Body>, form: Form) -> Result<Response<Body>, axum::Error> {
    let (mut parts, body) = response.into_parts();
    parts.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let plain = body.collect().await?.to_bytes();
    let packed = (plain.len() >= LEAST).then(|| packed(&plain, form)).flatten();
    let (Some(packed), Some(coding)) = (packed, form.coding()) else {
        return Ok(Response::from_parts(parts, Body::from(plain)));
    };
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(packed)))
}

/// Nothing where it is not to be packed, or cannot be.
fn packed(plain: &[u8], form: Form) -> Option<Vec<u8>> {
    match form {
        Form::Identity => None,
        Form::Brotli => {
            let settings = brotli::enc::BrotliEncoderParams {
                quality: BROTLI_QUALITY,
                size_hint: plain.len(),
                ..brotli::enc::BrotliEncoderParams::default()
            };
            let mut packed = Vec::with_capacity(plain.len() / 4);
            brotli::BrotliCompress(&mut &*plain, &mut packed, &settings).ok()?;
            Some(packed)
        }
        Form::Gzip => {
            let packed = Vec::with_capacity(plain.len() / 4);
            let mut packer = flate2::write::GzEncoder::new(packed, flate2::Compression::new(GZIP_LEVEL));
            packer.write_all(plain).ok()?;
            packer.finish().ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn asking(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap())])
    }

    #[tokio::test]
    async fn what_is_packed_comes_out_as_it_went_in() {
        let text = "Account 1, Account 2, Account 3. ".repeat(200);
        for (accept, coding) in [("gzip, br", "br"), ("gzip", "gzip"), ("identity", ""), ("br;q=0", "")] {
            let answer = pack(Response::new(Body::from(text.clone())), form(&asking(accept))).await.unwrap();
            let named = answer.headers().get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap());
            assert_eq!(named, coding, "{accept}");
            assert_eq!(answer.headers()[header::VARY], "accept-encoding");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(coding.is_empty() || body.len() < text.len() / 4, "{accept}: {}", body.len());
            let mut plain = String::new();
            match coding {
                "br" => brotli::Decompressor::new(&*body, 4096).read_to_string(&mut plain).unwrap(),
                "gzip" => flate2::read::GzDecoder::new(&*body).read_to_string(&mut plain).unwrap(),
                _ => (&*body).read_to_string(&mut plain).unwrap(),
            };
            assert_eq!(plain, text, "{accept}");
        }
    }

    #[tokio::test]
    async fn what_is_short_stays_plain() {
        let answer = pack(Response::new(Body::from("short")), Form::Brotli).await.unwrap();
        assert!(!answer.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "short");
    }
}
