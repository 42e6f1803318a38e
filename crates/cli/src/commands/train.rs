//! `qkv train`: from a task's name to a trained model in a run folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use qkv_inspect::counted;
use qkv_run::{Checkpoint, Existing, RunFolder};
use qkv_train::{ConfigSource, Corpus, Ended, Experiment, Registry, TrainError};

use crate::args::TrainArgs;
use crate::exit::usage;
use crate::live;
use crate::output::portion::portion;
use crate::output::stdout::{Stdout, print_saved};
use crate::output::{closing_summary, describe};
use crate::session::interrupt::Interrupt;
use crate::session::job::{Done, Job, Outcome, Output};

/// Trains, evaluates on the test split, and shows attention maps.
pub fn run(args: &TrainArgs, registry: &Registry) -> Result<ExitCode> {
    if args.live {
        live::check()?;
    }
    let experiment = experiment(args, registry)?;
    let job = Job::prepare(&experiment, &args.machine.open()?)?.stop_after(args.stop_after);
    let mut interrupt = Interrupt::watch(live::close)?;
    let (folder, from) = folder(args, &job)?;
    let output = match args {
        TrainArgs { json: true, .. } => Output::Json,
        TrainArgs { quiet: true, .. } => Output::Quiet,
        TrainArgs { live: true, .. } => Output::Live,
        _ => Output::Text,
    };
    let out = &mut Stdout::of_a_training();
    if let (Some(Checkpoint { step, .. }), None, Some(done)) = (from.first(), args.from, folder.done()?) {
        let run = folder.path().display();
        match output {
            Output::Text | Output::Live => writeln!(
                out,
                "{run} is finished at step {step}; --resume --from STEP goes on from an earlier checkpoint"
            )?,
            Output::Json => done.write(out)?,
            Output::Quiet => {}
        }
        return Ok(ExitCode::SUCCESS);
    }
    if output.is_text() {
        describe::describe(out, &*job.task, &job.model, &job.config, folder.path())?;
        if let Some(Checkpoint { step, .. }) = from.first() {
            writeln!(out, "going on after step {step}\n")?;
        }
    }
    match job.run(&folder, &from, output, &mut interrupt)? {
        Outcome::Interrupted { step, code } => {
            print_saved(step, &folder.checkpoint(step).folder);
            Ok(code)
        }
        Outcome::Done(done) => {
            if output.is_text() {
                figures(out, &done)?;
                comparison(out, &done, job.task.corpus().map_or("target", Corpus::unit))?;
                closing_summary::show(out, &done.probe, folder.path())?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn experiment(args: &TrainArgs, registry: &Registry) -> Result<Experiment> {
    let mut settings = args.settings.clone();
    settings.extend(args.seed.map(|seed| format!("seed={seed}")));
    if let Some(steps) = args.steps {
        settings.extend([format!("train.steps={steps}"), "train.stop_at=0".to_owned()]);
    }
    let source = Path::new(&args.source);
    let is_run = RunFolder::holds_a_run(source)?;
    if is_run && args.resume {
        return from_text(&RunFolder::open(source)?.config()?, source, registry, &settings);
    }
    if is_run {
        return Err(usage(format!("{} holds a run; add --resume to go on with it", source.display())));
    }
    if args.source.ends_with(".toml") {
        return from_file(source, registry, &settings);
    }
    Ok(registry.read(ConfigSource::Task(&args.source), &settings)?)
}

fn from_file(path: &Path, registry: &Registry, settings: &[String]) -> Result<Experiment> {
    let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
    from_text(&text, path, registry, settings)
}

/// Reads the config that stands in `path`.
fn from_text(text: &str, path: &Path, registry: &Registry, settings: &[String]) -> Result<Experiment> {
    let set = if settings.is_empty() { "" } else { " with what the command line sets" };
    let experiment = registry.read(ConfigSource::Toml(text), settings);
    experiment.with_context(|| format!("cannot use {}{set}", path.display()))
}

/// The run's folder, and the checkpoints to go on from, the best first.
fn folder(args: &TrainArgs, job: &Job) -> Result<(RunFolder, Vec<Checkpoint>)> {
    let config = &job.config;
    let given = Path::new(&args.source);
    let out: Option<PathBuf> = match &args.out {
        None if args.resume && RunFolder::holds_a_run(given)? => Some(given.to_owned()),
        out => out.clone(),
    };
    let Some(out) = out else {
        if args.resume {
            return Err(usage("--resume needs the run: name its folder, or give it with --out"));
        }
        return Ok((
            RunFolder::create_next(Path::new("runs"), &config.task.name, &config.to_toml())?,
            Vec::new(),
        ));
    };
    if out.is_file() {
        return Err(usage(format!("--out {} is a file; name a folder", out.display())));
    }
    if args.resume && RunFolder::holds_a_run(&out)? {
        let run = RunFolder::open(&out)?.locked()?;
        config.check_same_as(&run)?;
        let from = run.checkpoints_to_resume(args.from)?;
        return Ok((run, from));
    }
    if let Some(step) = args.from {
        let out = out.display();
        return Err(usage(format!("{out} holds no run, so --from {step} names no checkpoint; leave it out")));
    }
    let existing = if args.force { Existing::Overwrite } else { Existing::Keep };
    Ok((RunFolder::create(&out, &config.to_toml(), existing)?, Vec::new()))
}

/// How the run ended, and its figures on the test split.
fn figures(out: &mut impl Write, done: &Done) -> std::io::Result<()> {
    let Done { ended, step, evaluation: test, n_test_examples, film_ended_at, seconds, live_seconds, .. } =
        done;
    match ended {
        Ended::Finished => {}
        Ended::Early(_) => writeln!(out, "stopped early at step {step}: the validation target is reached")?,
        Ended::Stopped => writeln!(out, "stopped at step {step}, as asked")?,
    }
    writeln!(
        out,
        "\ntest accuracy {:.4}   sequence accuracy {:.4}   loss {:.2e}   on {} after {}, {seconds:.1} s in all",
        test.accuracy,
        test.sequence_accuracy,
        test.loss,
        portion(test.examples, *n_test_examples, "example"),
        counted(*step, "step")
    )?;
    if let Some(step) = film_ended_at {
        writeln!(out, "the film is not whole: it has no frame from step {step} on")?;
    }
    if let Some(live) = live_seconds {
        writeln!(out, "the live view took {live:.2} s of it, {:.1} %", 100.0 * live / seconds)?;
    }
    Ok(())
}

/// The loss beside that of simpler models, and a sample of generated text.
fn comparison(out: &mut impl Write, done: &Done, unit: &str) -> std::io::Result<()> {
    if !done.baselines.is_empty() {
        writeln!(out, "\nloss on the test split        nats   bits per {unit}")?;
        let ours = ("this model", done.evaluation.loss);
        let others = done.baselines.iter().map(|baseline| (baseline.name.as_str(), baseline.loss));
        for (name, loss) in std::iter::once(ours).chain(others) {
            writeln!(out, "  {name:<22} {loss:>9.4} {:>9.4}", loss / std::f64::consts::LN_2)?;
        }
    }
    if let Some(sample) = &done.sample {
        writeln!(out, "\na sample:\n{sample}")?;
    }
    Ok(())
}
