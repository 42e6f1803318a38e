//! The commit that the program records in a run: what its build script finds in a checkout.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use commit::Checkout;

#[path = "../../../build/commit.rs"]
mod commit;

/// A checkout with one commit of a few files.
fn checkout() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["Cargo.toml", "crates/model/src/lib.rs", "crates/model/tests/main.rs", "crates/README.md"] {
        write(folder.path(), name, "as committed");
    }
    git(folder.path(), "init --quiet");
    commit_all(folder.path());
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn commit_all(folder: &Path) {
    git(folder, "add --all");
    git(folder, "-c user.name=name -c user.email=email commit --quiet --message=text");
}

#[track_caller]
fn git(folder: &Path, line: &str) -> String {
    let output = Command::new("git").args(line.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {line}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[track_caller]
fn found(folder: &Path) -> String {
    Checkout::of(folder).unwrap().commit().unwrap()
}

#[test]
fn changed_sources_are_not_those_of_the_commit() {
    let folder = checkout();
    let folder = folder.path();
    let head = git(folder, "rev-parse HEAD");
    assert_eq!((found(folder), head.len()), (head.clone(), 40));
    write(folder, "crates/model/src/lib.rs", "changed");
    let dirty = format!("{head}-dirty");
    assert_eq!(found(folder), dirty);
    git(folder, "add --all");
    assert_eq!(found(folder), dirty, "staged");
    commit_all(folder);
    let next = git(folder, "rev-parse HEAD");
    assert_ne!(next, head);
    assert_eq!(found(folder), next);
    fs::remove_file(folder.join("crates/model/src/lib.rs")).unwrap();
    assert_eq!(found(folder), format!("{next}-dirty"), "deleted");
}

#[test]
fn what_is_not_tracked_or_not_compiled_into_the_program_changes_no_commit() {
    let folder = checkout();
    let folder = folder.path();
    let head = git(folder, "rev-parse HEAD");
    for name in ["runs/one/config.toml", "crates/model/tests/main.rs", "crates/README.md"] {
        write(folder, name, "changed");
        assert_eq!(found(folder), head, "{name}");
    }
    // Another time, the same bytes.
    write(folder, "crates/model/src/lib.rs", "as committed");
    assert_eq!(found(folder), head);
}

#[test]
fn outside_a_checkout_there_is_no_commit() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "Cargo.toml", "text");
    assert!(Checkout::of(folder.path()).is_none());
    let around = checkout();
    write(around.path(), "copied/Cargo.toml", "unknown to the repository around it");
    assert!(Checkout::of(&around.path().join("copied")).is_none());
}

/// What Cargo watches, with the bytes of each file.
fn watched(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let paths = Checkout::of(folder).unwrap().decided_by();
    let name = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

#[test]
fn the_build_looks_again_after_a_commit_and_a_change_of_the_sources_alone() {
    let folder = checkout();
    let folder = folder.path();
    let before = watched(folder);
    assert!(before.iter().any(|(name, _)| name == "crates/model/src/lib.rs"), "{before:?}");
    for name in ["runs/one/config.toml", "crates/model/tests/main.rs", "crates/README.md"] {
        write(folder, name, "changed");
    }
    git(folder, "status");
    assert_eq!(watched(folder), before);
    commit_all(folder);
    assert_ne!(watched(folder), before);
    // A deleted one would be looked for at every build.
    fs::remove_file(folder.join("crates/model/src/lib.rs")).unwrap();
    assert!(watched(folder).iter().all(|(name, _)| name != "crates/model/src/lib.rs"));
}
