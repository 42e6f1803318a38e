//! From the input of one query to the prediction at its position.

use std::io;

use burn::tensor::Tensor;
use qkv_inspect::counted;
use qkv_model::{Stage, Trace};

use super::answer::Answer;
use super::input::Target;
use super::sequence::Sequence;
use crate::output::ink::{Ink, Inked};
use crate::output::text::format::{matrix, rows, shape, values, vector};

/// Columns of a label in the table of scores, unless one is longer, and those of the bar of a whole weight beside it.
const LABEL: usize = 5;
const BAR: usize = 34;

/// The keys of a trace before those that hold nothing, which are hidden from every query.
pub fn of_first_keys(trace: Trace, n: usize) -> Trace {
    let vectors = |x: Tensor<2>| x.narrow(0, 0, n);
    let numbers = |x: Tensor<1>| x.narrow(0, 0, n);
    Trace {
        source: vectors(trace.source),
        k: vectors(trace.k),
        compared_k: vectors(trace.compared_k),
        v: vectors(trace.v),
        scores: numbers(trace.scores),
        scaled: numbers(trace.scaled),
        hooked: numbers(trace.hooked),
        masked: numbers(trace.masked),
        softmax: numbers(trace.softmax),
        weights: numbers(trace.weights),
        ..trace
    }
}

/// The attention of one query, and the properties of the layer that the walk names.
pub struct Walk {
    pub trace: Trace,
    /// Whether all of the walk can be followed by hand, so that the input of keys and all matrices are shown.
    pub is_small: bool,
    pub queries: Sequence,
    pub keys: Sequence,
    /// The position of the query in its sequence.
    pub query: usize,
    /// What the model answers there, in labels; empty where nothing is asked.
    pub prediction: String,
    pub target: Target,
    /// W_Q, W_K and W_V.
    pub has_matrix: [bool; 3],
    pub has_bias: [bool; 3],
    pub has_w_o: bool,
    pub is_normed: bool,
    /// Whether queries and keys are of two sequences.
    pub is_cross: bool,
    /// What follows the last layer, where the position is asked.
    pub answer: Option<Answer>,
    /// What may change a stage: the model, or its attention layer, by name.
    pub changes: String,
}

impl Walk {
    /// From the input to the prediction.
    pub fn show(&self, out: &mut impl Inked) -> io::Result<()> {
        let Self { trace, queries, keys, query: i, .. } = self;
        let [d_in, d_k] = trace.w_q.dims();
        let [k_len, d_source] = trace.source.dims();
        let [_, d_v] = trace.v.dims();
        let matrix_of = |at: usize, d| match (self.has_matrix[at], at) {
            (true, 0) => shape(&[d_in, d]),
            (true, _) => shape(&[d_source, d]),
            (false, _) => "identity".to_owned(),
        };
        let source = if self.is_cross { "source" } else { "x" };
        let bias = |at: usize| if self.has_bias[at] { [" + b_Q", " + b_K", " + b_V"][at] } else { "" };

        writeln!(
            out,
            "the query is position {i}{}, where `{}` stands",
            queries.of_what(),
            queries.tokens[*i]
        )?;
        if !keys.of_what().is_empty() {
            write!(out, "the keys are the {}{}", counted(k_len as u64, "position"), keys.of_what())?;
            match keys.n_padding {
                0 => writeln!(out)?,
                n => writeln!(out, "; {n} of padding are hidden")?,
            }
        }
        writeln!(out)?;
        step(out, Ink::Plain, &format!("x_{i}"), &shape(&[1, d_in]), "")?;
        writeln!(out, "{}", vector(&trace.x))?;
        let norm = if self.is_normed { ", after the norm" } else { "" };
        match self.is_cross {
            true => {
                writeln!(out, "    x is what the layer sees{}{norm},", queries.of_what())?;
                writeln!(out, "    source what the encoder made{}\n", keys.of_what())?;
            }
            false => {
                writeln!(out, "    x is what the layer sees{}: token and position{norm}\n", keys.of_what())?
            }
        }
        if self.is_small {
            step(out, Ink::Plain, &format!("{source}_j"), &shape(&[k_len, d_source]), "")?;
            matrix(out, source, &keys.tokens, &trace.source)?;
            writeln!(out)?;
        }
        step(out, Ink::Query, "W_Q", &matrix_of(0, d_k), "")?;
        self.weights(out, 0, &trace.w_q)?;
        let made = format!("q_{i} = x_{i} W_Q{}{}", bias(0), self.changed(Stage::Queries));
        step(out, Ink::Query, &made, &shape(&[1, d_k]), "")?;
        writeln!(out, "{}\n", vector(&trace.q))?;
        step(out, Ink::Key, "W_K", &matrix_of(1, d_k), "")?;
        self.weights(out, 1, &trace.w_k)?;
        let made = format!("k_j = {source}_j W_K{}{}", bias(1), self.changed(Stage::Keys));
        step(out, Ink::Key, &made, &shape(&[k_len, d_k]), "")?;
        matrix(out, "k", &keys.tokens, &trace.k)?;
        if !is_compared_as_made(trace) {
            let how = "as compared: normed or turned by its position";
            writeln!(out, "\nq_{i}, {how}\n{}\nk_j, {how}", vector(&trace.compared_q))?;
            matrix(out, "k", &keys.tokens, &trace.compared_k)?;
        }
        writeln!(out)?;
        self.scores(out)?;
        writeln!(out)?;
        step(out, Ink::Value, "W_V", &matrix_of(2, d_v), "")?;
        self.weights(out, 2, &trace.w_v)?;
        let made = format!("v_j = {source}_j W_V{}{}", bias(2), self.changed(Stage::Values));
        step(out, Ink::Value, &made, &shape(&[k_len, d_v]), "")?;
        matrix(out, "v", &keys.tokens, &trace.v)?;
        writeln!(out)?;
        let mixed = format!("context_{i} = Σ_j weight_j v_j{}", self.changed(Stage::Context));
        step(out, Ink::Title, &mixed, &shape(&[1, d_v]), "")?;
        writeln!(out, "{}", vector(&trace.context))?;
        if let Some(answer) = &self.answer {
            writeln!(out)?;
            answer.show(out, self.has_w_o, self.is_small)?;
        }
        self.verdict(out)
    }

