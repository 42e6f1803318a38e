//! The config of a run beside that of its newest checkpoint.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Fault, Finding, finding};
use crate::checkpoint::Checkpoint;
use crate::folder::{CONFIG, RunFolder};

impl RunFolder {
    /// Adds what is wrong with `config.toml`, and where it differs from what the newest checkpoint was trained with.
    pub(super) fn verify_config(&self, newest: Option<(&Checkpoint, &Table)>, findings: &mut Vec<Finding>) {
        let path = self.path.join(CONFIG);
        let text = match self.config() {
            Ok(text) => text,
            Err(error) => return findings.push(finding(error, &path)),
        };
        let mut config: Table = match text.parse() {
            Ok(config) => config,
            Err(error) => {
                let bytes = error.span().map(|span| span.start as u64..span.end as u64);
                let what = format!("expected TOML, {}", error.message());
                return findings.push(Fault { bytes, what }.in_file(&path));
            }
        };
        let Some((checkpoint, saved)) = newest else { return };
        // Of another version it would have been refused above.
        let _ = Self::take_format(&mut config);
        let (ours, theirs) = (flat(&config), flat(saved));
        let keys = ours.keys().chain(theirs.keys().filter(|key| !ours.contains_key(*key)));
        for key in keys.filter(|key| !is_same(ours.get(*key).copied(), theirs.get(*key).copied())) {
            let value = |of: &BTreeMap<String, &Value>| {
                of.get(key).map_or("no value".to_owned(), ToString::to_string)
            };
            let (found, expected) = (value(&ours), value(&theirs));
            let what =
                format!("`{key}` is {found}, the checkpoint of step {} has {expected}", checkpoint.step);
            findings.push(Fault::of_all(what).in_file(&path));
        }
    }
}

/// The values under their dotted keys.
fn flat(table: &Table) -> BTreeMap<String, &Value> {
    let mut values = BTreeMap::new();
    for (key, value) in table {
        match value {
            Value::Table(table) => {
                values
                    .extend(flat(table).into_iter().map(|(below, value)| (format!("{key}.{below}"), value)));
            }
            value => drop(values.insert(key.clone(), value)),
        }
    }
    values
}

/// Whether two values are the same; a whole number may be written with or without its point.
fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
    match (one, other) {
        (Some(Value::Integer(one)), Some(Value::Integer(other))) => one == other,
        (Some(one), Some(other)) if number(one).is_some() => number(one) == number(other),
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{CONFIG_TEXT, Outcome, run};
    use std::fs;

    #[test]
    fn values_are_compared_and_not_texts() -> Outcome {
        let (folder, run) = run(&[4])?;
        let whats = |config: &str| -> Result<Vec<String>, Box<dyn std::error::Error>> {
            fs::write(folder.path().join(CONFIG), config)?;
            let findings = run.verify()?.into_iter().filter(|finding| finding.file.ends_with(CONFIG));
            Ok(findings.map(|finding| finding.what).collect())
        };
        let same = CONFIG_TEXT.replace("seed = 3", "# early\nseed   =  3.0");
        assert_eq!(whats(&same)?, [""; 0]);
        let other = CONFIG_TEXT.replace("seed = 3", "sead = 3").replace("steps = 9", "steps = 90");
        assert_eq!(
            whats(&other)?,
            [
                "`sead` is 3, the checkpoint of step 4 has no value",
                "`train.steps` is 90, the checkpoint of step 4 has 9",
                "`seed` is no value, the checkpoint of step 4 has 3",
            ]
        );
        assert!(whats("seed =")?[0].starts_with("expected TOML"));
        Ok(())
    }
}
