//! The start of a run: its task, the shapes of W_Q, W_K and W_V, the number of parameters, and the slower layers.

use std::io::{self, Write};
use std::path::Path;

use qkv_inspect::{counted, grouped};
use qkv_model::{Parameter, parameters};
use qkv_run::tensor_names::{W_K, W_Q, W_V};
use qkv_train::{AnyModel, Config, Layer, Model, Task};

/// Prints the task, the three matrices of every layer, and the number of parameters.
pub fn describe(
    out: &mut impl Write,
    task: &dyn Task,
    model: &AnyModel,
    config: &Config,
    run: &Path,
) -> io::Result<()> {
    let parameters = parameters(model);
    writeln!(out, "task     {}: {}", config.task.name, task.summary())?;
    for (layer, place) in model.layers().iter().enumerate() {
        write!(out, "layer {layer} ")?;
        for (name, field) in [("W_Q", W_Q), ("W_K", W_K), ("W_V", W_V)] {
            let path = format!("{}.{field}", place.path);
            let matrix = parameters.iter().find(|parameter| parameter.path == path);
            write!(
                out,
                " {}  ",
                matrix.map_or_else(|| format!("{name} identity"), |matrix| shape(name, matrix))
            )?;
        }
        writeln!(out, " {}", counted(place.n_heads as u64, "head"))?;
    }
    let all: usize = parameters.iter().map(n_values).sum();
    let learned: usize = parameters.iter().filter(|parameter| parameter.learned).map(n_values).sum();
    writeln!(out, "model    {}, {} of them learned", counted(all as u64, "parameter"), grouped(learned))?;
    reference_layers(out, &model.layers())?;
    writeln!(out, "run      {}, seed {}", run.display(), config.seed)?;
    writeln!(out)
}

/// The layers that the fused kernels do not compute, a line for each reason: at long sequences they are many times
/// slower.
fn reference_layers(out: &mut impl Write, layers: &[Layer]) -> io::Result<()> {
    let mut reasons: Vec<&str> = layers.iter().filter_map(|layer| layer.reference_reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let is_one = |(_, layer): &(usize, &Layer)| layer.reference_reason == Some(reason);
        let indices: Vec<String> =
            layers.iter().enumerate().filter(is_one).map(|(index, _)| index.to_string()).collect();
        let noun = if indices.len() == 1 { "layer" } else { "layers" };
        let indices = indices.join(", ");
        writeln!(
            out,
            "slower   {noun} {indices}: the reference implementation of attention, because {reason}"
        )?;
    }
    Ok(())
}

fn shape(name: &str, matrix: &Parameter) -> String {
    let frozen = if matrix.learned { "" } else { " frozen" };
    format!("{name} [{} × {}] = {}{frozen}", matrix.shape[0], matrix.shape[1], grouped(n_values(matrix)))
}

fn n_values(parameter: &Parameter) -> usize {
    parameter.shape.iter().product()
}
