//! How much memory the process uses, where Linux has it in `/proc`.

use std::fs;

/// Peak of the resident set, in bytes; `None` on other systems.
pub fn peak() -> Option<usize> {
    status("VmHWM:")
}

/// The resident set now, in bytes, after a reset of its peak; `None` on other systems.
pub fn resident_after_reset() -> Option<usize> {
    fs::write("/proc/self/clear_refs", "5").ok()?;
    status("VmRSS:")
}

/// A line of `/proc/self/status`, in bytes.
fn status(key: &str) -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
