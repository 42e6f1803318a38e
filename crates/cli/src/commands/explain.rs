//! `qkv explain`: the lecture's walk through one query, with the run's own numbers and shapes.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_inspect::counted;
use qkv_model::{Trace, parameters};
use qkv_run::tensor_names::{B_Q, W_Q};
use qkv_train::{Example, Layer, Model, Probe, Query, Registry, Split, Task, draw};

use crate::args::ExplainArgs;
use crate::exit::usage;
use crate::output::format::{matrix, values, vector};
use crate::output::stdout::Stdout;
use crate::session::open_run::OpenRun;

/// Walks through the attention of one query.
pub fn run(args: &ExplainArgs, registry: &Registry) -> Result<ExitCode> {
    let device = args.machine.open()?;
    let run = OpenRun::open(&args.run, registry, &device)?;
    let layers = run.model.layers();
    if layers.is_empty() {
        let model = &run.config.model.name;
        return Err(usage(format!("the model `{model}` has no attention layers to walk through")));
    }
    check("--layer", args.layer, layers.len(), "layers")?;
    let layer = &layers[args.layer];
    check("--head", args.head, layer.n_heads, "heads")?;
    let example = match &args.input {
        Some(input) => Example::new(&*run.task, parse(input, &run)?),
        None => draw(&*run.task, run.config.seed, Split::Test, 0)?,
    };
    let first_asked = example.targets.iter().position(Option::is_some).unwrap_or(0);
    let query = args.query.unwrap_or(first_asked);
    check("--query", query, run.task.seq_len(), "positions")?;

    let probe = Probe::new(&run.model, &*run.task, &example, &device)?;
    let tokens = tokens(&example, &*run.task, &device);
    let place = Query { layer: args.layer, head: args.head, position: query };
    let Some(trace) = run.model.trace(tokens, place) else {
        return Err(usage(format!(
            "the model `{}` does not show the steps of its attention",
            run.config.model.name
        )));
    };
    let out = &mut Stdout::new();
    heading(out, args, &run, &probe, query)?;
    walk(out, &trace, &Facts::new(&run, layer), &probe, query)?;
    verdict(out, &probe, query)?;
    Ok(ExitCode::SUCCESS)
}

fn check(option: &str, value: usize, count: usize, what: &str) -> Result<()> {
    if value < count {
        return Ok(());
    }
    Err(usage(format!("{option} must be below {count}, the run's number of {what}, got {value}")))
}

/// The tokens that a line of labels stands for.
fn parse(input: &str, run: &OpenRun) -> Result<Vec<u32>> {
    let (name, task) = (&run.config.task.name, &run.task);
    let vocabulary = task.vocabulary();
    let positions: Vec<&str> = input.split_whitespace().collect();
    if positions.len() != task.seq_len() {
        let got = counted(positions.len() as u64, "label");
        return Err(usage(format!(
            "the input must have {}, separated by spaces, for the task `{}`, got {got}",
            counted(task.seq_len() as u64, "label"),
            run.config.task.name
        )));
    }
    let mut tokens = Vec::with_capacity(task.seq_len() * task.stack());
    for position in positions {
        tokens.extend(parse_position(position, &vocabulary, task.stack()).ok_or_else(|| {
            let known = vocabulary.join(" ");
            let label = match task.stack() {
                1 => "no label".to_owned(),
                stack => format!("not {stack} labels side by side"),
            };
            usage(format!("`{position}` is {label} of the task `{name}`; the labels are {known}"))
        })?);
    }
    Ok(tokens)
}

/// `stack` labels written side by side, the longest that fits first.
fn parse_position(text: &str, vocabulary: &[String], stack: usize) -> Option<Vec<u32>> {
    if stack == 0 {
        return text.is_empty().then(Vec::new);
    }
    let mut fitting: Vec<(usize, &String)> =
        vocabulary.iter().enumerate().filter(|(_, label)| text.starts_with(label.as_str())).collect();
    fitting.sort_by_key(|(_, label)| std::cmp::Reverse(label.len()));
    fitting.into_iter().find_map(|(token, label)| {
        let rest = parse_position(&text[label.len()..], vocabulary, stack - 1)?;
        Some([vec![token as u32], rest].concat())
    })
}

