//! Looks into a model that is being trained, without touching it.

use anyhow::Result;
use burn::module::{ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use qkv_inspect::{Heads, Matrix};
use qkv_model::ModulePath;
use qkv_train::{Example, Model, Probe, Task};

use super::view::{LookedAt, Place};

/// The projections of a head and their axes.
const PROJECTIONS: [(&str, [&str; 2]); 3] =
    [("w_q", ["d_in", "d_k"]), ("w_k", ["d_in", "d_k"]), ("w_v", ["d_in", "d_v"])];

/// What there is to look with.
pub struct Sight<'a> {
    pub task: &'a dyn Task,
    pub examples: Vec<Example>,
    pub device: Device,
}

impl Sight<'_> {
    /// The map and the matrices of one head.
    pub fn look<M: Model>(&self, model: &M, place: Place) -> Result<LookedAt> {
        let Place { layer, head, input } = place;
        let model = model.valid();
        let probe = Probe::new(&model, self.task, &self.examples[input], &self.device);
        let map = probe.weights.get(layer).map(|weights| map(weights, head)).transpose()?;
        let projections = match model.layers().get(layer) {
            Some(layer) => {
                let mut found = Found { prefix: layer.path.clone(), ..Found::default() };
                model.visit(&mut found);
                found.of_head(layer.n_heads, head)?
            }
            None => Default::default(),
        };
        Ok(LookedAt { map, tokens: probe.tokens, projections })
    }
}

/// # Shapes
/// - `weights`: `[heads, q_len, k_len]`
fn map(weights: &Tensor<3>, head: usize) -> Result<Matrix> {
    let [_, q_len, k_len] = weights.dims();
    let values = weights.clone().narrow(0, head, 1).to_data().iter::<f64>().collect();
    Ok(Matrix::new(q_len, k_len, values)?.with_axes("query", "key"))
}

/// The projections of one layer, all heads side by side.
#[derive(Default)]
struct Found {
    path: ModulePath,
    prefix: String,
    /// Rows, columns and values.
    whole: [Option<(usize, usize, Vec<f64>)>; 3],
}

impl Found {
    /// Columns `h·d .. (h+1)·d` belong to head `h`; query heads of a group share those of keys and values.
    fn of_head(self, n_heads: usize, head: usize) -> Result<[Option<Matrix>; 3]> {
        let columns = |index: usize| self.whole[index].as_ref().map(|(_, columns, _)| *columns);
        // W_Q and W_K have columns of the same width, so their ratio is that of their heads.
        let n_kv_heads = match (columns(0), columns(1)) {
            (Some(queries), Some(keys)) => n_heads * keys / queries,
            _ => n_heads,
        };
        let kv_head = Heads { n_heads, n_kv_heads }.kv_head(head);
        let places = [(n_heads, head), (n_kv_heads, kv_head), (n_kv_heads, kv_head)];
        let mut parts = [None, None, None];
        for (index, (whole, (count, head))) in self.whole.into_iter().zip(places).enumerate() {
            let Some((rows, columns, values)) = whole else { continue };
            let width = columns / count;
            let part = values.chunks(columns).flat_map(|row| &row[head * width..(head + 1) * width]);
            let [down, across] = PROJECTIONS[index].1;
            parts[index] = Some(Matrix::new(rows, width, part.copied().collect())?.with_axes(down, across));
        }
        Ok(parts)
    }
}

impl ModuleVisitor for Found {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.names().join(".");
        let Some((prefix, last)) = name.rsplit_once('.') else { return };
        let Some(index) = PROJECTIONS.iter().position(|(name, _)| *name == last) else { return };
        if let (true, [rows, columns]) = (prefix == self.prefix, param.dims().as_slice()) {
            self.whole[index] = Some((*rows, *columns, param.val().to_data().iter::<f64>().collect()));
        }
    }
}
