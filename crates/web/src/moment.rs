//! What the page draws of the state: the film of one frame.

use qkv_inspect::{CheckpointConfig, Film, Metrics};
use qkv_train::{Example, FrameMaker};

use crate::error::WebError;
use crate::session::Session;

/// The inputs that the page shows, and the frame that has the gradients of the update before it.
pub(crate) struct Frames {
    pub(crate) examples: Vec<Example>,
    made: Option<(u64, Vec<u8>)>,
}

impl Frames {
    pub(crate) fn new(examples: Vec<Example>) -> Self {
        Self { examples, made: None }
    }

    /// Gives up a frame that shows something else than the state.
    pub(crate) fn forget(&mut self) {
        self.made = None;
    }

    /// Takes the frame of a step, or none where it was not asked for.
    pub(crate) fn made(&mut self, step: u64, frame: Option<Vec<u8>>) {
        self.made = frame.map(|frame| (step, frame));
    }
}

impl Session {
    /// What makes frames of the inputs that the page shows.
    pub(crate) fn frame_maker(&self) -> FrameMaker<'_> {
        FrameMaker::new(&*self.experiment.task, self.frames.examples.clone(), &self.device)
    }

    /// The film of the state as the page of a recorded run has it, with one frame: JSON. After
    /// [`step_watched`](Self::step_watched) it has the gradients of the last update.
    ///
    /// # Errors
    /// If the model does not fit the task.
    pub fn moment(&self) -> Result<String, WebError> {
        let (task, step) = (&self.experiment.task, self.state.step);
        let frame = match &self.frames.made {
            Some((made_at, frame)) if *made_at == step => frame.clone(),
            _ => self.frame_maker().frame(&self.state)?,
        };
        let config = CheckpointConfig::of_toml(&self.experiment.config.to_toml(), &task.vocabulary())?;
        let film =
            Film::of_frames(&self.experiment.config.task.name, config, self.metrics(), [(step, frame)])?;
        Ok(film.json())
    }

    /// The figures that belong to the frame.
    fn metrics(&self) -> Metrics {
        let mut metrics = Metrics { parameters: Some(self.n_parameters()), ..Metrics::default() };
        metrics.losses.extend(self.loss);
        metrics.evaluations.extend(self.evaluated.clone());
        metrics
    }
}
