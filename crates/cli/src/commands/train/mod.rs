//! `qkv train`: from a task's name to a trained model in a run folder.

mod asked;

use std::f64::consts::LN_2;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::counted;
use qkv_run::{Baseline, Event, Generalization, RunFolder};
use qkv_train::{ConfigSource, Corpus, Ended, Processes, Registry};

use crate::args::TrainArgs;
use crate::live::{self, Motion};
use crate::output::stdout::{Stdout, print_saved};
use crate::output::text::figures::{figures, other_figures};
use crate::output::text::portion::portion;
use crate::output::training::closing_summary;
use crate::output::training::describe::{Start, describe};
use crate::processes::{check_alike, from_first, to_others};
use crate::session::device::Machine;
use crate::session::interrupt::Interrupt;
use crate::session::job::Job;
use crate::session::outcome::{Done, Outcome, Output};

/// Trains, evaluates on the test split, and shows attention maps.
pub fn run(args: &TrainArgs, registry: &Registry, processes: &dyn Processes) -> Result<ExitCode> {
    if args.live {
        live::check()?;
    }
    let machine = args.machine.open()?;
    check_alike(processes, &args.source, &machine.environment())?;
    if processes.rank() > 0 {
        return follow(args, registry, &machine, processes);
    }
    let plan = args.plan(registry)?;
    let output = match args {
        TrainArgs { json: true, .. } => Output::Json,
        TrainArgs { quiet: true, .. } => Output::Quiet,
        TrainArgs { live: true, slow: true, .. } => Output::Live(Motion::Slow),
        TrainArgs { live: true, .. } => Output::Live(Motion::Full),
        _ => Output::Text,
    };
    let out = &mut Stdout::of_a_training();
    if let Some((run, end)) = plan.ended() {
        to_others(processes, &None::<String>)?;
        finished(out, run, end, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let job = plan.job(&machine, args.max_memory)?.stop_after(args.stop_after);
    let mut interrupt = Interrupt::watch(live::close)?;
    to_others(processes, &Some(job.config.to_toml()))?;
    // Nothing is created where another process refuses what it is to train.
    job.check_processes(processes)?;
    let (folder, from) = plan.folder()?;
    if output.is_text() {
        let (Job { task, model, config, left_out, .. }, layers) = (&job, job.layers());
        describe(
            out,
            &Start { task: &**task, model, layers: &layers, config, left_out, run: folder.path() },
        )?;
    }
    match job.run(&folder, &from, output, &mut interrupt, processes)? {
        Outcome::Interrupted { step, code } => {
            print_saved(step, &folder.checkpoint(step).folder);
            Ok(code)
        }
        Outcome::Done(done) => {
            if output.is_text() {
                end(out, &done, args.stop_after)?;
                comparison(out, &done, job.task.corpus().map_or("target", Corpus::unit))?;
                closing_summary::show(out, &done.probe, &job.layers(), folder.path())?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Trains along with the first process, with its config.
fn follow(
    args: &TrainArgs,
    registry: &Registry,
    machine: &Machine,
    processes: &dyn Processes,
) -> Result<ExitCode> {
    let Some(config) = from_first::<Option<String>>(processes)? else { return Ok(ExitCode::SUCCESS) };
    let experiment = registry.read(ConfigSource::Toml(&config), &[] as &[&str])?;
    let job = Job::prepare(&experiment, machine, args.max_memory)?.stop_after(args.stop_after);
    let mut interrupt = Interrupt::watch(|| {})?;
    job.check_processes(processes)?;
    job.follow(processes, &mut interrupt)
}

/// The end of a run that is left alone.
fn finished(out: &mut impl Write, run: &RunFolder, end: &Event, output: Output) -> std::io::Result<()> {
    match end {
        Event::Done { step, .. } if output.is_text() => writeln!(
            out,
            "{} is finished at step {step}; --resume --from STEP goes on from an earlier checkpoint, --branch NEWDIR in \
             another run",
            run.path().display()
        ),
        end if output == Output::Json => end.write(out),
        _ => Ok(()),
    }
}

/// How the run ended, and its figures on the test split.
fn end(out: &mut impl Write, done: &Done, stop_after: Option<u64>) -> std::io::Result<()> {
    let Done { ended, step, evaluation: test, n_test_examples, film_ended_at, seconds, live_seconds, .. } =
        done;
    match ended {
        Ended::Finished => {}
        Ended::Early(_) => writeln!(out, "stopped early at step {step}: the validation target is reached")?,
        Ended::Stopped => match stop_after.filter(|last| last < step) {
            Some(last) => {
                writeln!(out, "at step {step} already, past --stop-after {last}: no step was made")?
            }
            None => writeln!(out, "stopped at step {step}, as asked")?,
        },
    }
    writeln!(
        out,
        "\ntest {}\non {} after {}, {seconds:.1} s in all",
        figures(test),
        portion(test.examples, *n_test_examples, "example"),
        counted(*step, "step")
    )?;
    write!(out, "{}", other_figures(test))?;
    if let Some(step) = film_ended_at {
        writeln!(out, "the film is not whole: it has no frame from step {step} on")?;
    }
    if let Some(live) = live_seconds {
        writeln!(out, "the live view took {live:.2} s of it, {:.1} %", 100.0 * live / seconds)?;
    }
    Ok(())
}

/// The held-out loss at its best and now, beside that of the training and of simpler models on the same split, and
/// whether the model memorised its text.
fn memorising(out: &mut impl Write, found: &Generalization) -> std::io::Result<()> {
    let Generalization { unit, best_step, best_loss, step, loss, training_loss, .. } = found;
    writeln!(out, "\nloss as it was trained        nats   bits per {unit}")?;
    let rows = [
        (format!("lowest, step {best_step}"), best_loss),
        (format!("held out, step {step}"), loss),
        (format!("training, step {step}"), training_loss),
    ];
    let simpler = found.baselines.iter().map(|Baseline { name, loss }| (format!("held out, {name}"), loss));
    for (name, loss) in rows.into_iter().chain(simpler) {
        writeln!(out, "  {name:<22} {loss:>9.4} {:>9.4}", loss / LN_2)?;
    }
    match found.is_memorised() {
        true => writeln!(
            out,
            "it memorised its text: held-out loss rose after step {best_step}, training loss fell"
        ),
        false => Ok(()),
    }
}

/// The loss beside that of simpler models, and a sample of generated text.
fn comparison(out: &mut impl Write, done: &Done, unit: &str) -> std::io::Result<()> {
    if !done.baselines.is_empty() {
        writeln!(out, "\nloss on the test split        nats   bits per {unit}")?;
        let ours = ("this model", done.evaluation.loss);
        let others = done.baselines.iter().map(|baseline| (baseline.name.as_str(), baseline.loss));
        for (name, loss) in std::iter::once(ours).chain(others) {
            writeln!(out, "  {name:<22} {loss:>9.4} {:>9.4}", loss / LN_2)?;
        }
    }
    if let Some(found) = &done.generalization {
        memorising(out, found)?;
    }
    if let Some(sample) = &done.sample {
        writeln!(out, "\na sample:\n{sample}")?;
    }
    Ok(())
}