fn tokens(example: &Example, task: &dyn Task, device: &Device) -> Tensor<2, Int> {
    let tokens: Vec<i64> = example.tokens.iter().map(|&token| i64::from(token)).collect();
    Tensor::from_data(TensorData::new(tokens, [task.seq_len(), task.stack()]), device)
}

fn heading(
    out: &mut impl Write,
    args: &ExplainArgs,
    run: &OpenRun,
    probe: &Probe,
    query: usize,
) -> io::Result<()> {
    writeln!(out, "{} at step {}, layer {}, head {}", args.run.display(), run.step, args.layer, args.head)?;
    writeln!(out, "input      {}", probe.tokens.join(" "))?;
    writeln!(out, "the query is position {query}, where `{}` stands\n", probe.tokens[query])
}

/// Properties of the layer that the walk names.
struct Facts {
    has_matrices: bool,
    has_biases: bool,
    is_normed: bool,
}

impl Facts {
    fn new(run: &OpenRun, layer: &Layer) -> Self {
        let parameters = parameters(&run.model);
        let has = |name: &str| parameters.iter().any(|p| p.path == format!("{}.{name}", layer.path));
        Self { has_matrices: has(W_Q), has_biases: has(B_Q), is_normed: layer.is_normed }
    }
}

fn walk(out: &mut impl Write, trace: &Trace, facts: &Facts, probe: &Probe, query: usize) -> io::Result<()> {
    let i = query;
    let [d_in, d_k] = trace.w_q.dims();
    let [seq_len, d_v] = trace.v.dims();
    let shape = |rows| if facts.has_matrices { format!("[{d_in} × {rows}]") } else { "identity".to_owned() };
    let bias = |name: &str| if facts.has_biases { format!(" + b_{name}") } else { String::new() };
    let line = |name: String, shape: String, rest: String| {
        format!("{name:<31} {shape:<10} {rest}").trim_end().to_owned()
    };

    writeln!(out, "{}", line(format!("x_{i}"), format!("[1 × {d_in}]"), vector(&trace.x)))?;
    writeln!(
        out,
        "    x is what the layer sees: token and position{}",
        if facts.is_normed { ", after the norm" } else { "" }
    )?;
    writeln!(out, "\n{}", line("W_Q".into(), shape(d_k), String::new()))?;
    writeln!(
        out,
        "{}",
        line(format!("q_{i} = x_{i} W_Q{}", bias("Q")), format!("[1 × {d_k}]"), vector(&trace.q))
    )?;
    writeln!(out, "\n{}", line("W_K".into(), shape(d_k), String::new()))?;
    writeln!(
        out,
        "{}",
        line(format!("k_j = x_j W_K{}", bias("K")), format!("[{seq_len} × {d_k}]"), String::new())
    )?;
    matrix(out, "k", &probe.tokens, &trace.k)?;
    if !is_compared_as_made(trace) {
        let how = "as compared: normed or turned by its position";
        writeln!(out, "\n{}", line(format!("q_{i}, {how}"), String::new(), String::new()))?;
        writeln!(out, "    {}", vector(&trace.compared_q))?;
        writeln!(out, "{}", line(format!("k_j, {how}"), String::new(), String::new()))?;
        matrix(out, "k", &probe.tokens, &trace.compared_k)?;
    }
    let weights = values(&trace.weights);
    let (sum, row): (f64, String) = (weights.iter().sum(), format!("[1 × {seq_len}]"));
    writeln!(out, "\n{}", line(format!("scores   s_j = score(q_{i}, k_j)"), row.clone(), String::new()))?;
    let capped = if is_capped(trace) { ", then capped" } else { "" };
    writeln!(
        out,
        "{}",
        line(format!("scaled   s_j · {:.6}{capped}", trace.scale), row.clone(), String::new())
    )?;
    if has_bias(trace) {
        writeln!(out, "{}", line("biased   + what the position adds".into(), row.clone(), String::new()))?;
    }
    // Rounding of single precision; a row without visible keys sums to zero.
    let sink = if sum > 0.0 && sum < 1.0 - 1e-5 { ", the rest on the sink" } else { "" };
    writeln!(out, "{}", line("weights  softmax over j".into(), row, format!("sum {sum:.6}{sink}")))?;
    scores(out, trace, probe)?;
    writeln!(out, "\n{}", line("W_V".into(), shape(d_v), String::new()))?;
    writeln!(
        out,
        "{}",
        line(format!("v_j = x_j W_V{}", bias("V")), format!("[{seq_len} × {d_v}]"), String::new())
    )?;
    matrix(out, "v", &probe.tokens, &trace.v)?;
    writeln!(
        out,
        "\n{}",
        line(format!("context_{i} = Σ_j weight_j v_j"), format!("[1 × {d_v}]"), vector(&trace.context))
    )
}

