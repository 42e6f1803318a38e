//! An input of the reader's own.

use burn::module::Module;
use qkv_train::{Example, Split, draw, write_pair};

use crate::error::WebError;
use crate::session::Session;

/// Labels that a refusal lists.
const LISTED: usize = 40;

impl Session {
    /// Shows an input of the reader's own in place of the first one: at each position its labels, as many as share a
    /// position. `None` brings back the one that was drawn.
    ///
    /// # Errors
    /// If the input has another length than the task's, or a label that the task does not have; nothing changes then.
    pub fn probe(&mut self, positions: Option<&[Vec<String>]>) -> Result<(), WebError> {
        let task = &*self.experiment.task;
        self.frames.examples[0] = match positions {
            None => draw(task, self.experiment.config.seed, Split::Test, 0)?,
            Some(positions) => Example::new(task, self.tokens(positions)?),
        };
        self.frames.forget();
        Ok(())
    }

    /// Shows a pair in place of the first input: a source of the reader's own, and the answer that the model writes to it as
    /// it is now.
    ///
    /// ```
    /// use qkv_web::Session;
    ///
    /// let mut session = Session::of_task("dates", &["train.eval_examples=10"])?;
    /// session.probe_source("3 March 1987")?;
    /// assert_eq!(session.examples()[0].tokens.len(), 39);
    /// # Ok::<(), qkv_web::WebError>(())
    /// ```
    ///
    /// # Errors
    /// If the task has no pairs, or the source has another symbol than those of the task, or too many; nothing changes
    /// then.
    pub fn probe_source(&mut self, source: &str) -> Result<(), WebError> {
        let task = &*self.experiment.task;
        let Some(translation) = task.translation() else {
            let message = "this task has no pairs; write a token for each position of its input";
            return Err(WebError::Input(message.to_owned()));
        };
        let written = write_pair(&self.state.model.valid(), translation, source, &self.device);
        let tokens = written.map_err(|error| WebError::Input(error.to_string()))?;
        self.frames.examples[0] = Example::new(task, tokens);
        self.frames.forget();
        Ok(())
    }

    fn tokens(&self, positions: &[Vec<String>]) -> Result<Vec<u32>, WebError> {
        let task = &*self.experiment.task;
        let (seq_len, stack, vocabulary) = (task.seq_len(), task.stack(), task.vocabulary());
        let is_whole = |position: &Vec<String>| position.len() == stack;
        if positions.len() != seq_len || !positions.iter().all(is_whole) {
            let each = if stack == 1 { String::new() } else { format!(" with {stack} labels each") };
            let labels: usize = positions.iter().map(Vec::len).sum();
            return Err(WebError::Input(format!(
                "an input of this task has {seq_len} positions{each}, got {} with {labels} labels in all",
                positions.len()
            )));
        }
        let token = |label: &String| {
            vocabulary.iter().position(|known| known == label).map(|token| token as u32).ok_or_else(|| {
                let listed = vocabulary[..vocabulary.len().min(LISTED)].join(" ");
                let more = match vocabulary.len().saturating_sub(LISTED) {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                WebError::Input(format!("the task has no token `{label}`; it has {listed}{more}"))
            })
        };
        positions.iter().flatten().map(token).collect()
    }
}
