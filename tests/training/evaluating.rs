//! What counts in an evaluation where not every example asks for something.

use qkv_model::random::Rng;
use qkv_model::{Init, TransformerConfig};
use qkv_train::{
    Ablation, Examples, Probe, Replacement, Reverse, Split, Task, attribute, evaluate, evaluate_exactly,
};

use crate::support::backends::device;

/// `reverse`, where only inputs that begin with one of the first `n_asked` symbols are asked for.
struct Sometimes {
    reverse: Reverse,
    n_asked: u32,
}

impl Task for Sometimes {
    fn summary(&self) -> String {
        self.reverse.summary()
    }

    fn vocabulary(&self) -> Vec<String> {
        self.reverse.vocabulary()
    }

    fn seq_len(&self) -> usize {
        self.reverse.seq_len()
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        self.reverse.sample(rng)
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        if tokens[0] < self.n_asked { self.reverse.targets(tokens) } else { vec![None; tokens.len()] }
    }
}

const REVERSE: Reverse = Reverse { seq_len: 5, n_symbols: 6 };

#[test]
fn examples_that_ask_nothing_do_not_count() {
    let task = Sometimes { reverse: REVERSE, n_asked: 1 };
    let examples = Examples { task: &task, seed: 3, split: Split::Test };
    let asks = |index| examples.draw(index).unwrap().targets.iter().any(Option::is_some);
    // The last of these alone would be a batch without a target.
    let n_examples = 1 + (256..).find(|&index| !asks(index)).unwrap();
    let n_asked = (0..n_examples).filter(|&index| asks(index)).count() as u64;
    assert!((1..n_examples).contains(&n_asked));
    let device = device();
    let model = TransformerConfig::new(6, 5, 12).init(&Init::new(&device, 1)).unwrap();
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
    let task = Sometimes { reverse: REVERSE, n_asked: 0 };
    let examples = Examples { task: &task, seed: 3, split: Split::Test };
    let device = device();
    let model = TransformerConfig::new(6, 5, 12).init(&Init::new(&device, 1)).unwrap();
    for n_examples in [1, 300] {
        assert_eq!(
            evaluate(&model, examples, n_examples, &device).unwrap_err().to_string(),
            format!(
                "none of {n_examples} examples has a target; at least one must ask for \
                 something"
            )
        );
    }
    assert_eq!(evaluate_exactly(&model, &task, 100, &device).unwrap(), None);
}

#[test]
fn an_example_that_asks_nothing_can_be_looked_at() {
    let task = Sometimes { reverse: REVERSE, n_asked: 0 };
    let example = Examples { task: &task, seed: 3, split: Split::Test }.draw(0).unwrap();
    let device = device();
    let model = TransformerConfig::new(6, 5, 12).init(&Init::new(&device, 1)).unwrap();
    let probe = Probe::new(&model, &task, &example, &device).unwrap();
    assert_eq!(probe.tokens.len(), 5);
    assert!(probe.targets.iter().chain(&probe.predictions).all(String::is_empty), "{probe:?}");
}
