//! `qkv eval`: accuracy and loss of a run on the examples of one split.

use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::{counted, grouped};
use qkv_run::{EvaluatedOn, Event};
use qkv_train::{AllInputs, Examples, HeldOut, Registry, Split};

use crate::args::EvalArgs;
use crate::exit::usage;
use crate::output::stdout::Stdout;
use crate::output::text::figures::{figures, other_figures};
use crate::output::text::portion::examples_of;
use crate::session::interrupt::Interrupt;
use crate::session::runs::open_run::OpenRun;

/// Most inputs of `--exact`: a minute or two of a small model.
const EXACT_LIMIT: u64 = 1_000_000;

/// Evaluates the checkpoint that was asked for.
pub fn run(args: &EvalArgs, registry: &Registry) -> Result<ExitCode> {
    let device = args.machine.open()?.device;
    let run = OpenRun::open(&args.run, registry, &device)?;
    let task = &*run.task;
    let interrupt = Interrupt::watch(|| {})?;
    let mut ask = |_| Ok(interrupt.go_on());
    let measures = run.parts.measures();
    let (evaluated_on, evaluated, n_listed) = if args.exact {
        let inputs = AllInputs::of(task, EXACT_LIMIT).ok_or_else(|| {
            let n_inputs = task.inputs().and_then(|inputs| inputs.count);
            let n_inputs = n_inputs.map_or("more than can be numbered".to_owned(), |n| grouped(n as usize));
            let (limit, name) = (grouped(EXACT_LIMIT as usize), &run.config.task.name);
            usage(format!("--exact needs at most {limit} inputs, the task `{name}` has {n_inputs}"))
        })?;
        (EvaluatedOn::All, inputs.evaluate_while(&run.model, measures, &device, &mut ask)?, None)
    } else {
        let examples = Examples { task, seed: run.config.seed, split: args.split };
        let held_out = HeldOut { examples, n_examples: args.examples };
        let evaluated = held_out.evaluate_while(&run.model, measures, &device, &mut ask)?;
        (evaluated_on(args.split), evaluated, examples.count())
    };
    let evaluation = match interrupt.or_stopped(evaluated) {
        ControlFlow::Continue(evaluation) => evaluation,
        ControlFlow::Break(code) => return Ok(code),
    };
    let which = match evaluated_on {
        EvaluatedOn::All => {
            format!("all {}, those of training included", counted(evaluation.examples, "input"))
        }
        _ => examples_of(args.split, run.step, evaluation.examples, n_listed),
    };
    let out = &mut Stdout::new();
    if args.json {
        Event::Eval { split: evaluated_on, step: run.step, evaluation }.write(out)?;
    } else {
        write!(
            out,
            "{}   on {which}, step {}\n{}",
            figures(&evaluation),
            run.step,
            other_figures(&evaluation)
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn evaluated_on(split: Split) -> EvaluatedOn {
    match split {
        Split::Train => EvaluatedOn::Train,
        Split::Validation => EvaluatedOn::Validation,
        Split::Test => EvaluatedOn::Test,
    }
}
