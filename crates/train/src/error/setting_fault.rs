//! Why a setting cannot stand in a config, whatever its value means: its key, its form, or the task that it is for.

use thiserror::Error;

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingFault {
    /// A config file has a key that nothing reads.
    #[error("unknown key `{key}`; {}", meant(nearest.as_deref(), table.as_deref(), known))]
    UnknownKey {
        /// Dotted path of the key.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
        /// The table in which it stands, if there is one of that name.
        table: Option<String>,
        /// The keys of that table, or of the whole config.
        known: Vec<String>,
    },
    /// A key is a setting of something else than what the config names.
    #[error("unknown key `{key}`: it is a setting of {}, and {name_key} is `{chosen}`", in_quotes(owners))]
    SettingOfAnother {
        /// Dotted path of the key.
        key: String,
        /// The names that have this setting.
        owners: Vec<String>,
        /// Dotted path of the key of the name.
        name_key: String,
        /// What the config names.
        chosen: String,
    },
    /// A config names no task.
    #[error("the config names no task; add `name = \"reverse\"` under `[task]`")]
    NoTask,
    /// A task was asked for and another one set.
    #[error("asked for the task `{asked}`, but task.name is set to `{set}`; name one of them")]
    AnotherTask {
        /// What was asked for.
        asked: String,
        /// What was set.
        set: String,
    },
    /// Something else stands where a name belongs.
    #[error("{key} must be {expected}, got {found}; write {key}=\"{example}\"")]
    NotAName {
        /// Dotted path of the key.
        key: String,
        /// What can stand there, in words.
        expected: &'static str,
        /// What was found.
        found: String,
        /// A name that can stand there.
        example: &'static str,
    },
    /// Something else stands where a table belongs.
    #[error("`{key}` must be a table with keys such as `{example}`, got {found}")]
    NotATable {
        /// Name of the table.
        key: String,
        /// Dotted path of a key that it can have.
        example: String,
        /// What was found.
        found: String,
    },
    /// A setting is given for a key below a value that is no table.
    #[error("`{setting}` is set, but `{key}` is {found}, which is no table; leave one of them out")]
    BelowAValue {
        /// Dotted path of the key that is set.
        setting: String,
        /// Dotted path of the value.
        key: String,
        /// The value.
        found: String,
    },
    /// The name of a table and a key of it stand in one pair of quotation marks.
    #[error("a key in quotation marks is one name, with its dots; write {key} without them")]
    QuotedPath {
        /// Dotted path that was meant.
        key: String,
    },
    /// A whole number is larger than TOML has any.
    #[error("{key}: a whole number must be between {} and {}, got {found}", i64::MIN, i64::MAX)]
    TooLarge {
        /// Dotted path of the key.
        key: String,
        /// What was found.
        found: String,
    },
    /// A setting is no number that can be computed with.
    #[error("{key}: a number must be finite, got {found}")]
    NotFinite {
        /// Dotted path of the key.
        key: String,
        /// What was found.
        found: String,
    },
    /// Several settings are wrong.
    #[error("{} settings are wrong:{}", faults.len(), lines(faults))]
    Several {
        /// What is wrong with each.
        faults: Vec<SettingFault>,
    },
    /// A model may look at the answers.
    #[error(
        "the inputs of the task hold its answers one position later, so its model must not look ahead: set \
         model.mask = \"causal\""
    )]
    NeedsCausalMask,
    /// A model that reads a source has none.
    #[error(
        "model.name is `encoder-decoder`, which answers a source, but the inputs of the task have none; take a task of \
         pairs, such as `dates` or `translate`, or set model.name = \"transformer\""
    )]
    NeedsSource,
    /// A setting that is not an assignment.
    #[error("`{found}` is not an assignment; write `key=value`")]
    NotAnAssignment {
        /// What was found.
        found: String,
    },
    /// The model does not fit the task.
    #[error("model.{key} is {got}, but the task needs {expected}; leave it out to follow the task")]
    DoesNotFitTask {
        /// Name of the field.
        key: &'static str,
        /// What the task needs.
        expected: usize,
        /// What was found.
        got: usize,
    },
}

impl SettingFault {
    /// Dotted path of the key, where it is one that nothing reads.
    pub fn unknown_key(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { key, .. } | Self::SettingOfAnother { key, .. } => Some(key),
            _ => None,
        }
    }

    /// All of them as one; `None` if there are none.
    pub(crate) fn all(mut faults: Vec<Self>) -> Option<Self> {
        let first = faults.pop()?;
        if faults.is_empty() {
            return Some(first);
        }
        faults.push(first);
        Some(Self::Several { faults })
    }
}

fn lines(faults: &[SettingFault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

fn meant(nearest: Option<&str>, table: Option<&str>, known: &[String]) -> String {
    match (nearest, table) {
        (Some(key), _) => format!("did you mean `{key}`?"),
        (None, Some(table)) => format!("`{table}` has {}", known.join(", ")),
        (None, None) => format!("a config has {}", known.join(", ")),
    }
}

fn in_quotes(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
