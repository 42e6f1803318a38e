//! From a task's defaults, a TOML text and `key=value` settings to one checked config.

use toml::{Table, Value};

use super::Config;
use crate::error::TrainError;

/// The defaults of each built-in task, as files that can be read, copied and passed to `qkv train`.
const DEFAULTS: [(&str, &str); 4] = [
    ("copy", include_str!("../../configs/copy.toml")),
    ("recall", include_str!("../../configs/recall.toml")),
    ("reverse", include_str!("../../configs/reverse.toml")),
    ("sort", include_str!("../../configs/sort.toml")),
];

/// The names of the built-in tasks.
pub fn task_names() -> impl Iterator<Item = &'static str> {
    DEFAULTS.iter().map(|(name, _)| *name)
}

/// What a config starts from.
#[derive(Debug, Clone, Copy)]
pub enum ConfigSource<'a> {
    /// The defaults of a built-in task.
    Task(&'a str),
    /// A TOML text; what it leaves out comes from the defaults of its task.
    Toml(&'a str),
}

impl ConfigSource<'_> {
    /// Reads, overlays `settings` of the form `model.d_k=24`, fills in what is open and checks everything.
    ///
    /// # Errors
    /// If a key is unknown, a value has the wrong type or is out of range, or the parts do not fit each other.
    ///
    /// ```
    /// use qkv_train::ConfigSource;
    ///
    /// let config = ConfigSource::Task("reverse").read(&["train.steps=20", "model.projections=none"])?;
    /// assert_eq!(config.train.steps, 20);
    ///
    /// let error = ConfigSource::Task("reverse").read(&["model.d_modle=64"]).unwrap_err();
    /// assert_eq!(error.to_string(), "unknown key `model.d_modle`; did you mean `model.d_model`?");
    /// # Ok::<(), qkv_train::TrainError>(())
    /// ```
    pub fn read(self, settings: &[impl AsRef<str>]) -> Result<Config, TrainError> {
        let mut given = match self {
            Self::Task(name) => {
                [("task".to_owned(), Value::Table([("name".to_owned(), name.into())].into_iter().collect()))]
                    .into_iter()
                    .collect()
            }
            Self::Toml(text) => text.parse::<Table>().map_err(|error| not_toml(text, &error))?,
        };
        for setting in settings {
            set(&mut given, setting.as_ref())?;
        }
        let defaults = defaults(&given)?;
        check_keys(&given, &known_keys(&defaults)?)?;
        deserialize(merge(defaults, given))?.resolve()
    }
}

/// Puts the value of `a.b.c=value` into `table`, creating the tables on the way.
fn set(table: &mut Table, setting: &str) -> Result<(), TrainError> {
    let not_an_assignment = || TrainError::NotAnAssignment { found: setting.to_owned() };
    let (path, text) = setting.split_once('=').ok_or_else(not_an_assignment)?;
    let mut keys: Vec<&str> = path.trim().split('.').map(str::trim).collect();
    let last =
        keys.pop().filter(|last| !last.is_empty() && !keys.contains(&"")).ok_or_else(not_an_assignment)?;
    let mut table = table;
    for key in keys {
        let entry = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
        if !entry.is_table() {
            *entry = Value::Table(Table::new());
        }
        table = entry.as_table_mut().expect("made a table just above");
    }
    table.insert(last.to_owned(), value(text.trim()));
    Ok(())
}

/// A TOML value, or the text itself, so that names need no quotation marks on the command line.
fn value(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

fn defaults(given: &Table) -> Result<Table, TrainError> {
    let name = match given.get("task") {
        Some(Value::Table(task)) => task.get("name").and_then(Value::as_str).ok_or(TrainError::NoTask)?,
        _ => return Err(TrainError::NoTask),
    };
    let (_, text) = DEFAULTS.iter().find(|(known, _)| *known == name).ok_or_else(|| {
        TrainError::UnknownTask { name: name.to_owned(), known: task_names().map(str::to_owned).collect() }
    })?;
    Ok(text.parse().expect("the defaults are valid TOML"))
}

/// Every key that a config of this task can have: those of its defaults with every open value filled in.
fn known_keys(defaults: &Table) -> Result<Table, TrainError> {
    let resolved = deserialize(defaults.clone())?.resolve()?;
    Ok(Table::try_from(resolved).expect("a config is a TOML table of numbers and names"))
}

fn check_keys(given: &Table, known: &Table) -> Result<(), TrainError> {
    let all: Vec<String> = paths(known, "");
    for path in paths(given, "") {
        // Below a key whose known value is no table (a score such as `{ additive = 16 }`) serde checks the shape.
        let fits = |known: &String| path == *known || path.starts_with(&format!("{known}."));
        if !all.iter().any(fits) {
            return Err(TrainError::UnknownKey { nearest: nearest(&path, &all), key: path });
        }
    }
    Ok(())
}

/// The dotted paths of all values that are no tables.
fn paths(table: &Table, prefix: &str) -> Vec<String> {
    let below = |(key, value): (&String, &Value)| {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(table) => paths(table, &path),
            _ => vec![path],
        }
    };
    table.iter().flat_map(below).collect()
}

/// The known key that looks most like `path`, if one does: by whole path, or by its last part alone, because the most
/// frequent mistake is the wrong table.
fn nearest(path: &str, known: &[String]) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let likeness = |known: &str| {
        let whole = strsim::normalized_damerau_levenshtein(path, known);
        whole.max(strsim::normalized_damerau_levenshtein(&last(path), &last(known)) - 0.05)
    };
    // Below one half, a suggestion confuses more than it helps.
    let best = known.iter().map(|known| (likeness(known), known)).filter(|(likeness, _)| *likeness >= 0.5);
    best.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known.clone())
}

/// `over` on top of `base`, table by table.
fn merge(mut base: Table, over: Table) -> Table {
    for (key, value) in over {
        let merged = match (base.remove(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => Value::Table(merge(base, over)),
            (_, over) => over,
        };
        base.insert(key, merged);
    }
    base
}

fn deserialize(table: Table) -> Result<Config, TrainError> {
    table.try_into().map_err(|error: toml::de::Error| TrainError::Config(in_words(&error.to_string())))
}

fn not_toml(text: &str, error: &toml::de::Error) -> TrainError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    let message = in_words(error.message());
    TrainError::Config(format!("not TOML at line {line}, column {column}: {message}"))
}

/// What serde says, in one line and without the names of Rust's types.
fn in_words(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    words
        .join(" ")
        .replace("expected usize", "expected a whole number of at least 0")
        .replace("expected u64", "expected a whole number of at least 0")
        .replace("expected f64", "expected a number")
}
