//! The life of a run, in scenes.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use qkv_run::{
    Contents, Description, Evaluation, Event, Existing, Figure, Log, RunError, RunFolder, StepReport, Storage,
};
use toml::Table;

use super::image::Left;
use super::simulated::Simulated;

/// Where the run is; neither folder is there at first.
pub const RUN: &str = "runs/a";

/// Where the run is from which another branches.
pub const PARENT: &str = "parents/p";

/// The seed of the run that branches, from this step.
pub const BRANCH: (u64, u64) = (3, 10);

/// A frame of the film.
pub const FRAME: &[u8] = b"frame";

/// What the run has reported to its user.
#[derive(Debug, Clone, Default)]
pub struct Reported {
    /// Whether it was started.
    pub started: bool,
    /// The steps that it saved and has not been asked to give up.
    pub saved: BTreeSet<u64>,
    /// Those of the run in whose place another begins, as long as it is there.
    pub replaced: BTreeSet<u64>,
    /// A step whose checkpoint was damaged from outside.
    pub damaged: Option<u64>,
}

pub type Scene = fn(&Arc<dyn Storage>, &mut Reported) -> Result<(), RunError>;

/// The config of a run with this seed.
pub fn config(seed: u64) -> Table {
    let text =
        format!("seed = {seed}\n[task]\nname = \"sort\"\n[model]\n[optimizer]\nlr = 0.00031622776601683794");
    (text + "\n[schedule]\n[train]\nsteps = 9\n").parse().unwrap()
}

/// The checkpoint of a run with this seed.
pub fn contents(seed: u64, step: u64) -> Contents {
    let mut description = Description::new(config(seed), vec!["a".to_owned(), "b".to_owned()]);
    let loss = 1.0 / (step + 1) as f64;
    description.evaluation = Some(Evaluation {
        loss,
        accuracy: 0.5,
        sequence_accuracy: 0.25,
        examples: 8,
        ..Evaluation::default()
    });
    Contents {
        weights: [seed, step].map(u64::to_le_bytes).concat(),
        optimizer: vec![step as u8; 5],
        description,
    }
}

/// A run begins, saves its steps 0, 5 and 10, that of 10 twice, and keeps two of them.
pub fn first_start(storage: &Arc<dyn Storage>, reported: &mut Reported) -> Result<(), RunError> {
    let run =
        RunFolder::create_on(Arc::clone(storage), Path::new(RUN), &config(1).to_string(), Existing::Keep)?;
    reported.started = true;
    let mut log = run.create_metrics()?;
    run.write_snapshot(0, FRAME)?;
    save_and_report(&run, &mut log, 1, 0, reported)?;
    train(&run, &mut log, 1, 1..=5)?;
    save_and_report(&run, &mut log, 1, 5, reported)?;
    train(&run, &mut log, 1, 6..=10)?;
    run.write_snapshot(10, FRAME)?;
    save_and_report(&run, &mut log, 1, 10, reported)?;
    save(&run, 1, 10, reported)?;
    run.prune(1, &Figure::loss()).failures.into_iter().try_for_each(Err)
}

/// The run goes on from its newest checkpoint that is whole.
pub fn resume(storage: &Arc<dyn Storage>, reported: &mut Reported) -> Result<(), RunError> {
    go_on(storage, reported, None)
}

/// The run goes on from its start, and gives up what it saved since.
pub fn resume_from_the_start(storage: &Arc<dyn Storage>, reported: &mut Reported) -> Result<(), RunError> {
    go_on(storage, reported, Some(0))
}

/// Another run takes the folder.
pub fn overwrite(storage: &Arc<dyn Storage>, reported: &mut Reported) -> Result<(), RunError> {
    reported.replaced = std::mem::take(&mut reported.saved);
    reported.started = false;
    let (path, existing) = (Path::new(RUN), Existing::Overwrite);
    let run = RunFolder::create_on(Arc::clone(storage), path, &config(2).to_string(), existing)?;
    reported.started = true;
    let mut log = run.create_metrics()?;
    save_and_report(&run, &mut log, 2, 0, reported)?;
    train(&run, &mut log, 2, 1..=5)?;
    save_and_report(&run, &mut log, 2, 5, reported)
}

/// The run from which another is to branch.
pub fn parent(storage: &Arc<dyn Storage>, _: &mut Reported) -> Result<(), RunError> {
    let (path, existing) = (Path::new(PARENT), Existing::Keep);
    let run = RunFolder::create_on(Arc::clone(storage), path, &config(1).to_string(), existing)?;
    run.create_metrics()?;
    run.write_checkpoint(BRANCH.1, &contents(1, BRANCH.1)).map(drop)
}

