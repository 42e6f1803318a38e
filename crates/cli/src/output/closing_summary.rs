//! The end of a run on the screen: what one example attends to, and where to look further.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use qkv_inspect::{HeatMap, Matrix, Palette};
use qkv_train::Probe;

use crate::output::colour;

/// Attention maps that are shown; `inspect` shows all.
const MAPS: usize = 4;

/// Positions of a map that fits into a terminal of 80 columns, at two columns each.
const POSITIONS: usize = 36;

/// Shows the attention maps of `probe` and the commands that show more of the run.
pub fn show(out: &mut impl Write, probe: &Probe, run: &Path) -> Result<()> {
    let maps = if probe.tokens.len() <= POSITIONS { maps(probe)? } else { Vec::new() };
    if !maps.is_empty() {
        writeln!(out, "\none test example: each row is a query, each column a key that it may look at")?;
    }
    for (layer, head, map) in maps.into_iter().take(MAPS) {
        let title = format!("attention weights of layer {layer}, head {head}");
        let map = HeatMap::new(&map, Palette::Sequential)
            .with_title(&title)
            .with_labels(&probe.tokens, &probe.tokens);
        writeln!(out, "\n{}", map.text(colour::heat_maps()))?;
    }
    let (command, run) = (command(), run.display());
    writeln!(out, "look further:")?;
    writeln!(out, "  {command} inspect {run}    W_Q, W_K and W_V, and how far training moved them")?;
    writeln!(out, "  {command} report {run}     the same as a film, in one page for a browser")?;
    writeln!(out, "  {command} explain {run}    one query, from x to its context, with these numbers")?;
    writeln!(
        out,
        "  {command} eval {run}       accuracy on as many test examples as you like: --examples N"
    )?;
    Ok(())
}

/// Layer, head and map of all of them.
fn maps(probe: &Probe) -> Result<Vec<(usize, usize, Matrix)>> {
    let mut maps = Vec::new();
    for (layer, weights) in probe.weights.iter().enumerate() {
        let [_, q_len, k_len] = weights.dims();
        let values: Vec<f64> = weights.to_data().iter::<f64>().collect();
        for (head, values) in values.chunks(q_len * k_len).enumerate() {
            let map = Matrix::new(q_len, k_len, values.to_vec())?.with_axes("query", "key");
            maps.push((layer, head, map));
        }
    }
    Ok(maps)
}

/// How the user can start this program again: our own binary under cargo as they have just done it, any other by its
/// path.
fn command() -> String {
    let program = std::env::args().next().unwrap_or_else(|| "qkv".to_owned());
    let is_ours = Path::new(&program).file_stem().is_some_and(|name| name == "qkv");
    if is_ours && std::env::var_os("CARGO").is_some() { "cargo run --release --".to_owned() } else { program }
}
