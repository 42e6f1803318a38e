//! `qkv explain`: the lecture's walk through one query, with the run's own numbers and shapes.
//!
//! What a user types becomes an input in `session/input/`, what is printed of it is in `walk.rs`, and of what follows the
//! last layer in `answer.rs`. The maps that `--map` shows in place of the walk are in `maps.rs`.

mod answer;
mod input;
mod maps;
mod sequence;
mod walk;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::Device;
use qkv_model::{Choice, Trace, parameters};
use qkv_run::tensor_names::{B_K, B_Q, B_V, W_O, WATCHED};
use qkv_train::{AnyModel, Batch, Layer, Model, Probe, Query, Registry};

use self::answer::Answer;
use self::input::Input;
use self::maps::Maps;
use self::sequence::Sequence;
use self::walk::{Walk, of_first_keys};
use crate::args::ExplainArgs;
use crate::exit::usage;
use crate::output::files::pictures::{Format, PictureFiles};
use crate::output::stdout::Stdout;
use crate::output::text::format::{is_shown_whole, values};
use crate::output::text::portion::examples;
use crate::session::runs::open_run::OpenRun;

/// Layers that a refusal lists.
const LISTED: usize = 12;

/// Walks through the attention of one query, or shows the maps of its layer.
pub fn run(args: &ExplainArgs, registry: &Registry) -> Result<ExitCode> {
    let device = args.machine.open()?.device;
    let run = OpenRun::open(&args.run, registry, &device)?;
    let layers = run.model.layers();
    if layers.is_empty() {
        let model = &run.config.model.name;
        return Err(usage(format!("the model `{model}` has no attention layers to walk through")));
    }
    let index = match &args.layer {
        Some(text) => named(&layers, text)?,
        None => Layer::shown_first(&layers),
    };
    let layer = &layers[index];
    if let Some(head) = args.head {
        check("--head", head, layer.n_heads, "the run's number of heads")?;
    }
    let files = |folder: &Option<PathBuf>, format| {
        folder.as_deref().map(|folder| PictureFiles::new(folder, format)).transpose()
    };
    let files = [files(&args.svg, Format::Svg)?, files(&args.png, Format::Png)?];
    let input = match &args.input[..] {
        [] => Input::drawn(&*run.task, run.config.seed, args.split)?,
        words => Input::typed(words, &run, &device)?,
    };
    let probe = Probe::new(&run.model, &input.task, &input.example, &device)?;
    let title = &Layer::titles(&layers)[index];
    let heading = |out: &mut Stdout, head: &str| -> Result<()> {
        writeln!(out, "{} at step {}, layer {title}{head}", args.run.run.display(), run.step)?;
        if args.input.is_empty() {
            writeln!(out, "the input is the first of the {}", examples(args.split, run.step))?;
        }
        Ok(input.show(out, &probe.labels.tokens, layer.reads_a_part())?)
    };
    let out = &mut Stdout::new();
    if args.map {
        let heads = args.head.map_or(0..layer.n_heads, |head| head..head + 1);
        let text = input.pair().filter(|_| layer.reads_a_part());
        let maps = Maps::of(&probe, index, heads, title, text)?;
        heading(out, "")?;
        maps.show(out)?;
        for files in files.iter().flatten() {
            maps.write(out, files)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let head = args.head.unwrap_or(0);
    let place = Place { layers: &layers, index, head, query: args.query };
    let walk = walk(&run, &input, &probe, &place, &device)?;
    heading(out, &format!(", head {head}"))?;
    walk.show(out)?;
    Ok(ExitCode::SUCCESS)
}

/// Where a walk goes.
struct Place<'a> {
    layers: &'a [Layer],
    index: usize,
    head: usize,
    query: Option<usize>,
}

/// The walk of a query, and everything that it shows.
fn walk(run: &OpenRun, input: &Input, probe: &Probe, place: &Place, device: &Device) -> Result<Walk> {
    let &Place { layers, index, head, query } = place;
    let (layer, model) = (&layers[index], &run.config.model.name);
    let [queries, keys] = Sequence::of_layer(layer, probe, &input.task);
    if let Some(query) = query {
        let what = match queries.of_what() {
            "" => "the input's number of positions".to_owned(),
            of_what => format!("the number of positions{of_what}"),
        };
        check("--query", query, queries.len(), &what)?;
    }
    let batch = Batch::new(&input.task, std::slice::from_ref(&input.example), device)?;
    let tokens = batch.tokens.clone().squeeze_dim::<2>(0);
    let trace = |position| {
        let trace = run.model.trace(tokens.clone(), Query { layer: index, head, position });
        let trace = trace.map(|trace| of_first_keys(trace, keys.len()));
        trace.ok_or_else(|| usage(format!("the model `{model}` does not show the steps of its attention")))
    };
    let query = match query {
        Some(query) => query,
        None if !layer.is_cross() && sees_only_itself(&trace(0)?) => {
            input.last_asked(queries.positions.clone())
        }
        None => input.first_asked(queries.positions.clone()),
    };
    let parameters = parameters(&run.model);
    let has = |name: &str| parameters.iter().any(|p| p.path == format!("{}.{name}", layer.path));
    let trace = trace(query)?;
    let matrices = [&trace.w_q, &trace.w_k, &trace.w_v];
    let is_small = matrices.into_iter().chain([&trace.k, &trace.source]).all(is_shown_whole);
    let position = queries.positions.start + query;
    let prediction = probe.labels.predictions[position].clone();
    let answer = (index + 1 == layers.len() && !prediction.is_empty()).then(|| {
        let of_input = Query { layer: index, head, position };
        Answer::of(&run.model, &*run.task, batch.tokens, of_input).counted_from(queries.positions.start)
    });
    Ok(Walk {
        trace,
        is_small,
        queries,
        keys,
        query,
        target: input.target(position, &probe.labels.targets[position]),
        prediction,
        answer,
        has_matrix: WATCHED.map(has),
        has_bias: [B_Q, B_K, B_V].map(has),
        has_w_o: has(W_O),
        is_normed: layer.is_normed,
        is_cross: layer.is_cross(),
        changes: what_changes(&run.model, &run.config.model),
    })
}

/// The index of the layer that a user named.
fn named(layers: &[Layer], text: &str) -> Result<usize> {
    Layer::position(layers, text).ok_or_else(|| {
        let listed = layers.iter().take(LISTED).enumerate();
        let listed: Vec<String> =
            listed.map(|(index, layer)| format!("{index} or {}", layer.name())).collect();
        let more = match layers.len().saturating_sub(LISTED) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        usage(format!("--layer must be a layer of the run, {}{more}; got {text}", listed.join(", ")))
    })
}

fn check(option: &str, value: usize, count: usize, what: &str) -> Result<()> {
    if value < count {
        return Ok(());
    }
    Err(usage(format!("{option} must be below {count}, {what}, got {value}")))
}

/// What changes the stages of an attention: a model that wraps a transformer, or else the layer that it names.
fn what_changes(model: &AnyModel, choice: &Choice) -> String {
    let layer = choice.settings.get("layer").filter(|_| model.hooked().is_none());
    let layer = layer.and_then(|layer| serde_json::from_value::<Choice>(layer.clone()).ok());
    match layer {
        Some(layer) => format!("the layer `{}`", layer.name),
        None => format!("the model `{}`", choice.name),
    }
}

/// Whether every later key is hidden from the first query, as under a causal mask.
fn sees_only_itself(first: &Trace) -> bool {
    values(&first.masked).into_iter().skip(1).all(|score| score == f64::NEG_INFINITY)
}
