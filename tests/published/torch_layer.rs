//! A layer with the weights of PyTorch's `nn.MultiheadAttention` computes what PyTorch computes.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use qkv_model::{
    Catalog, CausalAlign, CrossAttention, Init, Mask, Mode, ModelError, Projection, Projections,
    SelfAttention, SelfAttentionConfig, read_safetensors,
};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

use crate::support::backends::{learning_places, places, tolerance};
use crate::support::numbers::{assert_close, tensor, values};
use crate::support::truth::numbers_of;

const D_MODEL: usize = 12;
const N_HEADS: usize = 3;
const D_HEAD: usize = 4;
const SHAPE: [usize; 3] = [2, 5, D_MODEL];

/// One of the recorded layers.
struct Recorded(Value);

impl Recorded {
    fn new(bias: bool) -> Self {
        Self::of(if bias { "with_bias" } else { "without_bias" })
    }

    /// A layer with `kdim` and `vdim`.
    fn cross(bias: bool) -> Self {
        Self::of(if bias { "cross_with_bias" } else { "cross_without_bias" })
    }

    fn of(name: &str) -> Self {
        let all: Value = serde_json::from_str(include_str!("../truth/torch_attention.json")).unwrap();
        Self(all[name].clone())
    }

    fn numbers(&self, pointer: &str) -> Vec<f64> {
        numbers_of(self.0.pointer(pointer).expect(pointer))
    }

    /// The `state_dict` of a model in which the layer stands at `prefix`.
    fn weights(&self, prefix: &str) -> BTreeMap<String, TensorData> {
        let weights = self.0["weights"].as_object().unwrap();
        let data = |tensor: &Value| {
            let values = numbers_of(tensor);
            let shape = match tensor[0].as_array() {
                Some(row) => vec![values.len() / row.len(), row.len()],
                None => vec![values.len()],
            };
            TensorData::new(values, shape)
        };
        weights.iter().map(|(name, tensor)| (format!("{prefix}{name}"), data(tensor))).collect()
    }
}

fn config(bias: bool) -> SelfAttentionConfig {
    SelfAttentionConfig {
        n_heads: N_HEADS,
        d_out: Some(D_MODEL),
        bias,
        ..SelfAttentionConfig::new(D_MODEL, D_HEAD)
    }
}

fn build((device, dtype): (&Device, DType), config: &SelfAttentionConfig) -> SelfAttention {
    config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap()
}

#[test]
fn a_layer_with_pytorchs_weights_computes_what_pytorch_computes() {
    for place @ (_, dtype) in places() {
        for bias in [false, true] {
            let recorded = Recorded::new(bias);
            let layer = build(place, &config(bias)).load_torch(&recorded.weights("a.b."), "a.b").unwrap();
            let x: Tensor<3> = tensor(place, &recorded.numbers("/x"), SHAPE);
            for (name, mask) in [("all", Mask::none()), ("causal", Mask::causal(CausalAlign::TopLeft))] {
                let rounding = tolerance(dtype, 1e-5, 1e-13);
                let output = recorded.numbers(&format!("/{name}/output"));
                let by_kernels = layer.forward(x.clone(), &mask, Mode::Evaluate);
                assert_close("output", &values(&by_kernels), &output, rounding);
                let shown = layer.forward_with_weights(x.clone(), &mask, Mode::Evaluate);
                assert_close("output", &values(&shown.output), &output, rounding);
                let weights = recorded.numbers(&format!("/{name}/weights"));
                assert_close("weights", &values(&shown.weights), &weights, rounding);
            }
        }
    }
}

