//! A small study: a position scheme of your own against the built-in ones, on a task that is all about distance.
//!
//! ```text
//! cargo run --release --example position_study
//! ```
//! ends with `one learned number a distance is enough to copy 8 symbols`.

use anyhow::{Result, ensure};
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use qkv_model::fused::prepare_process;
use qkv_model::{Init, ModelError, NoSettings, Place, Positions, Training};
use qkv_train::{ConfigSource, Evaluation, Examples, Registry, Split, Trainer, evaluate};

/// Distances from here on count alike.
const MAX_DISTANCE: i64 = 32;

/// A learned number for each head and distance, added to the scores (after
/// [Raffel et al. 2020, section 2.1](https://arxiv.org/abs/1910.10683)).
#[derive(Module, Debug)]
struct LearnedBias {
    /// `[heads, 2 * MAX_DISTANCE + 1]`, from keys far ahead to keys far behind.
    by_distance: Param<Tensor<2>>,
}

impl LearnedBias {
    fn build(_: &NoSettings, init: &Init, place: Place) -> Result<Option<Self>, ModelError> {
        let Place::Attention(heads) = place else { return Ok(None) };
        let shape = [heads.n_heads, 2 * MAX_DISTANCE as usize + 1];
        Ok(Some(Self { by_distance: init.normal("by_distance", shape, 0.1, Training::Learned) }))
    }
}

impl Positions for LearnedBias {
    fn bias(&self, q_len: usize, k_len: usize) -> Option<Tensor<4>> {
        let by_distance = self.by_distance.val();
        // Queries stand at the end of the keys.
        let distance = |at: usize| (at / k_len + k_len) as i64 - (at % k_len + q_len) as i64;
        let bucket = |at| distance(at).clamp(-MAX_DISTANCE, MAX_DISTANCE) + MAX_DISTANCE;
        let buckets: Vec<i64> = (0..q_len * k_len).map(bucket).collect();
        let buckets = Tensor::<1, Int>::from_data(buckets.as_slice(), &by_distance.device());
        let [heads, _] = by_distance.dims();
        Some(by_distance.select(1, buckets).reshape([1, heads, q_len, k_len]))
    }
}

fn main() -> Result<()> {
    prepare_process(None)?;
    let registry = Registry::new().positions("learned-bias", LearnedBias::build);
    println!("copy 8 symbols with one layer; share of new sequences that are right, on seeds 0 and 1\n");
    let mut ours = 0.0;
    for scheme in ["none", "learned", "sinusoidal", "rope", "alibi", "learned-bias"] {
        let right: Vec<f64> =
            (0..2).map(|seed| Ok(run(&registry, scheme, seed)?.sequence_accuracy)).collect::<Result<_>>()?;
        println!("{scheme:<14}{:>8.4}{:>8.4}", right[0], right[1]);
        if scheme == "learned-bias" {
            ours = right.into_iter().fold(1.0, f64::min);
        }
    }
    ensure!(ours > 0.95, "the learned bias copies only {ours} of the sequences");
    println!("\none learned number a distance is enough to copy 8 symbols");
    Ok(())
}

/// Trains once and evaluates on new sequences.
fn run(registry: &Registry, scheme: &str, seed: u64) -> Result<Evaluation> {
    let settings = [
        format!("model.positions={scheme}"),
        format!("seed={seed}"),
        "task.len=8".to_owned(),
        "train.steps=400".to_owned(),
    ];
    let experiment = registry.read(ConfigSource::Task("copy"), &settings)?;
    let device = Device::flex().autodiff();
    let (model, task) = (experiment.model(&device)?, &*experiment.task);
    let trained = Trainer::new(model, task, experiment.config.recipe(), &device)?.run()?;
    let examples = Examples { task, seed, split: Split::Test };
    Ok(evaluate(&trained.state.model.valid(), examples, 1000, &device)?)
}
