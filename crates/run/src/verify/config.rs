//! The config of a run beside that of its newest checkpoint.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::Fault;
use crate::checkpoint::{Checkpoint, Description};
use crate::config::{Difference, changes_of_meaning, differences};
use crate::error::RunError;
use crate::folder::RunFolder;

impl RunFolder {
    /// What is wrong with `config.toml`, and where it differs from what the newest checkpoint was trained with. A value
    /// that the checkpoint lacks may be there if `complete` gives it to the rest of the file.
    pub(super) fn config_faults(
        &self,
        newest: Option<&(&Checkpoint, Description)>,
        complete: &dyn Fn(&Table) -> Option<Table>,
    ) -> Result<Vec<Fault>, RunError> {
        let text = self.config_as_it_is()?;
        let mut config: Table = match text.parse() {
            Ok(config) => config,
            Err(error) => {
                let bytes = error.span().map(|span| span.start as u64..span.end as u64);
                return Ok(vec![Fault { bytes, what: format!("expected TOML, {}", error.message()) }]);
            }
        };
        let Some((checkpoint, saved)) = newest else { return Ok(Vec::new()) };
        // Of another version it would have been refused above.
        let _ = Self::take_format(&mut config);
        if config.is_empty() {
            return Ok(vec![Fault::of_all("it is empty")]);
        }
        let fault = |Difference { key, before, now }| {
            let [found, expected] = [now, before]
                .map(|value: Option<Value>| value.map_or("no value".to_owned(), |value| value.to_string()));
            let step = checkpoint.step;
            Fault::of_all(format!("`{key}` is {found}, the checkpoint of step {step} has {expected}"))
        };
        let mut changes = changes_of_meaning(&saved.config, &config);
        if changes.iter().any(is_added) {
            let rest = without(config.clone(), &changes);
            if let Some(completed) = complete(&rest) {
                let differing = differences(&completed, &config).into_iter();
                let differing: BTreeSet<String> = differing.map(|difference| difference.key).collect();
                changes.retain(|change| !is_added(change) || differing.contains(&change.key));
            }
        }
        Ok(changes.into_iter().map(fault).collect())
    }
}

/// Whether the checkpoint has no such value.
fn is_added(change: &Difference) -> bool {
    change.before.is_none()
}

/// A config without the values that were added.
fn without(mut config: Table, changes: &[Difference]) -> Table {
    for Difference { key, .. } in changes.iter().filter(|change| is_added(change)) {
        remove(&mut config, key);
    }
    config
}

/// Removes the value at a dotted path, and the tables that have nothing else.
fn remove(table: &mut Table, key: &str) {
    if table.remove(key).is_some() {
        return;
    }
    // A key may have a dot in it.
    for (at, _) in key.match_indices('.') {
        let (first, rest) = (&key[..at], &key[at + 1..]);
        if let Some(Value::Table(below)) = table.get_mut(first) {
            remove(below, rest);
            if below.is_empty() {
                table.remove(first);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{CONFIG_TEXT, Outcome, run};
    use crate::folder::CONFIG;
    use std::fs;

    #[test]
    fn values_are_compared_and_not_texts() -> Outcome {
        let (folder, run) = run(&[4])?;
        let whats = |config: &str| -> Result<Vec<String>, Box<dyn std::error::Error>> {
            fs::write(folder.path().join(CONFIG), config)?;
            let findings =
                run.verify()?.findings.into_iter().filter(|finding| finding.file.ends_with(CONFIG));
            Ok(findings.map(|finding| finding.what).collect())
        };
        let same = CONFIG_TEXT.replace("seed = 3", "# early\nseed   =  3.0");
        assert_eq!(whats(&same)?, [""; 0]);
        let other = CONFIG_TEXT.replace("seed = 3", "sead = 3").replace("steps = 9", "steps = 90");
        assert_eq!(
            whats(&other)?,
            [
                "`sead` is 3, the checkpoint of step 4 has no value",
                "`seed` is no value, the checkpoint of step 4 has 3",
                "`train.steps` is 90, the checkpoint of step 4 has 9",
            ]
        );
        // What the checkpoint of an older version lacks may have the value that it has where it is left out.
        let complete = |config: &Table| {
            assert!(!config.contains_key("loss"), "what was added is left out");
            let mut config = config.clone();
            config.insert("loss".to_owned(), "cross-entropy".into());
            Some(config)
        };
        let of_older = |config: &str| -> Result<Vec<String>, Box<dyn std::error::Error>> {
            fs::write(folder.path().join(CONFIG), config)?;
            let findings = run.verify_with(&complete)?.findings.into_iter();
            Ok(findings.filter(|one| one.file.ends_with(CONFIG)).map(|one| one.what).collect())
        };
        let added = |line: &str| line.to_owned() + CONFIG_TEXT;
        assert_eq!(of_older(&added("loss = \"cross-entropy\"\n"))?, [""; 0]);
        let another = "`loss` is \"mine\", the checkpoint of step 4 has no value";
        assert_eq!(of_older(&added("loss = \"mine\"\n"))?, [another]);
        let both = of_older(&added("loss = \"cross-entropy\"\n").replace("seed = 3", "sead = 3"))?;
        assert_eq!(
            both,
            [
                "`sead` is 3, the checkpoint of step 4 has no value",
                "`seed` is no value, the checkpoint of step 4 has 3",
            ]
        );
        // What is kept of a run may change.
        assert_eq!(whats(&CONFIG_TEXT.replace("steps = 9", "steps = 9\nkeep = 4"))?, [""; 0]);
        assert!(whats("seed =")?[0].starts_with("expected TOML"));
        assert_eq!(whats("")?, ["it is empty"]);
        Ok(())
    }
}
