//! A run before it starts: a config whose names were found and whose values were checked.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use burn::tensor::Device;
use qkv_model::Init;

use super::reading::{SettingsLeftOut, with_table};
use super::{BuildModel, RunObservers, Sizes};
use crate::config::Config;
use crate::error::TrainError;
use crate::measure::examples_at_once;
use crate::memory::{MemoryEstimate, ModelSizes, Passes, optimizer_state};
use crate::model::{AnyModel, Model};
use crate::saving::{Place, layout};
use crate::task::{Relabelled, Split, Task, draw};
use crate::training::{ParameterInfo, ParameterKind, Parts, Roles};

/// What [`Registry::read`](super::Registry::read) makes of a config.
pub struct Experiment {
    /// With every value filled in; as a file it repeats the run.
    pub config: Config,
    /// What is learned.
    pub task: Arc<dyn Task>,
    /// What it is trained with, the names of the config being found.
    pub parts: Parts,
    /// What watches it, of the registry.
    pub observers: RunObservers,
    /// What the defaults of the task, a config file or earlier settings set for other names than those of the config.
    pub left_out: Vec<SettingsLeftOut>,
    pub(super) build_model: Box<BuildModel>,
    pub(super) sizes: Box<Sizes>,
}

impl Experiment {
    /// The model on `device`, with the initial weights of the config's seed.
    ///
    /// # Errors
    /// If the settings of a score or a position scheme do not fit the model.
    pub fn model(&self, device: &Device) -> Result<AnyModel, TrainError> {
        let model = (self.build_model)(&*self.task, &Init::new(device, self.config.seed));
        model.map_err(|error| with_table(error, &self.config.model))
    }

    /// The same with the labels that the tokens have in a run of it: a run keeps them, also where a later version has
    /// others. As it is where there are not as many.
    #[must_use]
    pub fn with_labels(self, labels: Vec<String>) -> Self {
        Self { task: Relabelled::of(self.task, labels), ..self }
    }

    /// The memory that a training needs, before any of it is taken; `None` where the sizes of the model are not known
    /// before it is [built](Self::memory_of). Where it is not whole, that of the built model may be more.
    pub fn memory(&self) -> Option<MemoryEstimate> {
        let sizes = (self.sizes)(&self.passes())?;
        let state = optimizer_state(&*self.parts.optimizer, &sizes);
        Some(MemoryEstimate::new(&sizes, state, &*self.task, self.config.train.shards))
    }

    /// The same for its model, once that is built, with the maps of the layers that the kernels cannot compute; without
    /// activations, where the sizes of its type are not known.
    pub fn memory_of(&self, model: &AnyModel) -> MemoryEstimate {
        let places = layout(model, &Roles::of(model));
        let (mut parameters, mut learned, mut learned_maps, mut state) = (0, 0, 0, 0);
        for Place { parameter, learned: is_learned, .. } in places {
            parameters += parameter.n();
            if is_learned {
                learned += parameter.n();
                learned_maps += if parameter.kind == ParameterKind::Map { parameter.n() } else { 0 };
                state += self.parts.optimizer.state(&parameter).iter().map(|tensor| tensor.n).sum::<usize>();
            }
        }
        let [parameters, learned, learned_maps] = [parameters, learned, learned_maps].map(|n| n as f64);
        let mut passes = self.passes();
        passes.shows_maps |= model.layers().iter().any(|layer| layer.reference_reason.is_some());
        let passes = (self.sizes)(&passes).and_then(|sizes| sizes.passes);
        let sizes = ModelSizes { parameters, learned, learned_maps, passes };
        MemoryEstimate::new(&sizes, state as f64, &*self.task, self.config.train.shards)
    }

    /// Whether its optimizer remembers the tensors of that of another experiment, so that it can go on with their values.
    pub fn remembers_the_same_as(&self, other: &Self) -> bool {
        use ParameterKind::{Map, Output, Table, Vector};
        // Two axes of different lengths, so that a state for each row or column is told from one for each value.
        let parameters = [Map, Output, Table, Vector].map(|kind| {
            let shape = if kind == Vector { vec![3] } else { vec![2, 3] };
            ParameterInfo { path: "parameter".to_owned(), shape, kind }
        });
        let of_parameter = |experiment: &Self, parameter: &ParameterInfo| {
            let mut state = experiment.parts.optimizer.state(parameter);
            state.sort_by_key(|tensor| tensor.name);
            state.into_iter().map(|tensor| (tensor.name, tensor.n)).collect::<Vec<_>>()
        };
        parameters.iter().all(|parameter| of_parameter(self, parameter) == of_parameter(other, parameter))
    }

    fn passes(&self) -> Passes {
        let Config { seed, train, .. } = &self.config;
        let seq_len = self.task.seq_len();
        // Where no example can be drawn, the trainer refuses to start.
        let example = draw(&*self.task, *seed, Split::Train, 0);
        let n_targets = example.map_or(seq_len, |example| example.n_targets());
        Passes {
            n_in_step: train.batch_size.div_ceil(train.shards),
            n_in_evaluation: examples_at_once(seq_len),
            n_targets,
            shows_maps: self.parts.measures().inputs().attention_weights,
        }
    }
}

impl Debug for Experiment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Experiment").field("config", &self.config).finish_non_exhaustive()
    }
}
