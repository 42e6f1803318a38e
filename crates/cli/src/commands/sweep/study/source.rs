//! Where a study and its runs lie.

use std::path::{Path, PathBuf};

use anyhow::Result;
use qkv_run::{Disk, RunFolder};
use qkv_study::{Study, TABLES};
use qkv_train::{Registry, SettingsLeftOut};
use toml::Table;

use super::record::STUDY;
use crate::args::{SettingArgs, SweepArgs};
use crate::exit::usage;
use crate::session::config_file;
use crate::session::plan::RUNS;

/// The file of a study, and the folder of its runs.
pub struct Source {
    pub file: PathBuf,
    pub folder: PathBuf,
}

/// The study with what the command line sets.
pub struct Asked {
    pub text: String,
    pub study: Study,
    /// What goes from every run with a name that the command line replaces.
    pub left_out: Vec<SettingsLeftOut>,
}

impl Source {
    /// What the arguments mean: a file, or the folder of a study that was begun.
    pub fn find(args: &SweepArgs) -> Result<Self> {
        let study = args.study.as_path();
        let source = if study.is_dir() {
            let file = study.join(STUDY);
            if !file.is_file() {
                let folder = study.display();
                return Err(usage(format!(
                    "{folder} is a directory without a {STUDY}, so no study was begun there; name the file of a study"
                )));
            }
            Self { file, folder: args.out.clone().unwrap_or_else(|| study.to_owned()) }
        } else {
            let name = study.file_stem().unwrap_or_default();
            let folder = args.out.clone().unwrap_or_else(|| Path::new(RUNS).join(name));
            Self { file: study.to_owned(), folder }
        };
        if source.folder.is_file() {
            return Err(usage(format!("{} is a file; name a folder", source.folder.display())));
        }
        RunFolder::check_place(&Disk, &source.folder.join(STUDY))?;
        Ok(source)
    }

    /// The study with these settings in what its runs have in common.
    pub fn read(&self, settings: &SettingArgs, registry: &Registry) -> Result<Asked> {
        let text = config_file::read(&self.file)?;
        let study = Study::parse(&text)?;
        let typed = settings.typed();
        if typed.is_empty() {
            return Ok(Asked { text, study, left_out: Vec::new() });
        }
        for (typed, settings) in typed {
            let mut set = Table::new();
            registry.set(&mut set, &settings)?;
            if TABLES.iter().any(|table| set.contains_key(*table)) {
                return Err(usage(format!(
                    "`{typed}` is of the study, and not of its runs; change it in the file"
                )));
            }
            if let Some(varied) = study.varies(&set) {
                return Err(usage(format!(
                    "`{varied}` varies in the study, and `{typed}` sets it for all runs; leave that out, or change the study"
                )));
            }
        }
        let mut all: Table = text.parse()?;
        all.retain(|key, _| TABLES.contains(&key));
        let mut config = study.config().clone();
        let left_out = registry.set(&mut config, &settings.all())?;
        all.extend(config);
        let text = toml::to_string(&all)?;
        let study = Study::parse(&text)?;
        Ok(Asked { text, study, left_out })
    }
}
