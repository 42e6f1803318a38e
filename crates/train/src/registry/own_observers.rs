//! Observers of your own that watch every run of the command line.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use qkv_model::{Choice, NoSettings};
use qkv_run::RunFolder;

use super::Registry;
use crate::config::Config;
use crate::error::TrainError;
use crate::model::AnyModel;
use crate::task::Task;
use crate::training::Observer;

/// A run that is about to begin or to go on, for the observers of it.
#[derive(Clone, Copy)]
pub struct ObservedRun<'a> {
    /// With every value filled in.
    pub config: &'a Config,
    /// What is learned.
    pub task: &'a Arc<dyn Task>,
    /// Where it is kept.
    pub folder: &'a RunFolder,
}

/// What builds the observers of a run: those that were added to the registry.
#[derive(Clone, Default)]
pub struct OwnObservers {
    builds: Vec<Arc<BuildObserver>>,
}

pub(super) type BuildObserver =
    dyn Fn(&ObservedRun<'_>) -> Result<Box<dyn Observer<AnyModel>>, TrainError> + Send + Sync;

impl OwnObservers {
    /// New observers, one of each name, in the order of these.
    ///
    /// # Errors
    /// If one cannot be built.
    pub fn build(&self, run: &ObservedRun<'_>) -> Result<Vec<Box<dyn Observer<AnyModel>>>, TrainError> {
        self.builds.iter().map(|build| build(run)).collect()
    }
}

impl Debug for OwnObservers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnObservers").field("n", &self.builds.len()).finish()
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
    /// one, are then those of the uninterrupted run.
    pub fn observer<O: Observer<AnyModel> + 'static>(
        mut self,
        name: &str,
        build: impl Fn(&ObservedRun<'_>) -> Result<O, TrainError> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        self.observers.add(name, move |_: NoSettings| {
            let build = Arc::clone(&build);
            Box::new(move |run: &ObservedRun<'_>| {
                let observer: Box<dyn Observer<AnyModel>> = Box::new(build(run)?);
                Ok(observer)
            })
        });
        self
    }

    /// All of them.
    pub(super) fn own_observers(&self) -> Result<OwnObservers, TrainError> {
        let builds = self.observers.names().map(|name| {
            let ready = self.observers.read(&Choice::new(name))?;
            Ok(Arc::from(ready.build))
        });
        Ok(OwnObservers { builds: builds.collect::<Result<_, TrainError>>()? })
    }
}
