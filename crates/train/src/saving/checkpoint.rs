//! Checkpoints: `model.safetensors` beside `config.json` and what the optimizer remembers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use burn::module::Module;
use burn::tensor::Device;
use qkv_run::{Checkpoint, Contents, Description, Evaluation, Figure, RunError, RunFolder};
use serde::Serialize;
use toml::Table;

use super::layout::{Place, layout};
use super::optimizer_state::{Expected, Saved, load_state, state_to_bytes};
use super::weights::{not_finite, unchecked_from_bytes, weights_from_bytes, weights_to_bytes};
use crate::config::ADAM_W;
use crate::error::{Quantity, TrainError};
use crate::model::Model;
use crate::stopwatch::Stopwatch;
use crate::task::Task;
use crate::training::{Costs, Next, NotFinite, Observer, Optimizer, OptimizerState, Roles, State};

/// The same checkpoint, of which no file is read that is far longer than the model needs.
fn limited<M: Module>(checkpoint: &Checkpoint, model: &M, optimizer: Option<&dyn Optimizer>) -> Checkpoint {
    let (mut parameters, mut state) = (0, 0);
    for Place { parameter, dtype, .. } in layout(model, &Roles::default()) {
        parameters += (parameter.n() * dtype.size()) as u64;
        let remembered = optimizer.map_or(Vec::new(), |optimizer| optimizer.state(&parameter));
        state += remembered.iter().map(|tensor| (tensor.n * dtype.size()) as u64).sum::<u64>();
    }
    // The state of another optimizer is read and named.
    checkpoint.of_a_model(parameters, state.max(parameters.saturating_mul(4)))
}

/// The model of a checkpoint, without what only training needs; see [`load_checkpoint`].
///
/// # Errors
/// If a file is missing or damaged, or does not fit the model.
pub fn load_checkpoint_weights<M: Module>(checkpoint: &Checkpoint, model: M) -> Result<M, TrainError> {
    let weights = limited(checkpoint, &model, None).read_weights()?;
    weights_from_bytes(model, weights, &checkpoint.weights())
}

/// The state of a run at one of its checkpoints; `model` is a fresh one of the same kind, on its training device, and
/// `optimizer` that of the run.
///
/// # Errors
/// If a file is missing or damaged, or does not fit the model or the optimizer: a tensor is missing or surplus, or has
/// another shape or precision. The file and the tensor are named.
pub fn load_checkpoint<M: Model + Module>(
    checkpoint: &Checkpoint,
    model: M,
    optimizer: &dyn Optimizer,
    device: &Device,
) -> Result<State<M>, TrainError> {
    let step = checkpoint.step;
    let Contents { weights, optimizer: state, description } =
        limited(checkpoint, &model, Some(optimizer)).read()?;
    let model = unchecked_from_bytes(model, weights, &checkpoint.weights())?;
    let expected = match description.version {
        _ if step == 0 => Expected::None,
        Some(_) => Expected::All,
        None => Expected::Some { step },
    };
    let (path, made_by) = (checkpoint.optimizer(), optimizer_of(&description.config));
    let file = Saved { bytes: &state, path: &path, made_by };
    let tensors = load_state(&model, optimizer, file, expected, device)?;
    let optimizer = OptimizerState { step, tensors };
    match NotFinite::search(&model, &optimizer, None) {
        None => Ok(State { step, model, optimizer }),
        Some(found @ NotFinite { what: Quantity::OptimizerState(_), .. }) => {
            Err(not_finite(&found, &checkpoint.optimizer()))
        }
        Some(found) => Err(not_finite(&found, &checkpoint.weights())),
    }
}

/// The name of the optimizer in a config that has one: `adam-w` where the name was left out, as early runs did.
fn optimizer_of(config: &Table) -> Option<&str> {
    let optimizer = config.get("optimizer")?;
    optimizer.get("name").map_or(Some(ADAM_W), toml::Value::as_str)
}

