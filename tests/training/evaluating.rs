//! What counts in an evaluation where not every example asks for something.

use qkv_train::{Ablation, Examples, Probe, Replacement, Split, Task, attribute, evaluate, evaluate_exactly};

use crate::support::backends::device;
use crate::support::other_targets::{REVERSE, WithTargets, transformer};

fn ask_nothing(tokens: &[u32]) -> Vec<Option<u32>> {
    vec![None; tokens.len()]
}

#[test]
fn examples_that_ask_nothing_do_not_count() {
    let task = WithTargets(
        |tokens: &[u32]| if tokens[0] == 0 { REVERSE.targets(tokens) } else { ask_nothing(tokens) },
    );
    let examples = Examples { task: &task, seed: 3, split: Split::Test };
    let asks = |index| examples.draw(index).unwrap().targets.iter().any(Option::is_some);
    // The last of these alone would be a batch without a target.
    let n_examples = 1 + (256..).find(|&index| !asks(index)).unwrap();
    let n_asked = (0..n_examples).filter(|&index| asks(index)).count() as u64;
    assert!((1..n_examples).contains(&n_asked));
    let device = device();
    let model = transformer(&device);
    let evaluation = evaluate(&model, examples, n_examples, &device).unwrap();
    assert_eq!(evaluation.examples, n_asked);
    assert!(evaluation.loss.is_finite() && evaluation.sequence_accuracy < 0.5, "{evaluation:?}");
    let ablation = Ablation::new(&model, examples, n_examples, &device).unwrap();
    let effect = ablation.without(&ablation.sites(), Replacement::Mean).unwrap();
    assert!(effect.after.examples == n_asked && effect.loss_change().is_finite(), "{effect:?}");
    let attribution = attribute(&model, examples, n_examples, &device).unwrap();
    assert!(attribution.logit.is_finite());
}

#[test]
fn where_nothing_is_asked_nothing_is_measured() {
    let task = WithTargets(ask_nothing);
    let examples = Examples { task: &task, seed: 3, split: Split::Test };
    let device = device();
    let model = transformer(&device);
    for (n_examples, examples_of_it) in [(1, "1 example"), (300, "300 examples")] {
        assert_eq!(
            evaluate(&model, examples, n_examples, &device).unwrap_err().to_string(),
            format!(
                "none of {examples_of_it} has a target; at least one must ask for \
                 something"
            )
        );
    }
    assert_eq!(evaluate_exactly(&model, &task, 100, &device).unwrap(), None);
}

#[test]
fn an_example_that_asks_nothing_can_be_looked_at() {
    let task = WithTargets(ask_nothing);
    let example = Examples { task: &task, seed: 3, split: Split::Test }.draw(0).unwrap();
    let device = device();
    let model = transformer(&device);
    let probe = Probe::new(&model, &task, &example, &device).unwrap();
    assert_eq!(probe.labels.tokens.len(), 5);
    assert!(probe.labels.targets.iter().chain(&probe.labels.predictions).all(String::is_empty), "{probe:?}");
}
