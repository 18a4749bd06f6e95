//! Static files, asked for through the router as a browser would.

use std::{collections::BTreeMap, io::Read as _};

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;

async fn ask(method: &str, path: &str, sent: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in sent {
        request = request.header(*name, *value);
    }
    router::<()>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn body(answer: Response<Body>) -> Vec<u8> {
    answer.into_body().collect().await.unwrap().to_bytes().to_vec()
}

fn told<'a>(answer: &'a Response<Body>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The stylesheet: it always exists and is always worth compressing.
fn sheet() -> &'static Asset {
    find(url_of("main.css")).unwrap()
}

#[test]
fn an_address_holds_the_hash_of_the_content() {
    let sheet = sheet();
    assert_eq!(sheet.path, format!("/static/main.{}.css", sheet.hash));
    assert_eq!(sheet.hash.len(), 16);
    assert_eq!(url_of("no-such-file.css"), "/static/missing");
}

#[test]
fn loader_and_wasm_share_their_hash() {
    let hash = |name| ASSETS.iter().find(|asset| asset.logical == name).map(|asset| asset.hash);
    assert_eq!(hash("vestibule.js"), hash("vestibule.wasm"));
}

#[tokio::test]
async fn every_file_answers_with_its_bytes_and_may_be_kept_for_ever() {
    for asset in ASSETS {
        let answer = ask("GET", asset.path, &[]).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", asset.path);
        assert_eq!(told(&answer, "content-type"), asset.content_type);
        assert_eq!(told(&answer, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(told(&answer, "vary"), "accept-encoding");
        assert_eq!(told(&answer, "content-encoding"), "");
        assert_eq!(body(answer).await, asset.identity);
    }
}

#[tokio::test]
async fn compressed_forms_hold_the_same_file() {
    let packed = ask("GET", sheet().path, &[("accept-encoding", "gzip, deflate, br, zstd")]).await;
    assert_eq!(told(&packed, "content-encoding"), "br");
    let mut plain = Vec::new();
    brotli::Decompressor::new(body(packed).await.as_slice(), 4096).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, sheet().identity);

    let packed = ask("GET", sheet().path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(told(&packed, "content-encoding"), "gzip");
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body(packed).await.as_slice()).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, sheet().identity);
}

#[tokio::test]
async fn weights_decide_the_form() {
    for (accepted, expected) in [
        ("", ""),
        ("identity", ""),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0.8, gzip;q=0.8", "br"),
        ("BR", "br"),
        ("br; q=0, gzip;q=0.001", "gzip"),
        ("br;q=0, gzip;q=0", ""),
        ("*", "br"),
        ("br;q=0, *;q=0.5", "gzip"),
        ("gzip;q=0.5, identity;q=0.9", ""),
        ("br;q=high, gzip;q=1.000", "gzip"),
        ("br;q=2", ""),
        ("*;q=0", ""),
    ] {
        let answer = ask("GET", sheet().path, &[("accept-encoding", accepted)]).await;
        assert_eq!(told(&answer, "content-encoding"), expected, "{accepted:?}");
    }
}

#[tokio::test]
async fn a_known_tag_is_answered_without_the_body() {
    let first = ask("GET", sheet().path, &[("accept-encoding", "br")]).await;
    let tag = told(&first, "etag").to_owned();
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let again = ask("GET", sheet().path, &[("accept-encoding", "br"), ("if-none-match", &known)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(told(&again, "etag"), tag);
        assert_eq!(body(again).await, b"");
    }
    // The plain form is another representation: the tag of the brotli form does not stand for it.
    let plain = ask("GET", sheet().path, &[("if-none-match", &tag)]).await;
    assert_eq!(plain.status(), StatusCode::OK);
}

#[tokio::test]
async fn head_says_the_length_and_sends_nothing() {
    let answer = ask("HEAD", sheet().path, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(told(&answer, header::CONTENT_LENGTH.as_str()), sheet().identity.len().to_string());
    assert_eq!(body(answer).await, b"");
}

#[tokio::test]
async fn other_methods_and_other_names_are_refused() {
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = ask(method, sheet().path, &[]).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(told(&answer, "allow"), "GET, HEAD");
    }
    for path in
        ["/static/main.css", "/static/missing", "/static/../Cargo.toml", "/static/%2e%2e/Cargo.toml", "/static/a/b"]
    {
        assert_eq!(ask("GET", path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn names_at_the_root_are_kept_for_a_day() {
    for name in AT_ROOT {
        let answer = ask("GET", &format!("/{name}"), &[]).await;
        if let Some(asset) = ASSETS.iter().find(|asset| asset.logical == *name) {
            assert_eq!(told(&answer, "cache-control"), "public, max-age=86400");
            assert_eq!(body(answer).await, asset.identity);
        } else {
            assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        }
    }
}

fn sheets(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn imports_are_followed_in_order_and_keep_their_layer() {
    let files = sheets(&[
        ("main.css", "@layer a, b;\n@import \"b.css\" layer(b);\n@import url(\"./a.css\") layer(a) print;\np{}\n"),
        ("a.css", "i{}"),
        ("b.css", "u{}"),
    ]);
    assert_eq!(
        stylesheet::minify(&stylesheet::bundle(&files).unwrap()),
        "@layer a,b;@layer b{u{}}@layer a{@media print{i{}}}p{}"
    );
}

#[test]
fn a_stylesheet_that_is_missing_or_forgotten_stops_the_build() {
    let missing = sheets(&[("main.css", "@import \"gone.css\";")]);
    assert_eq!(stylesheet::bundle(&missing).unwrap_err(), "main.css:1: gone.css does not exist");
    let forgotten = sheets(&[("main.css", ""), ("lost.css", "")]);
    assert_eq!(stylesheet::bundle(&forgotten).unwrap_err(), "lost.css: main.css does not import it");
    let unnamed = sheets(&[("main.css", "@import \"a.css\" layer;"), ("a.css", "")]);
    assert_eq!(stylesheet::bundle(&unnamed).unwrap_err(), "main.css:1: a layer is written layer(name)");
}

#[test]
fn minifying_keeps_what_means_something() {
    for (long, short) in [
        ("a {\n  color: red;\n  margin: 0 auto;\n}\n", "a{color:red;margin:0 auto}"),
        ("/* why */ a :hover, b > c { --x: calc(1px + 2px) }", "a :hover,b > c{--x:calc(1px + 2px)}"),
        ("a::before { content: \"/* { ; \\\" } */  x\" }", "a::before{content:\"/* { ; \\\" } */  x\"}"),
        ("@media (width >= 40em) and (hover) { a { b: c; } }", "@media (width >= 40em) and (hover){a{b:c}}"),
        ("a{b:c} /* never closed", "a{b:c}"),
    ] {
        assert_eq!(stylesheet::minify(long), short);
    }
}
