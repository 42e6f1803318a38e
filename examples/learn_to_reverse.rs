//! The whole way in one file: a task, a model, the trainer, and the attention map that it learned.
//!
//! ```text
//! cargo run --release --example learn_to_reverse
//! ```
//! ends with `1000 of 1000 new sequences reversed without a mistake`.

use anyhow::{Result, ensure};
use burn::module::Module;
use burn::tensor::Device;
use qkv_inspect::{HeatMap, Matrix, Palette, TextStyle};
use qkv_model::fused::prepare_process;
use qkv_model::{Init, TransformerConfig};
use qkv_train::{
    Examples, Next, Observer, Probe, Recipe, Reverse, Split, State, StepReport, Task, TrainError, Trainer,
    draw, evaluate,
};

fn main() -> Result<()> {
    prepare_process(None)?;
    let device = Device::flex().autodiff();
    let task = Reverse { seq_len: 12, n_symbols: 10 };
    let config = TransformerConfig::new(task.n_symbols, task.seq_len, 32);
    let model = config.init(&Init::new(&device, 0))?;

    let recipe = Recipe::default();
    let trained = Trainer::new(model, &task, recipe, &device)?.observe(&mut Print).run()?;

    let model = trained.state.model.valid();
    let result = evaluate(&model, Examples { task: &task, seed: 0, split: Split::Test }, 1000, &device)?;
    let probe = Probe::new(&model, &task, &draw(&task, 0, Split::Test, 0)?, &device)?;
    let weights = probe.weights[0].to_data().iter::<f64>().collect();
    let map = Matrix::new(task.seq_len(), task.seq_len(), weights)?.with_axes("query", "key");
    let picture =
        HeatMap::new(&map, Palette::Sequential).with_labels(&probe.labels.tokens, &probe.labels.tokens);
    println!("{}", picture.text(TextStyle::Plain));

    ensure!(result.sequence_accuracy == 1.0, "only {} of the sequences are right", result.sequence_accuracy);
    println!("1000 of {} new sequences reversed without a mistake", result.examples);
    Ok(())
}

/// Watches the training.
struct Print;

impl<M> Observer<M> for Print {
    fn step(&mut self, _state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        if report.step.is_multiple_of(50) {
            println!("step {:>3}   loss {:.4}", report.step, report.loss);
        }
        Ok(Next::Continue)
    }
}
