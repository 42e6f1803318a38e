//! A training that goes on when it is asked to.

use burn::module::Module;
use burn::tensor::Device;
use qkv_train::{
    AnyModel, Config, ConfigSource, Evaluation, Example, Experiment, OptimizerState, Registry, Split, State,
    StepOutcome, draw,
};
use serde::Serialize;

use crate::error::WebError;
use crate::frozen::Frozen;
use crate::moment::Frames;
use crate::preset::settings_of;

/// Memory that a training in a page may need: a WebAssembly module of 32 bits has 4 GiB at most, and browsers on
/// telephones end a page that takes more than about one.
pub(crate) const MOST_MEMORY: u64 = 1 << 30;

/// Inputs that the page shows, as many as the film of a run has.
const PROBES: u64 = 3;

/// The text of a config that needs one, or its pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its name, which stands in the config.
    pub name: String,
    /// Its bytes, UTF-8.
    pub bytes: Vec<u8>,
}

/// What a step gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Updates made, this one included.
    pub step: u64,
    /// Loss of its batch, before the update.
    pub loss: f64,
    /// Learning rate.
    pub lr: f64,
    /// Norm of all gradients together, before clipping.
    pub grad_norm: f64,
}

/// Figures on held-out examples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluated {
    /// After how many updates.
    pub step: u64,
    /// The figures by name.
    pub figures: Evaluation,
}

/// Why a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// All steps of the config are made.
    Finished,
    /// `train.stop_at` was reached.
    Early,
}

/// What a call of [`Session::step`] gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stepped {
    /// One for each update; fewer than were asked for where the run ended.
    pub steps: Vec<Step>,
    /// The evaluations that the config has at these steps.
    pub evaluations: Vec<Evaluated>,
    /// Why it ended, if it did.
    pub ended: Option<Ended>,
}

/// The whole state of a session: the weights, what the optimizer remembers, the step and what the run is up to.
#[derive(Clone)]
pub struct Kept {
    state: State<AnyModel>,
    begins_at: u64,
    loss: Option<(u64, f64)>,
    evaluated: Option<(u64, Evaluation)>,
    frozen: Frozen,
}

/// A model in training.
pub struct Session {
    pub(crate) experiment: Experiment,
    pub(crate) device: Device,
    pub(crate) state: State<AnyModel>,
    /// The step at which the schedule begins: 0, or where it was begun [again](Self::begin_again).
    pub(crate) begins_at: u64,
    /// The loss of the last step, or of the model that was changed since, and the step.
    pub(crate) loss: Option<(u64, f64)>,
    /// The last evaluation, and its step.
    pub(crate) evaluated: Option<(u64, Evaluation)>,
    /// What a reader has frozen since.
    pub(crate) frozen: Frozen,
    pub(crate) frames: Frames,
    /// The config without the settings that were given over it; `None` if it holds with them alone.
    pub(crate) unset: Option<Config>,
}

/// Whether a frame is made after a step, with the gradients of its update.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watch {
    Yes,
    No,
}

