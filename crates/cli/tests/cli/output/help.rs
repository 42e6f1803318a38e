//! Help and version.

use crate::support::sandbox::Sandbox;

#[test]
fn help_and_version_are_not_errors() {
    let sandbox = Sandbox::new();
    for line in ["--help", "--version", "help train", "train --help", "inspect --help"] {
        let run = sandbox.succeeds(line);
        assert!(!run.stdout.is_empty() && run.stderr.is_empty(), "{run:?}");
    }
}
