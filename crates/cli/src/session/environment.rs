//! What computes a run, to be written into its log.

use std::env::consts::ARCH;
use std::fs;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use qkv_run::Environment;

use crate::session::device::Machine;

/// The commit that the program was built from, if it was built in a checkout.
pub const COMMIT: Option<&str> = option_env!("QKV_COMMIT");

/// As the workspace fixes it.
const BURN: &str = "0.22.1";

/// The program's version, the commit that it was built from, and the version of Burn.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let commit = COMMIT.unwrap_or("unknown");
        format!("{} (commit {commit}, Burn {BURN})", env!("CARGO_PKG_VERSION"))
    });
    &VERSION
}

impl Machine {
    /// What computes a run that starts now.
    pub fn environment(&self) -> Environment {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        Environment {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: COMMIT.unwrap_or("unknown").to_owned(),
            burn: BURN.to_owned(),
            device: self.name.clone(),
            threads: rayon::current_num_threads() as u64,
            processor: processor(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            precision: self.precision.clone(),
            time: rfc_3339(seconds),
        }
    }
}

/// The model in the text of `/proc/cpuinfo`: by its name, on ARM by its numbers, elsewhere by its architecture alone.
fn processor(cpuinfo: &str) -> String {
    let value = |key: &str| {
        let values = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        values.map(|(found, value)| (found.trim(), value.trim())).find(|(found, _)| *found == key)
    };
    if let Some((_, name)) = value("model name") {
        return name.to_owned();
    }
    match (value("CPU implementer"), value("CPU part")) {
        (Some((_, implementer)), Some((_, part))) => format!("{ARCH} {implementer} {part}"),
        _ => ARCH.to_owned(),
    }
}

/// Seconds since 1970 in UTC, by
/// [Hinnant's `civil_from_days`](https://howardhinnant.github.io/date_algorithms.html#civil_from_days).
fn rfc_3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March, so that a leap day is the last of its year; 400 of them have 146,097 days.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_burn_is_the_one_that_the_workspace_fixes() {
        let workspace = include_str!("../../../../Cargo.toml");
        assert!(workspace.contains(&format!("\nburn = {{ version = \"={BURN}\"")));
    }

    #[test]
    fn a_time_is_that_of_the_calendar() {
        // `date -u -d @SECONDS +%FT%TZ`
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_210_096, "2024-02-29T12:34:56Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc_3339(seconds), expected);
        }
    }

    #[test]
    fn a_processor_has_the_name_that_linux_gives_it() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\n"), "Some CPU @ 2.00GHz");
        assert_eq!(processor("CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"), format!("{ARCH} 0x41 0xd0c"));
        assert_eq!(processor(""), ARCH);
    }
}