/// Saves a checkpoint into the run folder whenever one is due.
pub struct Checkpoints<'a> {
    run: RunFolder,
    description: Description,
    /// How many of the newest stay; `None` for all.
    keep: Option<usize>,
    /// By what the best is found that stays beside them.
    best_by: Figure,
    /// The last evaluation, and its step.
    evaluated: Option<(u64, Evaluation)>,
    /// Called with what keeps an older checkpoint from being removed, once for each message.
    warn: Box<dyn FnMut(&RunError) + 'a>,
    warned: BTreeMap<String, RunError>,
    seconds: f64,
}

impl<'a> Checkpoints<'a> {
    /// `config` is written beside the weights, as `config.json`, together with the task's vocabulary.
    pub fn new(run: &RunFolder, config: &impl Serialize, task: &dyn Task) -> Self {
        let description = description(config, task);
        Self {
            run: run.clone(),
            description,
            keep: None,
            best_by: Figure::loss(),
            evaluated: None,
            warn: Box::new(|_| {}),
            warned: BTreeMap::new(),
            seconds: 0.0,
        }
    }

    /// After each further one, removes all but the `keep` newest, the first and the best, by default that of the lowest
    /// held-out loss; see [`RunFolder::prune`].
    pub fn keeping(self, keep: u64) -> Self {
        Self { keep: Some(usize::try_from(keep).unwrap_or(usize::MAX)), ..self }
    }

    /// Takes another figure than the loss for the best.
    pub fn best_by(self, best_by: Figure) -> Self {
        Self { best_by, ..self }
    }

    /// Calls `warn` where an older checkpoint cannot be removed; it stays, and the training goes on.
    pub fn when_an_older_one_stays(self, warn: impl FnMut(&RunError) + 'a) -> Self {
        Self { warn: Box::new(warn), ..self }
    }

    /// What kept older checkpoints from being removed.
    pub fn removal_failures(&self) -> impl Iterator<Item = &RunError> {
        self.warned.values()
    }

    /// Writes down the commit of the program that trains.
    pub fn of_commit(mut self, commit: Option<&str>) -> Self {
        self.description.commit = commit.map(str::to_owned);
        self
    }

    /// Time that was spent in it so far.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}

/// What each checkpoint of a training has beside its tensors.
pub(super) fn description(config: &impl Serialize, task: &dyn Task) -> Description {
    let config = Table::try_from(config).expect("a config is a TOML table of numbers and names");
    Description::new(config, task.vocabulary().to_vec())
}

impl<M: Module> Observer<M> for Checkpoints<'_> {
    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        self.evaluated = Some((state.step, evaluation.clone()));
        Ok(())
    }

    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let started = Stopwatch::start();
        let files = self.run.checkpoint(state.step);
        let evaluated = self.evaluated.as_ref().filter(|(step, _)| *step == state.step);
        let contents = Contents {
            weights: weights_to_bytes(&state.model, &files.weights())?,
            optimizer: state_to_bytes(&state.optimizer, &files.optimizer())?,
            description: Description {
                evaluation: evaluated.map(|(_, evaluation)| evaluation.clone()),
                ..self.description.clone()
            },
        };
        self.run.write_checkpoint(state.step, &contents)?;
        self.seconds += started.seconds();
        Ok(())
    }

    /// Older ones go only now, so that a save that fails costs none.
    fn saved(&mut self, _: &State<M>) -> Result<Next, TrainError> {
        let started = Stopwatch::start();
        if let Some(keep) = self.keep {
            for failure in self.run.prune(keep, &self.best_by).failures {
                if let Entry::Vacant(new) = self.warned.entry(failure.to_string()) {
                    (self.warn)(new.insert(failure));
                }
            }
        }
        self.seconds += started.seconds();
        Ok(Next::Continue)
    }

    fn add_costs(&self, costs: &mut Costs) {
        costs.checkpoint_seconds = self.seconds;
    }
}