impl Session {
    /// Begins with the defaults of a task, and settings of the form `model.d_k=24` over them. Those of pairs are smaller here
    /// than by `qkv train`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_task(task: &str, settings: &[impl AsRef<str>]) -> Result<Self, WebError> {
        Self::begin(ConfigSource::Task(task), settings, None)
    }

    /// Begins with a config in TOML, as `qkv train` takes it, and settings over it. The text is what `task.text` names, and
    /// for the task `translate` the pairs that `task.pairs` does.
    ///
    /// # Errors
    /// With the registry's message if something in the config does not fit; [`WebError::TooLarge`] if the training would
    /// take more memory than a page has.
    pub fn new(config: &str, settings: &[impl AsRef<str>], text: Option<Text>) -> Result<Self, WebError> {
        Self::begin(ConfigSource::Toml(config), settings, text)
    }

    pub(crate) fn begin(
        source: ConfigSource<'_>,
        settings: &[impl AsRef<str>],
        text: Option<Text>,
    ) -> Result<Self, WebError> {
        let preset = match source {
            ConfigSource::Task(task) => settings_of(task),
            _ => &[],
        };
        let mut of_page: Vec<String> = preset.iter().map(|&setting| setting.to_owned()).collect();
        let own = settings.iter().map(|setting| setting.as_ref().to_owned());
        let mut settings: Vec<String> = of_page.iter().cloned().chain(own).collect();
        let (name, bytes) = text.map(|Text { name, bytes }| (name, bytes)).unzip();
        let registry = Registry::with_texts(move |_| {
            bytes.clone().ok_or_else(|| std::io::Error::other("the page was given no text"))
        });
        let key = registry.file_key(source).unwrap_or("text");
        let of_text: Vec<String> =
            name.into_iter().map(|name| format!("task.{key}={}", toml::Value::String(name))).collect();
        settings.extend(of_text.clone());
        of_page.extend(of_text);
        // One reader, which makes the statistics of a text once.
        let mut reader = registry.reader();
        let experiment = reader.read(source, &settings)?;
        let unset = reader.read(source, &of_page).ok().map(|unset| unset.config);
        let needed = memory_needed(&experiment);
        if needed > MOST_MEMORY {
            let [needed, most] = [needed, MOST_MEMORY].map(|bytes| bytes >> 20);
            return Err(WebError::TooLarge { needed, most });
        }
        let device = Device::flex().autodiff();
        let model = experiment.model(&device)?;
        let (task, seed) = (&*experiment.task, experiment.config.seed);
        let examples = (0..PROBES).map(|index| draw(task, seed, Split::Test, index));
        let frames = Frames::new(examples.collect::<Result<_, _>>()?);
        let state = State { step: 0, model, optimizer: OptimizerState::default() };
        let frozen = Frozen::default();
        Ok(Self {
            experiment,
            device,
            state,
            begins_at: 0,
            loss: None,
            evaluated: None,
            frozen,
            frames,
            unset,
        })
    }

    /// Updates made.
    pub fn steps_made(&self) -> u64 {
        self.state.step
    }

    /// Bytes that the training needs, by the estimate of the trainer.
    pub(crate) fn memory_needed(&self) -> u64 {
        memory_needed(&self.experiment)
    }

    /// The step at which the run ends by itself.
    pub fn last_step(&self) -> u64 {
        self.begins_at + self.experiment.config.train.steps
    }

    /// Makes up to `n` steps, until the run ends, and the evaluations that its config has on the way.
    ///
    /// # Errors
    /// [`WebError::Diverged`] where a step finds NaN or infinity: the session then stands before it.
    pub fn step(&mut self, n: u64) -> Result<Stepped, WebError> {
        let mut stepped = Stepped::default();
        for _ in 0..n {
            self.one_step(Watch::No, &mut stepped)?;
            if stepped.ended.is_some() {
                break;
            }
        }
        Ok(stepped)
    }

    /// The same with one step more, whose gradients the [`moment`](Self::moment) after it has.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn step_watched(&mut self, n_before: u64) -> Result<Stepped, WebError> {
        let mut stepped = self.step(n_before)?;
        if stepped.ended.is_none() {
            self.one_step(Watch::Yes, &mut stepped)?;
        }
        Ok(stepped)
    }

    fn one_step(&mut self, watch: Watch, stepped: &mut Stepped) -> Result<(), WebError> {
        let last_step = self.last_step();
        if self.state.step >= last_step {
            stepped.ended = Some(Ended::Finished);
            return Ok(());
        }
        let Experiment { task, parts, config, .. } = &self.experiment;
        let factor = parts.factor(self.state.step - self.begins_at)?;
        let mut backward = self.state.backward_of_next(&**task, parts, &self.device)?;
        let mut maker = self.frame_maker();
        if watch == Watch::Yes {
            maker.keep_gradients(&self.state, &backward.gradients);
        }
        self.frozen.leave_out(&self.state.model, &mut backward.gradients);
        // The state before stays, for an update that fails half-way. Its copy takes about 1 % of a step of `reverse`, and 8 %
        // with two layers of width 256.
        let (state, outcome) = self.state.clone().update(parts, backward, factor)?;
        let frame = if watch == Watch::Yes { Some(maker.frame(&state)?) } else { None };
        let StepOutcome { loss, grad_norm, .. } = outcome;
        let (step, lr) = (state.step, parts.learning_rate(factor));
        stepped.steps.push(Step { step, loss, lr, grad_norm });
        let (eval_every, stop_at) = (config.train.eval_every, config.train.stop_at);
        let stop_figure = parts.stop_figure(&**task)?.filter(|_| stop_at != 0.0);
        self.frames.made(step, frame);
        (self.state, self.loss) = (state, Some((step, loss)));
        if step.is_multiple_of(eval_every) || step == last_step {
            let figures = self.evaluate()?;
            if stop_figure.is_some_and(|figure| figure.is_reached(&figures, stop_at)) {
                stepped.ended = Some(Ended::Early);
            }
            self.evaluated = Some((step, figures.clone()));
            stepped.evaluations.push(Evaluated { step, figures });
        }
        if step == last_step {
            stepped.ended.get_or_insert(Ended::Finished);
        }
        Ok(())
    }

    /// Begins the schedule and the count of steps again from here, so that a model whose rate has gone to zero learns
    /// on. The weights, the optimizer's state and the order of the batches stay.
    pub fn begin_again(&mut self) {
        self.begins_at = self.state.step;
    }

    /// The whole state, to come back to.
    pub fn keep(&self) -> Kept {
        let Self { begins_at, loss, .. } = *self;
        let (evaluated, frozen) = (self.evaluated.clone(), self.frozen.clone());
        Kept { state: self.state.clone(), begins_at, loss, evaluated, frozen }
    }

    /// Goes back to a state of this session, exactly.
    pub fn restore(&mut self, kept: &Kept) {
        let Kept { state, begins_at, loss, evaluated, frozen } = kept.clone();
        (self.state, self.begins_at, self.loss, self.evaluated) = (state, begins_at, loss, evaluated);
        self.frozen = frozen;
        self.frames.forget();
    }

    /// Number of scalars in the model.
    pub fn n_parameters(&self) -> u64 {
        self.state.model.num_params() as u64
    }

    /// The inputs that the page shows.
    pub fn examples(&self) -> &[Example] {
        &self.frames.examples
    }
}

fn memory_needed(experiment: &Experiment) -> u64 {
    experiment.memory().map_or(0, |estimate| estimate.bytes())
}
