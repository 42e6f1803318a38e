//! Reading a checkpoint: no byte is used before its size and its hash were checked.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::bounds;
use crate::checkpoint::description::{Description, Format};
use crate::checkpoint::manifest::{Manifest, ManifestFile};
use crate::checkpoint::own_keys::{OwnKeys, Unread};
use crate::checkpoint::{CONFIG, Checkpoint, Contents, MANIFEST, OPTIMIZER, WEIGHTS};
use crate::config::{Difference, changes_of_meaning};
use crate::error::RunError;
use crate::hash::sha256;
use crate::json_values::Count;
use crate::storage::Storage;
use crate::tensor_file::{LONGEST_HEADER, hash_tensors, read_tensors};

/// Why a checkpoint is of another run than the one of `step`, if it is. What one of them lacks may be the default of a
/// version that had no such setting.
pub(crate) fn of_another_run(found: &Description, (step, expected): (u64, &Description)) -> Option<String> {
    let mut changes = changes_of_meaning(&found.config, &expected.config).into_iter();
    let (key, found, expected) =
        changes.find_map(|Difference { key, before, now }| Some((key, before?, now?)))?;
    Some(format!(
        "it is of another run: its `{key}` is {found}, the checkpoint of step {step} has {expected}"
    ))
}

impl Checkpoint {
    /// Everything that was saved, to go on from.
    ///
    /// # Errors
    /// [`RunError::Damaged`] if a file is missing, surplus, or other than its manifest states, or the checkpoint is of
    /// another run than the newest one beside it, and
    /// [`RunError::UnknownFormat`] if another version wrote it; neither passes. [`RunError::Io`] if a file cannot be
    /// read now.
    pub fn read(&self) -> Result<Contents, RunError> {
        let manifest = self.check_list()?;
        let bytes = |name| self.read_file(name, manifest.as_ref());
        let description = self.parse_description(&bytes(CONFIG)?)?;
        self.check_run(&description)?;
        Ok(Contents { weights: bytes(WEIGHTS)?, optimizer: bytes(OPTIMIZER)?, description })
    }

