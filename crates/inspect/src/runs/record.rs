//! One run, reduced to what is compared of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use qkv_run::{EvaluatedOn, Evaluation, Event, RunFolder, RunState, StepReport};
use toml::Table;

use crate::runs::figure::Figure;
use crate::runs::left_out::LeftOut;
use crate::runs::series::Series;

/// Figures of an evaluation of which curves are kept.
const MAX_FIGURES: usize = 24;

/// A finished run.
///
/// ```no_run
/// use qkv_inspect::RunRecord;
/// use qkv_run::RunFolder;
///
/// let run = RunFolder::open("runs/reverse-1")?;
/// match RunRecord::read(&run, &run.config()?, 0.9) {
///     Ok(record) => println!("{} steps, {:?}", record.step, record.phase_change),
///     Err(left_out) => println!("{left_out}"),
/// }
/// # Ok::<(), qkv_run::RunError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its folder, as it was named.
    pub path: PathBuf,
    /// Where its config has one.
    pub seed: Option<i64>,
    /// Name of its task, where its config has one.
    pub task: Option<String>,
    /// Steps until its end.
    pub step: u64,
    /// Wall time; NaN where the log lacks it.
    pub seconds: f64,
    /// The figures at its end, on test examples.
    pub evaluation: Evaluation,
    /// The first step at which the accuracy on validation examples was at the threshold or above; `None` where no
    /// evaluation found it there.
    pub phase_change: Option<u64>,
    pub(crate) config: Table,
    /// Of the batch of a step.
    pub(crate) losses: Series,
    /// Figures on validation examples, by name.
    pub(crate) held_out: BTreeMap<String, Series>,
}

impl RunRecord {
    /// Reads the log of a run that is finished. `config` is the text of its config, to which defaults may have been
    /// added; where a step was logged twice, the last line counts.
    ///
    /// # Errors
    /// With the reason, if the run is not finished, has no figure at its end, or cannot be read.
    pub fn read(run: &RunFolder, config: &str, threshold: f64) -> Result<Self, LeftOut> {
        let config: Table = config.parse().map_err(|error: toml::de::Error| LeftOut::Unreadable {
            problem: format!("{} is no TOML: {}", run.config_file().display(), error.message()),
        })?;
        let unreadable = |error: qkv_run::RunError| LeftOut::Unreadable { problem: error.to_string() };
        let events = run.events().map_err(unreadable)?;
        match events.last() {
            Some(Event::Done { step, evaluation, seconds, .. }) => {
                if evaluation.names().next().is_none() {
                    return Err(LeftOut::NoFigures);
                }
                let (step, seconds, evaluation) = (*step, *seconds, evaluation.clone());
                let end = Self::ended(run.path(), config, step, seconds, evaluation);
                Ok(end.with_events(&events, threshold))
            }
            _ => Err(unfinished(run)),
        }
    }

    pub(crate) fn ended(path: &Path, config: Table, step: u64, seconds: f64, evaluation: Evaluation) -> Self {
        let task = config.get("task").and_then(|task| task.get("name").unwrap_or(task).as_str());
        Self {
            path: path.to_owned(),
            seed: config.get("seed").and_then(|seed| seed.as_integer()),
            task: task.map(str::to_owned),
            step,
            seconds,
            evaluation,
            phase_change: None,
            config,
            losses: Series::default(),
            held_out: BTreeMap::new(),
        }
    }

    fn with_events(mut self, events: &[Event], threshold: f64) -> Self {
        let mut losses = BTreeMap::new();
        let mut held_out: BTreeMap<&str, BTreeMap<u64, f64>> = BTreeMap::new();
        for event in events {
            match event {
                Event::Step(StepReport { step, loss, .. }) if loss.is_finite() => {
                    losses.insert(*step, *loss);
                }
                Event::Eval { split: EvaluatedOn::Validation, step, evaluation } => {
                    // A later line of the step stands for an earlier one, also in what it lacks.
                    for values in held_out.values_mut() {
                        values.remove(step);
                    }
                    for name in evaluation.names() {
                        let figure = evaluation.figure(name).filter(|figure| figure.is_finite());
                        held_out.entry(name).or_default().extend(figure.map(|figure| (*step, figure)));
                    }
                }
                _ => {}
            }
        }
        let accuracies = held_out.get(Evaluation::ACCURACY);
        let passed = |values: &BTreeMap<u64, f64>| {
            values.iter().find(|(_, accuracy)| **accuracy >= threshold).map(|(step, _)| *step)
        };
        self.phase_change = accuracies.and_then(passed);
        self.losses = Series::thinned(&losses);
        let mut all: Vec<_> = held_out.into_iter().collect();
        all.sort_by_key(|(name, _)| Figure::place(name));
        let kept = all.into_iter().take(MAX_FIGURES);
        self.held_out = kept.map(|(name, values)| (name.to_owned(), Series::thinned(&values))).collect();
        self
    }

    /// What it was set to.
    pub fn config(&self) -> &Table {
        &self.config
    }
}

