//! `qkv inspect`: W_Q, W_K and W_V as pictures and figures, from the files alone.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use qkv_inspect::{HeatMap, Matrix, Palette, Source, Summary, summarize};

use crate::args::InspectArgs;
use crate::exit::usage;
use crate::output::picture_files::{Album, Format};
use crate::output::stdout::Stdout;

/// Cells of a matrix along each axis: two columns each, they fit into 80 beside their labels.
const CELLS: usize = 32;

/// Shows every matrix and the attention map; writes pictures where they are asked for.
pub fn run(args: &InspectArgs) -> Result<ExitCode> {
    let album = args.svg.as_deref().map(|folder| Album::new(folder, Format::Svg)).transpose()?;
    let mut source = Source::open(&args.source)?;
    if let Some(n_heads) = args.heads {
        if n_heads == 0 {
            return Err(usage("--heads must be at least 1, got 0"));
        }
        source = source.with_heads(n_heads);
    }
    let summaries =
        summarize(&source).with_context(|| format!("cannot inspect {}", args.source.display()))?;
    if summaries.is_empty() && source.layers()?.is_empty() && source.snapshot.is_none() {
        return Err(usage(format!(
            "{} has no matrix named w_q, w_k, w_v or w_o; it has {}",
            args.source.display(),
            source.weights.names().take(5).collect::<Vec<_>>().join(", ")
        )));
    }
    let out = &mut Stdout::new();
    match source.step {
        Some(step) => writeln!(out, "{} at step {step}", args.source.display())?,
        None => writeln!(out, "{}", args.source.display())?,
    }
    if summaries.is_empty() {
        writeln!(out, "\nno projections: queries, keys and values are the input itself")?;
    } else {
        figures(out, &summaries)?;
        matrices(out, &source)?;
    }
    attention(out, &source)?;
    if let Some(album) = &album {
        pictures(out, &source, album)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The name as the lecture writes it: `w_q` is W_Q.
fn title(matrix: &str) -> String {
    matrix.to_uppercase()
}

/// Singular values in a row of figures; with them it fits into 80 columns.
const SINGULAR_VALUES: usize = 3;

fn figures(out: &mut impl Write, summaries: &[Summary]) -> Result<()> {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let mut place = String::new();
    for summary in summaries {
        let here = format!("{}, head {}", summary.layer.escape_debug(), summary.head);
        if here != place {
            writeln!(out, "\n{here}")?;
            writeln!(
                out,
                "       {:<10} {:>7} {:>5} {:>9}   {:<23}  {:>6}  {:>6}",
                "shape", "norm", "rank", "effective", "largest singular values", "moved", "cosine"
            )?;
            place = here;
        }
        let largest = summary.singular_values.as_ref().map(|values| {
            let largest: Vec<String> =
                values.iter().take(SINGULAR_VALUES).map(|value| format!("{value:>7.3}")).collect();
            largest.join(" ")
        });
        let moved = summary.moved.as_ref();
        let shape = format!("{} × {}", summary.rows, summary.columns);
        let rank = or_dash(summary.rank.map(|rank| rank.to_string()));
        let effective = or_dash(summary.effective_rank.map(|rank| format!("{rank:.1}")));
        let distance =
            or_dash(moved.and_then(|moved| moved.distance).map(|distance| format!("{distance:.3}")));
        let cosine = or_dash(moved.and_then(|moved| moved.cosine).map(|cosine| format!("{cosine:.3}")));
        writeln!(
            out,
            "  {:<4} {shape:<10} {:>7.3} {rank:>5} {effective:>9}   {:<23}  {distance:>6}  {cosine:>6}",
            title(summary.matrix),
            summary.norm,
            or_dash(largest)
        )?;
    }
    writeln!(out, "\nmoved is ‖W - W_0‖ / ‖W_0‖, cosine the angle between W and W_0, the matrix at step 0")?;
    Ok(())
}

fn matrices(out: &mut Stdout, source: &Source) -> Result<()> {
    for (name, matrix) in named(source)? {
        let map = HeatMap::new(&matrix, Palette::Diverging).with_title(&name).at_most(CELLS, CELLS);
        out.heat_map(&map)?;
    }
    Ok(())
}

/// Every matrix with its layer, head and name.
fn named(source: &Source) -> Result<Vec<(String, Matrix)>> {
    let mut named = Vec::new();
    for layer in source.layers()? {
        for (head, weights) in layer.heads.iter().enumerate() {
            for (name, matrix) in weights.named() {
                let name = format!("{} of {}, head {head}", title(name), layer.prefix);
                named.extend(matrix.map(|matrix| (name, matrix.clone())));
            }
        }
    }
    Ok(named)
}

fn attention(out: &mut Stdout, source: &Source) -> Result<()> {
    let Some(snapshot) = &source.snapshot else {
        return Ok(());
    };
    for map in &snapshot.maps {
        write!(out, "\nattention weights, query down, key across")?;
        out.heat_map(&snapshot.heat_map(map))?;
    }
    Ok(())
}

fn pictures(out: &mut impl Write, source: &Source, album: &Album) -> Result<()> {
    for (name, matrix) in named(source)? {
        let map = HeatMap::new(&matrix, Palette::Diverging).with_title(&name);
        album.add(out, &name.replace(" of ", " ").replace(", ", " "), &map)?;
    }
    for (snapshot, map) in
        source.snapshot.iter().flat_map(|snapshot| snapshot.maps.iter().map(move |map| (snapshot, map)))
    {
        album.add(out, &format!("weights {} head {}", map.layer, map.head), &snapshot.heat_map(map))?;
    }
    Ok(())
}