#[test]
fn a_cross_attention_with_pytorchs_weights_computes_what_pytorch_computes() {
    const SOURCE: [usize; 3] = [2, 8, 7];
    for place @ (device, dtype) in places() {
        for bias in [false, true] {
            let recorded = Recorded::cross(bias);
            let init = Init::new(device, 1).with_dtype(dtype);
            let cross = CrossAttention::new(&config(bias), SOURCE[2], &init, &Catalog::default()).unwrap();
            let attention = cross.attention.load_torch(&recorded.weights("a.b."), "a.b").unwrap();
            let cross = CrossAttention { attention };
            let x: Tensor<3> = tensor(place, &recorded.numbers("/x"), SHAPE);
            let source: Tensor<3> = tensor(place, &recorded.numbers("/source"), SOURCE);
            let masks = [
                ("all", Mask::none()),
                ("padding", Mask::padding(vec![3, 8])),
                ("causal", Mask::causal(CausalAlign::TopLeft)),
            ];
            for (name, mask) in masks {
                let rounding = tolerance(dtype, 1e-5, 1e-13);
                let output = recorded.numbers(&format!("/{name}/output"));
                let weights = recorded.numbers(&format!("/{name}/weights"));
                let by_kernels = cross.forward(x.clone(), source.clone(), &mask, Mode::Evaluate);
                assert_close("output", &values(&by_kernels), &output, rounding);
                let shown = cross.forward_with_weights(x.clone(), source.clone(), &mask, Mode::Evaluate);
                assert_close("output", &values(&shown.output), &output, rounding);
                assert_close("weights", &values(&shown.weights), &weights, rounding);
            }
        }
    }
}

#[test]
fn a_file_of_any_precision_has_the_weights_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer.safetensors");
    let recorded = Recorded::new(true).weights("a.");
    let shapes: BTreeMap<&String, Vec<usize>> =
        recorded.iter().map(|(name, data)| (name, data.shape().to_vec())).collect();
    for (dtype, file_dtype, rounding) in [
        (DType::F64, Dtype::F64, 0.0),
        (DType::F32, Dtype::F32, 1e-7),
        (DType::F16, Dtype::F16, 1e-3),
        (DType::BF16, Dtype::BF16, 1e-2),
    ] {
        let bytes: BTreeMap<&String, Vec<u8>> = recorded
            .iter()
            .map(|(name, data)| (name, data.clone().convert_dtype(dtype).as_bytes().to_vec()))
            .collect();
        let view = |name| TensorView::new(file_dtype, shapes[name].clone(), &bytes[name]).unwrap();
        let mut views: Vec<(String, TensorView<'_>)> =
            recorded.keys().map(|name| (name.clone(), view(name))).collect();
        let counter = [1; 8];
        views.push(("counter".to_owned(), TensorView::new(Dtype::I64, vec![], &counter).unwrap()));
        std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
        let read = read_safetensors(&path).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), recorded.keys().collect::<Vec<_>>());
        for (name, data) in &read {
            assert_eq!(data.shape().to_vec(), shapes[name]);
            let [got, expected] = [data, &recorded[name]].map(|data| data.iter::<f64>().collect::<Vec<_>>());
            assert_close(name, &got, &expected, rounding);
        }
    }
    std::fs::write(&path, b"{}").unwrap();
    for path in [path, folder.path().join("none")] {
        let error = read_safetensors(&path).unwrap_err();
        let words = format!("{}: expected a safetensors file that can be read: ", path.display());
        assert!(error.to_string().starts_with(&words), "{error}");
    }
}

#[test]
fn three_matrices_are_as_good_as_one() {
    for place in places() {
        let recorded = Recorded::new(true);
        let stacked = recorded.weights("");
        let mut apart = stacked.clone();
        let rows: Vec<f64> = apart.remove("in_proj_weight").unwrap().iter::<f64>().collect();
        for (name, values) in ["q", "k", "v"].into_iter().zip(rows.chunks(D_MODEL * D_MODEL)) {
            let data = TensorData::new(values.to_vec(), [D_MODEL, D_MODEL]);
            apart.insert(format!("{name}_proj_weight"), data);
        }
        let [a, b] =
            [stacked, apart].map(|weights| build(place, &config(true)).load_torch(&weights, "").unwrap());
        for head in 0..N_HEADS {
            for matrix in [SelfAttention::w_q, SelfAttention::w_k, SelfAttention::w_v] {
                assert_eq!(values(&matrix(&a, head)), values(&matrix(&b, head)));
            }
        }
    }
}

