//! Where a study and its runs lie.

use std::path::{Path, PathBuf};

use anyhow::Result;
use qkv_run::{Disk, RunFolder};
use qkv_study::Study;

use super::record::STUDY;
use crate::args::SweepArgs;
use crate::exit::usage;
use crate::session::config_file;
use crate::session::plan::RUNS;

/// The file of a study, and the folder of its runs.
pub struct Source {
    pub file: PathBuf,
    pub folder: PathBuf,
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

    /// The study, with the text that it was read from.
    pub fn read(&self) -> Result<(String, Study)> {
        let text = config_file::read(&self.file)?;
        let study = Study::parse(&text)?;
        Ok((text, study))
    }
}
