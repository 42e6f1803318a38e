//! `qkv inspect`: W_Q, W_K and W_V as pictures and figures, from the files alone.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use qkv_inspect::{
    Composition, Embeddings, HeadProfile, LayerWeights, Source, Spectrum, Summary, has_compositions, n_pairs,
    profiles, share, significant, summarize,
};
use qkv_run::RunFolder;
use qkv_train::{Parent, Registry};

use crate::args::InspectArgs;
use crate::exit::usage;
use crate::output::files::pictures::{Format, Picture, PictureFiles, maps, projections};
use crate::output::ink::{Ink, Inked};
use crate::output::stdout::Stdout;
use crate::output::text::table::table;
use crate::output::text::wrap::COLUMNS;
use crate::session::runs::location::Location;
use crate::session::runs::open_run::check_to_show;

/// Cells of a matrix along each axis: two columns each, they fit into 80 beside their labels.
const CELLS: usize = 32;

/// Shows every matrix and the attention map; writes pictures where they are asked for.
pub fn run(args: &InspectArgs, registry: &Registry) -> Result<ExitCode> {
    let files = args.svg.as_deref().map(|folder| PictureFiles::new(folder, Format::Svg)).transpose()?;
    let location = Location::find_if_any(&args.source, "--step", args.step)?;
    let is_run = RunFolder::holds_a_run(&args.source)?;
    let of_run = location.as_ref().filter(|_| is_run || !args.settings.is_empty());
    match of_run {
        Some(location) => check_to_show(location, &args.settings, registry)?,
        None if args.settings.is_empty() => {}
        None => return Err(usage("--set gives the place of a run's text; name the folder of the run")),
    }
    let mut source = match (args.step, &location) {
        (Some(step), Some(location)) => Source::open_at(location.run.path(), step)?,
        (Some(step), None) => Source::open_at(&args.source, step)?,
        (None, _) => Source::open(&args.source)?,
    };
    if let Some(n_heads) = args.heads.or(args.kv_heads.map(|_| source.config.heads().n_heads)) {
        source = source.with_heads(n_heads, args.kv_heads)?;
    }
    let path = args.source.display();
    let summaries = summarize(&source).with_context(|| format!("cannot inspect {path}"))?;
    let layers = source.layers()?;
    if summaries.is_empty() && layers.is_empty() && source.snapshot.is_none() {
        let names = source.weights.names().take(5).collect::<Vec<_>>().join(", ");
        return Err(usage(format!("{path} has no matrix named w_q, w_k, w_v or w_o; it has {names}")));
    }
    let out = &mut Stdout::new();
    out.ink(Ink::Title, &path.to_string())?;
    match source.step {
        Some(step) => writeln!(out, " at step {step}")?,
        None => writeln!(out)?,
    }
    let parent = of_run.map(|location| Parent::of(&location.run)).transpose()?;
    if let Some(parent) = parent.flatten() {
        writeln!(out, "it began with {parent}")?;
    }
    if summaries.is_empty() {
        writeln!(out, "\nno projections: queries, keys and values are the input itself")?;
    } else {
        figures(out, &summaries, source.start_step)?;
        absent(out, &source)?;
        for (_, map) in layers.iter().flat_map(projections) {
            out.heat_map(&map.at_most(CELLS, CELLS))?;
        }
    }
    attention(out, &source)?;
    heads(out, &source, &layers)?;
    if let Some(files) = &files {
        let projections = layers.iter().flat_map(projections).map(Picture::of);
        let pictures: Vec<Picture> = projections.chain(source.snapshot.iter().flat_map(maps)).collect();
        files.write(out, &pictures)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The matrices that the model goes without.
fn absent(out: &mut Stdout, source: &Source) -> Result<()> {
    let what = [("W_Q", "queries are"), ("W_K", "keys are"), ("W_V", "values are")];
    let absent: Vec<_> =
        what.into_iter().zip(source.config.absent()).filter(|(_, is_absent)| *is_absent).collect();
    if !absent.is_empty() {
        writeln!(out)?;
    }
    for ((name, made), _) in absent {
        writeln!(out, "no {name}: {made} the input itself")?;
    }
    Ok(())
}

/// Most singular values in a row of figures.
const SINGULAR_VALUES: [&str; 3] = ["σ 1", "σ 2", "σ 3"];

fn figures(out: &mut Stdout, summaries: &[Summary], start_step: Option<u64>) -> Result<()> {
    let head = |n_singular: usize| {
        let singular = &SINGULAR_VALUES[..n_singular];
        [&["", "shape", "norm", "rank", "effective"], singular, &["moved", "cosine"]].concat()
    };
    let row = |summary: &Summary, n_singular: usize| {
        let spectrum = summary.spectrum.as_ref();
        let mut row = vec![
            summary.matrix.to_uppercase(),
            format!("{} × {}", summary.rows, summary.columns),
            significant(summary.norm),
            spectrum.map_or("-".to_owned(), |spectrum| spectrum.rank().to_string()),
            or_dash(spectrum.map(Spectrum::effective_rank)),
        ];
        let singular = |index: usize| spectrum?.values().get(index).copied();
        row.extend((0..n_singular).map(|index| or_dash(singular(index))));
        row.push(or_dash(summary.moved.and_then(|moved| moved.distance)));
        row.push(or_dash(summary.moved.and_then(|moved| moved.cosine)));
        row
    };
    let rows = |summaries: &[Summary], n_singular: usize| -> Vec<Vec<String>> {
        summaries.iter().map(|summary| row(summary, n_singular)).collect()
    };
    let fits = |n_singular: &usize| {
        let text = table(&head(*n_singular), &rows(summaries, *n_singular));
        text.lines().all(|line| line.chars().count() <= COLUMNS)
    };
    let n_singular = (1..=SINGULAR_VALUES.len()).rev().find(fits).unwrap_or(1);
    for of_head in summaries.chunk_by(|a, b| (&a.layer, a.head) == (&b.layer, b.head)) {
        heading(out, &format!("{}, head {}", of_head[0].layer.escape_debug(), of_head[0].head))?;
        out.table(&head(n_singular), &rows(of_head, n_singular))?;
    }
    writeln!(
        out,
        "\neffective is the effective rank, σ the largest singular values, moved\n\
         ‖W - W_0‖ / ‖W_0‖, cosine that of their angle; W_0 is the matrix at step {}",
        start_step.unwrap_or(0)
    )?;
    Ok(())
}

fn heading(out: &mut Stdout, text: &str) -> Result<()> {
    writeln!(out)?;
    out.ink(Ink::Title, text)?;
    Ok(writeln!(out)?)
}

fn or_dash(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), significant)
}

