//! `qkv explain`: the lecture's walk through one query, with the run's own numbers and shapes.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::counted;
use qkv_model::{Trace, parameters};
use qkv_run::tensor_names::{B_Q, W_Q};
use qkv_train::{Batch, Example, Model, Probe, Query, Registry, draw};

use crate::args::ExplainArgs;
use crate::exit::usage;
use crate::output::format::{matrix, shape, values, vector};
use crate::output::portion::examples;
use crate::output::stdout::Stdout;
use crate::session::open_run::OpenRun;

/// Walks through the attention of one query.
pub fn run(args: &ExplainArgs, registry: &Registry) -> Result<ExitCode> {
    let device = args.machine.open()?;
    let run = OpenRun::open(&args.run, registry, &device)?;
    let (layers, model) = (run.model.layers(), &run.config.model.name);
    if layers.is_empty() {
        return Err(usage(format!("the model `{model}` has no attention layers to walk through")));
    }
    check("--layer", args.layer, layers.len(), "layers")?;
    let layer = &layers[args.layer];
    check("--head", args.head, layer.n_heads, "heads")?;
    let example = match &args.input {
        Some(input) => Example::new(&*run.task, parse(input, &run)?),
        None => draw(&*run.task, run.config.seed, args.split, 0)?,
    };
    let first_asked = example.targets.iter().position(Option::is_some).unwrap_or(0);
    let query = args.query.unwrap_or(first_asked);
    check("--query", query, run.task.seq_len(), "positions")?;

    let probe = Probe::new(&run.model, &*run.task, &example, &device)?;
    let tokens = Batch::new(&*run.task, std::slice::from_ref(&example), &device)?.tokens.squeeze_dim(0);
    let place = Query { layer: args.layer, head: args.head, position: query };
    let Some(trace) = run.model.trace(tokens, place) else {
        return Err(usage(format!("the model `{model}` does not show the steps of its attention")));
    };
    let parameters = parameters(&run.model);
    let has = |name: &str| parameters.iter().any(|p| p.path == format!("{}.{name}", layer.path));
    let walk = Walk {
        trace,
        probe,
        query,
        has_matrices: has(W_Q),
        has_biases: has(B_Q),
        is_normed: layer.is_normed,
    };
    let out = &mut Stdout::new();
    let path = args.run.run.display();
    writeln!(out, "{path} at step {}, layer {}, head {}", run.step, args.layer, args.head)?;
    if args.input.is_none() {
        writeln!(out, "the input is the first of the {}", examples(args.split))?;
    }
    walk.show(out)?;
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
        let [expected, got] = [task.seq_len(), positions.len()].map(|count| counted(count as u64, "label"));
        return Err(usage(format!(
            "the input must have {expected}, separated by spaces, for the task `{name}`, got {got}"
        )));
    }
    let tokens = positions.into_iter().map(|position| {
        parse_position(position, &vocabulary, task.stack()).ok_or_else(|| {
            let known = vocabulary.join(" ");
            let label = match task.stack() {
                1 => "no label".to_owned(),
                stack => format!("not {stack} labels side by side"),
            };
            usage(format!("`{position}` is {label} of the task `{name}`; the labels are {known}"))
        })
    });
    Ok(tokens.collect::<Result<Vec<_>>>()?.concat())
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

/// The attention of one query, and the properties of the layer that the walk names.
struct Walk {
    trace: Trace,
    probe: Probe,
    query: usize,
    has_matrices: bool,
    has_biases: bool,
    is_normed: bool,
}

impl Walk {
    /// From the input to the prediction.
    fn show(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { trace, probe, query: i, .. } = self;
        let [d_in, d_k] = trace.w_q.dims();
        let [seq_len, d_v] = trace.v.dims();
        let matrix_of = |d| if self.has_matrices { shape(&[d_in, d]) } else { "identity".to_owned() };
        let bias = |name| if self.has_biases { format!(" + b_{name}") } else { String::new() };

        writeln!(out, "input      {}", probe.labels.tokens.join(" "))?;
        writeln!(out, "the query is position {i}, where `{}` stands\n", probe.labels.tokens[*i])?;
        step(out, &format!("x_{i}"), &shape(&[1, d_in]), &vector(&trace.x))?;
        let norm = if self.is_normed { ", after the norm" } else { "" };
        writeln!(out, "    x is what the layer sees: token and position{norm}\n")?;
        step(out, "W_Q", &matrix_of(d_k), "")?;
        step(out, &format!("q_{i} = x_{i} W_Q{}", bias("Q")), &shape(&[1, d_k]), &vector(&trace.q))?;
        writeln!(out)?;
        step(out, "W_K", &matrix_of(d_k), "")?;
        step(out, &format!("k_j = x_j W_K{}", bias("K")), &shape(&[seq_len, d_k]), "")?;
        matrix(out, "k", &probe.labels.tokens, &trace.k)?;
        if !is_compared_as_made(trace) {
            let how = "as compared: normed or turned by its position";
            writeln!(out, "\nq_{i}, {how}\n    {}\nk_j, {how}", vector(&trace.compared_q))?;
            matrix(out, "k", &probe.labels.tokens, &trace.compared_k)?;
        }
        writeln!(out)?;
        self.scores(out)?;
        writeln!(out)?;
        step(out, "W_V", &matrix_of(d_v), "")?;
        step(out, &format!("v_j = x_j W_V{}", bias("V")), &shape(&[seq_len, d_v]), "")?;
        matrix(out, "v", &probe.labels.tokens, &trace.v)?;
        writeln!(out)?;
        step(out, &format!("context_{i} = Σ_j weight_j v_j"), &shape(&[1, d_v]), &vector(&trace.context))?;
        self.verdict(out)
    }

