//! The weights of PyTorch's `nn.MultiheadAttention` in a layer of ours.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use super::SelfAttention;
use crate::error::ModelError;

/// The matrices of queries, keys and values, where PyTorch does not stack them in one.
const PROJECTIONS: [&str; 3] = ["q_proj_weight", "k_proj_weight", "v_proj_weight"];

/// Those that the layer may lack.
const ABSENT: [&str; 3] = ["the layer has no W_Q", "the layer has no W_K", "the layer has no W_V"];

impl SelfAttention {
    /// The layer with the weights of a PyTorch module `nn.MultiheadAttention`, of which `weights` has the tensors by
    /// their names in its `state_dict`; `prefix` is the module's name there, such as `encoder.layers.0.self_attn`, or
    /// empty. [`read_safetensors`](crate::read_safetensors) reads them from a file.
    ///
    /// ```text
    /// PyTorch   y = x Wᵀ + b     in_proj_weight [heads·(d_k + d_k + d_v), d_in], or q_proj_weight, k_proj_weight and
    ///                            v_proj_weight; in_proj_bias; out_proj.weight [d_out, heads·d_v], out_proj.bias
    /// here      y = x W + b      w_q, w_k, w_v, b_q, b_k, b_v; w_o, b_o
    /// ```
    ///
    /// The layer has to be built for them: `d_k = d_v = d_in / n_heads`, `d_out = Some(d_in)`, `bias` as in PyTorch.
    /// Values are rounded to the layer's precision; frozen matrices stay frozen. The layer of a
    /// [`CrossAttention`](super::CrossAttention) takes those of a module with `kdim` and `vdim`.
    ///
    /// # Errors
    /// If a tensor is missing, has another shape, or has no place in the layer; the message has its name.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use burn::tensor::{Device, TensorData};
    /// use qkv_model::{Init, SelfAttentionConfig};
    ///
    /// // One head of width one: q = 2x, k = 3x, v = 5x, output = 7 context.
    /// let weights = BTreeMap::from([
    ///     ("attn.in_proj_weight".to_owned(), TensorData::from([[2.0_f32], [3.0], [5.0]])),
    ///     ("attn.out_proj.weight".to_owned(), TensorData::from([[7.0_f32]])),
    /// ]);
    /// let config = SelfAttentionConfig { d_out: Some(1), ..SelfAttentionConfig::new(1, 1) };
    /// let layer = config.init(&Init::new(&Device::flex(), 0))?.load_torch(&weights, "attn")?;
    /// assert_eq!(layer.w_v(0).into_scalar::<f32>(), 5.0);
    /// # Ok::<(), qkv_model::ModelError>(())
    /// ```
    pub fn load_torch(
        mut self,
        weights: &BTreeMap<String, TensorData>,
        prefix: &str,
    ) -> Result<Self, ModelError> {
        let found = StateDict { weights, prefix };
        for name in ["bias_k", "bias_v"] {
            found.refuse(name, "the layer has no keys and values but those of its input")?;
        }
        let Self { d_in, d_source, d_k, d_v, d_out, n_heads, n_kv_heads, .. } = self;
        let widths = [n_heads * d_k, n_kv_heads * d_k, n_kv_heads * d_v];
        let matrices = found.projections(widths, [d_in, d_source, d_source])?;
        let mut of_layer = [&mut self.w_q, &mut self.w_k, &mut self.w_v];
        if of_layer.iter().all(|w| w.is_none()) {
            return Err(found.no_place(found.name_of_projection(0), "the layer has no projections"));
        }
        for ((at, w), matrix) in of_layer.iter_mut().enumerate().zip(matrices) {
            match w {
                Some(w) => set(w, matrix.transposed()),
                None => return Err(found.no_place(found.name_of_projection(at), ABSENT[at])),
            }
        }
        let has_bias = self.b_q.is_some();
        if let Some(Array { values, .. }) = found.read_if(has_bias, "in_proj_bias", [widths.iter().sum()])? {
            let mut values = values.into_iter();
            for (b, width) in [&mut self.b_q, &mut self.b_k, &mut self.b_v].into_iter().zip(widths) {
                let values = values.by_ref().take(width).collect();
                set(b.as_mut().expect("all three or none"), Array { values, shape: [width] });
            }
        }
        let of_output =
            (found.read_if(self.w_o.is_some(), "out_proj.weight", [d_out, n_heads * d_v])?, &mut self.w_o);
        if let (Some(matrix), Some(w_o)) = of_output {
            set(w_o, matrix.transposed());
        }
        let of_output = (found.read_if(self.b_o.is_some(), "out_proj.bias", [d_out])?, &mut self.b_o);
        if let (Some(bias), Some(b_o)) = of_output {
            set(b_o, bias);
        }
        Ok(self)
    }
}

