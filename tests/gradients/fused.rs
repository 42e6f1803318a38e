//! The fused kernels against the reference implementations: layer by layer, through whole trainings, on any number of
//! threads.

use burn::tensor::{DType, Device, Tensor, TensorData};
use qkv_model::random::{Purpose, stream};
use qkv_model::{
    CausalAlign, Choice, Implementation, Init, Mask, MaskConfig, Mode, ModelError, SelfAttentionConfig,
    Softmax, Transformer, TransformerConfig, parameters,
};
use qkv_train::{AdamW, Batch, OptimizerConfig, OptimizerState, Parts, Recipe, State, TargetKind};
use rand::RngExt;

use crate::support::backends::{learning_places, tolerance};
use crate::support::differences::functional;
use crate::support::layers::{additive, all_projections, projected};
use crate::support::module_gradients::{gradients, largest};
use crate::support::numbers::{assert_close, bools, random, random_tensor, tensor, values};
use crate::support::plain_transformer::PlainTraining;

const TRAINING: Mode = Mode::Train { seed: 3, step: 5, first_example: 0 };

/// Layers that the kernels can compute, each with something that changes what they do.
fn layers() -> Vec<(&'static str, SelfAttentionConfig)> {
    let base =
        || SelfAttentionConfig { n_heads: 4, d_v: 5, d_out: Some(11), ..SelfAttentionConfig::new(7, 6) };
    vec![
        ("plain", base()),
        ("biases", SelfAttentionConfig { bias: true, ..base() }),
        ("groups", SelfAttentionConfig { n_kv_heads: Some(2), ..base() }),
        ("quiet", SelfAttentionConfig { softmax: Softmax::Quiet, ..base() }),
        ("qk-norm", SelfAttentionConfig { qk_norm: true, ..base() }),
        ("rope", SelfAttentionConfig { positions: Choice::new("rope"), ..base() }),
        ("alibi", SelfAttentionConfig { positions: Choice::new("alibi"), ..base() }),
        ("dropout", SelfAttentionConfig { dropout: 0.4, ..base() }),
        (
            "all",
            SelfAttentionConfig {
                bias: true,
                n_kv_heads: Some(2),
                softmax: Softmax::Quiet,
                qk_norm: true,
                positions: Choice::new("rope"),
                dropout: 0.4,
                ..base()
            },
        ),
    ]
}

fn masks(device: &Device, n_heads: usize) -> Vec<(&'static str, Mask)> {
    // The second entry has no position that is there at all.
    let padding = || Mask::padding(vec![9, 0, 4]);
    let draw = |shape: [usize; 4]| random("mask", shape.iter().product());
    let hidden = |shape: [usize; 4]| {
        Mask::hidden(bools(device, &draw(shape).iter().map(|x| *x < 0.0).collect::<Vec<_>>(), shape))
    };
    let bias = |shape: [usize; 4]| {
        let values: Vec<f64> =
            draw(shape).into_iter().map(|x| if x < -0.5 { f64::NEG_INFINITY } else { x }).collect();
        Mask::bias(tensor((device, DType::F64), &values, shape))
    };
    vec![
        ("none", Mask::none()),
        ("causal", Mask::causal(CausalAlign::TopLeft)),
        ("padding", padding()),
        ("both", Mask::causal(CausalAlign::BottomRight).and(padding())),
        ("hidden", hidden([3, 1, 9, 9])),
        ("hidden twice", hidden([1, n_heads, 1, 9]).and(hidden([1, 1, 9, 9])).and(padding())),
        ("bias", bias([3, n_heads, 9, 9])),
        ("biases", bias([1, n_heads, 1, 9]).and(bias([3, 1, 9, 1])).and(Mask::causal(CausalAlign::TopLeft))),
    ]
}

/// The matrices each learned, frozen and absent, with biases and without, which other kernels compute.
fn projected_layers() -> impl Iterator<Item = (String, SelfAttentionConfig)> {
    let layer = |projections| {
        let config = projected(projections);
        let name = format!("{projections:?}");
        let plain = SelfAttentionConfig { bias: false, ..config.clone() };
        [(format!("{name} biased"), config), (name, plain)]
    };
    all_projections().flat_map(layer)
}

