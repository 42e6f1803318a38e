//! Which files a checkpoint has, against those that its manifest lists.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use crate::bounds;
use crate::checkpoint::description::Format;
use crate::checkpoint::manifest::{Manifest, ManifestFile, NoManifest};
use crate::checkpoint::own_keys::OwnKeys;
use crate::checkpoint::{CONFIG, Checkpoint, MANIFEST, OPTIMIZER, WEIGHTS};
use crate::error::RunError;
use crate::storage::{EntryKind, list};

impl Checkpoint {
    /// The manifest, if the files in the folder are those that it lists and have their sizes; `None` for a checkpoint
    /// of the format before manifests.
    pub(super) fn check_list(&self) -> Result<Option<Manifest>, RunError> {
        let manifest = self.list()?;
        let fault = manifest.as_ref().and_then(|manifest| self.list_faults(manifest).into_iter().next());
        fault.map_or(Ok(manifest), Err)
    }

    /// The manifest; `None` for a checkpoint of the format before manifests.
    pub(super) fn list(&self) -> Result<Option<Manifest>, RunError> {
        let folder = self.storage.entry(&self.folder).map_err(RunError::io("read", &self.folder))?;
        let damaged = |file: &Path, what: &str| Err(RunError::damaged(file, what.to_owned()));
        match folder.map(|folder| folder.kind) {
            None => return damaged(&self.folder, "it is missing"),
            Some(EntryKind::Folder) => {}
            Some(EntryKind::Link) => {
                return damaged(&self.folder, "it is a symbolic link, expected a folder");
            }
            Some(EntryKind::File | EntryKind::Other) => return damaged(&self.folder, "expected a folder"),
        }
        let Some(size) = self.size_of(MANIFEST)? else {
            return self.check_format_before_manifests().map(|()| None);
        };
        let path = self.manifest();
        if size > bounds::MANIFEST {
            return Err(RunError::damaged(&path, format!("it has {size} bytes, expected a kilobyte")));
        }
        let text = self.storage.read(&path, bounds::MANIFEST).map_err(RunError::io("read", &path))?;
        let manifest = Manifest::parse(&text).map_err(|refused| match refused {
            NoManifest::Damaged(what) => RunError::damaged(&path, what),
            NoManifest::UnknownSchema(found) => RunError::unknown_format(&path, found, Manifest::KNOWN),
        })?;
        if manifest.step != self.step {
            let what = format!("it is of step {}, expected {}", manifest.step, self.step);
            return Err(RunError::damaged(&path, what));
        }
        if !manifest.files.iter().map(|file| file.name.as_str()).eq([CONFIG, WEIGHTS, OPTIMIZER]) {
            return Err(RunError::damaged(&path, format!("expected {CONFIG}, {WEIGHTS} and {OPTIMIZER}")));
        }
        Ok(Some(manifest))
    }

    /// Files that the manifest does not list, and those that it lists with another size.
    pub(super) fn list_faults(&self, manifest: &Manifest) -> Vec<RunError> {
        let names = match list(&*self.storage, &self.folder) {
            Ok(names) => names,
            Err(error) => return vec![error],
        };
        let known: BTreeSet<&str> =
            manifest.files.iter().map(|file| file.name.as_str()).chain([MANIFEST]).collect();
        // File managers leave hidden files everywhere; none is ever read.
        let is_surplus = |name: &str| !known.contains(name) && !name.starts_with('.');
        let surplus = names.iter().filter(|name| is_surplus(&name.to_string_lossy()));
        let surplus = surplus.map(|name| {
            RunError::damaged(&self.folder.join(name), "it is not listed in MANIFEST.json".to_owned())
        });
        let of_size = manifest.files.iter().filter_map(|ManifestFile { name, size, .. }| {
            let what = match self.size_of(name) {
                Ok(Some(found)) if found == *size => return None,
                Ok(Some(found)) => format!("it has {found} bytes, MANIFEST.json states {size}"),
                Ok(None) => "it is missing".to_owned(),
                Err(error) => return Some(error),
            };
            Some(RunError::damaged(&self.folder.join(name), what))
        });
        surplus.chain(of_size).collect()
    }

    fn check_format_before_manifests(&self) -> Result<(), RunError> {
        let path = self.config();
        let own = OwnKeys::read(&self.read_file(CONFIG, None)?);
        match Format::of(&own.map_err(|unread| RunError::damaged(&path, unread.to_string()))?) {
            Format::BeforeManifests => Ok(()),
            Format::WithManifest => Err(RunError::damaged(&self.manifest(), "it is missing".to_owned())),
            Format::Unknown(found) => Err(RunError::unknown_format(&path, found, Format::KNOWN)),
        }
    }

    /// The size of a regular file; `None` if it is missing.
    pub(super) fn size_of(&self, name: &str) -> Result<Option<u64>, RunError> {
        let path = self.folder.join(name);
        let Some(entry) = self.storage.entry(&path).map_err(RunError::io("read", &path))? else {
            return Ok(None);
        };
        match entry.kind {
            EntryKind::File => Ok(Some(entry.size)),
            EntryKind::Folder => Err(RunError::io("read", &path)(ErrorKind::IsADirectory.into())),
            EntryKind::Link => {
                Err(RunError::damaged(&path, "it is a symbolic link, expected a regular file".to_owned()))
            }
            EntryKind::Other => {
                Err(RunError::damaged(&path, "it is a device or a pipe, expected a regular file".to_owned()))
            }
        }
    }
}
