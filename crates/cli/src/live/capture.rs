//! Attention map and matrices of a head, read from a model in training without changing it.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use qkv_inspect::{Heads, Matrix, clean_label, counted, split_heads};
use qkv_model::ModulePath;
use qkv_run::tensor_names::{W_K, W_Q, W_V};
use qkv_train::{Example, Model, Probe, Task};

use super::view::{Capture, Place};

/// The projections of a head.
const PROJECTIONS: [&str; 3] = [W_Q, W_K, W_V];

/// Captures heads of a model on the examples of a task.
pub struct Capturer<'a> {
    /// The task's name.
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
        let weights = match &probe {
            Ok(probe) => probe.weights.get(layer).ok_or("the model shows no attention weights".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let map = weights.and_then(|weights| map(weights, head));
        let projections = match model.layers().get(layer) {
            Some(layer) => {
                let mut found = Projections::of(&layer.path);
                model.visit(&mut found);
                found.of_head(layer.n_heads, head)
            }
            None => PROJECTIONS.map(|name| Err(format!("no {} in this model", name.to_uppercase()))),
        };
        let tokens = probe.iter().flat_map(|probe| &probe.tokens).map(|token| clean_label(token)).collect();
        Capture { place, map, tokens, projections }
    }
}

/// # Shapes
/// - `weights`: `[heads, q_len, k_len]`
fn map(weights: &Tensor<3>, head: usize) -> Result<Matrix, String> {
    let [n_heads, q_len, k_len] = weights.dims();
    if head >= n_heads {
        return Err(format!("the model has weights of {} only", counted(n_heads as u64, "head")));
    }
    let values = weights.clone().narrow(0, head, 1).to_data().iter::<f64>().collect();
    let matrix = Matrix::new(q_len, k_len, values).map_err(|error| error.to_string())?;
    Ok(matrix.with_axes("query", "key"))
}

/// The projections of one layer, each of all heads side by side, or a sentence in its place.
struct Projections {
    path: ModulePath,
    prefix: String,
    matrices: [Result<Matrix, String>; 3],
}

impl Projections {
    /// None are found yet.
    fn of(prefix: &str) -> Self {
        let missing = |name: &str| Err(format!("no {} in this layer", name.to_uppercase()));
        Self { path: ModulePath::default(), prefix: prefix.to_owned(), matrices: PROJECTIONS.map(missing) }
    }

    /// Columns `h·d .. (h+1)·d` belong to head `h`; query heads of a group share those of keys and values.
    fn of_head(self, n_heads: usize, head: usize) -> [Result<Matrix, String>; 3] {
        let columns = |index: usize| self.matrices[index].as_ref().ok().map(Matrix::columns);
        // Heads of W_Q and W_K have the same width, so the widths have the ratio of their heads; zero if it is not
        // whole.
        let n_kv_heads = match (columns(0), columns(1)) {
            (Some(queries), Some(keys)) if (n_heads * keys).is_multiple_of(queries) => {
                n_heads * keys / queries
            }
            (Some(_), Some(_)) => 0,
            _ => n_heads,
        };
        let mut heads = [n_heads, n_kv_heads, n_kv_heads].into_iter();
        let mut names = PROJECTIONS.into_iter();
        self.matrices.map(|matrix| {
            let (name, n_kv_heads) = (names.next().expect("one each"), heads.next().expect("one each"));
            let parts = split_heads(name, matrix?, name, Heads { n_heads, n_kv_heads });
            let part = parts.map_err(|error| error.to_string())?.into_iter().nth(head);
            part.ok_or_else(|| format!("no head {head} of {}", counted(n_heads as u64, "head")))
        })
    }
}

impl ModuleVisitor for Projections {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.names().join(".");
        let Some((prefix, last)) = name.rsplit_once('.') else { return };
        let Some(index) = PROJECTIONS.iter().position(|name| *name == last) else { return };
        if let (true, [rows, columns]) = (prefix == self.prefix, param.dims().as_slice()) {
            let values = param.val().to_data().iter::<f64>().collect();
            self.matrices[index] = Matrix::new(*rows, *columns, values).map_err(|error| error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(columns: [usize; 3], n_heads: usize, head: usize, expected: [&str; 3]) {
        let matrix =
            |columns| Matrix::new(2, columns, vec![1.0; 2 * columns]).map_err(|error| error.to_string());
        let found = Projections { matrices: columns.map(matrix), ..Projections::of("") };
        let texts = found.of_head(n_heads, head).map(|part| match part {
            Ok(part) => format!("{} x {}", part.rows(), part.columns()),
            Err(text) => text,
        });
        for (text, expected) in texts.iter().zip(expected) {
            assert!(text.contains(expected), "{columns:?}: {text}");
        }
    }

    #[test]
    fn a_head_has_its_columns_or_a_sentence_in_their_place() {
        check([12, 6, 10], 4, 3, ["2 x 3", "2 x 3", "2 x 5"]);
        check([12, 1, 1], 4, 3, ["2 x 3", "n_kv_heads = 0", "n_kv_heads = 0"]);
        check([7, 7, 7], 4, 3, ["7 columns, which n_heads = 4 does not divide"; 3]);
        check([4, 4, 4], 2, 2, ["no head 2 of 2 heads"; 3]);
        check([0, 4, 4], 2, 1, ["0 columns", "2 x 2", "2 x 2"]);
        check([4, 4, 4], 0, 0, ["n_heads must be at least 1"; 3]);
    }

    #[test]
    fn a_map_with_too_few_heads_gives_a_sentence() {
        let weights = Tensor::<3>::zeros([2, 3, 5], &Device::flex());
        assert!(map(&weights, 1).is_ok_and(|map| map.columns() == 5));
        assert_eq!(map(&weights, 2).err().as_deref(), Some("the model has weights of 2 heads only"));
        assert!(map(&Tensor::zeros([1, 0, 5], &Device::flex()), 0).is_err());
    }
}
