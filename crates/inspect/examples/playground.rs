//! Puts the live page around a WebAssembly module of `qkv-web`; `crates/web/build` makes that and calls this.
//!
//! `cargo run --release --example playground -- target/web/module.gz target/playground.html`

use std::env;
use std::error::Error;
use std::fs;

use qkv_inspect::playground_page;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, page] = &arguments[..] else {
        return Err("expected two files: a gzipped module, and the page to be written".into());
    };
    fs::write(page, playground_page(&fs::read(module)?)?)?;
    Ok(())
}