/// The value of a parameter; its device, its precision and whether it is learned stay.
fn set<const D: usize>(param: &mut Param<Tensor<D>>, Array { values, shape }: Array<D>) {
    let learned = param.is_require_grad();
    let (device, dtype) = (param.device(), param.dtype());
    let tensor = Tensor::from_data(TensorData::new(values, shape).convert_dtype(dtype), (&device, dtype));
    *param = Param::initialized(param.id, tensor).set_require_grad(learned);
}

/// Row-major numbers.
struct Array<const D: usize> {
    values: Vec<f64>,
    shape: [usize; D],
}

impl Array<2> {
    fn transposed(self) -> Self {
        let [rows, columns] = self.shape;
        let values = (0..rows * columns).map(|at| self.values[at % rows * columns + at / rows]).collect();
        Self { values, shape: [columns, rows] }
    }
}

/// The tensors of one module.
struct StateDict<'a> {
    weights: &'a BTreeMap<String, TensorData>,
    prefix: &'a str,
}

impl StateDict<'_> {
    /// The matrices of queries, keys and values, `[width, d_in]` each, stacked in one tensor or in three; in three where
    /// their inputs differ in width.
    fn projections(&self, widths: [usize; 3], inputs: [usize; 3]) -> Result<[Array<2>; 3], ModelError> {
        let d_in = inputs[0];
        if self.are_separate() || inputs != [d_in; 3] {
            let [q, k, v] = [0, 1, 2].map(|at| self.read(PROJECTIONS[at], [widths[at], inputs[at]]));
            return Ok([q?, k?, v?]);
        }
        let mut stacked = self.read("in_proj_weight", [widths.iter().sum(), d_in])?.values.into_iter();
        Ok(widths.map(|width| Array {
            values: stacked.by_ref().take(width * d_in).collect(),
            shape: [width, d_in],
        }))
    }

    fn are_separate(&self) -> bool {
        self.weights.contains_key(&self.name(PROJECTIONS[0]))
    }

    /// The tensor that has the matrix of queries, keys or values.
    fn name_of_projection(&self, at: usize) -> &'static str {
        if self.are_separate() { PROJECTIONS[at] } else { "in_proj_weight" }
    }

    /// The tensor, where the layer has a place for it; there must be none where it has not.
    fn read_if<const D: usize>(
        &self,
        has_place: bool,
        name: &str,
        shape: [usize; D],
    ) -> Result<Option<Array<D>>, ModelError> {
        if has_place {
            return self.read(name, shape).map(Some);
        }
        self.refuse(name, "the layer was built without it")?;
        Ok(None)
    }

    fn read<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Array<D>, ModelError> {
        let (end, name) = (name, self.name(name));
        let Some(data) = self.weights.get(&name) else {
            return Err(ModelError::NoWeights { name, there: self.names_like(end) });
        };
        let got = data.shape().to_vec();
        if got != shape.to_vec() {
            return Err(ModelError::WeightsDoNotFit { name, expected: shape.to_vec(), got });
        }
        Ok(Array { values: data.iter::<f64>().collect(), shape })
    }

    /// The names with this end, as they are under another prefix, or else all.
    fn names_like(&self, end: &str) -> Vec<String> {
        let like: Vec<String> = self.weights.keys().filter(|name| name.ends_with(end)).cloned().collect();
        if like.is_empty() { self.weights.keys().cloned().collect() } else { like }
    }

    /// # Errors
    /// If there is such a tensor.
    fn refuse(&self, name: &str, reason: &'static str) -> Result<(), ModelError> {
        if self.weights.contains_key(&self.name(name)) { Err(self.no_place(name, reason)) } else { Ok(()) }
    }

    fn no_place(&self, name: &str, reason: &'static str) -> ModelError {
        ModelError::NoPlaceForWeights { name: self.name(name), reason }
    }

    fn name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }
}
