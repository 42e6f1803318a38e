//! `qkv ablate`: what the run can no longer do without a head, or without its queries, keys or values.

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::Result;
use qkv_model::Stage;
use qkv_train::{Ablation, Effect, Examples, Registry, Replacement, Site, Split};
use serde_json::json;

use crate::args::AblateArgs;
use crate::exit::usage;
use crate::loaded;

/// Takes every part of every head away, one at a time, and lists them with the most important first.
pub fn run(args: &AblateArgs, registry: &Registry) -> Result<ExitCode> {
    if args.examples == 0 {
        return Err(usage("--examples must be at least 1, got 0"));
    }
    let device = args.machine.open()?;
    let run = loaded::open(&args.run, registry, &device)?;
    let examples = Examples { task: &*run.task, seed: run.config.seed, split: Split::Test };
    let replacement = if args.mean { Replacement::Mean } else { Replacement::Zero };
    let ablation = Ablation::new(&run.model, examples, args.examples, &device)?;
    let ablated = |site: Site| Ok((site, ablation.without(&[site], replacement)?));
    let mut effects: Vec<(Site, Effect)> =
        ablation.sites().into_iter().map(ablated).collect::<Result<_>>()?;
    effects.sort_by(|(_, a), (_, b)| b.loss_change().total_cmp(&a.loss_change()));

    let out = &mut stdout().lock();
    if args.json {
        for (site, effect) in &effects {
            writeln!(out, "{}", event(*site, effect, replacement))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let before = ablation.before();
    let instead = if args.mean { "replaced by its mean" } else { "set to zero" };
    writeln!(
        out,
        "accuracy {:.4}   loss {:.2e}   on {} test examples, step {}, before anything is {instead}\n",
        before.accuracy, before.loss, before.examples, run.step
    )?;
    writeln!(
        out,
        "{:>5}  {:>5}  {:<7}  {:>11}  {:>15}",
        "layer", "head", "without", "loss change", "accuracy change"
    )?;
    let count =
        |layer, stage| effects.iter().filter(|(site, _)| (site.layer, site.stage) == (layer, stage)).count();
    for (site, effect) in &effects {
        let per_group = count(site.layer, Stage::Context) / count(site.layer, site.stage);
        let (heads, what) = (heads(site.head, per_group), without(site.stage));
        let (loss, accuracy) = (effect.loss_change(), effect.accuracy_change());
        writeln!(out, "{:>5}  {heads:>5}  {what:<7}  {loss:>+11.4}  {accuracy:>+15.4}", site.layer)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The heads that a part belongs to, all of a group where they share it: `2`, or `4-7`.
fn heads(index: usize, per_group: usize) -> String {
    match (index * per_group, per_group) {
        (head, 1) => head.to_string(),
        (first, _) => format!("{first}-{}", first + per_group - 1),
    }
}

/// Without its context, all of a head is gone.
fn without(stage: Stage) -> &'static str {
    if stage == Stage::Context { "head" } else { stage.name() }
}

fn event(site: Site, effect: &Effect, replacement: Replacement) -> serde_json::Value {
    json!({
        "event": "ablation",
        "layer": site.layer,
        "head": site.head,
        "without": site.stage.name(),
        "replacement": replacement,
        "loss": effect.after.loss,
        "accuracy": effect.after.accuracy,
        "loss_change": effect.loss_change(),
        "accuracy_change": effect.accuracy_change(),
        "examples": effect.after.examples,
    })
}
