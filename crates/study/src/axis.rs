//! One key that varies, and its values.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::StudyError;
use crate::draw::Drawn;
use crate::range;

/// The values of one key.
#[derive(Debug, Clone, PartialEq)]
pub enum Axis {
    /// At least one value, in the order of the file.
    Listed(Vec<Value>),
    /// One value for every draw.
    Drawn(Drawn),
}

/// By dotted key.
pub type Axes = BTreeMap<String, Axis>;

impl Axis {
    /// How many values it has in one draw.
    pub fn len(&self) -> usize {
        match self {
            Self::Listed(values) => values.len(),
            Self::Drawn(_) => 1,
        }
    }

    /// Those that are written out in the file.
    fn values(&self) -> &[Value] {
        match self {
            Self::Listed(values) | Self::Drawn(Drawn::OneOf(values)) => values,
            Self::Drawn(Drawn::Between(_)) => &[],
        }
    }

    /// Every value as in a file, or what draws them.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Listed(values) => values.iter().map(Value::to_string).collect(),
            Self::Drawn(drawn) => vec![drawn.to_string()],
        }
    }

    pub fn is_drawn(&self) -> bool {
        matches!(self, Self::Drawn(_))
    }
}

/// Where keys vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Sweep,
    /// A case may fix a key to one value, which in `[sweep]` belongs into the config itself.
    Case,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Sweep => "[sweep]",
            Self::Case => "[[case]]",
        }
    }

    /// The keys of a table of the study.
    pub fn axes(self, table: &Table) -> Result<Axes, StudyError> {
        let mut axes = Axes::new();
        self.collect(table, "", &mut axes)?;
        Ok(axes)
    }

    fn collect(self, table: &Table, prefix: &str, axes: &mut Axes) -> Result<(), StudyError> {
        for (key, value) in table {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            let axis = match value {
                Value::Array(values) => Axis::Listed(list(&path, values)?),
                Value::Table(table) if range::is_range(table) => range::axis(&path, table)?,
                Value::Table(table) => {
                    self.collect(table, &path, axes)?;
                    continue;
                }
                value if self == Self::Case => Axis::Listed(vec![value.clone()]),
                other => {
                    let found = other.to_string();
                    return Err(StudyError::NotAnAxis { key: path, table: self.name(), found });
                }
            };
            // `a.b` and `"a.b"` are the same key to a config.
            if axes.insert(path.clone(), axis).is_some() {
                return Err(StudyError::KeyTwice { key: path, place: "" });
            }
        }
        Ok(())
    }
}

/// Refuses a key whose values would be overwritten by those of another one, so that several runs would be the same: `task`
/// with `seq_len` in a value beside `task.seq_len`, or with any name beside `task.name`.
pub fn check_nesting(axes: &Axes) -> Result<(), StudyError> {
    for (key, axis) in axes {
        for (inner, _) in axes.iter().filter(|(inner, _)| inner.starts_with(&format!("{key}."))) {
            let path = &inner[key.len() + 1..];
            if let Some(value) = axis.values().iter().find(|value| value_has(value, path)) {
                let (key, inner, value) = (key.clone(), inner.clone(), value.to_string());
                return Err(StudyError::Overwritten { key, inner, value });
            }
        }
    }
    Ok(())
}

/// Where the name of a choice stands; that of a schedule stands under the second.
const NAMES: [&str; 2] = ["name", "kind"];

/// Whether a table has something under this dotted key. A choice that is written by its name alone has that.
pub fn has(table: &Table, path: &str) -> bool {
    match path.split_once('.') {
        Some((key, rest)) => table.get(key).is_some_and(|value| value_has(value, rest)),
        // A schedule takes its name under both.
        None => table.contains_key(path) || (path == NAMES[0] && table.contains_key(NAMES[1])),
    }
}

fn value_has(value: &Value, path: &str) -> bool {
    match value {
        Value::Table(table) => has(table, path),
        Value::String(_) => NAMES.contains(&path),
        _ => false,
    }
}

/// The values of a list, each once.
pub fn list(key: &str, values: &[Value]) -> Result<Vec<Value>, StudyError> {
    if values.is_empty() {
        return Err(StudyError::Empty { key: key.to_owned() });
    }
    let mut texts: Vec<String> = values.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    match texts.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(StudyError::ValueTwice { key: key.to_owned(), value: pair[0].clone() }),
        None => Ok(values.to_vec()),
    }
}
