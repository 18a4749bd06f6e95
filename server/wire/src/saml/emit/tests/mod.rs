//! What is written here is judged by other people's programs: `xmlsec1` verifies and decrypts, `xmllint` canonicalises and holds it
//! against the schemas of SAML, `openssl` verifies addresses. Our own strict reader reads the values back.

mod both_ways;
mod generated;
mod logout;
mod metadata;
mod redirect;
mod response;
mod samples;
