//! Files and folders that go when the test ends.

use std::fs;
use std::path::PathBuf;

/// A path under the temporary folder where nothing is yet.
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// `name` must be unique among the tests.
    pub fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("qkv-test-{}-{name}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = if self.0.is_dir() { fs::remove_dir_all(&self.0) } else { fs::remove_file(&self.0) };
    }
}