#[test]
fn parameters_stay_what_they_were_but_for_their_values() {
    for place in learning_places() {
        for projections in [Projections::all(Projection::Learned), Projections::all(Projection::Frozen)] {
            let before = build(place, &SelfAttentionConfig { projections, ..config(true) });
            let after = before.clone().load_torch(&Recorded::new(true).weights(""), "").unwrap();
            let pairs = [(&before.w_q, &after.w_q), (&before.w_o, &after.w_o)];
            for (before, after) in pairs.map(|(a, b)| (a.as_ref().unwrap(), b.as_ref().unwrap())) {
                let facts = |w: &Param<Tensor<2>>| (w.id, w.is_require_grad(), w.dims(), w.dtype());
                assert_eq!(facts(before), facts(after));
                assert_ne!(values(&before.val()), values(&after.val()));
            }
            let x: Tensor<3> = tensor(place, &Recorded::new(true).numbers("/x"), SHAPE);
            let loss = after.forward(x, &Mask::none(), Mode::Evaluate).powi_scalar(2).sum();
            let d_w_q = after.w_q.as_ref().unwrap().val().grad(&loss.backward());
            assert_eq!(d_w_q.is_some(), projections == Projections::all(Projection::Learned));
        }
    }
}

#[test]
fn what_does_not_fit_is_named_with_both_shapes() {
    let place = places()[0];
    let refused = |config: &SelfAttentionConfig, weights: &BTreeMap<String, TensorData>, prefix: &str| {
        build(place, config)
            .load_torch(weights, prefix)
            .err()
            .map(|error: ModelError| error.to_string())
            .unwrap()
    };
    let (with, without) = (Recorded::new(true).weights(""), Recorded::new(false).weights(""));
    assert_eq!(
        refused(&config(true), &with, "encoder"),
        "the weights have no tensor `encoder.in_proj_weight`, which the layer needs; they have `in_proj_weight`"
    );
    assert_eq!(
        refused(&config(true), &without, ""),
        "the weights have no tensor `in_proj_bias`, which the layer needs; they have `in_proj_weight`, `out_proj.weight`"
    );
    assert_eq!(
        refused(&config(false), &with, ""),
        "`in_proj_bias` has no place in this layer: the layer was built without it"
    );
    let wider = SelfAttentionConfig { d_v: 5, ..config(true) };
    assert_eq!(
        refused(&wider, &with, ""),
        "`in_proj_weight` must have the shape [39, 12] for this layer, got [36, 12]"
    );
    let no_w_o = SelfAttentionConfig { d_out: None, ..config(false) };
    assert_eq!(
        refused(&no_w_o, &without, ""),
        "`out_proj.weight` has no place in this layer: the layer was built without it"
    );
    let identity = SelfAttentionConfig { projections: Projections::all(Projection::None), ..config(false) };
    assert_eq!(
        refused(&identity, &without, ""),
        "`in_proj_weight` has no place in this layer: the layer has no projections"
    );
    let without_w_k = Projections { w_k: Projection::None, ..Projections::all(Projection::Learned) };
    let mixed = SelfAttentionConfig { projections: without_w_k, ..config(false) };
    assert_eq!(
        refused(&mixed, &without, ""),
        "`in_proj_weight` has no place in this layer: the layer has no W_K"
    );
    let mut with_kv = with.clone();
    with_kv.insert("bias_k".to_owned(), TensorData::new(vec![0.0; 12], [1, 1, 12]));
    assert_eq!(
        refused(&config(true), &with_kv, ""),
        "`bias_k` has no place in this layer: the layer has no keys and values but those of its input"
    );
}
