//! What the tests of SAML share: the programs that judge what is written here, and keys to write it with.
//!
//! The programs are other people's implementations, so a missing one fails the test and says which package has it.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use jiff::Timestamp;

use super::keys::{Certificate, SelfSigned, SigningKey};

/// An instant.
pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A certificate for a key.
pub(super) fn certificate(key: &SigningKey) -> Certificate {
    let wanted = SelfSigned {
        common_name: "Vestibule & <friends>",
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at("2028-01-01T00:00:00Z"),
        serial: [0xff; 16],
    };
    Certificate::self_signed(key, &wanted).unwrap()
}

/// Runs a program with an input and gives back what it wrote, whether or not it was content.
pub(super) fn attempt(package: &str, program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} (Debian package {package}) is needed: {error}"));
    // A program that does not read its input closes it, which is no fault.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The same where the program has to be content; what it wrote to its output.
pub(super) fn run(package: &str, program: &str, arguments: &[&str], input: &[u8]) -> String {
    let output = attempt(package, program, arguments, input);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// `openssl`.
pub(super) fn openssl(arguments: &[&str], input: &[u8]) -> String {
    run("openssl", "openssl", arguments, input)
}
