//! How much memory the process uses and how much there is, where Linux has it in `/proc` and `/sys`.

use std::fs;
use std::path::Path;

use anyhow::Result;
use qkv_train::MemoryEstimate;

use crate::exit::usage;

/// Refuses what needs more than `allowed` bytes, or else than there are; where that cannot be read, nothing.
pub fn check(estimate: &MemoryEstimate, allowed: Option<u64>) -> Result<()> {
    let (limit, what) = match (allowed, available()) {
        (Some(allowed), _) => (allowed, "that --max-memory allows"),
        (None, Some(available)) => (available, "that are available; --max-memory SIZE sets another limit"),
        (None, None) => return Ok(()),
    };
    if estimate.bytes() <= limit {
        return Ok(());
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    Err(usage(format!(
        "the run needs about {:.0} MiB of memory, more than the {:.0} MiB {what}:\n{estimate}\n\
         a smaller train.batch_size or task.seq_len makes activations smaller",
        mib(estimate.bytes()),
        mib(limit)
    )))
}

/// A size such as `512M`, `2G` or `1.5GiB`, in bytes; the units are powers of 1024, and B may follow them.
pub fn size(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(&unit);
    let exponent = ["", "k", "m", "g", "t"].iter().position(|known| *known == unit);
    let bytes = number.parse::<f64>().ok().zip(exponent);
    let bytes = bytes.map(|(number, exponent)| number * 1024_f64.powi(exponent as i32));
    match bytes.filter(|bytes| (1.0..1e18).contains(bytes)) {
        Some(bytes) => Ok(bytes as u64),
        None => Err("must be a size above 0 such as 512M, 2G or 1.5GiB".to_owned()),
    }
}

/// What the system and the control groups of the process still give, in bytes.
fn available() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok();
    let of_system = meminfo.and_then(|text| kilobytes(&text, "MemAvailable:"));
    of_system.into_iter().chain(group_limits()).min()
}

/// The limits of the control groups of the process, from the root to its own.
fn group_limits() -> Vec<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    // Version 2 has a line `0::/PATH`, version 1 one such as `5:memory:/PATH`.
    let path =
        |group: &str| group.splitn(3, ':').nth(2).unwrap_or_default().trim_start_matches('/').to_owned();
    let mut limits = Vec::new();
    for group in groups.lines() {
        let (root, file) = match group.split(':').nth(1) {
            Some("") => ("/sys/fs/cgroup", "memory.max"),
            Some(controllers) if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let own = Path::new(root).join(path(group));
        let folders = own.ancestors().take_while(|folder| folder.starts_with(root));
        // "max" is no number.
        limits.extend(
            folders
                .filter_map(|folder| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok()),
        );
    }
    limits
}

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
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, key).map(|bytes| bytes as usize)
}

/// A line such as `VmHWM:     1024 kB`, in bytes.
fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_number_and_a_unit() {
        let sizes =
            [("512M", 512 << 20), ("2G", 2 << 30), ("1.5GiB", 3 << 29), ("7", 7), ("64 kb", 64 << 10)];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "G", "-1G", "1.2.3M", "12X", "1e3", "0", "nan", "9999999999T"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