/// Where a run without an end stands.
fn unfinished(run: &RunFolder) -> LeftOut {
    let overview = run.overview();
    let (step, steps) = (overview.step, overview.steps);
    match overview.state {
        RunState::Training => LeftOut::Training { step, steps },
        RunState::Damaged(problem) => LeftOut::Unreadable { problem },
        RunState::Finished | RunState::Stopped => LeftOut::Unfinished { step, steps },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::logged_run;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn read(log: &str, threshold: f64) -> Result<Result<RunRecord, LeftOut>, Box<dyn std::error::Error>> {
        let folder = logged_run("seed = 7\ntask.name = \"sort\"\ntrain.steps = 60", log)?;
        let run = RunFolder::open(folder.path())?;
        Ok(RunRecord::read(&run, &run.config()?, threshold))
    }

    fn eval(step: u64, accuracy: &str) -> String {
        format!("{{\"event\":\"eval\",\"step\":{step},\"loss\":1.5,\"accuracy\":{accuracy}}}\n")
    }

    const DONE: &str = "{\"event\":\"done\",\"step\":60,\"loss\":0.5,\"accuracy\":1.0,\"metrics\":{\"top_3\":0.75},\"seconds\":2.5}\n";

    #[test]
    fn the_phase_change_is_the_first_evaluation_at_the_threshold_or_above() -> Outcome {
        let log = [(10, "0.25"), (20, "0.9"), (30, "0.5"), (40, "1.0")];
        let log: String = log.into_iter().map(|(step, accuracy)| eval(step, accuracy)).collect();
        let at = |threshold| {
            Ok::<_, Box<dyn std::error::Error>>(read(&(log.clone() + DONE), threshold)??.phase_change)
        };
        // The value itself passes, a later fall changes nothing, and nothing is interpolated between 20 and 40.
        assert_eq!((at(0.9)?, at(0.91)?, at(0.2)?), (Some(20), Some(40), Some(10)));
        // Accuracy at the end alone, on other examples, is no evaluation of the way there.
        assert_eq!(read(&(eval(10, "0.25") + DONE), 0.9)??.phase_change, None);
        // A gap is passed over: its accuracy was not measured.
        let gap = eval(10, "0.5") + &eval(20, "null") + &eval(30, "0.95") + DONE;
        assert_eq!(read(&gap, 0.9)??.phase_change, Some(30));
        Ok(())
    }

    #[test]
    fn a_step_that_a_resumed_run_took_again_counts_as_it_was_last() -> Outcome {
        let start = "{\"event\":\"start\",\"task\":\"sort\",\"seed\":7,\"steps\":60,\"parameters\":1}\n";
        let log =
            eval(10, "0.5") + &eval(20, "0.95") + start + &eval(20, "0.75") + &eval(30, "0.9375") + DONE;
        let record = read(&log, 0.9)??;
        assert_eq!(record.phase_change, Some(30));
        assert_eq!((record.seed, record.task.as_deref(), record.step), (Some(7), Some("sort"), 60));
        assert_eq!((record.evaluation.figure("top_3"), record.seconds), (Some(0.75), 2.5));
        let steps = |name: &str| Series::together(&[&record.held_out[name]]).len();
        assert_eq!((steps("accuracy"), steps("loss")), (3, 3));
        // The later line lacks the accuracy.
        let log = eval(10, "0.95") + start + &eval(10, "null") + DONE;
        assert_eq!(read(&log, 0.9)??.phase_change, None);
        Ok(())
    }

    #[test]
    fn of_many_figures_accuracy_and_loss_have_their_curves() -> Outcome {
        let metrics: Vec<String> = (0..MAX_FIGURES + 3).map(|i| format!("\"a/{i:02}\":1.0")).collect();
        let metrics = metrics.join(",");
        let log = format!(
            "{{\"event\":\"eval\",\"step\":10,\"loss\":1.5,\"accuracy\":0.5,\"metrics\":{{{metrics}}}}}\n"
        );
        let record = read(&(log + DONE), 0.9)??;
        let names: Vec<&str> = record.held_out.keys().map(String::as_str).collect();
        assert_eq!((names.len(), names[0], names[21]), (MAX_FIGURES, "a/00", "a/21"));
        assert_eq!(names[22..], ["accuracy", "loss"]);
        Ok(())
    }

    #[test]
    fn a_run_without_an_end_is_left_out_with_where_it_stands() -> Outcome {
        let step = "{\"event\":\"step\",\"step\":37,\"loss\":1.0}\n";
        let left_out =
            |log: &str| Ok::<_, Box<dyn std::error::Error>>(read(log, 0.9)?.expect_err("left out"));
        assert_eq!(left_out(step)?.to_string(), "it is not finished: step 37 of 60");
        // It went on after its end.
        assert_eq!(left_out(&(DONE.to_owned() + step))?, LeftOut::Unfinished { step: 37, steps: Some(60) });
        assert_eq!(left_out("{\"event\":\"done\",\"step\":60,\"loss\":null}\n")?, LeftOut::NoFigures);
        assert_eq!(left_out("")?, LeftOut::Unfinished { step: 0, steps: Some(60) });
        Ok(())
    }
}
