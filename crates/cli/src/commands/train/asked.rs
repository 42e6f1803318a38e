//! What the arguments of `train` ask for: a new run, one to go on with, or another that begins from it.

use std::path::Path;

use anyhow::{Context, Result};
use qkv_run::{Existing, RunFolder};
use qkv_train::{ConfigSource, Experiment, Registry};

use crate::advice;
use crate::args::TrainArgs;
use crate::exit::usage;
use crate::output::text::shell;
use crate::session::config_file;
use crate::session::origin::Origin;
use crate::session::plan::Plan;
use crate::session::runs::location::Location;

impl TrainArgs {
    /// Checks what was asked for. A run to go on with is locked, and put in order.
    pub fn plan(&self, registry: &Registry) -> Result<Plan> {
        if let Some(folder) = self.out.as_ref().or(self.branch.as_ref()).filter(|folder| folder.is_file()) {
            return Err(usage(format!("{} is a file; name a folder", folder.display())));
        }
        if let Some(new) = &self.branch {
            return self.branch(new, registry);
        }
        let is_run = RunFolder::holds_a_run(&self.source)?;
        if let Some((run, step)) = Location::of_checkpoint(&self.source).filter(|_| !is_run) {
            return Err(usage(of_a_checkpoint(&self.source, run.path(), step)));
        }
        if self.resume {
            let folder = self.run_to_go_on_with(is_run, registry)?;
            if RunFolder::holds_a_run(folder)? {
                return Plan::go_on(folder, self.from, registry, || self.experiment(registry));
            }
            if let Some(step) = self.from {
                let folder = folder.display();
                return Err(usage(format!(
                    "{folder} holds no run, so --from {step} names no checkpoint; leave it out"
                )));
            }
        } else if is_run {
            let run = self.source.display();
            return Err(usage(format!(
                "{run} holds a run; add --resume to go on with it, or begin another from it with --branch"
            )));
        }
        self.begin(registry)
    }

    /// The run that `--resume` means.
    fn run_to_go_on_with(&self, source_is_run: bool, registry: &Registry) -> Result<&Path> {
        let (source, out) = (self.source.as_path(), self.out.as_deref());
        match out {
            Some(out) if source_is_run && !is_within(source, out) => {
                let run = source.display();
                Err(usage(format!(
                    "--resume goes on in {run}; leave --out out, or begin another run with --branch"
                )))
            }
            Some(out) => Ok(out),
            None if source_is_run => Ok(source),
            None => {
                let found = self.what_is_no_run(registry);
                let needs =
                    format!("{found}; --resume needs the folder of a run: name it, or give it with --out");
                Err(usage(match advice::about_a_run(source).filter(|_| !source.exists()) {
                    Some(meant) => format!("{needs}; {meant}"),
                    None => needs,
                }))
            }
        }
    }

    /// What was named where a run was expected.
    fn what_is_no_run(&self, registry: &Registry) -> String {
        let source = self.source.display();
        match self.source.try_exists() {
            Ok(false) if registry.task_names().any(|task| self.source == Path::new(task)) => {
                format!("{source} is a task")
            }
            Ok(false) => format!("{source} does not exist"),
            Ok(true) if self.source.is_dir() => format!("{source} holds no run"),
            _ => format!("{source} is no folder"),
        }
    }

    fn begin(&self, registry: &Registry) -> Result<Plan> {
        let experiment = self.experiment(registry)?;
        if experiment.config.parent.is_some() {
            return Err(usage(format!(
                "{} is of a run that began from another, as [parent] in it states; remove [parent] to begin with new \
                 weights",
                self.source.display()
            )));
        }
        if let (Some(from), Some(out)) = (&self.init_from, &self.out)
            && is_within(from, out)
        {
            let (from, out) = (from.display(), out.display());
            return Err(usage(format!(
                "{out} would be overwritten, and {from} lies in it; choose another --out"
            )));
        }
        let origin = self.init_from.as_deref().map(|path| Origin::weights(path, registry)).transpose()?;
        let existing = if self.force { Existing::Overwrite } else { Existing::Keep };
        Ok(Plan::begin(experiment, self.out.clone(), existing, origin))
    }

    fn branch(&self, new: &Path, registry: &Registry) -> Result<Plan> {
        let Location { run, step: from } = Location::find(&self.source, "--from", self.from)?;
        let experiment = registry.read_branch(&run, from, &self.settings.all());
        let experiment = experiment.with_context(|| self.cannot_use())?;
        let origin = Origin::branch(&run, from)?;
        let (step, steps) = (origin.step(), experiment.config.train.steps);
        if steps <= step {
            return Err(usage(format!(
                "the branch begins at step {step} and train.steps is {steps}: nothing is left to train; set a greater \
                 number with --steps, or an earlier checkpoint with --from"
            )));
        }
        Ok(Plan::begin(experiment, Some(new.to_owned()), Existing::Keep, Some(origin)))
    }

    /// The task, config file or run that is named first, under the settings of the command line.
    fn experiment(&self, registry: &Registry) -> Result<Experiment> {
        let source = self.source.as_path();
        let is_run = RunFolder::holds_a_run(source)?;
        let text = if is_run {
            RunFolder::open(source)?.config()?
        } else if source.extension().is_some_and(|extension| extension == "toml") {
            let text = config_file::read(source)?;
            let config = text.parse::<toml::Table>().unwrap_or_default();
            if let Some(table) = qkv_study::TABLES.into_iter().find(|table| config.contains_key(*table)) {
                return Err(usage(format!(
                    "{} has a table [{table}], which asks for several runs; train them with {}",
                    source.display(),
                    shell::command(&["sweep", &shell::path(source)])
                )));
            }
            text
        } else {
            let task = source.to_string_lossy();
            return Ok(registry.read(ConfigSource::Task(&task), &self.settings.all())?);
        };
        let source = if is_run || is_config_of_a_run(source) {
            ConfigSource::Run(&text)
        } else {
            ConfigSource::Toml(&text)
        };
        let experiment = registry.read(source, &self.settings.all());
        experiment.with_context(|| self.cannot_use())
    }

    fn cannot_use(&self) -> String {
        let set = if self.settings.all().is_empty() { "" } else { " with what the command line sets" };
        format!("cannot use {}{set}", self.source.display())
    }
}

fn is_config_of_a_run(file: &Path) -> bool {
    let run = file.parent().filter(|folder| RunFolder::holds_a_run(folder).is_ok_and(|holds| holds));
    run.and_then(|folder| RunFolder::open(folder).ok()).is_some_and(|run| run.config_file() == file)
}

/// What to do with the checkpoint of a run where a run is expected.
fn of_a_checkpoint(path: &Path, run: &Path, step: u64) -> String {
    let go_on = shell::command(&["train", &shell::path(run), "--resume", "--from", &step.to_string()]);
    format!(
        "{} is a checkpoint of {}; add --branch NEWDIR to begin another run from it, or go on from it in its run: {go_on}",
        path.display(),
        run.display()
    )
}

/// Whether `path` is `folder` or lies in it.
fn is_within(path: &Path, folder: &Path) -> bool {
    let [path, folder] = [path, folder].map(Path::canonicalize);
    matches!((path, folder), (Ok(path), Ok(folder)) if path.starts_with(&folder))
}
