//! Which files of a run were checked, and for what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::finding::{Fault, Finding};
use crate::error::RunError;

/// What a file was checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckedFor {
    /// Every bit, by a SHA-256 that was written with it.
    Hash,
    /// That its values have the meaning of those of the newest checkpoint.
    Values,
    /// That its header describes it to its end, or that it is a config; not its numbers.
    Layout,
    /// That every line is an event and no step is missing or there twice; not its figures.
    Lines,
}

/// What was checked in a run, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The files without a finding.
    pub good: BTreeMap<PathBuf, CheckedFor>,
    /// What is not as it was written, file by file.
    pub findings: Vec<Finding>,
}

impl Verified {
    /// Adds what was found in a file that was checked.
    pub(super) fn add(&mut self, file: &Path, checked: CheckedFor, faults: impl IntoIterator<Item = Fault>) {
        let n_before = self.findings.len();
        self.findings.extend(faults.into_iter().map(|fault| fault.in_file(file)));
        if self.findings.len() == n_before {
            self.good.insert(file.to_owned(), checked);
        }
    }

    /// Adds what was found besides in a file that was added before.
    pub(super) fn add_to(&mut self, file: &Path, fault: Option<Fault>) {
        if let Some(fault) = fault {
            self.good.remove(file);
            self.findings.push(fault.in_file(file));
        }
    }

    /// Adds an error that was met in `file` or below it.
    pub(super) fn refuse(&mut self, error: RunError, file: &Path) {
        self.findings.push(Finding::of_error(error, file));
    }
}