    /// The numbers of W_Q, W_K or W_V, where all of the walk can be followed by hand.
    fn weights(&self, out: &mut impl Inked, at: usize, matrix: &Tensor<2>) -> io::Result<()> {
        if self.is_small && self.has_matrix[at] { rows(out, matrix) } else { Ok(()) }
    }

    /// What comes after the formula of a stage.
    fn changed(&self, stage: Stage) -> String {
        match self.trace.changed.contains(&stage) {
            true => format!(", then changed by {}", self.changes),
            false => String::new(),
        }
    }

    /// Score, scaled score and weight of every key; a hidden key is marked.
    fn scores(&self, out: &mut impl Inked) -> io::Result<()> {
        let Self { trace, keys, query, .. } = self;
        let [scores, scaled, masked, weights] =
            [&trace.scores, &trace.scaled, &trace.masked, &trace.weights].map(values);
        let shape = &shape(&[1, scores.len()]);
        let has_bias = has_bias(trace);
        let capped = if is_capped(trace) { ", then capped" } else { "" };
        let hooked = self.changed(Stage::Scores);
        let sum: f64 = values(&trace.softmax).iter().sum();
        // Rounding of single precision; a row without visible keys sums to zero.
        let sink = if sum > 0.0 && sum < 1.0 - 1e-5 { ", the rest on the sink" } else { "" };
        step(out, Ink::Title, &format!("scores   s_j = score(q_{query}, k_j)"), shape, "")?;
        step(out, Ink::Title, &format!("scaled   s_j · {:.6}{capped}{hooked}", trace.scale), shape, "")?;
        if has_bias {
            step(out, Ink::Title, "biased   + what the position adds", shape, "")?;
        }
        step(out, Ink::Title, "weights  softmax over j", shape, &format!("sum {sum:.6}{sink}"))?;
        if trace.changed.contains(&Stage::Weights) {
            let sum: f64 = weights.iter().sum();
            step(
                out,
                Ink::Title,
                &format!("         then changed by {}", self.changes),
                shape,
                &format!("sum {sum:.6}"),
            )?;
        }

        let is_hooked = !hooked.is_empty();
        let heading = match (has_bias, is_hooked) {
            (true, _) => "     biased",
            (false, true) => "    changed",
            (false, false) => "",
        };
        let labels = keys.tokens.iter().map(|token| token.chars().count());
        let label = labels.max().unwrap_or(0).max(keys.heading().len());
        // What is left of 80 columns.
        let longest_bar = BAR.saturating_sub(heading.len() + label - LABEL).max(1) as f64;
        writeln!(out, "\n    j  {:<label$}      score     scaled{heading}    weight", keys.heading())?;
        for (j, token) in keys.tokens.iter().enumerate() {
            let after = match masked[j] {
                f64::NEG_INFINITY => "hidden".to_owned(),
                _ => "#".repeat((weights[j] * longest_bar).round() as usize),
            };
            let biased = if has_bias || is_hooked { format!(" {:>10.4}", masked[j]) } else { String::new() };
            let row = format!(
                "{j:>5}  {token:<label$} {:>10.4} {:>10.4}{biased} {:>9.6}  ",
                scores[j], scaled[j], weights[j]
            );
            out.ink(Ink::Plain, if after.is_empty() { row.trim_end() } else { &row })?;
            out.ink(if after == "hidden" { Ink::Quiet } else { Ink::Good }, &after)?;
            writeln!(out)?;
        }
        Ok(())
    }

    fn verdict(&self, out: &mut impl Inked) -> io::Result<()> {
        let prediction = &self.prediction;
        if prediction.is_empty() {
            return writeln!(out, "\nthis position has no target");
        }
        let (ink, verdict) = match &self.target {
            Target::Open => {
                return writeln!(out, "\nthe prediction is `{prediction}`, and what follows is open");
            }
            Target::Written => {
                return writeln!(out, "\nthe prediction is `{prediction}`, with which it goes on");
            }
            Target::Label(target) if prediction == target => (Ink::Good, "which is right".to_owned()),
            Target::Label(target) => (Ink::Bad, format!("the target is `{target}`")),
        };
        write!(out, "\nthe prediction is `{prediction}`, ")?;
        out.ink(ink, &verdict)?;
        writeln!(out)
    }
}

/// The name of one step, its shape, and what there is to show of it.
pub(super) fn step(out: &mut impl Inked, ink: Ink, name: &str, shape: &str, rest: &str) -> io::Result<()> {
    out.ink(ink, &format!("{name:<31}"))?;
    out.ink(Ink::Quiet, &format!(" {shape}"))?;
    let gap = " ".repeat(12_usize.saturating_sub(shape.chars().count()));
    writeln!(out, "{}", format!("{gap}{rest}").trim_end())
}

/// Whether queries and keys are compared as W_Q and W_K made them.
fn is_compared_as_made(trace: &Trace) -> bool {
    values(&trace.q) == values(&trace.compared_q) && values(&trace.k) == values(&trace.compared_k)
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
