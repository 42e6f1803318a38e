//! `qkv explain`: the lecture's walk through one query, with the run's own numbers and shapes.
//!
//! What a user types becomes an input in `session/input/`, what is printed of it is in `walk.rs`, and of what follows the last layer
//! in `answer.rs`.

mod answer;
mod input;
mod walk;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::Tensor;
use qkv_model::{Choice, Trace, parameters};
use qkv_run::tensor_names::{B_K, B_Q, B_V, W_O, WATCHED};
use qkv_train::{AnyModel, Batch, Model, Probe, Query, Registry};

use self::answer::Answer;
use self::input::Input;
use self::walk::Walk;
use crate::args::ExplainArgs;
use crate::exit::usage;
use crate::output::format::{is_shown_whole, values};
use crate::output::portion::examples;
use crate::output::stdout::Stdout;
use crate::session::runs::open_run::OpenRun;

/// Walks through the attention of one query.
pub fn run(args: &ExplainArgs, registry: &Registry) -> Result<ExitCode> {
    let device = args.machine.open()?.device;
    let run = OpenRun::open(&args.run, registry, &device)?;
    let (layers, model) = (run.model.layers(), &run.config.model.name);
    if layers.is_empty() {
        return Err(usage(format!("the model `{model}` has no attention layers to walk through")));
    }
    check("--layer", args.layer, layers.len(), "the run's number of layers")?;
    let layer = &layers[args.layer];
    check("--head", args.head, layer.n_heads, "the run's number of heads")?;
    let input = match &args.input[..] {
        [] => Input::drawn(&*run.task, run.config.seed, args.split)?,
        words => Input::typed(words, &run.config.task.name, &*run.task)?,
    };
    if let Some(query) = args.query {
        check("--query", query, input.len(), "the input's number of positions")?;
    }

    let batch = Batch::new(&input.task, std::slice::from_ref(&input.example), &device)?;
    let tokens = batch.tokens.clone().squeeze_dim::<2>(0);
    let trace = |position| {
        let place = Query { layer: args.layer, head: args.head, position };
        let trace = run.model.trace(tokens.clone(), place);
        trace.ok_or_else(|| usage(format!("the model `{model}` does not show the steps of its attention")))
    };
    let query = match args.query {
        Some(query) => query,
        None if sees_only_itself(&trace(0)?) => input.last_asked(),
        None => input.first_asked(),
    };
    let parameters = parameters(&run.model);
    let has = |name: &str| parameters.iter().any(|p| p.path == format!("{}.{name}", layer.path));
    let of_query = trace(query)?;
    let matrices = [&of_query.w_q, &of_query.w_k, &of_query.w_v];
    let is_small = matrices.into_iter().chain([&of_query.k]).all(is_shown_whole);
    let all = (0..if is_small { input.len() } else { 0 }).map(|position| Ok(trace(position)?.x));
    let all = all.collect::<Result<Vec<_>>>()?;
    let probe = input.hide_open_target(Probe::new(&run.model, &input.task, &input.example, &device)?);
    let place = Query { layer: args.layer, head: args.head, position: query };
    let is_answered = args.layer + 1 == layers.len() && !probe.labels.predictions[query].is_empty();
    let answer = is_answered.then(|| Answer::of(&run.model, &*run.task, batch.tokens, place));
    let walk = Walk {
        trace: of_query,
        inputs: is_small.then(|| Tensor::stack(all, 0)),
        probe,
        answer,
        query,
        space: input.label_of_its_spaces(),
        has_matrix: WATCHED.map(has),
        has_bias: [B_Q, B_K, B_V].map(has),
        has_w_o: has(W_O),
        is_normed: layer.is_normed,
        changes: what_changes(&run.model, &run.config.model),
    };
    let out = &mut Stdout::new();
    let path = args.run.run.display();
    writeln!(out, "{path} at step {}, layer {}, head {}", run.step, args.layer, args.head)?;
    if args.input.is_empty() {
        writeln!(out, "the input is the first of the {}", examples(args.split, run.step))?;
    }
    walk.show(out)?;
    Ok(ExitCode::SUCCESS)
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
