//! What watches every run of the command line: its log, its film, its checkpoints, and observers of your own.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use burn::tensor::Device;
use qkv_model::{Choice, NoSettings};
use qkv_run::{Environment, Log, RunError, RunFolder};

use super::Registry;
use crate::config::Config;
use crate::error::TrainError;
use crate::model::AnyModel;
use crate::saving::{Checkpoints, EventLog, FilmEnd, RunInfo, Snapshots};
use crate::task::{Split, Task, draw};
use crate::training::{Observer, Parts};

/// A run that is about to begin or to go on, for the observers of it.
#[derive(Clone, Copy)]
pub struct ObservedRun<'a> {
    /// With every value filled in.
    pub config: &'a Config,
    /// What is learned.
    pub task: &'a Arc<dyn Task>,
    /// What it is trained with.
    pub parts: &'a Parts,
    /// Where it is kept; its log is open.
    pub folder: &'a RunFolder,
    /// Where it is trained, with autodiff.
    pub device: &'a Device,
    /// What computes it.
    pub environment: Option<&'a Environment>,
    /// The commit that the program was built from.
    pub commit: Option<&'a str>,
    /// The step of its checkpoint after which it goes on; `None` where it begins.
    pub goes_on_after: Option<u64>,
    /// Shows the user what went wrong in a training that goes on.
    pub notify: &'a dyn Fn(&Notice<'_>),
}

impl ObservedRun<'_> {
    /// What the first event of its log has.
    pub fn info(&self) -> RunInfo {
        let (task, environment) = (self.config.task.name.clone(), self.environment.cloned());
        RunInfo { task, seed: self.config.seed, steps: self.config.train.steps, environment }
    }
}

/// What went wrong in a training that goes on.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A frame could not be written, and no further one will be.
    FilmEnded(&'a FilmEnd),
    /// An older checkpoint could not be removed.
    OlderCheckpointStays(&'a RunError),
}

/// What builds the observers of a run: the built-in ones, and those that were added to the registry.
#[derive(Clone, Default)]
pub struct RunObservers {
    /// In their order.
    builds: Vec<(Place, Arc<BuildObserver>)>,
}

/// The observers of a run, in the order in which they are called.
#[derive(Default)]
pub struct BuiltObservers<'a> {
    /// They write down what happens, before anything that may fail hears of it.
    pub recording: Vec<AnyObserver<'a>>,
    /// Those of the user, in the alphabetical order of their names.
    pub own: Vec<AnyObserver<'a>>,
    /// They remove older checkpoints once a new one was reported, so they are called last.
    pub saving: Vec<AnyObserver<'a>>,
}

/// An observer of any type.
pub type AnyObserver<'a> = Box<dyn Observer<AnyModel> + 'a>;

/// Test examples that the film shows.
const PROBES: u64 = 3;

/// When an observer is called: see [`BuiltObservers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Recording,
    Own,
    Saving,
}

/// An observer under its name.
#[derive(Clone)]
pub(super) struct NamedObserver {
    place: Place,
    build: Arc<BuildObserver>,
}

type BuildObserver = dyn for<'a> Fn(&ObservedRun<'a>) -> Result<AnyObserver<'a>, TrainError> + Send + Sync;

impl RunObservers {
    /// New observers, one of each name.
    ///
    /// # Errors
    /// If one cannot be built.
    pub fn build<'a>(&self, run: &ObservedRun<'a>) -> Result<BuiltObservers<'a>, TrainError> {
        let mut built = BuiltObservers::default();
        for (place, build) in &self.builds {
            let list = match place {
                Place::Recording => &mut built.recording,
                Place::Own => &mut built.own,
                Place::Saving => &mut built.saving,
            };
            list.push(build(run)?);
        }
        Ok(built)
    }
}

impl<'a> BuiltObservers<'a> {
    /// All of them, in their order.
    pub fn all(&mut self) -> impl Iterator<Item = &mut AnyObserver<'a>> {
        let Self { recording, own, saving } = self;
        recording.iter_mut().chain(own).chain(saving)
    }
}

impl Debug for RunObservers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunObservers").field("n", &self.builds.len()).finish()
    }
}