    /// Score, scaled score and weight of every key; a hidden key is marked.
    fn scores(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { trace, probe, query, .. } = self;
        let [scores, scaled, masked, weights] =
            [&trace.scores, &trace.scaled, &trace.masked, &trace.weights].map(values);
        let shape = &shape(&[1, scores.len()]);
        let has_bias = has_bias(trace);
        let capped = if is_capped(trace) { ", then capped" } else { "" };
        let is_hooked = differ(&values(&trace.hooked), &scaled);
        let hooked = if is_hooked { ", then changed by the model" } else { "" };
        let sum: f64 = values(&trace.softmax).iter().sum();
        // Rounding of single precision; a row without visible keys sums to zero.
        let sink = if sum > 0.0 && sum < 1.0 - 1e-5 { ", the rest on the sink" } else { "" };
        step(out, &format!("scores   s_j = score(q_{query}, k_j)"), shape, "")?;
        step(out, &format!("scaled   s_j · {:.6}{capped}{hooked}", trace.scale), shape, "")?;
        if has_bias {
            step(out, "biased   + what the position adds", shape, "")?;
        }
        step(out, "weights  softmax over j", shape, &format!("sum {sum:.6}{sink}"))?;
        if differ(&values(&trace.softmax), &weights) {
            let sum: f64 = weights.iter().sum();
            step(out, "         then changed by the model", shape, &format!("sum {sum:.6}"))?;
        }

        let heading = match (has_bias, is_hooked) {
            (true, _) => "     biased",
            (false, true) => "    changed",
            (false, false) => "",
        };
        writeln!(out, "\n    j  token      score     scaled{heading}    weight")?;
        for (j, token) in probe.labels.tokens.iter().enumerate() {
            let after = match masked[j] {
                f64::NEG_INFINITY => "hidden".to_owned(),
                _ => "#".repeat((weights[j] * 40.0).round() as usize),
            };
            let biased = if has_bias || is_hooked { format!(" {:>10.4}", masked[j]) } else { String::new() };
            let row = format!(
                "{j:>5}  {token:<5} {:>10.4} {:>10.4}{biased} {:>9.6}  {after}",
                scores[j], scaled[j], weights[j]
            );
            writeln!(out, "{}", row.trim_end())?;
        }
        Ok(())
    }

    fn verdict(&self, out: &mut impl Write) -> io::Result<()> {
        let (prediction, target) =
            (&self.probe.labels.predictions[self.query], &self.probe.labels.targets[self.query]);
        if target.is_empty() {
            return writeln!(out, "\nthis position has no target");
        }
        let verdict =
            if prediction == target { "which is right" } else { &format!("the target is `{target}`") };
        writeln!(out, "\nthe prediction is `{prediction}`, {verdict}")
    }
}

/// The name of one step, its shape, and what there is to show of it.
fn step(out: &mut impl Write, name: &str, shape: &str, rest: &str) -> io::Result<()> {
    writeln!(out, "{}", format!("{name:<31} {shape:<10} {rest}").trim_end())
}

/// Whether queries and keys are compared as W_Q and W_K made them.
fn is_compared_as_made(trace: &Trace) -> bool {
    values(&trace.q) == values(&trace.compared_q) && values(&trace.k) == values(&trace.compared_k)
}

/// Whether a hook made other numbers of them; NaN is the same as NaN.
fn differ(before: &[f64], after: &[f64]) -> bool {
    before.iter().zip(after).any(|(before, after)| before.to_bits() != after.to_bits())
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
    let pairs = values(&trace.hooked).into_iter().zip(values(&trace.masked));
    pairs.into_iter().any(|(hooked, masked)| masked.is_finite() && masked != hooked)
}
