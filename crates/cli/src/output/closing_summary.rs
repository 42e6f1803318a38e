//! The end of a run on the screen: the attention maps of one example, and the commands that show more.

use std::io::Write;
use std::path::Path;

use anyhow::{Error, Result};
use burn::tensor::Tensor;
use qkv_inspect::{HeatMap, Palette};
use qkv_train::Probe;

use super::format::attention_map;
use super::ink::{Ink, Inked};
use super::shell;
use super::stdout::Stdout;
use super::wrap::COLUMNS;

/// Attention maps that are shown; `inspect` shows all.
const MAPS: usize = 4;

/// Positions of a map that fits into a terminal of 80 columns, at two columns each.
const POSITIONS: usize = 36;

/// The commands that show more of a run.
const FURTHER: [(&str, &str); 5] = [
    ("inspect", "W_Q, W_K and W_V, and how far training moved them"),
    ("report", "the same as a film, in one page for a browser"),
    ("explain", "one query, from x to its context, with these numbers"),
    ("sample", "what the model makes of a line that you type"),
    ("eval", "accuracy on any number of test examples: --examples N"),
];

/// Shows the attention maps of `probe` and the commands that show more of the run.
pub fn show(out: &mut Stdout, probe: &Probe, run: &Path) -> Result<()> {
    let fits = probe.labels.tokens.len() <= POSITIONS;
    let shows_maps = fits && !probe.weights.is_empty();
    if shows_maps {
        writeln!(out, "\none test example: each row is a query, each column a key")?;
    }
    let of_layer =
        |(layer, weights): (usize, &Tensor<3>)| (0..weights.dims()[0]).map(move |head| (layer, head));
    let heads = probe.weights.iter().enumerate().flat_map(of_layer);
    for (layer, head) in heads.take(if shows_maps { MAPS } else { 0 }) {
        let map = attention_map(&probe.weights[layer], head).map_err(Error::msg)?;
        let title = format!("attention weights of layer {layer}, head {head}");
        let map = HeatMap::new(&map, Palette::Sequential)
            .with_title(&title)
            .with_labels(&probe.labels.tokens, &probe.labels.tokens);
        out.heat_map(&map)?;
    }
    // A map ends with an empty line.
    writeln!(out, "{}look further:", if shows_maps { "" } else { "\n" })?;
    let run = shell::path(run);
    let commands = FURTHER.map(|(command, what)| (shell::command(&[command, &run]), what));
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| text.chars().count()).max();
    let width = widest(&mut commands.iter().map(|(command, _)| command.as_str())).unwrap_or(0);
    let explained = widest(&mut commands.iter().map(|(_, what)| *what)).unwrap_or(0);
    // Beside each other where that fits.
    let is_wide = 2 + width + 4 + explained > COLUMNS;
    for (command, what) in commands {
        match is_wide {
            true => write!(out, "  {command}\n      ")?,
            false => write!(out, "  {command:<width$}    ")?,
        }
        out.ink(Ink::Quiet, what)?;
        writeln!(out)?;
    }
    Ok(())
}
