//! The attention maps of a layer, which `--map` shows in place of the walk.

use std::ops::Range;

use anyhow::{Error, Result};
use qkv_train::Probe;

use crate::output::files::pictures::{Picture, PictureFiles};
use crate::output::head_map::HeadMap;
use crate::output::stdout::Stdout;

/// The maps of some heads of a layer.
pub struct Maps {
    /// Where the layer stands in the module tree.
    path: String,
    /// Names the pictures, before the head.
    title: String,
    /// What they are about, if that is short enough for a title.
    text: Option<String>,
    maps: Vec<(usize, HeadMap)>,
}

impl Maps {
    /// Those of heads of the layer with this index.
    pub fn of(
        probe: &Probe,
        layer: usize,
        heads: Range<usize>,
        title: &str,
        text: Option<String>,
    ) -> Result<Self> {
        let map = |head| Ok((head, HeadMap::of(probe, layer, head).map_err(Error::msg)?));
        let path = probe.layers.get(layer).cloned().unwrap_or_default();
        Ok(Self { path, title: title.to_owned(), text, maps: heads.map(map).collect::<Result<_>>()? })
    }

    /// Prints what rows and columns are, and every map.
    pub fn show(&self, out: &mut Stdout) -> Result<()> {
        use std::io::Write;
        if let Some((_, first)) = self.maps.first() {
            writeln!(out, "\n{}", first.legend())?;
        }
        self.maps.iter().try_for_each(|(head, map)| map.show(out, &format!("head {head}")))
    }

    /// Writes every map into a file of its own.
    pub fn write(&self, out: &mut Stdout, files: &PictureFiles) -> Result<()> {
        let text = self.text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        let pictures = self.maps.iter().map(|(head, map)| {
            let title = format!("{}, head {head}{text}", self.title);
            Picture::of((format!("weights {} head {head}", self.path), map.heat_map(&title)))
        });
        files.write(out, &pictures.collect::<Vec<_>>())
    }
}
