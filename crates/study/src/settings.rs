//! The table `[study]`: what is no key of a run.

use toml::Value;

use crate::StudyError;
use crate::condition::Condition;

/// What a study has beside its keys.
#[derive(Debug, Default)]
pub struct Settings {
    /// How often each combination is drawn.
    pub draws: Option<u64>,
    pub draw_seed: u64,
    /// All of them have to hold.
    pub only: Vec<Condition>,
}

/// What `only` must be.
const ONLY: &str = "a list of conditions in quotes, such as [\"model.d_k <= model.d_model\"]";

impl Settings {
    pub fn read(table: Option<Value>) -> Result<Self, StudyError> {
        let mut settings = Self::default();
        let table = match table {
            None => return Ok(settings),
            Some(Value::Table(table)) => table,
            Some(found) => return Err(wrong("study", "a table", &found)),
        };
        for (key, value) in table {
            match (key.as_str(), &value) {
                ("draws", Value::Integer(draws @ 1..)) => settings.draws = Some(draws.unsigned_abs()),
                ("draws", _) => return Err(wrong(&key, "a whole number of at least 1", &value)),
                ("draw_seed", Value::Integer(seed @ 0..)) => settings.draw_seed = seed.unsigned_abs(),
                ("draw_seed", _) => return Err(wrong(&key, "a whole number of at least 0", &value)),
                ("only", Value::Array(conditions)) => {
                    settings.only = conditions.iter().map(condition).collect::<Result<_, _>>()?;
                }
                ("only", _) => return Err(wrong(&key, ONLY, &value)),
                _ => return Err(StudyError::UnknownSetting { key }),
            }
        }
        Ok(settings)
    }
}

fn condition(value: &Value) -> Result<Condition, StudyError> {
    value.as_str().map_or_else(|| Err(wrong("only", ONLY, value)), Condition::parse)
}

fn wrong(key: &str, expected: &'static str, found: &Value) -> StudyError {
    StudyError::Setting { key: key.to_owned(), expected, found: found.to_string() }
}
