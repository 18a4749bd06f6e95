//! Dependencies point one way: `hydrate → app → model`, `app[ssr] → domain → {model, wire}`, `server → all`.
//!
//! Read from cargo itself, so that a new edge in any manifest is seen here.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Each package of ours and the packages of ours it may name. One that is not listed here fails the test.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("wire", &["model"]),
    ("domain", &["model", "wire"]),
    ("app", &["model", "domain", "wire"]),
    ("hydrate", &["app"]),
    ("vestibule", &["app", "model", "domain", "wire"]),
    ("it", &[]),
];

/// Libraries with one home.
const LIVES_IN: &[(&str, &str)] = &[
    ("sea-orm", "domain"),
    ("sea-orm-migration", "domain"),
    ("ldap3", "domain"),
    ("samael", "wire"),
    ("lettre", "domain"),
    ("clap", "vestibule"),
    ("hyper", "vestibule"),
];

/// What may never become part of the wasm file.
const NEVER_IN_A_BROWSER: &[&str] =
    &["domain", "wire", "vestibule", "sea-orm", "samael", "ldap3", "tokio", "axum", "aws-lc-rs", "openssl", "argon2"];

type Edges = BTreeMap<String, BTreeSet<String>>;

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .other_options(["--locked".to_owned(), "--offline".to_owned()])
        .no_deps()
        .exec()
        .unwrap()
}

/// Who names whom, tests' own dependencies left out.
fn edges(metadata: &Metadata) -> Edges {
    metadata
        .packages
        .iter()
        .map(|package| {
            let named = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
            (package.name.to_string(), named.map(|dependency| dependency.name.clone()).collect())
        })
        .collect()
}

/// What the edges break, in words.
fn faults(edges: &Edges) -> Vec<String> {
    let mut faults = Vec::new();
    for (package, named) in edges {
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| name == package) else {
            faults.push(format!("{package} has no line in MAY_NAME"));
            continue;
        };
        for other in named {
            if edges.contains_key(other) && !allowed.contains(&other.as_str()) {
                faults.push(format!("{package} must not depend on {other}"));
            }
            if let Some((_, home)) = LIVES_IN.iter().find(|(library, home)| library == other && home != package) {
                faults.push(format!("{other} lives in {home}, not in {package}"));
            }
        }
    }
    faults
}

/// All packages that compiling this one pulls in, with only the features that it asks for.
fn reachable(package: &str, more: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--package", package])
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    names.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn our_packages_depend_one_way() {
    let edges = edges(&metadata());
    assert_eq!(edges.len(), MAY_NAME.len(), "a package of MAY_NAME is gone");
    assert_eq!(faults(&edges), Vec::<String>::new());
}

#[test]
fn a_wrong_edge_would_be_seen() {
    for (package, other, fault) in [
        ("domain", "app", "domain must not depend on app"),
        ("app", "vestibule", "app must not depend on vestibule"),
        ("wire", "domain", "wire must not depend on domain"),
        ("hydrate", "domain", "hydrate must not depend on domain"),
        ("app", "sea-orm", "sea-orm lives in domain, not in app"),
        ("vestibule", "samael", "samael lives in wire, not in vestibule"),
    ] {
        let mut edges = edges(&metadata());
        edges.get_mut(package).unwrap().insert(other.to_owned());
        assert_eq!(faults(&edges), [fault]);
    }
    let mut edges = edges(&metadata());
    edges.insert("newcomer".to_owned(), BTreeSet::new());
    assert_eq!(faults(&edges), ["newcomer has no line in MAY_NAME"]);
}

#[test]
fn pages_reach_the_domain_only_with_their_server_feature() {
    let metadata = metadata();
    let app = metadata.packages.iter().find(|package| package.name.as_str() == "app").unwrap();
    for dependency in &app.dependencies {
        if ["domain", "wire"].contains(&dependency.name.as_str()) {
            assert!(dependency.optional, "{} must be optional", dependency.name);
        }
    }
    for (feature, enables) in &app.features {
        if !["ssr", "default", "domain", "wire"].contains(&feature.as_str()) {
            assert!(
                !enables.iter().any(|entry| entry.contains("domain") || entry.contains("wire") || entry == "ssr"),
                "the feature {feature} brings the domain"
            );
        }
    }
}

#[test]
fn nothing_of_the_server_goes_to_a_browser() {
    let wasm: &[&str] = &["--target", "wasm32-unknown-unknown"];
    let browser = reachable("hydrate", wasm);
    assert!(browser.contains("app") && browser.contains("model") && browser.contains("leptos"), "{browser:?}");
    let strangers: Vec<_> = NEVER_IN_A_BROWSER.iter().filter(|name| browser.contains(**name)).collect();
    assert!(strangers.is_empty(), "the wasm file would hold {strangers:?}");

    // The same question about the server must find them, or the question is wrong.
    let server = reachable("vestibule", &[]);
    for name in ["domain", "wire", "sea-orm", "tokio", "axum", "aws-lc-rs", "argon2"] {
        assert!(server.contains(name), "{name}");
    }
}
