//! What a layer and the mechanism refuse, in the same words in both implementations, and what they take though it is
//! empty.

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor};
use qkv_model::{
    AttentionSpec, CausalAlign, Implementation, Init, Mask, Mode, Score, SelfAttention, SelfAttentionConfig,
    Transformer, TransformerConfig, attention, attention_with_weights,
};

use crate::support::backends::{device, learning_places, places};
use crate::support::layers::{BATCH, D_IN, D_K, D_OUT, D_V, N_HEADS, SEQ_LEN, full, scaled_dot, scores};
use crate::support::module_gradients::gradients;
use crate::support::numbers::{assert_close, random_tensor, values};
use crate::support::panics::message;

const IMPLEMENTATIONS: [Implementation; 2] = [Implementation::Auto, Implementation::Reference];

fn layer(place: (&Device, DType), implementation: Implementation) -> SelfAttention {
    let config = SelfAttentionConfig { implementation, ..full(&scaled_dot()) };
    config.init(&Init::new(place.0, 1).with_dtype(place.1)).unwrap()
}

fn x(place: (&Device, DType)) -> Tensor<3> {
    random_tensor(place, "x", [BATCH, SEQ_LEN, D_IN])
}

#[test]
fn a_matrix_or_bias_set_by_hand_of_another_shape_is_refused_with_both_shapes() {
    let wide = N_HEADS * D_K + 1;
    type Change = fn(&mut SelfAttention, (&Device, DType));
    fn matrix<const D: usize>(place: (&Device, DType), shape: [usize; D]) -> Option<Param<Tensor<D>>> {
        Some(Param::from_tensor(random_tensor(place, "by hand", shape)))
    }
    let changes: [(&str, Change); 6] = [
        ("w_q must be [7, 33], got [7, 34]", |layer, place| {
            // Both wider: each would give another width of keys.
            layer.w_q = matrix(place, [D_IN, N_HEADS * D_K + 1]);
            layer.w_k = matrix(place, [D_IN, N_HEADS * D_K + 1]);
        }),
        ("w_v must be [7, 39], got [39, 7]", |layer, place| layer.w_v = matrix(place, [N_HEADS * D_V, D_IN])),
        ("w_o must be [39, 17], got [39, 13]", |layer, place| {
            layer.w_o = matrix(place, [N_HEADS * D_V, D_V])
        }),
        ("b_k must be [33], got [11]", |layer, place| layer.b_k = matrix(place, [D_K])),
        // Would be repeated.
        ("b_o must be [17], got [1]", |layer, place| layer.b_o = matrix(place, [1])),
        (
            "w_q must be [7, 33], got none, which stands for the identity and needs equal widths",
            |layer, _| {
                layer.w_q = None;
            },
        ),
    ];
    assert_eq!((wide, D_OUT), (34, 17));
    for place in places() {
        for (expected, change) in changes {
            for implementation in IMPLEMENTATIONS {
                let mut layer = layer(place, implementation);
                change(&mut layer, place);
                let forward = || layer.forward(x(place), &Mask::none(), Mode::Evaluate);
                assert_eq!(message(forward), expected);
                let with_weights = || layer.forward_with_weights(x(place), &Mask::none(), Mode::Evaluate);
                assert_eq!(message(with_weights), expected);
            }
        }
    }
}

#[test]
fn another_precision_is_refused_by_name() {
    let device = device();
    for implementation in IMPLEMENTATIONS {
        let layer = layer((&device, DType::F32), implementation);
        let message = message(|| layer.forward(x((&device, DType::F64)), &Mask::none(), Mode::Evaluate));
        assert!(message.starts_with("x is f64, the layer f32"), "{message}");
    }
    let [q, k, v] = [DType::F32, DType::F32, DType::F64]
        .map(|dtype| random_tensor::<4>((&device, dtype), "qkv", [1, 1, 2, 3]));
    let message = message(|| attention(&AttentionSpec::default(), q, k, v, &Mask::none()));
    assert_eq!(message, "q, k and v must have one precision, got f32, f32 and f64");
}

