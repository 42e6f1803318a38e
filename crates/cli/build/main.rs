//! Gives the program the commit that it is built from, as `QKV_COMMIT`, unset without git or outside a checkout.
//!
//! It runs again after a commit, a checkout, or a change of what the program is compiled from, after which this crate
//! is compiled again anyway: nothing depends on it, and it depends on all others.

use std::path::Path;

use commit::Checkout;

mod commit;

fn main() {
    println!("cargo:rerun-if-changed=build");
    let Some(checkout) = Checkout::of(Path::new("../..")) else { return };
    for path in checkout.decided_by() {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    if let Some(commit) = checkout.commit() {
        println!("cargo:rustc-env=QKV_COMMIT={commit}");
    }
}
