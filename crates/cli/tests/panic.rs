//! A panic under the live view: the terminal is given back first, so that its report can be read.
//!
//! No input makes `qkv` panic, so this is a command line of its own with a task that does; without a harness, because
//! it starts itself.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[cfg(target_os = "linux")]
#[path = "cli/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests of the binary")]
mod support;

#[cfg(target_os = "linux")]
use std::process::Command;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

use qkv::Registry;
use qkv::model::NoSettings;
use qkv::model::random::Rng;
use qkv::train::Task;
use rand::RngExt;

/// Set in the process that is to panic.
const PANICS: &str = "QKV_TEST_PANICS";

/// Examples after which the task gives up: some steps of a batch of 64.
const ENOUGH: u32 = 3000;

fn main() -> ExitCode {
    if std::env::var_os(PANICS).is_some() {
        return qkv::run(Registry::new().task("fragile", "train.steps = 500", |_: &NoSettings| Ok(Fragile)));
    }
    // The terminal of the tests is one of Linux.
    #[cfg(target_os = "linux")]
    gives_the_terminal_back();
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn gives_the_terminal_back() {
    let sandbox = support::sandbox::Sandbox::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args("train fragile --live --out run".split(' ')).current_dir(sandbox.path("."));
    let text = support::pty::Pty::of(&command, &[(PANICS, "1"), ("RUST_BACKTRACE", "0")]).ends_with(101);
    assert!(text.contains("the task gave up"), "{text}");
    println!("a panic gives the terminal back ... ok");
}

/// Panics after a while.
struct Fragile;

impl Task for Fragile {
    fn summary(&self) -> String {
        "say the first of 8 digits everywhere, for a while".to_owned()
    }

    fn vocabulary(&self) -> Vec<String> {
        (0..10).map(|digit| digit.to_string()).collect()
    }

    fn seq_len(&self) -> usize {
        8
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        static DRAWN: AtomicU32 = AtomicU32::new(0);
        assert!(DRAWN.fetch_add(1, Ordering::Relaxed) < ENOUGH, "the task gave up");
        (0..8).map(|_| rng.random_range(0..10)).collect()
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        vec![Some(tokens[0]); 8]
    }
}
