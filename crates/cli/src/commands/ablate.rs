//! `qkv ablate`: the loss without a head, or without its queries, keys or values.

use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Result;
use qkv_model::Stage;
use qkv_run::Evaluation;
use qkv_train::{Ablation, Effect, Examples, HeldOut, Layer, Model, Registry, Replacement, Site, Split};
use serde_json::json;

use crate::args::AblateArgs;
use crate::exit::usage;
use crate::output::portion::examples_of;
use crate::output::stdout::Stdout;
use crate::session::interrupt::Interrupt;
use crate::session::runs::open_run::OpenRun;

/// Ablates every part of every head, one at a time, and lists the most important first.
pub fn run(args: &AblateArgs, registry: &Registry) -> Result<ExitCode> {
    let device = args.machine.open()?.device;
    let run = OpenRun::open(&args.run, registry, &device)?;
    let examples = Examples { task: &*run.task, seed: run.config.seed, split: args.split };
    let replacement = if args.mean { Replacement::Mean } else { Replacement::Zero };
    let interrupt = Interrupt::watch(|| {})?;
    let mut ask = |_| Ok(interrupt.go_on());
    let held_out = HeldOut { examples, n_examples: args.examples };
    let ablation = Ablation::new_while(&run.model, held_out, run.parts.measures(), &device, &mut ask)?;
    let ablation = match interrupt.or_stopped(ablation) {
        ControlFlow::Continue(ablation) => ablation,
        ControlFlow::Break(code) => return Ok(code),
    };
    let mut parts: Vec<(Effect, Part)> = Vec::new();
    for part in self::parts(&ablation.sites(), &run.model.layers()) {
        let effect = ablation.without_while(&[part.site], replacement, &mut ask)?;
        match interrupt.or_stopped(effect) {
            ControlFlow::Continue(effect) => parts.push((effect, part)),
            ControlFlow::Break(code) => return Ok(code),
        }
    }
    if parts.is_empty() {
        return Err(usage(format!("{} has no attention layers to ablate", args.run.run.display())));
    }
    // A loss that is not finite comes first.
    let missed =
        |effect: &Effect| Some(effect.loss_change()).filter(|x| x.is_finite()).unwrap_or(f64::INFINITY);
    parts.sort_by(|(a, _), (b, _)| missed(b).total_cmp(&missed(a)));

    let out = &mut Stdout::new();
    if args.json {
        for (effect, part) in &parts {
            writeln!(out, "{}", event(part, effect, replacement, args.split, run.step))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Evaluation { accuracy, loss, examples: n_examples, .. } = ablation.before();
    let (examples, step) = (examples_of(args.split, run.step, *n_examples, examples.count()), run.step);
    let instead = if args.mean { "replaced by its mean" } else { "set to zero" };
    writeln!(out, "accuracy {accuracy:.4}   loss {loss:.2e}   on {examples}, step {step},")?;
    writeln!(out, "before anything is {instead}\n")?;
    let rows = rows(&parts);
    out.table(&["layer", "head", "without", "loss change", "accuracy change"], &rows)?;
    if rows.iter().any(|row| row[WITHOUT].contains(OR)) {
        writeln!(out, "\nwhat stands in one row has the same effect: {}", why(replacement))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The column of what is ablated, and what joins names in it.
const WITHOUT: usize = 2;
const OR: &str = " or ";

/// A row for each effect: parts of the same heads with the same figures share one.
fn rows(parts: &[(Effect, Part)]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (effect, Part { site, heads }) in parts {
        let heads = match heads[..] {
            [head] => head.to_string(),
            _ => format!("{}-{}", heads[0], heads[heads.len() - 1]),
        };
        let [loss, accuracy] =
            [effect.loss_change(), effect.accuracy_change()].map(|change| format!("{change:+.4}"));
        let row = vec![site.layer.to_string(), heads, without(site.stage).to_owned(), loss, accuracy];
        let is_same = |other: &&mut Vec<String>| {
            (0..row.len()).all(|column| column == WITHOUT || other[column] == row[column])
        };
        match rows.iter_mut().find(is_same) {
            Some(same) => same[WITHOUT] += &format!("{OR}{}", row[WITHOUT]),
            None => rows.push(row),
        }
    }
    rows
}

/// Why parts of a head may have the same effect.
fn why(replacement: Replacement) -> &'static str {
    match replacement {
        Replacement::Zero => {
            "without values a head\nbrings nothing, and without queries or keys it weighs all keys alike"
        }
        Replacement::Mean => "at its mean, a part\nno longer depends on the input",
    }
}

/// A site, and the heads that have it: all of a group, where they share their keys and values.
struct Part {
    site: Site,
    heads: Vec<usize>,
}

fn parts(sites: &[Site], layers: &[Layer]) -> Vec<Part> {
    let count =
        |of: Site| sites.iter().filter(|site| (site.layer, site.stage) == (of.layer, of.stage)).count();
    let part = |&site: &Site| {
        let n_heads = layers.get(site.layer).map_or_else(|| count(site), |layer| layer.n_heads);
        let per_group = (n_heads / count(site)).max(1);
        Part { site, heads: (site.head * per_group..(site.head + 1) * per_group).collect() }
    };
    sites.iter().map(part).collect()
}

/// A head without its context is a head left out.
fn without(stage: Stage) -> &'static str {
    if stage == Stage::Context { "head" } else { stage.name() }
}

fn event(
    part: &Part,
    effect: &Effect,
    replacement: Replacement,
    split: Split,
    step: u64,
) -> serde_json::Value {
    json!({
        "event": "ablation",
        "split": split,
        "step": step,
        "layer": part.site.layer,
        "heads": part.heads,
        "without": without(part.site.stage),
        "replacement": replacement,
        "loss": effect.after.loss,
        "accuracy": effect.after.accuracy,
        "loss_change": effect.loss_change(),
        "accuracy_change": effect.accuracy_change(),
        "examples": effect.after.examples,
    })
}