    /// Reads every byte and keeps none of a tensor: what made it, and the SHA-256 of its weights.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn check(&self) -> Result<(Description, String), RunError> {
        let (description, weights) = self.check_files()?;
        self.check_run(&description)?;
        Ok((description, weights))
    }

    /// The same, whatever run it is of.
    pub(crate) fn check_files(&self) -> Result<(Description, String), RunError> {
        let manifest = self.check_list()?;
        let description = self.parse_description(&self.read_file(CONFIG, manifest.as_ref())?)?;
        let hash = |name| self.hash_file(name, manifest.as_ref());
        let weights = hash(WEIGHTS)?;
        hash(OPTIMIZER)?;
        Ok((description, weights))
    }

    /// The weights alone, safetensors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_weights(&self) -> Result<Vec<u8>, RunError> {
        let manifest = self.check_list()?;
        self.check_run(&self.parse_description(&self.read_file(CONFIG, manifest.as_ref())?)?)?;
        self.read_file(WEIGHTS, manifest.as_ref())
    }

    /// A whole checkpoint of another run is as good as a damaged one where it lies in a run that it is not of. That shows
    /// beside a newer one that is whole; `config.toml` may have been edited.
    fn check_run(&self, description: &Description) -> Result<(), RunError> {
        let beside = self.run().and_then(|run| run.step_folders().ok()).unwrap_or_default();
        let mut newer = beside.into_iter().rev().take_while(|other| other.step > self.step);
        let newest = newer.find_map(|other| Some((other.step, other.description().ok()?)));
        match newest.and_then(|(step, expected)| of_another_run(description, (step, &expected))) {
            None => Ok(()),
            Some(what) => Err(RunError::damaged(&self.config(), what)),
        }
    }

    /// What made it, from `config.json` alone.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn description(&self) -> Result<Description, RunError> {
        self.parse_description(&self.read_file(CONFIG, self.check_list()?.as_ref())?)
    }

    /// Whether a manifest has the hash of every file; `None` where that cannot be read.
    pub(crate) fn has_manifest(&self) -> Option<bool> {
        self.size_of(MANIFEST).ok().map(|size| size.is_some())
    }

    /// Whether `config.json` is of the format in which no checkpoint has a manifest, or is no JSON: what is wrong then
    /// shows where it is used. A config that is damaged otherwise is of neither format; one that cannot be read now may
    /// be of either.
    pub(super) fn is_of_the_format_before_manifests(&self) -> Result<bool, RunError> {
        match self.read_file(CONFIG, None) {
            Ok(config) => Ok(match OwnKeys::read(&config) {
                Ok(own) => !matches!(Format::of(&own), Format::WithManifest),
                Err(Unread::NoObject(_)) => true,
                Err(Unread::TooManyValues) => false,
            }),
            Err(RunError::Damaged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Everything that is wrong with it, where [`read`](Self::read) returns the first.
    pub(crate) fn faults(&self) -> Vec<RunError> {
        let manifest = match self.list() {
            Ok(manifest) => manifest,
            Err(error) => return vec![error],
        };
        let mut faults = manifest.as_ref().map_or(Vec::new(), |manifest| self.list_faults(manifest));
        if faults.iter().any(|fault| matches!(fault, RunError::Io { .. })) {
            return faults;
        }
        for name in [CONFIG, WEIGHTS, OPTIMIZER] {
            let path = self.folder.join(name);
            let is_known =
                |fault: &RunError| matches!(fault, RunError::Damaged { file, .. } if *file == path);
            if faults.iter().any(is_known) {
                continue;
            }
            let checked = match name {
                CONFIG => self
                    .read_file(name, manifest.as_ref())
                    .and_then(|bytes| self.parse_description(&bytes).map(drop)),
                _ => self.hash_file(name, manifest.as_ref()).map(drop),
            };
            faults.extend(checked.err());
        }
        faults
    }

    fn parse_description(&self, json: &[u8]) -> Result<Description, RunError> {
        let path = self.config();
        let own = OwnKeys::read(json).map_err(|unread| RunError::damaged(&path, unread.to_string()))?;
        if let Format::Unknown(found) = Format::of(&own) {
            return Err(RunError::unknown_format(&path, found, Format::KNOWN));
        }
        Description::parse(own, json, self.step).map_err(|what| RunError::damaged(&path, what))
    }

    /// The bytes of a file, if they are those of the manifest.
    pub(super) fn read_file(&self, name: &str, manifest: Option<&Manifest>) -> Result<Vec<u8>, RunError> {
        let path = self.folder.join(name);
        let size = self.size_of_one_that_is_there(name)?;
        let bytes = match name {
            CONFIG => read_text(&*self.storage, &path),
            _ => {
                let needed =
                    self.of_model.map(|[parameters, state]| if name == WEIGHTS { parameters } else { state });
                let most = needed.map_or(size, |bytes| bytes.saturating_add(LONGEST_HEADER));
                let bytes = read_tensors(&*self.storage, &path, size.min(most));
                bytes.map_err(|error| match needed {
                    Some(needed) if error.kind() == ErrorKind::FileTooLarge => {
                        let what = format!("it has {size} bytes, the model needs {needed} and a header");
                        io::Error::new(ErrorKind::FileTooLarge, what)
                    }
                    _ => error,
                })
            }
        };
        let bytes = bytes.map_err(|error| refused(&path, error))?;
        if let Some(manifest) = manifest {
            check_hash(&path, name, &sha256(&bytes), manifest)?;
        }
        Ok(bytes)
    }

    /// The SHA-256 of a file with tensors, if it is that of the manifest.
    fn hash_file(&self, name: &str, manifest: Option<&Manifest>) -> Result<String, RunError> {
        let path = self.folder.join(name);
        self.size_of_one_that_is_there(name)?;
        let found = hash_tensors(&*self.storage, &path).map_err(|error| refused(&path, error))?;
        manifest.map_or(Ok(()), |manifest| check_hash(&path, name, &found, manifest))?;
        Ok(found)
    }

    fn size_of_one_that_is_there(&self, name: &str) -> Result<u64, RunError> {
        let missing = || RunError::damaged(&self.folder.join(name), "it is missing".to_owned());
        self.size_of(name)?.ok_or_else(missing)
    }
}

/// What is no file of tensors or no description is damage; what cannot be read now is not.
fn refused(path: &Path, error: io::Error) -> RunError {
    match error.kind() {
        ErrorKind::InvalidData => RunError::damaged(path, error.to_string()),
        _ => RunError::io("read", path)(error),
    }
}

fn check_hash(path: &Path, name: &str, found: &str, manifest: &Manifest) -> Result<(), RunError> {
    match manifest.files.iter().find(|file| file.name == name) {
        Some(ManifestFile { sha256: expected, .. }) if found != expected => {
            let what = format!("its SHA-256 is {found}, MANIFEST.json states {expected}");
            Err(RunError::damaged(path, what))
        }
        _ => Ok(()),
    }
}

/// The text of a `config.json` of any origin, unless it is longer or has more values than any that is written.
///
/// # Errors
/// As [`Storage::read`], and [`ErrorKind::InvalidData`] for such a text.
pub fn read_description(storage: &dyn Storage, file: &Path) -> io::Result<Vec<u8>> {
    let text = read_text(storage, file)?;
    match Count::is_within(&text, bounds::DESCRIPTION_VALUES) {
        true => Ok(text),
        false => {
            let what = format!("it has more than {} values", bounds::DESCRIPTION_VALUES);
            Err(io::Error::new(ErrorKind::InvalidData, what))
        }
    }
}

/// The same, whatever it has.
fn read_text(storage: &dyn Storage, file: &Path) -> io::Result<Vec<u8>> {
    storage.read(file, bounds::DESCRIPTION).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => {
            let what = format!("it is longer than {} bytes", bounds::DESCRIPTION);
            io::Error::new(ErrorKind::InvalidData, what)
        }
        _ => error,
    })
}
