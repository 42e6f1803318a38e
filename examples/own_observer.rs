//! The whole command line with an observer of your own in it, which logs numbers of its own for every run.
//!
//! ```text
//! cargo run --release --example own_observer -- train reverse --stop-after 200 --out runs/o
//! cargo run --release --example own_observer -- train runs/o --resume
//! cargo run --release --example own_observer -- report runs/o
//! ```
//!
//! The lines `{"event":"custom","name":"weights",…}` stand in `metrics.jsonl` and in what `--json` prints, and the report
//! has a curve of them.

use std::process::ExitCode;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use qkv::Registry;
use qkv::train::{AnyModel, CustomReport, Observer, State, TrainError};

fn main() -> ExitCode {
    qkv::run(Registry::new().observer("weights", |_| Ok(Weights)))
}

/// Logs the norm of all weights together, every 50 steps. It remembers nothing: a run that is stopped and goes on logs
/// what the uninterrupted one does.
struct Weights;

impl Observer<AnyModel> for Weights {
    fn report(&mut self, state: &State<AnyModel>) -> Result<Option<CustomReport>, TrainError> {
        if !state.step.is_multiple_of(50) {
            return Ok(None);
        }
        let mut squares = Squares(0.0);
        state.model.visit(&mut squares);
        Ok(Some(CustomReport::new("weights").with("norm", squares.0.sqrt())))
    }
}

/// The sum of the squares of all weights.
struct Squares(f64);

impl ModuleVisitor for Squares {
    fn visit_float<const D: usize>(&mut self, weights: &Param<Tensor<D>>) {
        self.0 += weights.val().powi_scalar(2).sum().into_scalar::<f64>();
    }
}