fn attention(out: &mut Stdout, source: &Source) -> Result<()> {
    let Some(snapshot) = &source.snapshot else {
        return Ok(());
    };
    for map in &snapshot.maps {
        write!(out, "\nattention weights, query down, key across")?;
        out.heat_map(&snapshot.heat_map(map).at_most(CELLS, CELLS))?;
    }
    Ok(())
}

/// What each head attends to and copies, and which earlier head it reads.
fn heads(out: &mut Stdout, source: &Source, layers: &[LayerWeights]) -> Result<()> {
    let embeddings = Embeddings::read(&source.weights, &source.config)?;
    let layers: Vec<LayerWeights> =
        layers.iter().map(|layer| layer.with_identities(&source.config).into_owned()).collect();
    let profiles = profiles(&layers, &embeddings, source.snapshot.as_ref());
    let head: Vec<&str> = ["head"].into_iter().chain(HeadProfile::FIGURES).collect();
    let row =
        |profile: &HeadProfile| [profile.head.to_string()].into_iter().chain(profile.figures()).collect();
    for of_layer in profiles.chunk_by(|a, b| a.layer == b.layer) {
        heading(out, &format!("heads of {}", of_layer[0].layer.escape_debug()))?;
        out.table(&head, &of_layer.iter().map(row).collect::<Vec<_>>())?;
    }
    let token = if embeddings.tokens.is_some() { "E W_V W_O U" } else { "W_V W_O" };
    writeln!(
        out,
        "\nkeys is exp(mean entropy); previous to mirror are mean attention to the position\n\
         before, the first one, the same token, what followed it earlier and the mirror\n\
         image; offset is the distance with the largest mean, copying Σ Re λ / Σ |λ| of\n\
         {token}"
    )?;
    composed(out, &layers, &profiles)
}

/// Of each head and kind the strongest composition.
fn composed(out: &mut Stdout, layers: &[LayerWeights], profiles: &[HeadProfile]) -> Result<()> {
    if !has_compositions(layers) {
        let n_pairs = n_pairs(layers);
        writeln!(out, "\nthe compositions of {n_pairs} pairs of heads are left out, they would take long")?;
    }
    let compositions = profiles.iter().flat_map(|profile| &profile.compositions);
    let place = |layer: usize, head: usize| format!("{} {head}", layers[layer].prefix.escape_debug());
    let row = |found: &Composition| {
        vec![
            place(found.to_layer, found.to_head),
            found.kind.name().to_owned(),
            place(found.from_layer, found.from_head),
            share(found.score),
            share(found.baseline.mean),
            significant(found.deviations()),
        ]
    };
    let rows: Vec<Vec<String>> = compositions.map(row).collect();
    if !rows.is_empty() {
        heading(out, "composition: which earlier head enters the query, key or value of a head most")?;
        out.table(&["head", "input", "reads", "score", "random", "deviations"], &rows)?;
    }
    Ok(())
}
