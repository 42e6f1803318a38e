//! One of several processes fails, or all of them do: none is cut off in a save, and none waits for one that is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use qkv_train::{
    Alone, AnyModel, Next, Observer, Parts, Processes, Schedule, State, StepReport, TrainError, Trainer,
};

use super::processes::{experiment, train};
use crate::support::backends::device;
use crate::support::thread_processes::on_processes;

#[test]
fn a_loss_that_is_not_finite_on_one_process_ends_all_of_them_with_the_same_error() {
    let diverging = ["train.shards=3", "optimizer.lr=1e30", "optimizer.clip=0", "schedule=constant"];
    let alone = train(&Alone, &experiment(&diverging), None).unwrap_err().to_string();
    assert!(alone.starts_with("training diverged after step"), "{alone}");
    let errors = on_processes(3, |one| train(one, &experiment(&diverging), None).unwrap_err().to_string());
    assert_eq!(errors, [&alone[..]; 3]);
}

#[test]
fn a_process_that_ends_before_its_time_ends_the_others() {
    /// Fails in a step.
    struct Failing;

    impl Observer<AnyModel> for Failing {
        fn step(&mut self, _: &State<AnyModel>, report: &StepReport) -> Result<Next, TrainError> {
            if report.step == 2 {
                Err(TrainError::Observer("out of order".to_owned()))
            } else {
                Ok(Next::Continue)
            }
        }
    }

    let errors = on_processes(3, |one| {
        let (experiment, device) = (experiment(&["train.shards=3"]), device().autodiff());
        let model = experiment.model(&device).unwrap();
        let trainer =
            Trainer::with_parts(model, &*experiment.task, experiment.parts.clone(), &device).unwrap();
        let (trainer, mut failing) = (trainer.across(one).unwrap(), Failing);
        let trainer = if one.rank() == 2 { trainer.observe(&mut failing) } else { trainer };
        trainer.run().err().unwrap().to_string()
    });
    assert_eq!(errors[2], "out of order");
    assert!(errors[..2].iter().all(|error| error.ends_with("is lost")), "{errors:?}");
}

#[test]
fn no_process_ends_with_a_bad_schedule_before_the_first_has_saved() {
    /// Without a factor for the update after two steps.
    #[derive(Debug)]
    struct Ending;

    impl Schedule for Ending {
        fn factor(&self, step: u64, _steps: u64) -> f64 {
            if step < 2 { 1.0 } else { f64::NAN }
        }
    }

    /// Takes long to save.
    struct Slow<'a>(&'a AtomicU64);

    impl Observer<AnyModel> for Slow<'_> {
        fn checkpoint(&mut self, state: &State<AnyModel>) -> Result<(), TrainError> {
            sleep(Duration::from_millis(300));
            self.0.store(state.step, Ordering::SeqCst);
            Ok(())
        }
    }

    let saved = AtomicU64::new(u64::MAX);
    let saved_at_the_end = on_processes(2, |one| {
        let (experiment, device) = (experiment(&["train.shards=2"]), device().autodiff());
        let (model, mut slow) = (experiment.model(&device).unwrap(), Slow(&saved));
        let parts = Parts { schedule: Arc::new(Ending), ..experiment.parts.clone() };
        let trainer = Trainer::with_parts(model, &*experiment.task, parts, &device).unwrap();
        let trainer = trainer.across(one).unwrap();
        let trainer = if one.rank() == 0 { trainer.observe(&mut slow) } else { trainer };
        let error = trainer.run().err().unwrap().to_string();
        assert!(error.contains("NaN"), "{error}");
        saved.load(Ordering::SeqCst)
    });
    assert_eq!(saved_at_the_end, [2, 2]);
}
