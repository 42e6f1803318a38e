//! A task of your own: every symbol points at a position, and the target is what stands there. Drawing and answering is
//! all that a task needs.
//!
//! ```text
//! cargo run --release --example custom_task
//! ```
//! ends with `one attention layer has learned to follow pointers`.

use anyhow::{Result, ensure};
use burn::module::Module;
use burn::tensor::Device;
use qkv_model::fused::prepare_process;
use qkv_model::random::Rng;
use qkv_model::{Init, TransformerConfig};
use qkv_train::{Examples, Recipe, Split, Task, Trainer, draw, evaluate};
use rand::RngExt;

/// Follow the pointer at each position.
///
/// ```text
/// position   0 1 2 3 4 5
/// input      3 1 4 0 3 1
/// target     0 1 3 3 0 1        position 0 points at position 3, where 0 stands
/// ```
struct Follow;

/// Positions of a sequence, and symbols that point at them.
const LEN: usize = 8;

impl Task for Follow {
    fn summary(&self) -> String {
        format!("follow {LEN} pointers")
    }

    fn vocabulary(&self) -> Vec<String> {
        (0..LEN).map(|position| position.to_string()).collect()
    }

    fn seq_len(&self) -> usize {
        LEN
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        (0..LEN).map(|_| rng.random_range(0..LEN as u32)).collect()
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        tokens.iter().map(|&pointer| tokens.get(pointer as usize).copied()).collect()
    }
}

fn main() -> Result<()> {
    prepare_process(None)?;
    let device = Device::flex().autodiff();
    let example = draw(&Follow, 0, Split::Train, 0)?;
    let targets: Vec<&u32> = example.targets.iter().flatten().collect();
    println!("input {:?}   target {targets:?}", example.tokens);

    let config = TransformerConfig::new(LEN, LEN, 32);
    let model = config.init(&Init::new(&device, 0))?;
    let trained = Trainer::new(model, &Follow, Recipe::default(), &device)?.run()?;
    let examples = Examples { task: &Follow, seed: 0, split: Split::Test };
    let result = evaluate(&trained.state.model.valid(), examples, 1000, &device)?;
    println!("{:.1} % of new sequences without a mistake", 100.0 * result.sequence_accuracy);
    ensure!(result.sequence_accuracy > 0.99, "it has not: {result:?}");
    println!("one attention layer has learned to follow pointers");
    Ok(())
}
