//! Pictures as files: `--svg` and `--png`.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use qkv_inspect::{FilmStrip, HeatMap, InspectError, LayerWeights, Palette, Snapshot};

use crate::exit::usage;

/// Longest name of a file without its extension; file systems take 255 bytes, some that encrypt 143.
const MAX_BYTES: usize = 120;

/// How a picture is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Svg,
    Png,
}

/// A folder of pictures.
pub struct PictureFiles {
    folder: PathBuf,
    format: Format,
}

/// A picture that is drawn when its turn comes, so that one at a time is in memory.
pub struct Picture<'a> {
    /// From which the name of its file is made.
    pub name: String,
    pub draw: Box<dyn Fn(Format) -> Result<Vec<u8>, InspectError> + 'a>,
}

/// Every attention map of one input.
pub fn maps(probe: &Snapshot) -> impl Iterator<Item = Picture<'_>> {
    probe.maps.iter().map(|map| Picture {
        name: format!("weights {} head {}", map.layer, map.head),
        draw: Box::new(|format| format.heat_map(&probe.heat_map(map))),
    })
}

/// The projections of a layer, head by head, each with the name of its file and titled as the lecture writes it.
pub fn projections(layer: &LayerWeights) -> impl Iterator<Item = (String, HeatMap<'_>)> {
    layer.heads.iter().enumerate().flat_map(move |(head, weights)| {
        weights.named().into_iter().filter_map(move |(name, matrix)| {
            let (name, layer) = (name.to_uppercase(), &layer.prefix);
            let title = format!("{name} of {layer}, head {head}");
            let map = HeatMap::new(matrix?, Palette::Diverging).with_title(&title);
            Some((format!("{name} {layer} head {head}"), map))
        })
    })
}

impl<'a> Picture<'a> {
    pub fn of((name, map): (String, HeatMap<'a>)) -> Self {
        Self { name, draw: Box::new(move |format| format.heat_map(&map)) }
    }
}

impl PictureFiles {
    /// Refuses what is a file; the folder is made with the first picture.
    pub fn new(folder: &Path, format: Format) -> Result<Self> {
        if folder.is_file() {
            let flag = format.extension();
            return Err(usage(format!("--{flag} {} is a file; name a folder", folder.display())));
        }
        Ok(Self { folder: folder.to_owned(), format })
    }

    /// Writes every picture into a file of its own.
    pub fn write(&self, out: &mut impl Write, pictures: &[Picture]) -> Result<()> {
        let names = file_names(pictures.iter().map(|picture| picture.name.as_str()));
        for (picture, name) in pictures.iter().zip(names) {
            let path = self.folder.join(name).with_extension(self.format.extension());
            let bytes = (picture.draw)(self.format)?;
            fs::create_dir_all(&self.folder)
                .with_context(|| format!("cannot create {}", self.folder.display()))?;
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
            writeln!(out, "wrote {}", path.display())?;
        }
        Ok(())
    }
}

impl Format {
    pub fn heat_map(self, map: &HeatMap) -> Result<Vec<u8>, InspectError> {
        match self {
            Self::Svg => map.svg().map(String::into_bytes),
            Self::Png => map.png(),
        }
    }

    pub fn strip(self, strip: &FilmStrip) -> Result<Vec<u8>, InspectError> {
        match self {
            Self::Svg => strip.svg().map(String::into_bytes),
            Self::Png => strip.png(),
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

/// Letters and digits of each name in lower case, at most [`MAX_BYTES`] of them; names that would be equal are
/// numbered, so that they differ where a file system ignores case, too.
fn file_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    let unique = |name: &str| {
        let name = shortened(name.chars().flat_map(char::to_lowercase).map(plain).collect());
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        let mut candidates = std::iter::once(name.clone()).chain(numbered);
        candidates.find(|name| taken.insert(name.clone())).expect("there are more numbers than names")
    };
    names.map(unique).collect()
}

/// Its beginning and its end, which tells the heads apart.
fn shortened(name: String) -> String {
    if name.len() <= MAX_BYTES {
        return name;
    }
    let (start, end) =
        (name.floor_char_boundary(MAX_BYTES / 2), name.ceil_char_boundary(name.len() - MAX_BYTES / 2));
    format!("{}_{}", &name[..start], &name[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_has_a_file_of_its_own() {
        let names = ["W_Q A", "W_Q a", "W_Q a/b", "W_Q a_b", "W_Q a b", "W_Q a_2", "W_Q a", "Ä"];
        let files = file_names(names.into_iter());
        assert_eq!(
            files,
            ["w_q_a", "w_q_a_2", "w_q_a_b", "w_q_a_b_2", "w_q_a_b_3", "w_q_a_2_2", "w_q_a_3", "ä"]
        );
    }

    #[test]
    fn long_names_are_cut_in_the_middle() {
        for letter in ["a", "日", "𝒜"] {
            let names = [0, 1].map(|head| format!("W_Q {} head {head}", letter.repeat(300)));
            let files = file_names(names.iter().map(String::as_str));
            assert!(files.iter().all(|file| file.len() <= MAX_BYTES + 1), "{files:?}");
            assert!(files[0].starts_with("w_q_") && files[1].ends_with("_head_1"), "{files:?}");
        }
    }
}