/// Whether queries and keys are compared as W_Q and W_K made them.
fn is_compared_as_made(trace: &Trace) -> bool {
    let all = |matrix: &Tensor<2>| matrix.to_data().iter::<f64>().collect::<Vec<_>>();
    values(&trace.q) == values(&trace.compared_q) && all(&trace.k) == all(&trace.compared_k)
}

/// Whether the scaled scores are not just the scores times the scale.
fn is_capped(trace: &Trace) -> bool {
    let pairs = values(&trace.scores).into_iter().zip(values(&trace.scaled));
    // A cap moves even small scores by more than single precision rounds them.
    pairs
        .into_iter()
        .any(|(score, scaled)| (score * trace.scale - scaled).abs() > 1e-5 * scaled.abs().max(1e-3))
}

/// Whether a bias was added to the scaled scores of a visible key.
fn has_bias(trace: &Trace) -> bool {
    let pairs = values(&trace.scaled).into_iter().zip(values(&trace.masked));
    pairs.into_iter().any(|(scaled, masked)| masked.is_finite() && masked != scaled)
}

/// Score, scaled score and weight of every key; a hidden key is marked.
fn scores(out: &mut impl Write, trace: &Trace, probe: &Probe) -> io::Result<()> {
    let [scores, scaled, masked, weights] =
        [&trace.scores, &trace.scaled, &trace.masked, &trace.weights].map(values);
    let has_bias = has_bias(trace);
    let heading = if has_bias { "     biased" } else { "" };
    writeln!(out, "\n    j  token      score     scaled{heading}    weight")?;
    for (j, token) in probe.tokens.iter().enumerate() {
        let after = match masked[j] {
            f64::NEG_INFINITY => "hidden".to_owned(),
            _ => "#".repeat((weights[j] * 40.0).round() as usize),
        };
        let biased = if has_bias { format!(" {:>10.4}", masked[j]) } else { String::new() };
        let row = format!(
            "{j:>5}  {token:<5} {:>10.4} {:>10.4}{biased} {:>9.6}  {after}",
            scores[j], scaled[j], weights[j]
        );
        writeln!(out, "{}", row.trim_end())?;
    }
    Ok(())
}

fn verdict(out: &mut impl Write, probe: &Probe, query: usize) -> io::Result<()> {
    let (prediction, target) = (&probe.predictions[query], &probe.targets[query]);
    if target.is_empty() {
        return writeln!(out, "\nthis position has no target");
    }
    let verdict =
        if prediction == target { "which is right".to_owned() } else { format!("the target is `{target}`") };
    writeln!(out, "\nthe prediction is `{prediction}`, {verdict}")
}
