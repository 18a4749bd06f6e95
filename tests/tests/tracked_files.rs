//! What is in the repository stays small, and names no download address of one machine.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn tracked() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<_> =
        names.split_terminator('\0').map(|name| root().join(name)).filter(|path| path.is_file()).collect();
    assert!(files.len() > 20, "git lists the files of this clone");
    files
}

#[test]
fn no_tracked_file_is_larger_than_a_mebibyte() {
    let large: Vec<_> = tracked().into_iter().filter(|path| fs::metadata(path).unwrap().len() > 1024 * 1024).collect();
    assert!(large.is_empty(), "{large:?}");
}

#[test]
fn lock_files_of_npm_hold_hashes_and_no_addresses() {
    let locks: Vec<_> = tracked().into_iter().filter(|path| path.ends_with("package-lock.json")).collect();
    assert!(!locks.is_empty());
    for path in locks {
        let lock: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for (name, package) in lock["packages"].as_object().unwrap().iter().filter(|(name, _)| !name.is_empty()) {
            assert!(package.get("resolved").is_none(), "{name} in {} names an address", path.display());
            assert!(package["integrity"].is_string(), "{name} in {} has no hash", path.display());
        }
    }
}
