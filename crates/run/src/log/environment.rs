//! What computed a run: the program, the machine, and when.

use serde::{Deserialize, Serialize};

/// Part of the `start` event. Equal bytes are promised for the same program on the same device and processor, at any
/// number of threads.
///
/// ```
/// use qkv_run::Environment;
///
/// let before = Environment {
///     version: "0.1.0".to_owned(),
///     commit: "unknown".to_owned(),
///     burn: "0.22.1".to_owned(),
///     device: "flex".to_owned(),
///     threads: 2,
///     processor: "A".to_owned(),
///     precision: "f32".to_owned(),
///     time: "2026-01-02T03:04:05Z".to_owned(),
/// };
/// let later = Environment { threads: 8, time: "2026-01-03T03:04:05Z".to_owned(), ..before.clone() };
/// assert_eq!(later.changes_since(&before), [""; 0]);
/// let elsewhere = Environment { processor: "B".to_owned(), ..later };
/// assert_eq!(elsewhere.changes_since(&before), ["the processor was A, now it is B"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The version of the program.
    pub version: String,
    /// The commit that it was built from, with `-dirty` if its sources were changed since; `unknown` where it was built
    /// outside a checkout.
    pub commit: String,
    /// The version of Burn.
    pub burn: String,
    /// The device.
    pub device: String,
    /// The number of threads.
    pub threads: u64,
    /// The model of the processor.
    pub processor: String,
    /// The type of the numbers.
    pub precision: String,
    /// When it started: UTC, RFC 3339.
    pub time: String,
}

impl Environment {
    /// What is no longer as it was and may change the bytes of a run, in words. The number of threads never does.
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let values = [
            ("version", &before.version, &self.version),
            ("commit", &before.commit, &self.commit),
            ("version of Burn", &before.burn, &self.burn),
            ("device", &before.device, &self.device),
            ("processor", &before.processor, &self.processor),
            ("precision", &before.precision, &self.precision),
        ];
        let changed = values.into_iter().filter(|(_, before, now)| before != now);
        changed.map(|(what, before, now)| format!("the {what} was {before}, now it is {now}")).collect()
    }
}
