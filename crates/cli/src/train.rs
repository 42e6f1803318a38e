//! `qkv train`: from a task's name to a trained model in a run folder.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::module::Module;
use burn::tensor::Device;
use qkv_model::{Init, Transformer};
use qkv_train::{
    Checkpoints, Config, ConfigSource, Ended, Evaluation, Event, EventLog, Examples, Existing, Probe,
    RunFolder, Split, Task, TrainError, Trained, Trainer, draw, evaluate, save_snapshot,
};

use crate::args::TrainArgs;
use crate::exit::usage;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::{ending, table};

/// Test examples behind the final figures.
const TEST_EXAMPLES: u64 = 10_000;

/// Trains, evaluates on the test split, and shows what was learned.
pub fn run(args: &TrainArgs) -> Result<ExitCode> {
    let started = Instant::now();
    // Everything that can be wrong is found here, before anything is created.
    let config = config(args)?;
    let device = args.machine.open()?.autodiff();
    let task = config.task.build()?;
    let model: Transformer = config.model.init(&Init::new(&device, config.seed))?;
    let trainer = Trainer::new(model.clone(), &*task, config.recipe(), &device)?.stop_after(args.stop_after);
    let folder = create_folder(args, &*task, &config)?;

    let mut log = EventLog::new(folder.create_metrics()?, &folder);
    let mut json = args.json.then(|| EventLog::new(Screen::default(), &folder));
    let shown = !args.quiet && !args.json;
    if shown {
        table::describe(&mut Screen::default(), &*task, &model, &config, folder.path())?;
    }
    let start = Event::Start {
        task: task.name(),
        seed: config.seed,
        steps: config.train.steps,
        parameters: model.num_params(),
        path: folder.path(),
    };
    log.write(&start)?;
    if let Some(json) = &mut json {
        json.write(&start)?;
    }

    let mut checkpoints = Checkpoints::new(&folder, &config);
    let mut interrupt = Interrupt::watch()?;
    let mut progress = shown.then(|| Progress::new(config.train.steps));
    let mut trainer = trainer.observe(&mut interrupt).observe(&mut checkpoints).observe(&mut log);
    if let Some(json) = &mut json {
        trainer = trainer.observe(json);
    }
    if let Some(progress) = &mut progress {
        trainer = trainer.observe(progress);
    }
    let Trained { state, ended } = trainer.run()?;
    if let (Ended::Stopped, Some(code)) = (ended, interrupt.exit_code()) {
        eprintln!("stopped at step {}, saved in {}", state.step, folder.checkpoint(state.step).display());
        return Ok(ExitCode::from(code));
    }

    let model = state.model.valid();
    let evaluation = evaluate(
        &model,
        Examples { task: &*task, seed: config.seed, split: Split::Test },
        TEST_EXAMPLES,
        &device,
    )?;
    let probe = probe(&model, &*task, &config, &device)?;
    save_snapshot(&probe, state.step, &folder)?;
    let seconds = started.elapsed().as_secs_f64();
    let done = Event::Done { step: state.step, evaluation, seconds, path: folder.path() };
    log.write(&done)?;
    if let Some(json) = &mut json {
        json.write(&done)?;
    }
    if shown {
        let out = &mut Screen::default();
        say_how_it_ended(out, ended, state.step, &evaluation, seconds)?;
        ending::show(out, &probe, folder.path())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn config(args: &TrainArgs) -> Result<Config> {
    let mut settings = args.settings.clone();
    settings.extend(args.seed.map(|seed| format!("seed={seed}")));
    if let Some(steps) = args.steps {
        settings.extend([format!("train.steps={steps}"), "train.stop_at=0".to_owned()]);
    }
    if args.source.ends_with(".toml") {
        let path = Path::new(&args.source);
        let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
        let set = if settings.is_empty() { "" } else { " with what the command line sets" };
        let config = ConfigSource::Toml(&text).read(&settings);
        return config.with_context(|| format!("cannot use {}{set}", path.display()));
    }
    Ok(ConfigSource::Task(&args.source).read(&settings)?)
}

fn create_folder(args: &TrainArgs, task: &dyn Task, config: &Config) -> Result<RunFolder> {
    let Some(out) = &args.out else {
        return Ok(RunFolder::create_next(Path::new("runs"), task.name(), config)?);
    };
    if out.is_file() {
        return Err(usage(format!("--out {} is a file; name a folder", out.display())));
    }
    let existing = if args.force { Existing::Overwrite } else { Existing::Keep };
    Ok(RunFolder::create(out, config, existing)?)
}

/// The first test example, as the model sees it.
fn probe(model: &Transformer, task: &dyn Task, config: &Config, device: &Device) -> Result<Probe> {
    let example = draw(task, config.seed, Split::Test, 0)?;
    Ok(Probe::new(model, task, &example, device))
}

fn say_how_it_ended(
    out: &mut impl Write,
    ended: Ended,
    step: u64,
    test: &Evaluation,
    seconds: f64,
) -> std::io::Result<()> {
    match ended {
        Ended::Finished => {}
        Ended::Early(_) => writeln!(out, "stopped early at step {step}: the validation target is reached")?,
        Ended::Stopped => writeln!(out, "stopped at step {step}, as asked")?,
    }
    writeln!(
        out,
        "\ntest accuracy {:.4}   sequences right {:.4}   loss {:.2e}   on {} examples after {step} steps, {seconds:.1} s in all",
        test.accuracy, test.sequence_accuracy, test.loss, test.examples
    )
}
