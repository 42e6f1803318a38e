//! What observers report of their own, and observers of a registry.

use qkv_run::{Existing, RunFolder};
use qkv_train::{
    ConfigSource, CustomReport, Experiment, Next, ObservedRun, Observer, Registry, State, StepReport,
    TrainError,
};
use tempfile::tempdir;

use crate::support::backends::device;

use super::observing::{Hooks, Watcher, experiment, trainer};

/// Reports the step after every second one, and keeps what is reported.
#[derive(Default)]
struct Reporter {
    reported: Vec<(u64, CustomReport)>,
    saved: Vec<u64>,
}

impl<M> Observer<M> for Reporter {
    fn report(&mut self, state: &State<M>) -> Result<Option<CustomReport>, TrainError> {
        let report = CustomReport::new("even").with("step", state.step as f64);
        Ok(state.step.is_multiple_of(2).then_some(report))
    }

    fn reported(&mut self, state: &State<M>, report: &CustomReport) -> Result<(), TrainError> {
        assert!(!self.saved.contains(&state.step), "the checkpoint of a step follows its reports");
        self.reported.push((state.step, report.clone()));
        Ok(())
    }

    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        self.saved.push(state.step);
        Ok(())
    }
}

#[test]
fn what_an_observer_reports_reaches_all_of_them_once_a_step_also_where_a_run_goes_on() {
    let experiment = experiment();
    let report =
        |step: u64| (step, CustomReport { step, ..CustomReport::new("even").with("step", step as f64) });
    let (mut first, mut second) = (Reporter::default(), Reporter::default());
    trainer(&experiment).observe(&mut first).observe(&mut second).run().unwrap();
    // Each of the two reports, to both.
    assert_eq!(first.reported, [0, 0, 2, 2, 4, 4].map(report));
    assert_eq!(second.reported, first.reported);

    let mut before = Reporter::default();
    let state = trainer(&experiment).stop_after(Some(2)).observe(&mut before).run().unwrap().state;
    assert_eq!((before.reported, before.saved), ([0, 2].map(report).to_vec(), vec![0, 2]));
    for is_evaluated in [true, false] {
        let (mut after, trainer) = (Reporter::default(), trainer(&experiment));
        let trainer = match is_evaluated {
            true => trainer.resume(state.clone()),
            false => trainer.resume_unevaluated(state.clone()),
        };
        trainer.observe(&mut after).run().unwrap();
        assert_eq!(after.reported, [report(4)]);
    }
}

/// Reports every step, and fails at the hook that it is given.
struct FailingReporter<'a> {
    watcher: Watcher<'a>,
}

impl<M> Observer<M> for FailingReporter<'_> {
    fn step(&mut self, state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.watcher.step(state, report)
    }

    fn report(&mut self, state: &State<M>) -> Result<Option<CustomReport>, TrainError> {
        self.watcher.hook(format!("report {}", state.step))?;
        Ok(Some(CustomReport::new("all").with("step", state.step as f64)))
    }

    fn reported(&mut self, state: &State<M>, report: &CustomReport) -> Result<(), TrainError> {
        self.watcher.hook(format!("{} reported {}", report.name, state.step))
    }
}

#[test]
fn an_error_of_an_observer_costs_none_of_the_reports_before_the_checkpoint_that_is_tried() {
    let experiment = experiment();
    for fails_at in [&["step 2"], &["report 2"], &["all reported 2"], &["even reported 2"]] {
        let hooks = Hooks::default();
        let watcher = Watcher { name: "a", hooks: &hooks, fails_at, stops_at: None };
        let mut failing = FailingReporter { watcher };
        let mut reporter = Reporter::default();
        let error = trainer(&experiment).observe(&mut failing).observe(&mut reporter).run().err().unwrap();
        assert_eq!(error.to_string(), format!("a failed at {}", fails_at[0]));
        let all = |step: u64| (step, "all".to_owned());
        let even = |step: u64| (step, "even".to_owned());
        let mut expected = vec![all(0), even(0), all(1), all(2), even(2)];
        expected.retain(|report| fails_at[0] != "report 2" || *report != all(2));
        let reported: Vec<_> =
            reporter.reported.into_iter().map(|(step, report)| (step, report.name)).collect();
        assert_eq!((reported, reporter.saved), (expected, vec![0, 2]), "{fails_at:?}");
    }
}

#[test]
fn an_observer_of_a_registry_is_built_for_the_run_and_its_name_is_taken_once() {
    let observer = |run: &ObservedRun<'_>| match run.config.seed {
        0 => Ok(Reporter::default()),
        seed => Err(TrainError::Observer(format!("no seed but 0, got {seed}"))),
    };
    let registry = Registry::new().observer("even", observer);
    let folder = tempdir().unwrap();
    for (seed, expected) in [("seed=0", Ok((2, 1, 1))), ("seed=7", Err("no seed but 0, got 7".to_owned()))] {
        let Experiment { config, task, parts, observers, .. } =
            registry.read(ConfigSource::Task("reverse"), &[seed]).unwrap();
        let run = RunFolder::create(&folder.path().join(seed), &config.to_toml(), Existing::Keep).unwrap();
        run.create_metrics().unwrap();
        let device = device().autodiff();
        let observed = ObservedRun {
            config: &config,
            task: &task,
            parts: &parts,
            folder: &run,
            device: &device,
            environment: None,
            commit: None,
            goes_on_after: None,
            notify: &|notice| panic!("{notice:?}"),
        };
        let built = observers.build(&observed);
        let n_own = built.map(|all| (all.recording.len(), all.own.len(), all.saving.len()));
        assert_eq!(n_own.map_err(|error| error.to_string()), expected);
    }
    for taken in ["even", "film", "log", "checkpoints"] {
        let twice = registry.clone().observer(taken, observer);
        let error = twice.read(ConfigSource::Task("reverse"), &[] as &[&str]).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("observer") && message.contains(&format!("`{taken}`")), "{message}");
        assert!(error.is_usage());
    }
}
