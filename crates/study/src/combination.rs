//! The settings of one run, and the name that they give it.

use toml::{Table, Value};

/// What one run of a study has that others may not have.
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    pub(crate) settings: Vec<(String, Value)>,
}

impl Combination {
    /// By dotted key, in alphabetical order.
    pub fn settings(&self) -> &[(String, Value)] {
        &self.settings
    }

    /// `key=value` as TOML, as a config takes it.
    pub fn assignments(&self) -> Vec<String> {
        self.settings.iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    /// The same without quotation marks, to be read.
    pub fn labels(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.settings.iter().map(|(key, value)| format!("{key}={}", text(value))).collect()
    }

    /// The labels as the name of a folder, with `_` for every character that no file name should have.
    pub fn folder_name(&self) -> String {
        let name = self.labels().join(",");
        name.chars().map(|c| if c.is_alphanumeric() || "=.,-+_".contains(c) { c } else { '_' }).collect()
    }

    /// `config` with these settings in it.
    pub fn over(&self, config: &Table) -> Table {
        let mut config = config.clone();
        for (key, value) in &self.settings {
            let mut table = &mut config;
            let mut keys = key.split('.').peekable();
            while let Some(key) = keys.next() {
                if keys.peek().is_none() {
                    table.insert(key.to_owned(), value.clone());
                    break;
                }
                let entry = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
                if !entry.is_table() {
                    // A choice that is written by its name alone.
                    *entry = Value::Table(Table::from_iter([("name".to_owned(), entry.clone())]));
                }
                table = entry.as_table_mut().expect("made a table just above");
            }
        }
        config
    }
}