#[test]
fn both_forms_of_a_layer_give_the_same_contexts_and_gradients() {
    for place @ (device, dtype) in learning_places() {
        let layers = layers().into_iter().map(|(name, config)| (name.to_owned(), config));
        for (config_name, config) in layers.chain(projected_layers()) {
            for (mask_name, mask) in masks(device, config.n_heads) {
                let what = format!("{config_name} {mask_name} {dtype:?}");
                let [fused, reference] =
                    [Implementation::Fused, Implementation::Reference].map(|implementation| {
                        let config = SelfAttentionConfig { implementation, ..config.clone() };
                        let layer = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
                        let x = random_tensor(place, "x", [3, 9, config.d_in]).require_grad();
                        let forward = || layer.forward(x.clone(), &mask, TRAINING);
                        let d_x = x.grad(&functional(forward()).backward()).unwrap();
                        let of_parameters = gradients(&layer, &functional(forward()));
                        (values(&forward()), values(&d_x), of_parameters)
                    });
                // Sums of at most a hundred terms of size one, in other orders.
                let bound = tolerance(dtype, 1e-5, 1e-13);
                assert_close(&what, &fused.0, &reference.0, bound);
                assert_close(&what, &fused.1, &reference.1, bound * largest(&reference.1).max(1.0));
                assert_eq!(fused.2.len(), reference.2.len());
                for (fused, reference) in fused.2.iter().zip(&reference.2) {
                    // Frozen ones have none.
                    let (fused, reference) = match (&fused.values, &reference.values) {
                        (Some(fused), Some(reference)) => (fused, reference),
                        (fused, reference) => {
                            assert_eq!((fused, reference), (&None, &None), "{what}");
                            continue;
                        }
                    };
                    assert_close(&what, fused, reference, bound * largest(reference).max(1.0));
                }
            }
        }
    }
}

#[test]
fn a_layer_that_the_kernels_cannot_compute_refuses_the_fused_implementation() {
    let base =
        || SelfAttentionConfig { implementation: Implementation::Fused, ..SelfAttentionConfig::new(4, 4) };
    for config in
        [SelfAttentionConfig { score: additive(3), ..base() }, SelfAttentionConfig { softcap: 5.0, ..base() }]
    {
        let error = config.init(&Init::new(&Device::flex(), 0)).unwrap_err();
        assert!(matches!(error, ModelError::NoFusedImplementation { .. }), "{error}");
        // The same layer is built where the implementation is left open.
        let open = SelfAttentionConfig { implementation: Implementation::Auto, ..config };
        open.init(&Init::new(&Device::flex(), 0)).unwrap();
    }
}