#[test]
fn another_width_and_other_heads_are_refused_with_the_shapes() {
    for place in places() {
        for implementation in IMPLEMENTATIONS {
            let layer = layer(place, implementation);
            let narrow = random_tensor(place, "x", [BATCH, SEQ_LEN, D_IN - 1]);
            let message = message(|| layer.forward(narrow, &Mask::none(), Mode::Evaluate));
            assert_eq!(message, "x must be [batch, seq_len, 7], got [2, 5, 6]");
        }
        for [k_shape, v_shape] in [
            [[1, 2, 5, 3], [1, 2, 5, 3]],
            [[1, 0, 5, 3], [1, 0, 5, 3]],
            [[1, 3, 5, 2], [1, 3, 5, 3]],
            [[1, 3, 5, 3], [1, 3, 4, 3]],
            [[2, 3, 5, 3], [2, 3, 5, 3]],
        ] {
            let tensor = |shape| Tensor::<4>::zeros(shape, place);
            let [q, k, v] = [[1, 3, 4, 3], k_shape, v_shape].map(tensor);
            let message = message(|| attention(&AttentionSpec::default(), q, k, v, &Mask::none()));
            let expected = format!(
                "for q of shape [1, 3, 4, 3], k must be [1, kv_heads, k_len, 3] and v [1, kv_heads, k_len, d_v] with \
                 kv_heads that divide 3, got {k_shape:?} and {v_shape:?}"
            );
            assert_eq!(message, expected);
        }
    }
}

#[test]
fn a_bias_of_the_output_without_w_o_reaches_every_output() {
    for place @ (device, dtype) in places() {
        let config = TransformerConfig {
            norm: qkv_model::NormConfig::None,
            ..TransformerConfig::new(5, SEQ_LEN, D_IN)
        };
        let mut model: Transformer = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
        let b_o = random_tensor(place, "b_o", [D_IN]);
        let tokens = || Tensor::zeros([BATCH, SEQ_LEN, 1], device);
        let before = model.features(tokens(), Mode::Evaluate);
        let attention: &mut SelfAttention = model.blocks[0].attention.downcast_mut().unwrap();
        attention.b_o = Some(Param::from_tensor(b_o.clone()));
        let mut nothing = |_: usize, _: qkv_model::Stage, x: Tensor<4>| x;
        let want = values(&(before + b_o.unsqueeze()));
        for after in [
            model.features(tokens(), Mode::Evaluate),
            model.features_with(tokens(), Mode::Evaluate, &mut nothing),
        ] {
            assert_close("with the bias", &values(&after), &want, 1e-5);
        }
    }
}

