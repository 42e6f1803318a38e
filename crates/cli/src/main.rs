//! The `qkv` binary: the command line with the built-in types in it.

use std::process::ExitCode;

/// Burn makes several large temporaries a step; glibc's allocator returns each of them to the kernel.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    qkv::run(qkv::Registry::new())
}
