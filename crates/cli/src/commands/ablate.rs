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
use crate::output::stdout::Stdout;
use crate::output::text::portion::examples_of;
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
    let layers = run.model.layers();
    let mut parts: Vec<(Effect, Part)> = Vec::new();
    for part in self::parts(&ablation.sites(), &layers) {
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
            let mut event = event(part, effect, replacement, args.split, run.step);
            if let Some(layer) = layers.get(part.site.layer) {
                event["path"] = layer.path.as_str().into();
            }
            writeln!(out, "{event}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Evaluation { accuracy, loss, examples: n_examples, .. } = ablation.before();
    let (examples, step) = (examples_of(args.split, run.step, *n_examples, examples.count()), run.step);
    let instead = if args.mean { "replaced by its mean" } else { "set to zero" };
    writeln!(out, "accuracy {accuracy:.4}   loss {loss:.2e}   on {examples}, step {step},")?;
    writeln!(out, "before anything is {instead}\n")?;
    let rows = rows(&parts);
    let head = ["layer", "head", "without", "loss change", "accuracy change"];
    let titles = Layer::titles(&layers);
    out.table(&head, &rows.iter().map(|row| row.cells(&titles)).collect::<Vec<_>>())?;
    let why = why(&rows, replacement);
    if !why.is_empty() {
        writeln!(out, "\n{}", why.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Parts of the same heads without which the model has the same figures, to the last bit.
struct Row<'a> {
    effect: &'a Effect,
    heads: &'a Part,
    without: Vec<Stage>,
}

fn rows(parts: &[(Effect, Part)]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row> = Vec::new();
    for (effect, part) in parts {
        let same = rows.iter_mut().find(|row| {
            (row.heads.site.layer, &row.heads.heads) == (part.site.layer, &part.heads)
                && bits(row.effect) == bits(effect)
        });
        match same {
            Some(row) => row.without.push(part.site.stage),
            None => rows.push(Row { effect, heads: part, without: vec![part.site.stage] }),
        }
    }
    rows
}

/// The figures of the model without a part, of which some may not be numbers.
fn bits(effect: &Effect) -> [u64; 2] {
    [effect.after.loss, effect.after.accuracy].map(f64::to_bits)
}

impl Row<'_> {
    /// `titles` are those of the layers, as far as the model has any.
    fn cells(&self, titles: &[String]) -> Vec<String> {
        let Part { site, heads } = self.heads;
        let layer = titles.get(site.layer).cloned().unwrap_or_else(|| site.layer.to_string());
        let heads = match heads[..] {
            [head] => head.to_string(),
            _ => format!("{}-{}", heads[0], heads[heads.len() - 1]),
        };
        let names: Vec<&str> = self.without.iter().map(|stage| without(*stage)).collect();
        let changes = [self.effect.loss_change(), self.effect.accuracy_change()];
        let [loss, accuracy] = changes.map(|change| format!("{change:+.4}"));
        vec![layer, heads, names.join(" or "), loss, accuracy]
    }

    /// Whether it has these two parts and no other.
    fn is_of(&self, parts: [Stage; 2]) -> bool {
        self.without.len() == parts.len() && parts.iter().all(|part| self.without.contains(part))
    }
}

/// Why parts have the same effect, where that follows from what the model computes; parts that have none, or by chance
/// the same, are not explained.
fn why(rows: &[Row], replacement: Replacement) -> Vec<&'static str> {
    let reasons = [
        ([Stage::Values, Stage::Context], "without values a head brings nothing, as if it was left out"),
        ([Stage::Queries, Stage::Keys], "without queries or keys, all of their products are zero"),
    ];
    let reasons = reasons.into_iter().filter(|(parts, _)| rows.iter().any(|row| row.is_of(*parts)));
    match replacement {
        Replacement::Zero => reasons.map(|(_, why)| why).collect(),
        Replacement::Mean => Vec::new(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn part(stage: Stage, head: usize, loss: f64) -> (Effect, Part) {
        let [before, after] = [0.0, loss].map(|loss| Evaluation { loss, ..Evaluation::default() });
        (Effect { before, after }, Part { site: Site { layer: 0, stage, head }, heads: vec![head] })
    }

    #[track_caller]
    fn check(parts: &[(Effect, Part)], without: &[&str], n_reasons: usize) {
        let rows = rows(parts);
        let cells: Vec<String> = rows.iter().map(|row| row.cells(&[])[2].clone()).collect();
        assert_eq!(cells, without);
        assert_eq!(why(&rows, Replacement::Zero).len(), n_reasons, "{without:?}");
        assert!(why(&rows, Replacement::Mean).is_empty());
    }

    #[test]
    fn parts_share_a_row_where_not_one_bit_differs() {
        let [values, context] = [Stage::Values, Stage::Context];
        check(&[part(values, 0, 2.5), part(context, 0, 2.5)], &["values or head"], 1);
        // Both are printed as +2.5000.
        check(&[part(values, 0, 2.5), part(context, 0, 2.500_000_1)], &["values", "head"], 0);
        check(&[part(values, 0, 2.5), part(context, 1, 2.5)], &["values", "head"], 0);
    }

    #[test]
    fn only_what_follows_from_the_model_is_explained() {
        let all = [Stage::Queries, Stage::Keys, Stage::Values, Stage::Context];
        let without_effect = all.map(|stage| part(stage, 0, 0.0));
        check(&without_effect, &["queries or keys or values or head"], 0);
        let by_chance = [part(Stage::Queries, 0, 1.0), part(Stage::Context, 0, 1.0)];
        check(&by_chance, &["queries or head"], 0);
        let at_zero = [1.0, 1.0, 2.0, 2.0];
        let at_zero: Vec<_> =
            all.into_iter().zip(at_zero).map(|(stage, loss)| part(stage, 0, loss)).collect();
        check(&at_zero, &["queries or keys", "values or head"], 2);
    }
}
