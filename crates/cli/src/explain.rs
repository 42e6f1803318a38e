//! `qkv explain`: the lecture's walk through one query, with the run's own numbers and shapes.

use std::io::{self, Write, stdout};
use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::Trace;
use qkv_train::{Example, Probe, Split, Task, draw};

use crate::args::ExplainArgs;
use crate::exit::usage;
use crate::loaded::{self, Loaded};
use crate::numbers::{matrix, values, vector};

/// Walks through the attention of one query.
pub fn run(args: &ExplainArgs) -> Result<ExitCode> {
    let device = args.machine.open()?;
    let run = loaded::open(&args.run, &device)?;
    let (n_layers, n_heads) = (run.config.model.n_layers, run.config.model.n_heads);
    check("--layer", args.layer, n_layers, "layers")?;
    check("--head", args.head, n_heads, "heads")?;
    let example = match &args.input {
        Some(input) => Example::new(&*run.task, parse(input, &*run.task)?),
        None => draw(&*run.task, run.config.seed, Split::Test, 0)?,
    };
    let first_asked = example.targets.iter().position(Option::is_some).unwrap_or(0);
    let query = args.query.unwrap_or(first_asked);
    check("--query", query, run.task.seq_len(), "positions")?;

    let probe = Probe::new(&run.model, &*run.task, &example, &device);
    let tokens = tokens(&example, &*run.task, &device);
    let trace = run.model.trace(tokens, args.layer, args.head, query);
    let out = &mut stdout().lock();
    heading(out, args, &run, &probe, query)?;
    walk(out, &trace, &probe, query)?;
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
fn parse(input: &str, task: &dyn Task) -> Result<Vec<u32>> {
    let vocabulary = task.vocabulary();
    let positions: Vec<&str> = input.split_whitespace().collect();
    if positions.len() != task.seq_len() {
        let (got, needed) = (positions.len(), task.seq_len());
        return Err(usage(format!(
            "the input has {got} labels between spaces, the task `{}` needs {needed}",
            task.name()
        )));
    }
    let mut tokens = Vec::with_capacity(task.seq_len() * task.stack());
    for position in positions {
        tokens.extend(parse_position(position, &vocabulary, task.stack()).ok_or_else(|| {
            let (name, known) = (task.name(), vocabulary.join(" "));
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
    run: &Loaded,
    probe: &Probe,
    query: usize,
) -> io::Result<()> {
    writeln!(out, "{} at step {}, layer {}, head {}", args.run.display(), run.step, args.layer, args.head)?;
    writeln!(out, "input      {}", probe.tokens.join(" "))?;
    writeln!(out, "the query is position {query}, where `{}` stands\n", probe.tokens[query])
}

fn walk(out: &mut impl Write, trace: &Trace, probe: &Probe, query: usize) -> io::Result<()> {
    let i = query;
    let [d_in, d_k] = trace.w_q.dims();
    let [seq_len, d_v] = trace.v.dims();
    writeln!(out, "x_{i}                           [1 × {d_in}]   {}", vector(&trace.x))?;
    writeln!(out, "\nW_Q                           [{d_in} × {d_k}]")?;
    writeln!(out, "q_{i} = x_{i} W_Q                 [1 × {d_k}]   {}", vector(&trace.q))?;
    writeln!(out, "\nW_K                           [{d_in} × {d_k}]")?;
    writeln!(out, "k_j = x_j W_K                 [{seq_len} × {d_k}]")?;
    matrix(out, "k", &probe.tokens, &trace.k)?;
    let scores = values(&trace.scores);
    let scaled = values(&trace.scaled);
    let weights = values(&trace.weights);
    let sum: f64 = weights.iter().sum();
    writeln!(out, "\nscores   s_j = score(q_{i}, k_j)  [1 × {seq_len}]")?;
    writeln!(out, "scaled   s_j · {:<13.6}  [1 × {seq_len}]", trace.scale)?;
    writeln!(out, "weights  softmax over j       [1 × {seq_len}]   sum {sum:.6}")?;
    writeln!(out, "\n    j  token      score     scaled    weight")?;
    for (j, token) in probe.tokens.iter().enumerate() {
        let bar = "#".repeat((weights[j] * 40.0).round() as usize);
        writeln!(
            out,
            "{j:>5}  {token:<5} {:>10.4} {:>10.4} {:>9.6}  {bar}",
            scores[j], scaled[j], weights[j]
        )?;
    }
    writeln!(out, "\nW_V                           [{d_in} × {d_v}]")?;
    writeln!(out, "v_j = x_j W_V                 [{seq_len} × {d_v}]")?;
    matrix(out, "v", &probe.tokens, &trace.v)?;
    writeln!(out, "\ncontext_{i} = Σ_j weight_j v_j  [1 × {d_v}]   {}", vector(&trace.context))
}

fn verdict(out: &mut impl Write, probe: &Probe, query: usize) -> io::Result<()> {
    let (prediction, target) = (&probe.predictions[query], &probe.targets[query]);
    if target.is_empty() {
        return writeln!(out, "\nnothing is asked at this position");
    }
    let verdict = if prediction == target {
        "which is right".to_owned()
    } else {
        format!("the right answer is `{target}`")
    };
    writeln!(out, "\nthe model says `{prediction}`, {verdict}")
}
