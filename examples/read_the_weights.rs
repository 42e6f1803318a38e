//! What the matrices learned: trains `recall`, saves it, and finds in W_Q W_Kᵀ which token looks for which.
//!
//! ```text
//! cargo run --release --example read_the_weights
//! ```
//! ends with `every question looks for its own key`.

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use qkv_inspect::{HeatMap, Matrix, Palette, Source, TextStyle};
use qkv_model::fused::prepare_process;
use qkv_train::{ConfigSource, Registry, Trainer, save_weights};

const KEYS: usize = 8;

fn main() -> Result<()> {
    prepare_process(None)?;
    let file = std::env::temp_dir().join(format!("qkv-read-the-weights-{}.safetensors", std::process::id()));
    let vocabulary = train_and_save(&file)?;
    let source = Source::open(&file);
    std::fs::remove_file(&file)?;

    // From here on only the file counts: no model, no tensors.
    let source = source?;
    let table = source.weights.matrix("embedding.table")?;
    let qk = source.layers()?[0].qk(0).context("the file has W_Q and W_K")?.product();
    let mut scores = Vec::new();
    for question in KEYS..2 * KEYS {
        let asks = times(&normalised(table.row(question)), &qk);
        scores.extend((0..KEYS).map(|key| dot(&asks, &normalised(table.row(key)))));
    }
    let found = scores.chunks(KEYS).enumerate().all(|(row, scores)| scores.iter().all(|s| *s <= scores[row]));

    let matrix = Matrix::new(KEYS, KEYS, scores)?.with_axes("question", "key");
    let picture = HeatMap::new(&matrix, Palette::Diverging)
        .with_title("E W_Q W_Kᵀ Eᵀ")
        .with_labels(&vocabulary[KEYS..2 * KEYS], &vocabulary[..KEYS]);
    println!("{}", picture.text(TextStyle::Plain));
    ensure!(found, "a question fits another key better than its own");
    println!("every question looks for its own key");
    Ok(())
}

fn train_and_save(file: &std::path::Path) -> Result<Vec<String>> {
    let device = Device::flex().autodiff();
    let settings = ["task.n_keys=8", "task.n_pairs=4"];
    let registry = Registry::new();
    let experiment = registry.read(ConfigSource::Task("recall"), &settings)?;
    let (model, task) = (experiment.model(&device)?, &*experiment.task);
    let trained = Trainer::new(model, task, experiment.config.recipe(), &device)?.run()?;
    save_weights(&trained.state.model, file)?;
    Ok(task.vocabulary())
}

/// Mean zero and variance one, as the norm before the attention makes it; its learned scale and the token that stands
/// at the same position are left out.
fn normalised(x: &[f64]) -> Vec<f64> {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64;
    x.iter().map(|v| (v - mean) / variance.sqrt()).collect()
}

fn times(x: &[f64], matrix: &Matrix) -> Vec<f64> {
    (0..matrix.columns())
        .map(|column| (0..matrix.rows()).map(|row| x[row] * matrix.at(row, column)).sum())
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
