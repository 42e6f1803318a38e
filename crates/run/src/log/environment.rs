//! What computed a run: the program, the machine, and when.

use serde::{Deserialize, Serialize};

/// Part of the `start` event. Equal bytes are promised where version, processor and precision are equal, at any number
/// of threads.
///
/// ```
/// use qkv_run::Environment;
///
/// let environment = |processor: &str| Environment {
///     version: "0.1.0".to_owned(),
///     commit: "unknown".to_owned(),
///     burn: "0.22.1".to_owned(),
///     device: "flex".to_owned(),
///     threads: 2,
///     processor: processor.to_owned(),
///     precision: "f32".to_owned(),
///     time: "2026-01-02T03:04:05Z".to_owned(),
/// };
/// assert_eq!(environment("A").changes_since(&environment("A")), [""; 0]);
/// assert_eq!(environment("B").changes_since(&environment("A")), ["the processor was A, now it is B"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The version of the program.
    pub version: String,
    /// The commit that it was built from; `unknown` where it was built outside a checkout.
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
    /// What is no longer as it was and may change the bytes of a run, in words.
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let values = [
            ("version", &before.version, &self.version),
            ("version of Burn", &before.burn, &self.burn),
            ("device", &before.device, &self.device),
            ("processor", &before.processor, &self.processor),
            ("precision", &before.precision, &self.precision),
        ];
        let changed = values.into_iter().filter(|(_, before, now)| before != now);
        changed.map(|(what, before, now)| format!("the {what} was {before}, now it is {now}")).collect()
    }
}
