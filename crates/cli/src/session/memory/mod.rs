//! How much memory the process uses and how much there is, where Linux has it in `/proc` and `/sys`.

mod available;

use std::fs;
use std::path::Path;

use anyhow::Result;
use qkv_train::MemoryEstimate;

use crate::exit::{UsageWithTable, usage};
use crate::processes::Launch;
use crate::session::device::backend::Memory;

/// Refuses what needs more than `allowed` bytes, or else than there are; nothing where that cannot be read, and without
/// `allowed` nothing in the memory of a card, which only its driver knows.
pub fn check(estimate: &MemoryEstimate, place: Memory, allowed: Option<u64>) -> Result<()> {
    let (limit, what) = match (allowed, available(place)) {
        (Some(allowed), _) => (allowed, "that --max-memory allows".to_owned()),
        (None, Some(available)) => {
            (available, format!("that are {}; --max-memory SIZE sets another limit", to_whom()))
        }
        (None, None) => return Ok(()),
    };
    if estimate.bytes() <= limit {
        return Ok(());
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let refusal = UsageWithTable(format!(
        "the run needs about {:.0} MiB of memory, more than the {:.0} MiB {what}:\n{estimate}\n\
         a smaller train.batch_size or task.seq_len makes activations smaller",
        mib(estimate.bytes()),
        mib(limit)
    ));
    Err(refusal.into())
}

/// Refuses runs of which `at_once` together may need more, each with its bytes.
pub fn check_together(mut runs: Vec<u64>, at_once: usize, place: Memory, allowed: Option<u64>) -> Result<()> {
    let Some(limit) = allowed.or_else(|| available(place)) else { return Ok(()) };
    // The largest ones may be trained at the same time.
    runs.sort_unstable_by(|a, b| b.cmp(a));
    let together = |n: usize| runs.iter().take(n).sum::<u64>();
    if together(at_once) <= limit {
        return Ok(());
    }
    let what =
        if allowed.is_some() { "--max-memory allows".to_owned() } else { format!("are {}", to_whom()) };
    let fitting = (1..at_once).rev().find(|n| together(*n) <= limit).unwrap_or(1);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    Err(usage(format!(
        "{at_once} runs at a time need about {:.0} MiB of memory, more than the {:.0} MiB that {what}; --jobs {fitting} \
         fits",
        mib(together(at_once)),
        mib(limit)
    )))
}

/// What processes that were started together may have each.
fn available(place: Memory) -> Option<u64> {
    match place {
        Memory::Host => {
            available::bytes(Path::new("/")).map(|bytes| bytes / Launch::n_on_this_machine() as u64)
        }
        Memory::Card => None,
    }
}

fn to_whom() -> String {
    match Launch::n_on_this_machine() {
        1 => "available".to_owned(),
        n => format!("available to each of {n} processes"),
    }
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
    available::kilobytes(&fs::read_to_string("/proc/self/status").ok()?, key).map(|bytes| bytes as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_runs_count_where_several_are_trained_at_a_time() {
        const MIB: u64 = 1 << 20;
        let check = |at_once, allowed| {
            check_together(vec![MIB, 3 * MIB, 2 * MIB], at_once, Memory::Host, Some(allowed * MIB))
        };
        assert!(check(1, 3).is_ok() && check(2, 5).is_ok() && check(3, 6).is_ok() && check(9, 6).is_ok());
        let refused = check(3, 5).expect_err("6 MiB are more than 5").to_string();
        assert_eq!(
            refused,
            "3 runs at a time need about 6 MiB of memory, more than the 5 MiB that --max-memory allows; --jobs 2 fits"
        );
    }

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
