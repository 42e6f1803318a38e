//! `qkv eval`: accuracy and loss of a run on held-out examples.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::counted;
use qkv_run::{EvaluatedOn, Event};
use qkv_train::{Examples, Registry, Split, evaluate, evaluate_exactly};

use crate::args::EvalArgs;
use crate::exit::usage;
use crate::output::stdout::Stdout;
use crate::session::open_run::OpenRun;

/// Most inputs of `--exact`: a minute or two of a small model.
const EXACT_LIMIT: u64 = 1_000_000;

/// Evaluates the latest checkpoint.
pub fn run(args: &EvalArgs, registry: &Registry) -> Result<ExitCode> {
    let device = args.machine.open()?;
    let run = OpenRun::open(&args.run, registry, &device)?;
    let task = &*run.task;
    let (split, evaluation, which) = if args.exact {
        let evaluation = evaluate_exactly(&run.model, task, EXACT_LIMIT, &device)?.ok_or_else(|| {
            let n_inputs = task.inputs().and_then(|inputs| inputs.count);
            let n_inputs = n_inputs.map_or("more than can be numbered".to_owned(), |n| n.to_string());
            let name = &run.config.task.name;
            usage(format!("--exact needs at most {EXACT_LIMIT} inputs, the task `{name}` has {n_inputs}"))
        })?;
        let inputs = counted(evaluation.examples, "input");
        (EvaluatedOn::All, evaluation, format!("all {inputs}, those of training included"))
    } else {
        let examples = Examples { task, seed: run.config.seed, split: Split::Test };
        let evaluation = evaluate(&run.model, examples, args.examples, &device)?;
        (EvaluatedOn::Test, evaluation, counted(evaluation.examples, "test example"))
    };
    let out = &mut Stdout::new();
    if args.json {
        Event::Eval { split, step: run.step, evaluation }.write(out)?;
    } else {
        writeln!(
            out,
            "accuracy {:.4}   sequence accuracy {:.4}   loss {:.2e}   on {which}, step {}",
            evaluation.accuracy, evaluation.sequence_accuracy, evaluation.loss, run.step
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
