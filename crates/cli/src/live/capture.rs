//! Attention map and matrices of a head, read from a model in training without changing it.

use burn::module::Module;
use burn::tensor::Device;
use qkv_inspect::{Heads, InspectError, Matrix, clean_label, counted, split_heads};
use qkv_model::parameters_where;
use qkv_run::tensor_names::{W_K, W_Q, W_V, split};
use qkv_train::{Example, Layer, Model, Probe, Task};

use super::view::{Capture, Place};
use crate::output::head_map::HeadMap;

/// The projections of a head.
const PROJECTIONS: [&str; 3] = [W_Q, W_K, W_V];

/// Captures heads of a model on the examples of a task.
pub struct Capturer<'a> {
    pub name: &'a str,
    pub task: &'a dyn Task,
    pub examples: Vec<Example>,
    pub device: Device,
}

impl Capturer<'_> {
    /// The map and the matrices of one head. Shapes that do not fit give a sentence in place of the matrix, never an
    /// error, because the view must not end a run.
    pub fn capture<M: Model + Module>(&self, model: &M, place: Place) -> Capture {
        let Place { layer, head, input } = place;
        let model = model.valid();
        let probe = Probe::new(&model, self.task, &self.examples[input], &self.device);
        let map = probe.map_err(|error| error.to_string()).and_then(|probe| HeadMap::of(&probe, layer, head));
        let projections = match model.layers().get(layer) {
            Some(layer) => projections(&model, layer, head),
            None => PROJECTIONS.map(|name| Err(format!("no {} in this model", name.to_uppercase()))),
        };
        let cleaned = |labels: Vec<String>| labels.iter().map(|label| clean_label(label)).collect();
        let (map, labels) = match map {
            Ok(HeadMap { weights, rows, columns, .. }) => (Ok(weights), [rows, columns].map(cleaned)),
            Err(why) => (Err(why), Default::default()),
        };
        Capture { place, map, labels, projections }
    }
}

/// A matrix, or a sentence in its place.
type Shown = Result<Matrix, String>;

/// The projections of a head.
fn projections<M: Module>(model: &M, layer: &Layer, head: usize) -> [Shown; 3] {
    let heads = Heads { n_heads: layer.n_heads, n_kv_heads: layer.n_kv_heads };
    let is_of_layer = |path: &str| {
        let (prefix, name) = split(path);
        prefix == layer.path && PROJECTIONS.contains(&name)
    };
    let parameters = parameters_where(model, is_of_layer);
    PROJECTIONS.map(|name| {
        let found = parameters.iter().find(|parameter| split(&parameter.path).1 == name);
        match found.map(|found| (&found.shape[..], &found.data)) {
            Some((&[rows, columns], data)) => {
                of_head(name, Matrix::new(rows, columns, data.iter().collect()), heads, head)
            }
            _ => Err(format!("no {} in this layer", name.to_uppercase())),
        }
    })
}

/// Columns `h·d .. (h+1)·d` belong to head `h`; query heads of a group share those of keys and values.
fn of_head(name: &str, matrix: Result<Matrix, InspectError>, heads: Heads, head: usize) -> Shown {
    let parts = matrix.and_then(|matrix| split_heads(name, matrix, name, heads));
    let part = parts.map_err(|error| error.to_string())?.into_iter().nth(head);
    part.ok_or_else(|| format!("no head {head} of {}", counted(heads.n_heads as u64, "head")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(columns: [usize; 3], [n_heads, n_kv_heads]: [usize; 2], head: usize, expected: [&str; 3]) {
        let heads = Heads { n_heads, n_kv_heads };
        for ((name, columns), expected) in PROJECTIONS.into_iter().zip(columns).zip(expected) {
            let matrix = Matrix::new(2, columns, vec![1.0; 2 * columns]);
            let text = match of_head(name, matrix, heads, head) {
                Ok(part) => format!("{} x {}", part.rows(), part.columns()),
                Err(text) => text,
            };
            assert!(text.contains(expected), "{name} of {columns} columns: {text}");
        }
    }

    #[test]
    fn a_head_has_its_columns_or_a_sentence_in_their_place() {
        check([12, 6, 10], [4, 2], 3, ["2 x 3", "2 x 3", "2 x 5"]);
        check([12, 1, 1], [4, 0], 3, ["n_kv_heads = 0"; 3]);
        check([12, 5, 4], [4, 2], 3, ["2 x 3", "5 columns, which n_heads = 2 does not divide", "2 x 2"]);
        check([7, 7, 7], [4, 4], 3, ["7 columns, which n_heads = 4 does not divide"; 3]);
        check([4, 4, 4], [2, 2], 2, ["no head 2 of 2 heads"; 3]);
        check([0, 4, 4], [2, 2], 1, ["0 columns", "2 x 2", "2 x 2"]);
        check([4, 4, 4], [0, 0], 0, ["n_heads must be at least 1"; 3]);
    }
}
