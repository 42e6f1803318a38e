//! The end of a run on the screen: the attention maps of one example, and the commands that show more.

use std::io::Write;
use std::path::Path;

use anyhow::{Error, Result};
use qkv_train::{Example, Layer, Probe, Task};

use crate::output::head_map::HeadMap;
use crate::output::ink::{Ink, Inked};
use crate::output::stdout::Stdout;
use crate::output::text::shell;
use crate::output::text::wrap::COLUMNS;

/// Attention maps that are shown; `inspect` shows all.
const MAPS: usize = 4;

/// Positions of a map that fits into a terminal of 80 columns, at two columns each.
const POSITIONS: usize = 36;

/// Positions of an answer whose maps are shown, each of which is a line of every map.
const LINES: usize = 24;

/// The commands that show more of a run.
const FURTHER: [(&str, &str); 5] = [
    ("inspect", "W_Q, W_K and W_V, and how far training moved them"),
    ("report", "the same as a film, in one page for a browser"),
    ("explain", "one query, from x to its context, with these numbers"),
    ("sample", "what the model makes of a line that you type"),
    ("eval", "accuracy on any number of test examples: --examples N"),
];

/// Whether there is room for the maps of an example of a task of pairs; those of any other task are all of one size.
pub fn has_room(task: &dyn Task, example: &Example) -> bool {
    let padding = task.padding();
    let (source, answer) = example.tokens.split_at(task.source_len() * task.stack());
    let held = |side: &[u32]| {
        side.chunks(task.stack().max(1))
            .filter(|position| position.iter().any(|&token| Some(token) != padding))
            .count()
    };
    source.is_empty() || (held(source) <= POSITIONS && held(answer) <= LINES)
}

/// Shows the attention maps of `probe` and the commands that show more of the run.
pub fn show(out: &mut Stdout, probe: &Probe, layers: &[Layer], run: &Path) -> Result<()> {
    let has_alignment = layers.iter().any(Layer::is_cross);
    let first = Layer::shown_first(layers);
    let of_layer = |layer: usize| (0..probe.weights[layer].dims()[0]).map(move |head| (layer, head));
    let shown = if has_alignment { first..first + 1 } else { 0..probe.weights.len() };
    let heads = shown.filter(|layer| *layer < probe.weights.len()).flat_map(of_layer).take(MAPS);
    let heads: Vec<(usize, usize)> = heads.collect();
    let fits = |&(layer, _): &(usize, usize)| HeadMap::size(probe, layer).iter().all(|len| *len <= POSITIONS);
    let shows_maps = !heads.is_empty() && heads.iter().all(fits);
    let titles = Layer::titles(layers);
    for (at, (layer, head)) in heads.into_iter().filter(|_| shows_maps).enumerate() {
        let title = match titles.get(layer) {
            Some(title) if has_alignment => title.clone(),
            _ => format!("layer {layer}"),
        };
        let map = HeadMap::of(probe, layer, head).map_err(Error::msg)?;
        if at == 0 {
            writeln!(out, "\none test {}: {}", if has_alignment { "pair" } else { "example" }, map.legend())?;
        }
        map.show(out, &format!("attention weights of {title}, head {head}"))?;
    }
    // A map ends with an empty line.
    writeln!(out, "{}look further:", if shows_maps { "" } else { "\n" })?;
    further(out, has_alignment, run)
}

fn further(out: &mut Stdout, has_alignment: bool, run: &Path) -> Result<()> {
    let run = shell::path(run);
    let alignment = has_alignment.then(|| {
        let what = "which part of a source each token of its answer reads";
        (shell::command(&["explain", &run, "--map"]), what)
    });
    let commands = FURTHER.map(|(command, what)| (shell::command(&[command, &run]), what));
    let commands: Vec<(String, &str)> = alignment.into_iter().chain(commands).collect();
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
