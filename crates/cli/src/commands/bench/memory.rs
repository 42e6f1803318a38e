//! How much memory the process has had at most.

use std::fs;

/// Peak of the resident set in MB (2²⁰ bytes), as Linux tells it; `None` elsewhere.
pub fn peak_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
