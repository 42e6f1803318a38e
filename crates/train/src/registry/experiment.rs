//! A run before it starts: a config whose names were found and whose values were checked.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use burn::tensor::Device;
use qkv_model::Init;

use super::BuildModel;
use crate::config::Config;
use crate::error::TrainError;
use crate::model::AnyModel;
use crate::task::Task;

/// What [`Registry::read`](super::Registry::read) makes of a config.
pub struct Experiment {
    /// With every value filled in; as a file it repeats the run.
    pub config: Config,
    /// What is learned.
    pub task: Arc<dyn Task>,
    pub(super) build_model: Box<BuildModel>,
}

impl Experiment {
    /// The model on `device`, with the initial weights of the config's seed.
    ///
    /// # Errors
    /// If the settings of a score or a position scheme do not fit the model.
    pub fn model(&self, device: &Device) -> Result<AnyModel, TrainError> {
        (self.build_model)(&*self.task, &Init::new(device, self.config.seed))
    }
}

impl Debug for Experiment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Experiment").field("config", &self.config).finish_non_exhaustive()
    }
}
