//! Progress of a training: a bar on a terminal, a plain line every so often elsewhere.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use qkv_inspect::grouped;
use qkv_train::{Evaluation, EvaluationProgress, Next, Observer, State, StepReport, TrainError};

use super::rate::Rate;
use crate::output::stdout::Stdout;
use crate::output::text::figures::words;

/// Shows the progress of a run.
pub struct Progress {
    bar: Option<ProgressBar>,
    steps: u64,
    /// Since the last line.
    rate: Rate,
    /// The figure that may end the training.
    stop_metric: String,
    /// The last evaluation as a line, which is printed once before that of a step, or stands below the bar until the next
    /// one.
    held_out: String,
    screen: Stdout,
}

/// Plain lines of a run.
const LINES: u64 = 20;

/// The bar of the steps, and the same above the last evaluation.
const BAR: &str = "{bar:30} {pos}/{len} steps  {msg}  {eta} left";
const WITH_HELD_OUT: &str = "{bar:30} {pos}/{len} steps  {msg}  {eta} left\n{prefix}";

impl Progress {
    pub fn new(steps: u64, stop_metric: &str) -> Self {
        let bar = bar(steps, BAR);
        let (stop_metric, held_out) = (stop_metric.to_owned(), String::new());
        Self { bar, steps, rate: Rate::default(), stop_metric, held_out, screen: Stdout::of_a_training() }
    }
}

impl<M> Observer<M> for Progress {
    fn step(&mut self, _state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        let StepReport { step, loss, lr, grad_norm, tokens_per_second, .. } = report;
        self.rate.push(*tokens_per_second);
        match &self.bar {
            Some(bar) => {
                bar.set_position(*step);
                bar.set_message(format!("loss {loss:.4}"));
            }
            None if *step == 1 || step.is_multiple_of(self.steps.div_ceil(LINES)) || *step == self.steps => {
                let rate = std::mem::take(&mut self.rate).mean().unwrap_or(*tokens_per_second);
                let line = format!(
                    "step {step:>6}  loss {loss:.4}  lr {lr:.1e}  gradient {grad_norm:.3}  {:>9} tokens/s",
                    grouped(rate.round() as usize)
                );
                let failed = TrainError::io("write", Path::new("standard output"));
                let held_out = std::mem::take(&mut self.held_out);
                let lines = if held_out.is_empty() { line } else { format!("{held_out}\n{line}") };
                writeln!(self.screen, "{lines}").map_err(failed)?;
            }
            None => {}
        }
        Ok(Next::Continue)
    }

    fn evaluated(&mut self, state: &State<M>, evaluation: &Evaluation) -> Result<(), TrainError> {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.held_out.is_empty()) {
            bar.set_style(style(WITH_HELD_OUT));
        }
        self.held_out = format!("step {:>6}  held-out loss {:.4}", state.step, evaluation.loss);
        let name = Some(self.stop_metric.as_str()).filter(|name| *name != Evaluation::LOSS);
        if let Some((name, figure)) = name.and_then(|name| Some((name, evaluation.figure(name)?))) {
            self.held_out += &format!("  {} {figure:.4}", words(name));
        }
        if let Some(bar) = &self.bar {
            bar.set_prefix(self.held_out.clone());
        }
        Ok(())
    }

    fn end(&mut self, _state: &State<M>) -> Result<(), TrainError> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        Ok(())
    }
}

/// Shows how far one of the final figures is, on a terminal, once it takes long; gone when it is dropped.
pub struct FigureBar {
    bar: Option<ProgressBar>,
    started: Instant,
}

/// What takes less needs no bar.
const LONG: Duration = Duration::from_secs(1);

impl FigureBar {
    /// A figure that is made of `what`, such as "test examples".
    pub fn new(what: &str) -> Self {
        let bar = bar(0, &format!("{{bar:30}} {{pos}}/{{len}} {what}  {{eta}} left"));
        Self { bar, started: Instant::now() }
    }

    /// Moves the bar.
    pub fn show(&self, EvaluationProgress { n_done, n_examples }: EvaluationProgress) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.started.elapsed() >= LONG) {
            bar.set_length(n_examples);
            bar.set_position(n_done);
        }
    }
}

impl Drop for FigureBar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `None` where standard error is not a terminal, or one that cannot move its cursor.
fn bar(length: u64, template: &str) -> Option<ProgressBar> {
    Some(ProgressBar::new(length).with_style(style(template))).filter(|bar| !bar.is_hidden())
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is valid")
}
