//! What can be wrong with a study; every message has the key, what was expected and what was found.

use thiserror::Error;

/// Everything that this crate reports.
#[derive(Debug, Error)]
pub enum StudyError {
    /// The file is not TOML.
    #[error("not TOML at line {line}: {problem}")]
    NotToml {
        /// Of the first fault.
        line: usize,
        /// What the parser reports.
        problem: String,
    },
    /// There is nothing to vary.
    #[error(
        "a study needs a table [sweep] with a list in it, such as `seed = [0, 1, 2]`, or tables [[case]]"
    )]
    NothingVaries,
    /// What varies is neither a list nor a range.
    #[error(
        "`{key}` in {table} must be a list or a range such as {{ from = 1, to = 8, times = 2 }}, got {found}"
    )]
    NotAnAxis {
        /// Dotted path of the key.
        key: String,
        /// `[sweep]` or `[[case]]`.
        table: &'static str,
        /// What was found.
        found: String,
    },
    /// What holds the keys that vary is something else.
    #[error("`{key}` must be {expected}, got {found}")]
    WrongTable {
        /// `sweep` or `case`.
        key: &'static str,
        /// What it has to be.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A list has no values.
    #[error("`{key}` has an empty list; give it at least one value, or leave it out")]
    Empty {
        /// Dotted path of the key.
        key: String,
    },
    /// A list has a value twice.
    #[error("`{key}` has the value {value} twice; each value is one run")]
    ValueTwice {
        /// Dotted path of the key.
        key: String,
        /// The value.
        value: String,
    },
    /// A key varies in two places.
    #[error("`{key}` varies twice{place}; leave one of them out")]
    KeyTwice {
        /// Dotted path of the key.
        key: String,
        /// Where, unless it is one table.
        place: &'static str,
    },
    /// The values of one key would be overwritten by another.
    #[error(
        "`{inner}` would overwrite what `{key}` has in {value}, so that several runs would be the same; leave it out there, \
         or vary one of the two"
    )]
    Overwritten {
        /// Dotted path of the key.
        key: String,
        /// That of a key below it.
        inner: String,
        /// The first value that has it.
        value: String,
    },
    /// A range is wrong.
    #[error("`{key}` has a range {problem}, got {found}")]
    Range {
        /// Dotted path of the key.
        key: String,
        /// What was expected.
        problem: String,
        /// What was found.
        found: String,
    },
    /// A setting of `[study]` is wrong.
    #[error("`{key}` in [study] must be {expected}, got {found}")]
    Setting {
        /// Name of the setting.
        key: String,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A key of `[study]` that nothing reads.
    #[error("unknown key `{key}` in [study], which has draws, draw_seed and only")]
    UnknownSetting {
        /// Its name.
        key: String,
    },
    /// A key is drawn, without a number of draws.
    #[error("`{key}` is drawn at random; set how often with `draws` in [study], for example `draws = 20`")]
    NoDraws {
        /// Dotted path of the key.
        key: String,
    },
    /// Draws of nothing.
    #[error("`draws` in [study] is {draws}, but no key is drawn; give one a range with `draw = \"uniform\"`")]
    NothingIsDrawn {
        /// How many.
        draws: u64,
    },
    /// More runs than are possible.
    #[error("the study has {n_runs} runs, at most {max} are possible; shorten `{key}`, which has {n_values}")]
    TooManyRuns {
        /// Number of runs.
        n_runs: u128,
        /// Most runs of one study.
        max: u64,
        /// The key with the most values.
        key: String,
        /// How many.
        n_values: u64,
    },
    /// A condition that cannot be read, or decided.
    #[error("the condition `{condition}` in [study] {problem}")]
    Condition {
        /// As it stands in the file.
        condition: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another study: it lacks runs that the earlier one has.
    #[error("`{key}` was {was}, now it is {now}")]
    Another {
        /// Dotted path of the key, or the name of a setting or table of the study.
        key: String,
        /// In the earlier study.
        was: String,
        /// In this one.
        now: String,
    },
}
