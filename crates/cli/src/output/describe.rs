//! What a run is about to train: shapes and sizes of W_Q, W_K and W_V, and of everything else together.

use std::io::{self, Write};
use std::path::Path;

use qkv_inspect::grouped;
use qkv_model::{Parameter, parameters};
use qkv_train::{AnyModel, Config, Model, Task};

/// Prints the task, the three matrices of every layer, and the number of parameters.
pub fn describe(
    out: &mut impl Write,
    task: &dyn Task,
    model: &AnyModel,
    config: &Config,
    run: &Path,
) -> io::Result<()> {
    let parameters = parameters(model);
    writeln!(out, "task     {}: {}", task.name(), task.summary())?;
    for (layer, place) in model.layers().iter().enumerate() {
        write!(out, "layer {layer} ")?;
        for (name, field) in [("W_Q", "w_q"), ("W_K", "w_k"), ("W_V", "w_v")] {
            let path = format!("{}.{field}", place.path);
            let matrix = parameters.iter().find(|parameter| parameter.path == path);
            write!(
                out,
                " {}  ",
                matrix.map_or_else(|| format!("{name} identity"), |matrix| shape(name, matrix))
            )?;
        }
        let n_heads = place.n_heads;
        writeln!(out, " {n_heads} head{}", if n_heads == 1 { "" } else { "s" })?;
    }
    let all: usize = parameters.iter().map(n_values).sum();
    let learned: usize = parameters.iter().filter(|parameter| parameter.learned).map(n_values).sum();
    writeln!(out, "model    {} parameters, {} of them learned", grouped(all), grouped(learned))?;
    writeln!(out, "run      {}, seed {}", run.display(), config.seed)?;
    writeln!(out)
}

fn shape(name: &str, matrix: &Parameter) -> String {
    let frozen = if matrix.learned { "" } else { " frozen" };
    format!("{name} [{} × {}] = {}{frozen}", matrix.shape[0], matrix.shape[1], grouped(n_values(matrix)))
}

fn n_values(parameter: &Parameter) -> usize {
    parameter.shape.iter().product()
}
