//! The `qkv` binary: the command line with the built-in types in it.

use std::process::ExitCode;

fn main() -> ExitCode {
    qkv::run(qkv::Registry::new())
}
