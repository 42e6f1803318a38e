//! The parts of a task's targets that `slice-loss` is measured on.

use qkv_train::{Examples, HeldOut, Measures, Metric, SliceLoss, Split, Task};

use crate::support::backends::device;
use crate::support::other_targets::{REVERSE, inputs_of_reverse, transformer};

/// `reverse`, the targets of which are divided by what they ask for.
struct Divided;

impl Task for Divided {
    inputs_of_reverse!();

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        REVERSE.targets(tokens)
    }

    fn slices(&self) -> Vec<String> {
        ["low", "high"].map(str::to_owned).to_vec()
    }

    /// By the answer; that in the middle is in neither.
    fn slice(&self, tokens: &[u32], position: usize) -> Option<usize> {
        let answer = tokens[tokens.len() - 1 - position];
        (position != 2).then_some(usize::from(answer >= 3))
    }
}

#[test]
fn a_task_names_the_slices_of_its_targets() {
    let device = device();
    let model = transformer(&device);
    let metrics: [std::sync::Arc<dyn Metric>; 1] = [std::sync::Arc::new(SliceLoss)];
    let evaluate = |task: &dyn Task| {
        let examples = Examples { task, seed: 1, split: Split::Test };
        let measures = Measures { metrics: &metrics, ..Measures::default() };
        let mut go_on = |_| Ok(std::ops::ControlFlow::Continue(()));
        let held_out = HeldOut { examples, n_examples: 40 };
        held_out.evaluate_while(&model, measures, &device, &mut go_on).unwrap().continue_value().unwrap()
    };
    let (divided, whole) = (evaluate(&Divided), evaluate(&REVERSE));
    assert_eq!(divided.metrics.keys().collect::<Vec<_>>(), ["loss/high", "loss/low"]);
    // Each answer at one of the four positions is in one of the two.
    let examples = Examples { task: &REVERSE as &dyn Task, seed: 1, split: Split::Test };
    let n_high: usize = (0..40)
        .map(|index| {
            let tokens = examples.draw(index).unwrap().tokens;
            (0..5).filter(|&position| Divided.slice(&tokens, position) == Some(1)).count()
        })
        .sum();
    let n_high = n_high as f64;
    let of_slices = n_high * divided.metrics["loss/high"] + (160.0 - n_high) * divided.metrics["loss/low"];
    let of_positions = ["0", "1", "3", "4"].map(|position| 40.0 * whole.metrics[&format!("loss/{position}")]);
    assert!((of_slices - of_positions.iter().sum::<f64>()).abs() < 1e-9, "{divided:?} {whole:?}");
    assert_eq!(divided.loss, whole.loss);
}
