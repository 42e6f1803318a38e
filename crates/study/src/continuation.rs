//! Whether a study is an earlier one with values added: then every run of that is one of it, under the same name.
//!
//! What the runs have in common is compared by those who read configs: here belong the tables of the study alone.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use crate::{Study, StudyError};

impl Study {
    /// Checks that every run of `earlier` is one of this study, too. Values, cases and draws may be added, and conditions
    /// may go; which keys vary stays.
    ///
    /// # Errors
    /// With the first key that differs otherwise.
    pub fn continues(&self, earlier: &Self) -> Result<(), StudyError> {
        let another =
            |key: &str, was: String, now: String| StudyError::Another { key: key.to_owned(), was, now };
        let (was, now) = (&earlier.settings, &self.settings);
        if was.draws.is_some() && was.draw_seed != now.draw_seed {
            return Err(another("draw_seed", was.draw_seed.to_string(), now.draw_seed.to_string()));
        }
        if was.draws > now.draws {
            let text = |draws: Option<u64>| draws.map_or("not set".to_owned(), |draws| draws.to_string());
            return Err(another("draws", text(was.draws), text(now.draws)));
        }
        let conditions = |study: &Self| study.conditions().map(str::to_owned).collect::<BTreeSet<_>>();
        if !conditions(self).is_subset(&conditions(earlier)) {
            let text = |study: &Self| study.conditions().map(Value::from).collect::<Vec<_>>();
            let [was, now] = [earlier, self].map(|study| Value::Array(text(study)).to_string());
            return Err(another("only", was, now));
        }
        let (before, after) = (earlier.values(), self.values());
        for key in before.keys().chain(after.keys()) {
            let (was, now) = (before.get(key), after.get(key));
            match (was, now) {
                (Some(was), Some(now)) if was.iter().all(|value| now.contains(value)) => {}
                _ => return Err(another(key, text(was), text(now))),
            }
        }
        let after: BTreeSet<Vec<String>> = self.runs()?.iter().map(|run| run.labels()).collect();
        match earlier.runs()?.iter().find(|run| !after.contains(&run.labels())) {
            None => Ok(()),
            Some(run) => Err(another(
                "case",
                format!("such that a run has {}", run.labels().join(" ")),
                "without it".to_owned(),
            )),
        }
    }

    /// The values of every key in all cases, in their order; a draw is one.
    fn values(&self) -> BTreeMap<&str, Vec<String>> {
        let mut values = BTreeMap::<&str, Vec<String>>::new();
        for (key, axis) in self.cases.iter().flatten() {
            let of_key = values.entry(key).or_default();
            for value in axis.texts() {
                if !of_key.contains(&value) {
                    of_key.push(value);
                }
            }
        }
        values
    }
}

fn text(values: Option<&Vec<String>>) -> String {
    values.map_or("not varied".to_owned(), |values| format!("[{}]", values.join(", ")))
}
