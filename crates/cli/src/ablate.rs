//! `qkv ablate`: what the run can no longer do without a head, or without its queries, keys or values.

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::Result;
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
    effects.sort_by(|(_, a), (_, b)| b.loss().total_cmp(&a.loss()));

    let out = &mut stdout().lock();
    if args.json {
        for (site, effect) in &effects {
            writeln!(out, "{}", event(*site, effect, replacement))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let before = ablation.before();
    writeln!(
        out,
        "accuracy {:.4}   loss {:.2e}   on {} test examples, step {}, before anything is taken away\n",
        before.accuracy, before.loss, before.examples, run.step
    )?;
    writeln!(out, "{:>5}  {:>4}  {:<8}  {:>9}  {:>9}", "layer", "head", "without", "loss", "accuracy")?;
    for (Site { layer, head, stage }, effect) in &effects {
        let (loss, accuracy) = (effect.loss(), effect.accuracy());
        writeln!(out, "{layer:>5}  {head:>4}  {:<8}  {loss:>+9.4}  {accuracy:>+9.4}", stage.name())?;
    }
    Ok(ExitCode::SUCCESS)
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
        "loss_change": effect.loss(),
        "accuracy_change": effect.accuracy(),
        "examples": effect.after.examples,
    })
}
