//! The answer to what is no whole number of the range of its key: with that range, as the answer to 0 has it. A type of the
//! code has another one.

use qkv_model::{ModelError, WrongValue};
use qkv_run::flatten;
use toml::{Table, Value};

use crate::error::TrainError;

/// How a range is found: by configs with other numbers in them.
pub(super) struct Ranges<'a> {
    /// A config in which nothing is wrong.
    pub defaults: &'a Table,
    /// What is wrong with a config.
    pub refuse: &'a mut dyn FnMut(Table) -> Option<TrainError>,
}

impl Ranges<'_> {
    /// `error` about `config`, with the range of its key where it is about a whole number that cannot be 0. The range may
    /// depend on the rest of `config`; where something else is wrong there, it is that in the defaults.
    pub fn named_in(&mut self, error: TrainError, config: Table) -> TrainError {
        let TrainError::Model(ModelError::WrongValue(wrong)) = &error else { return error };
        if !wrong.expected.starts_with("a whole number") {
            return error;
        }
        let configs = [config, self.defaults.clone()];
        let of_zero = configs.into_iter().find_map(|config| Some((self.refusal(&config, wrong, 0)?, config)));
        let Some((refusal, config)) = of_zero else { return error };
        let Some(range) = range(&refusal, &wrong.key) else { return error };
        if wrong.found.parse::<i64>().is_ok_and(|number| number < 0) {
            return with_found(refusal, &wrong.found);
        }
        let write = format!("{}={}", wrong.key, self.advised(&config, wrong, range));
        let of = if range.starts_with("at ") { "of " } else { "" };
        let expected = format!("a whole number {of}{range}");
        ModelError::WrongValue(WrongValue { expected, write: Some(write), ..wrong.clone() }).into()
    }

    /// The answer to this number in the place of what is wrong, if it is about its range.
    fn refusal(&mut self, config: &Table, wrong: &WrongValue, number: i64) -> Option<TrainError> {
        let mut config = config.clone();
        put(&mut config, &wrong.key, number)?;
        (self.refuse)(config).filter(|refusal| range(refusal, &wrong.key).is_some())
    }

    /// A number of the range: what was meant, the default, or the first that the range names.
    fn advised(&mut self, config: &Table, wrong: &WrongValue, range: &str) -> i64 {
        let meant = wrong.write.as_ref().and_then(|write| write.split_once('=')?.1.parse().ok());
        let default = flatten(self.defaults).get(&wrong.key).and_then(Value::as_integer);
        let fits = |number: &i64| self.refusal(config, wrong, *number).is_none();
        let named = || range.split(' ').find_map(|word| word.parse().ok());
        meant.into_iter().chain(default).find(fits).or_else(named).unwrap_or(1)
    }
}

/// Puts a number at a dotted path; `None` if something on the way is no table.
fn put(table: &mut Table, path: &str, number: i64) -> Option<()> {
    let Some((key, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), Value::Integer(number));
        return Some(());
    };
    put(table.entry(key).or_insert_with(|| Value::Table(Table::new())).as_table_mut()?, rest, number)
}

/// The range of the number at `path`, if this is about it.
fn range<'a>(error: &'a TrainError, path: &str) -> Option<&'a str> {
    match error {
        TrainError::OutOfRange { key, expected, .. } if *key == path => Some(expected),
        TrainError::ModelSetting { table, error: ModelError::OutOfRange { name, expected, .. } }
            if path
                .strip_prefix(table.as_str())
                .is_some_and(|below| below.strip_prefix('.') == Some(name)) =>
        {
            Some(expected)
        }
        _ => None,
    }
}

/// The same about another number.
fn with_found(error: TrainError, found: &str) -> TrainError {
    let got = found.to_owned();
    match error {
        TrainError::OutOfRange { key, expected, .. } => TrainError::OutOfRange { key, expected, got },
        TrainError::ModelSetting { table, error: ModelError::OutOfRange { name, expected, .. } } => {
            TrainError::ModelSetting { table, error: ModelError::OutOfRange { name, expected, got } }
        }
        error => error,
    }
}