#[test]
fn a_matrix_taken_away_by_hand_is_shown_as_the_identity_that_it_then_is() {
    for place @ (device, dtype) in places() {
        let mut layer = SelfAttentionConfig::new(3, 3).init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
        layer.w_q = None;
        assert_eq!(values(&layer.w_q(0)), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        let x = random_tensor(place, "x", [1, 2, 3]);
        let [q, ..] = layer.project(x.clone());
        assert_eq!(values(&q), values(&x));
    }
}

#[test]
fn what_is_empty_gives_what_is_empty_forward_and_backward() {
    for place @ (device, dtype) in learning_places() {
        for score in scores() {
            for implementation in IMPLEMENTATIONS {
                let config = SelfAttentionConfig { implementation, n_kv_heads: Some(1), ..full(&score) };
                let layer = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
                for shape @ [batch, seq_len, _] in [[BATCH, 0, D_IN], [0, SEQ_LEN, D_IN]] {
                    let x = Tensor::<3>::zeros(shape, place).require_grad();
                    for mask in
                        [Mask::none(), Mask::causal(CausalAlign::TopLeft), Mask::padding(vec![0; batch])]
                    {
                        let output = || layer.forward(x.clone(), &mask, Mode::Evaluate);
                        assert_eq!(output().dims(), [batch, seq_len, D_OUT]);
                        assert_eq!(x.grad(&output().sum().backward()).unwrap().dims(), shape);
                        let gradients = gradients(&layer, &output().sum());
                        let learned = gradients.iter().filter_map(|gradient| gradient.values.as_ref());
                        assert!(learned.flatten().all(|&value| value == 0.0));
                        let shown = layer.forward_with_weights(x.clone(), &mask, Mode::Evaluate);
                        assert_eq!(shown.output.dims(), [batch, seq_len, D_OUT]);
                        assert_eq!(shown.weights.dims(), [batch, N_HEADS, seq_len, seq_len]);
                    }
                }
            }
        }
    }
}

#[test]
fn queries_without_any_key_get_zeros() {
    for place @ (device, dtype) in places() {
        for score in scores() {
            let init = Init::new(device, 1).with_dtype(dtype);
            let shape = qkv_model::HeadShape { n_heads: 1, d_k: 3 };
            let score = qkv_model::Catalog::default().build_score(&score, &init, shape).unwrap();
            let spec = AttentionSpec::new(&score);
            let tensor = |len| Tensor::<4>::ones([1, 1, len, 3], place);
            let context = attention(&spec, tensor(2), tensor(0), tensor(0), &Mask::none());
            assert_eq!(values(&context), [0.0; 6]);
            let shown = attention_with_weights(&spec, tensor(2), tensor(0), tensor(0), &Mask::none());
            assert_eq!((values(&shown.context), shown.weights.dims()), (vec![0.0; 6], [1, 1, 2, 0]));
        }
    }
}

/// A dot product that is not one: a score cannot pass for what the kernels compute.
#[derive(burn::module::Module, Debug)]
struct Negative {}

impl Score for Negative {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        q.matmul(k.swap_dims(2, 3)).neg()
    }
}

#[test]
fn a_score_of_ones_own_is_computed_by_its_own_method() {
    for place in places() {
        let [q, k, v] = ["q", "k", "v"].map(|name| random_tensor::<4>(place, name, [1, 2, 5, 3]));
        let own =
            attention(&AttentionSpec::new(&Negative {}), q.clone(), k.clone(), v.clone(), &Mask::none());
        let dot = attention(&AttentionSpec::new(&qkv_model::Dot {}), q, k.neg(), v, &Mask::none());
        assert_close("context", &values(&own), &values(&dot), 1e-5);
    }
}

#[test]
fn the_fused_implementation_is_refused_where_it_cannot_be_had() {
    for place in learning_places() {
        let fused = AttentionSpec { implementation: Implementation::Fused, ..AttentionSpec::default() };
        let tensor = || Tensor::<4>::ones([1, 1, 2, 3], place);
        let bias = Tensor::<4>::zeros([1, 1, 2, 2], place).require_grad();
        // Also where what is learned lies behind an operation.
        let mask = Mask::bias(bias.clone().mul_scalar(2.0));
        let refused = message(|| attention(&fused, tensor(), tensor(), tensor(), &mask));
        assert_eq!(
            refused,
            "attention = \"fused\" is not possible, because the bias of the scores is learned, and the kernels give it no \
             gradient; set it to \"auto\""
        );
        // The same bias gets its gradient where the implementation is left open.
        let context = attention(&AttentionSpec::default(), tensor(), tensor(), tensor(), &mask);
        assert_eq!(bias.grad(&context.sum().backward()).unwrap().dims(), [1, 1, 2, 2]);
        let own = AttentionSpec { implementation: Implementation::Fused, ..AttentionSpec::new(&Negative {}) };
        let refused = message(|| attention(&own, tensor(), tensor(), tensor(), &Mask::none()));
        assert!(refused.contains("the score is not a dot product"), "{refused}");
    }
}