impl Registry {
    /// Adds an observer: `build` makes a new one for every run of `train` and `sweep`, when it begins and whenever it
    /// goes on.
    ///
    /// ```
    /// use qkv_train::{AnyModel, CustomReport, Observer, Registry, State, TrainError};
    ///
    /// /// Logs how much the optimizer has seen, every ten steps.
    /// struct Examples {
    ///     batch_size: usize,
    /// }
    ///
    /// impl Observer<AnyModel> for Examples {
    ///     fn report(&mut self, state: &State<AnyModel>) -> Result<Option<CustomReport>, TrainError> {
    ///         let n_seen = (state.step * self.batch_size as u64) as f64;
    ///         Ok((state.step % 10 == 0).then(|| CustomReport::new("examples").with("seen", n_seen)))
    ///     }
    /// }
    ///
    /// let registry = Registry::new()
    ///     .observer("examples", |run| Ok(Examples { batch_size: run.config.train.batch_size }));
    /// registry.check()?;
    /// # Ok::<(), TrainError>(())
    /// ```
    ///
    /// What it remembers is gone where a run is stopped and goes on: reports that follow from the state alone, as this
    /// one, are then those of the uninterrupted run. The names `film`, `log` and `checkpoints` are taken: what keeps a run
    /// in its folder is put in here as well.
    pub fn observer<O: Observer<AnyModel> + 'static>(
        self,
        name: &str,
        build: impl Fn(&ObservedRun<'_>) -> Result<O, TrainError> + Send + Sync + 'static,
    ) -> Self {
        self.observer_at(Place::Own, name, Arc::new(move |run: &ObservedRun<'_>| Ok(Box::new(build(run)?))))
    }

    /// Adds those that keep a run in its folder.
    pub(super) fn built_in_observers(self) -> Self {
        self.observer_at(Place::Recording, "film", Arc::new(|run| Ok(Box::new(film(run)?))))
            .observer_at(Place::Recording, "log", Arc::new(|run| Ok(Box::new(log(run)?))))
            .observer_at(Place::Saving, "checkpoints", Arc::new(|run| Ok(Box::new(checkpoints(run)?))))
    }

    fn observer_at(mut self, place: Place, name: &str, build: Arc<BuildObserver>) -> Self {
        let named = NamedObserver { place, build };
        self.observers.add(name, move |_: NoSettings| Box::new(named.clone()));
        self
    }

    /// All of them.
    pub(super) fn run_observers(&self) -> Result<RunObservers, TrainError> {
        let builds = self.observers.names().map(|name| {
            let NamedObserver { place, build } = *self.observers.read(&Choice::new(name))?.build;
            Ok((place, build))
        });
        let mut builds = builds.collect::<Result<Vec<_>, TrainError>>()?;
        builds.sort_by_key(|(place, _)| *place);
        Ok(RunObservers { builds })
    }
}

fn film<'a>(run: &ObservedRun<'a>) -> Result<Snapshots<'a>, TrainError> {
    let ObservedRun { config, task, folder, device, notify, .. } = *run;
    let probes = (0..PROBES).map(|index| draw(&**task, config.seed, Split::Test, index));
    let probes = probes.collect::<Result<_, _>>()?;
    let film = Snapshots::new(&**task, probes, config.train.snapshot_every, device, folder);
    Ok(film.when_it_ends(move |end| notify(&Notice::FilmEnded(end))))
}

fn log(run: &ObservedRun<'_>) -> Result<EventLog<Log>, TrainError> {
    let log = EventLog::new(run.folder.log(), run.folder, &run.info());
    match run.goes_on_after {
        Some(step) => log.going_on_after(step, &run.folder.events()?),
        None => Ok(log),
    }
}

fn checkpoints<'a>(run: &ObservedRun<'a>) -> Result<Checkpoints<'a>, TrainError> {
    let ObservedRun { config, task, parts, folder, commit, notify, .. } = *run;
    let checkpoints = Checkpoints::new(folder, config, &**task).keeping(config.train.keep).of_commit(commit);
    let checkpoints = checkpoints.best_by(parts.best_figure(&**task)?);
    Ok(checkpoints.when_an_older_one_stays(move |reason| notify(&Notice::OlderCheckpointStays(reason))))
}
