//! The final figures of a training. Each of them may take long, and all of them hear a signal.

use std::ops::ControlFlow;

use anyhow::Result;
use qkv_run::{Baseline, Evaluation};
use qkv_train::{
    AnyModel, Asked, Corpus, EvaluationProgress, Example, Examples, HeldOut, Probe, Processes, Sampling,
    Split, generate,
};

use super::Job;
use super::measuring::Measuring;
use crate::output::training::closing_summary;

/// Test examples behind the final figures at most; `qkv eval` takes any number.
const TEST_EXAMPLES: u64 = 10_000;

/// Test examples of which one is shown.
const TRIED: u64 = 32;

/// Tokens of the sample at the end.
pub const SAMPLE: usize = 200;

/// What is found out about a trained model.
pub struct Figures {
    /// On the test split.
    pub evaluation: Evaluation,
    /// How many examples the test split has, where it is a list.
    pub n_test_examples: Option<u64>,
    /// The model on a test example.
    pub probe: Probe,
    /// The loss of simpler models on the test split, where the task has any and the run's loss is cross-entropy, too.
    pub baselines: Vec<Baseline>,
    /// The same on the validation split, beside whose losses the run has its own since its beginning.
    pub validation_baselines: Vec<Baseline>,
    /// A text that the model generated, where the task has a prompt.
    pub sample: Option<String>,
}

impl Job {
    /// The figures of `model`, a validation copy; `Break` after a signal.
    pub(super) fn figures(
        &self,
        model: &AnyModel,
        mut measuring: Measuring<'_, '_>,
        processes: &dyn Processes,
    ) -> Result<ControlFlow<(), Figures>> {
        let examples = self.test_examples();
        let interrupt = measuring.interrupt;
        let ControlFlow::Continue(evaluation) =
            self.test(model, processes, &mut measuring.of("test examples"))?
        else {
            interrupt.agreed(processes)?;
            return Ok(ControlFlow::Break(()));
        };
        let probe = Probe::new(model, &*self.task, &self.example_to_show()?, &self.device)?;
        let (mut baselines, mut validation_baselines, mut sample) = (Vec::new(), Vec::new(), None);
        if let Some(corpus) = self.task.corpus() {
            // Their cross-entropies stand beside the loss.
            if self.parts.loss.is_cross_entropy() {
                for (split, of_split) in
                    [(Split::Test, &mut baselines), (Split::Validation, &mut validation_baselines)]
                {
                    match corpus.baselines(split, &mut measuring.of("positions counted")) {
                        ControlFlow::Continue(found) => *of_split = found,
                        ControlFlow::Break(_) => return Ok(ControlFlow::Break(())),
                    }
                }
            }
            sample = self.sample(model, corpus, &mut measuring.of("tokens generated"))?;
        }
        let n_test_examples = examples.count();
        let figures = Figures { evaluation, n_test_examples, probe, baselines, validation_baselines, sample };
        // What was found out is of no use to a run that a signal ends: a resumed one finds out all of it.
        Ok(interrupt.go_on().map_continue(|()| figures))
    }

    /// The first test example whose maps have room on the screen, or else the first.
    fn example_to_show(&self) -> Result<Example> {
        let examples = self.test_examples();
        let n_tried = examples.count().unwrap_or(TRIED).min(TRIED);
        for index in 0..n_tried {
            let example = examples.draw(index)?;
            if closing_summary::has_room(&*self.task, &example) {
                return Ok(example);
            }
        }
        Ok(examples.draw(0)?)
    }

    fn test_examples(&self) -> Examples<'_> {
        Examples { task: &*self.task, seed: self.config.seed, split: Split::Test }
    }

    /// The evaluation on the test split, of which every process makes its share.
    pub(super) fn test(
        &self,
        model: &AnyModel,
        processes: &dyn Processes,
        ask: &mut dyn FnMut(EvaluationProgress) -> ControlFlow<()>,
    ) -> Result<Asked<Evaluation>> {
        let held_out = HeldOut { examples: self.test_examples(), n_examples: TEST_EXAMPLES };
        let (measures, mut ask) = (self.parts.measures(), |progress| Ok(ask(progress)));
        Ok(held_out.evaluate_across(processes, model, measures, &self.device, &mut ask)?)
    }

    /// A text, as far as `ask` answers `Continue`.
    fn sample(
        &self,
        model: &AnyModel,
        corpus: &dyn Corpus,
        ask: &mut dyn FnMut(EvaluationProgress) -> ControlFlow<()>,
    ) -> Result<Option<String>> {
        let Some(prompt) = corpus.prompt() else { return Ok(None) };
        let sampling = Sampling { seed: self.config.seed, ..Sampling::default() };
        let tokens = generate(model, &*self.task, &prompt, &sampling, &self.device)?.take(SAMPLE);
        let mut progress = EvaluationProgress { n_done: 0, n_examples: SAMPLE as u64 };
        let tokens = tokens.take_while(|_| {
            progress.n_done += 1;
            ask(progress).is_continue()
        });
        Ok(Some(corpus.text(&tokens.map(|drawn| drawn.token).collect::<Vec<_>>())))
    }
}
