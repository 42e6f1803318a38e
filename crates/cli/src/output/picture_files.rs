//! Pictures as files: `--svg` and `--png`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use qkv_inspect::{FilmStrip, HeatMap};

use crate::exit::usage;

/// How a picture is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Svg,
    Png,
}

/// A folder of pictures.
pub struct Album {
    folder: PathBuf,
    format: Format,
}

impl Album {
    /// Refuses what is a file; the folder is made with the first picture.
    pub fn new(folder: &Path, format: Format) -> Result<Self> {
        if folder.is_file() {
            let flag = format.extension();
            return Err(usage(format!("--{flag} {} is a file; name a folder", folder.display())));
        }
        Ok(Self { folder: folder.to_owned(), format })
    }

    /// Writes a heat map.
    pub fn add(&self, out: &mut impl Write, name: &str, map: &HeatMap) -> Result<()> {
        let bytes = match self.format {
            Format::Svg => map.svg()?.into_bytes(),
            Format::Png => map.png()?,
        };
        self.write(out, name, &bytes)
    }

    /// Writes a still of a film.
    pub fn add_strip(&self, out: &mut impl Write, name: &str, strip: &FilmStrip) -> Result<()> {
        let bytes = match self.format {
            Format::Svg => strip.svg()?.into_bytes(),
            Format::Png => strip.png()?,
        };
        self.write(out, name, &bytes)
    }

    fn write(&self, out: &mut impl Write, name: &str, bytes: &[u8]) -> Result<()> {
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot create {}", self.folder.display()))?;
        let file: String =
            name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
        let path = self.folder.join(file).with_extension(self.format.extension());
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(writeln!(out, "wrote {}", path.display())?)
    }
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}