#[test]
fn a_config_file_may_have_the_former_name_of_the_implementation() {
    let read = |key: &str| {
        let text = format!(r#"{{ "d_in": 4, "d_k": 4, "d_v": 4, "{key}": "reference" }}"#);
        serde_json::from_str::<SelfAttentionConfig>(&text).unwrap().implementation
    };
    assert_eq!(["implementation", "form"].map(read), [Implementation::Reference; 2]);
}

/// Numbers that single precision has, because Burn's optimizer keeps them in it.
const ADAM_W: AdamW =
    AdamW { beta_1: 0.875, beta_2: 0.984375, epsilon: 1.0 / (1 << 27) as f64, weight_decay: 0.0 };

const RATE: f64 = 4e-3;

fn parts(lr: f64, clip: f64) -> Parts {
    parts_of(OptimizerConfig { lr, clip, ..OptimizerConfig::new("adam-w", &ADAM_W) })
}

fn parts_of(optimizer: OptimizerConfig) -> Parts {
    Parts::new(Recipe { optimizer, ..Recipe::default() }).unwrap()
}

fn config() -> TransformerConfig {
    TransformerConfig {
        n_heads: 2,
        n_layers: 2,
        d_mlp: 24,
        w_o: true,
        mask: MaskConfig::Causal.into(),
        positions: Choice::new("learned"),
        ..TransformerConfig::new(7, 12, 16)
    }
}

/// Random tokens, the answer being the token before: something that can be learned in a few steps.
fn batch(device: &Device, n: usize, seq_len: usize, vocab: i64, step: u64) -> Batch {
    let mut random = stream(0, Purpose::Examples, "fused", step);
    let tokens: Vec<i64> = (0..n * seq_len).map(|_| random.random_range(0..vocab)).collect();
    let targets: Vec<i64> =
        (0..n * seq_len).map(|at| if at % seq_len == 0 { 0 } else { tokens[at - 1] }).collect();
    let len = n * seq_len;
    Batch {
        tokens: Tensor::from_data(TensorData::new(tokens, [n, seq_len, 1]), device),
        targets: Tensor::from_data(TensorData::new(targets, [len]), device),
        target_kind: TargetKind::Tokens,
        vectors: None,
        positions: Tensor::from_data(TensorData::new((0..len as i64).collect(), [len]), device),
        targets_per_example: vec![seq_len; n],
        largest_target: vocab as u32 - 1,
    }
}

fn losses(config: &TransformerConfig, (device, dtype): (&Device, DType), steps: u64) -> Vec<f64> {
    let model: Transformer = config.init(&Init::new(device, 2).with_dtype(dtype)).unwrap();
    let mut state = State { step: 0, model, optimizer: OptimizerState::default() };
    let parts = parts(RATE, 0.0);
    (0..steps)
        .map(|step| {
            let batch = batch(device, 4, config.seq_len, 7, step);
            let outcome;
            (state, outcome) = state.clone().step(&parts, &batch, 1.0).unwrap();
            outcome.loss
        })
        .collect()
}

#[test]
fn two_hundred_steps_lose_what_plain_tensor_operations_lose() {
    for place @ (device, dtype) in learning_places() {
        let fused = losses(&config(), place, 200);
        let model = config().init(&Init::new(device, 2).with_dtype(dtype)).unwrap();
        let mut plain = PlainTraining::new(model, RATE, &ADAM_W);
        let plain: Vec<f64> = (0..200).map(|step| plain.step(&batch(device, 4, 12, 7, step))).collect();
        assert!(fused[199] < 0.5 * fused[0], "nothing was learned: {} to {}", fused[0], fused[199]);
        // Rounding grows from step to step, and in double precision Burn's optimizer still corrects its bias in single;
        // the losses themselves are of size one.
        assert_close(&format!("losses in {dtype:?}"), &fused, &plain, tolerance(dtype, 2e-3, 1e-6));
        assert_close("the first losses", &fused[..5], &plain[..5], tolerance(dtype, 2e-6, 1e-9));
    }
}

#[test]
fn two_hundred_steps_lose_what_the_reference_attention_loses() {
    for place @ (_, dtype) in learning_places() {
        let [fused, reference] = [Implementation::Fused, Implementation::Reference].map(|attention| {
            let config = TransformerConfig { attention, dropout: 0.1, ..config() };
            losses(&config, place, 200)
        });
        assert_close(&format!("losses in {dtype:?}"), &fused, &reference, tolerance(dtype, 2e-3, 1e-10));
    }
}

#[test]
fn a_training_has_the_same_bits_on_any_number_of_threads() {
    // Below and above the sizes from which the kernels use several threads.
    for ((n, seq_len, d_model), optimizer) in [(2, 8, 16), (24, 64, 64)]
        .into_iter()
        .flat_map(|size| ["adam-w", "muon", "sgd"].map(|name| (size, name)))
    {
        let run = || {
            let device = Device::flex().autodiff();
            let config = TransformerConfig { seq_len, d_model, d_mlp: 4 * d_model, dropout: 0.1, ..config() };
            let model: Transformer = config.init(&Init::new(&device, 2)).unwrap();
            let mut state = State { step: 0, model, optimizer: OptimizerState::default() };
            let rule = Choice::new(optimizer);
            let parts = parts_of(OptimizerConfig { lr: 1e-3, clip: 0.5, rule });
            for step in 0..3 {
                let batch = batch(&device, n, seq_len, 7, step);
                state = state.step(&parts, &batch, 1.0).unwrap().0;
            }
            let parameters = parameters(&state.model).into_iter();
            parameters
                .map(|parameter| (parameter.path, parameter.data.as_bytes().to_vec()))
                .collect::<Vec<_>>()
        };
        let on =
            |n_threads| rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap().install(run);
        let one = on(1);
        for n_threads in [2, 3, 4, 8] {
            assert!(on(n_threads) == one, "{optimizer} on {n_threads} threads, batch {n}");
        }
    }
}