/// A run branches from another one, whose checkpoint becomes its first.
pub fn branch(storage: &Arc<dyn Storage>, reported: &mut Reported) -> Result<(), RunError> {
    let (seed, step) = BRANCH;
    let parent = RunFolder::open_on(Arc::clone(storage), Path::new(PARENT))?.at(step)?;
    assert!(parent.read()? == contents(1, step));
    let (path, existing) = (Path::new(RUN), Existing::Keep);
    let run = RunFolder::create_on(Arc::clone(storage), path, &config(seed).to_string(), existing)?;
    reported.started = true;
    let mut log = run.create_metrics()?;
    save_and_report(&run, &mut log, seed, step, reported)?;
    train(&run, &mut log, seed, step + 1..=step + 5)?;
    save_and_report(&run, &mut log, seed, step + 5, reported)
}

/// The step at which a run with this seed begins.
pub fn begins_at(seed: u64) -> u64 {
    if seed == BRANCH.0 { BRANCH.1 } else { 0 }
}

/// The run saves its newest step again.
pub fn replace(storage: &Arc<dyn Storage>, reported: &mut Reported) -> Result<(), RunError> {
    let run = RunFolder::open_on(Arc::clone(storage), Path::new(RUN))?.locked()?;
    save(&run, 1, 10, reported)
}

/// The run goes on past errors of its log, whose lines are then still to be written, and saves.
pub fn log_past_errors(storage: &Arc<dyn Storage>, reported: &mut Reported) -> Result<(), RunError> {
    let run = RunFolder::open_on(Arc::clone(storage), Path::new(RUN))?.locked()?;
    let mut log = run.rewind(10)?.log;
    for step in 11..=15 {
        let _ = train(&run, &mut log, 1, step..=step);
    }
    save(&run, 1, 15, reported)
}

/// The disk after scenes in which nothing went wrong.
pub fn lived(scenes: &[Scene]) -> (Simulated, Reported) {
    let (disk, mut reported) = (Simulated::default(), Reported::default());
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    for scene in scenes {
        scene(&storage, &mut reported).unwrap();
    }
    (disk.after_a_power_cut(Left::Everything), reported)
}

fn go_on(storage: &Arc<dyn Storage>, reported: &mut Reported, from: Option<u64>) -> Result<(), RunError> {
    let run = RunFolder::open_on(Arc::clone(storage), Path::new(RUN))?.locked()?;
    let mut damaged = Vec::new();
    let mut found = None;
    for checkpoint in run.checkpoints_to_resume(from)? {
        match checkpoint.read() {
            Ok(contents) => {
                found = Some((checkpoint.step, contents));
                break;
            }
            Err(RunError::Damaged { .. }) => damaged.push(checkpoint),
            Err(error) => return Err(error),
        }
    }
    let mut config: Table = run.config()?.parse().unwrap();
    RunFolder::take_format(&mut config)?;
    let seed = config["seed"].as_integer().unwrap() as u64;
    let Some((step, contents)) = found else {
        assert_eq!(damaged, [], "nothing to go on from");
        let mut log = run.create_metrics()?;
        return save_and_report(&run, &mut log, seed, begins_at(seed), reported);
    };
    assert_eq!(contents.description.config, config);
    for checkpoint in damaged {
        run.mark_damaged(&checkpoint)?;
    }
    reported.saved.retain(|saved| *saved <= step);
    let mut log = run.rewind(step)?.log;
    train(&run, &mut log, seed, step + 1..=step + 5)?;
    save_and_report(&run, &mut log, seed, step + 5, reported)
}

/// Saves a step, and reports it in the log.
fn save_and_report(
    run: &RunFolder,
    log: &mut Log,
    seed: u64,
    step: u64,
    reported: &mut Reported,
) -> Result<(), RunError> {
    save(run, seed, step, reported)?;
    write(run, log, &Event::Saved { step, path: RUN.to_owned() })
}

fn write(run: &RunFolder, log: &mut Log, event: &Event) -> Result<(), RunError> {
    let failed = |source| RunError::Io { action: "write", path: run.path().to_owned(), source };
    event.write(log).map_err(failed)
}

/// Saves a step; after an error once more, as training does.
fn save(run: &RunFolder, seed: u64, step: u64, reported: &mut Reported) -> Result<(), RunError> {
    let contents = contents(seed, step);
    run.write_checkpoint(step, &contents).or_else(|_| run.write_checkpoint(step, &contents))?;
    reported.saved.insert(step);
    Ok(())
}

/// Logs steps, whose rate is the seed.
fn train(
    run: &RunFolder,
    log: &mut Log,
    seed: u64,
    steps: std::ops::RangeInclusive<u64>,
) -> Result<(), RunError> {
    for step in steps {
        let lr = seed as f64;
        let report = StepReport {
            step,
            loss: 0.5,
            lr,
            grad_norm: 1.0,
            tokens_per_second: 2.0,
            loss_parts: BTreeMap::new(),
        };
        write(run, log, &Event::Step(report))?;
    }
    Ok(())
}
