//! The config of a run beside that of its newest checkpoint.

use toml::Table;

use super::Fault;
use crate::checkpoint::{Checkpoint, Description};
use crate::config::{Difference, changes_of_meaning};
use crate::error::RunError;
use crate::folder::RunFolder;

impl RunFolder {
    /// What is wrong with `config.toml`, and where it differs from what the newest checkpoint was trained with.
    pub(super) fn config_faults(
        &self,
        newest: Option<&(&Checkpoint, Description)>,
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
            let [found, expected] = [now, before].map(|value: Option<toml::Value>| {
                value.map_or("no value".to_owned(), |value| value.to_string())
            });
            let step = checkpoint.step;
            Fault::of_all(format!("`{key}` is {found}, the checkpoint of step {step} has {expected}"))
        };
        Ok(changes_of_meaning(&saved.config, &config).into_iter().map(fault).collect())
    }
}

#[cfg(test)]
mod tests {
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
        // What is kept of a run may change.
        assert_eq!(whats(&CONFIG_TEXT.replace("steps = 9", "steps = 9\nkeep = 4"))?, [""; 0]);
        assert!(whats("seed =")?[0].starts_with("expected TOML"));
        assert_eq!(whats("")?, ["it is empty"]);
        Ok(())
    }
}
