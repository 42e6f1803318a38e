//! What learns and what does not: W_Q, W_K and W_V receive gradients when learned, keep their bytes when frozen, and
//! do not exist when projections are absent.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use qkv_model::{
    BasicAttention, Choice, EmbeddingsConfig, Init, Mask, Mode, NormConfig, Projection, Projections,
    SelfAttention, SelfAttentionConfig, Softmax, Transformer, TransformerConfig, parameters,
};
use qkv_train::{AdamW, ModuleUpdate, OptimizerState, Roles};

use crate::support::backends::{learning_places, places, tolerance};
use crate::support::differences::functional;
use crate::support::layers::{
    BATCH, D_IN, N_HEADS, SEQ_LEN, all_projections, build, dot, full, input, projected, scores,
};
use crate::support::module_gradients::{gradients, largest};
use crate::support::numbers::{assert_close, random_tensor, values};

const VOCAB_SIZE: usize = 23;

fn transformer(config: &TransformerConfig, (device, dtype): (&Device, DType)) -> Transformer {
    config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap()
}

fn transformer_config(projections: Projections) -> TransformerConfig {
    TransformerConfig {
        n_layers: 2,
        d_mlp: 11,
        w_o: true,
        projections,
        ..TransformerConfig::new(VOCAB_SIZE, SEQ_LEN, D_IN)
    }
}

fn tokens(device: &Device) -> Tensor<3, Int> {
    Tensor::from_data(TensorData::from([[[3_i64], [0], [7], [22], [5]]]), device)
}

/// Ten steps of AdamW with weight decay, which would move any weight that it is given.
fn train<M: Module>(mut module: M, loss: impl Fn(&M) -> Tensor<1>) -> M {
    let optimizer = &AdamW { weight_decay: 0.1, ..AdamW::default() };
    let update = ModuleUpdate { optimizer, learning_rate: 0.01, clip: 0.0, roles: &Roles::default() };
    let mut state = OptimizerState::default();
    for _ in 0..10 {
        let gradients = GradientsParams::from_grads(loss(&module).backward(), &module);
        module = update.apply(&mut state, module, gradients).unwrap().0;
    }
    module
}

/// The bytes of every parameter, by path.
fn bytes<M: Module>(module: &M) -> BTreeMap<String, Vec<u8>> {
    parameters(module)
        .into_iter()
        .map(|parameter| (parameter.path, parameter.data.as_bytes().to_vec()))
        .collect()
}

/// Which parameters are learned, by path.
fn learned<M: Module>(module: &M) -> BTreeMap<String, bool> {
    parameters(module).into_iter().map(|parameter| (parameter.path, parameter.learned)).collect()
}

#[test]
fn w_q_w_k_and_w_v_receive_a_gradient_for_every_score() {
    for place in learning_places() {
        for score in scores() {
            let layer = build(place, &full(&score));
            let context = layer.forward(input(place), &Mask::none(), Mode::Evaluate);
            let all = gradients(&layer, &functional(context));
            for name in ["w_q", "w_k", "w_v"] {
                let gradient = all.iter().find(|gradient| gradient.path == name).unwrap();
                let values = gradient.values.as_deref().expect(name);
                assert!(values.iter().all(|value| value.is_finite()), "{score:?}: {name}");
                let top = largest(values);
                assert!(top > 1e-4, "{score:?}: {name} receives at most {top}");
            }
        }
    }
}

#[test]
fn w_q_w_k_and_w_v_of_every_block_move_in_training() {
    for place @ (device, _) in learning_places() {
        for score in scores() {
            let config = TransformerConfig {
                score: score.clone(),
                ..transformer_config(Projections::all(Projection::Learned))
            };
            let before = transformer(&config, place);
            let after =
                train(before.clone(), |model| functional(model.forward(tokens(device), Mode::Evaluate)));
            let (before, after) = (bytes(&before), bytes(&after));
            for (path, bytes) in &before {
                assert_ne!(bytes, &after[path], "{score:?}: {path} did not move");
            }
            for block in 0..2 {
                for name in ["w_q", "w_k", "w_v"] {
                    assert!(before.contains_key(&format!("blocks.{block}.attention.{name}")));
                }
            }
        }
    }
}

#[test]
fn frozen_projections_receive_nothing_and_keep_their_bytes_while_all_else_moves() {
    let frozen = ["w_q", "w_k", "w_v", "b_q", "b_k", "b_v"];
    for place in learning_places() {
        for score in scores() {
            let config =
                SelfAttentionConfig { projections: Projections::all(Projection::Frozen), ..full(&score) };
            let layer = build(place, &config);
            let loss = |layer: &SelfAttention| {
                functional(layer.forward(input(place), &Mask::none(), Mode::Evaluate))
            };
            for (path, learned) in learned(&layer) {
                assert_eq!(learned, !frozen.contains(&path.as_str()), "{path}");
            }
            for gradient in gradients(&layer, &loss(&layer)) {
                assert_eq!(
                    gradient.values.is_none(),
                    frozen.contains(&gradient.path.as_str()),
                    "{}",
                    gradient.path
                );
            }
            let (before, trained) = (bytes(&layer), train(layer, loss));
            assert!(!learned(&trained)["w_q"]);
            for (path, after) in bytes(&trained) {
                let kept = after == before[&path];
                assert_eq!(kept, frozen.contains(&path.as_str()), "{path}, kept: {kept}");
            }
        }
    }
}

#[test]
fn of_every_combination_the_learned_matrices_move_and_the_frozen_ones_keep_their_bytes() {
    for place in learning_places() {
        for projections in all_projections() {
            // With a sink, so that what all keys share counts.
            let config = SelfAttentionConfig { softmax: Softmax::Quiet, ..projected(projections) };
            let layer = build(place, &config);
            let loss = |layer: &SelfAttention| {
                let x = random_tensor(place, "x", [BATCH, SEQ_LEN, layer.d_in()]);
                functional(layer.forward(x, &Mask::none(), Mode::Evaluate))
            };
            let words: BTreeMap<&str, Projection> =
                ["w_q", "w_k", "w_v"].into_iter().zip(projections.each()).collect();
            let (before, moves) = (bytes(&layer), learned(&layer));
            for (name, word) in &words {
                for path in [(*name).to_owned(), name.replace('w', "b")] {
                    let expected = match word {
                        Projection::Learned => Some(true),
                        Projection::Frozen => Some(false),
                        Projection::None => None,
                    };
                    assert_eq!(moves.get(&path).copied(), expected, "{projections:?}: {path}");
                }
            }
            for gradient in gradients(&layer, &loss(&layer)) {
                assert_eq!(
                    gradient.values.is_some(),
                    moves[&gradient.path],
                    "{projections:?}: {}",
                    gradient.path
                );
            }
            let after = train(layer, loss);
            assert_eq!(learned(&after), moves, "{projections:?}");
            for (path, after) in bytes(&after) {
                assert_eq!(after != before[&path], moves[&path], "{projections:?}: {path}");
            }
        }
    }
}

#[test]
fn a_matrix_starts_where_it_does_whatever_it_and_the_others_are() {
    for place in places() {
        let learned = bytes(&build(place, &projected(Projections::all(Projection::Learned))));
        for projections in all_projections() {
            for (path, start) in bytes(&build(place, &projected(projections))) {
                assert_eq!(start, learned[&path], "{projections:?}: {path}");
            }
        }
    }
}

#[test]
fn without_projections_there_is_nothing_to_learn_and_the_matrices_are_the_identity() {
    for place @ (device, _) in places() {
        let config = SelfAttentionConfig {
            projections: Projections::all(Projection::None),
            n_heads: N_HEADS,
            ..SelfAttentionConfig::new(2 * N_HEADS, 2)
        };
        let layer = build(place, &config);
        assert_eq!(bytes(&layer), BTreeMap::new());
        let identity = values(&Tensor::<2>::eye(2 * N_HEADS, device));
        for matrix in [SelfAttention::w_q, SelfAttention::w_k, SelfAttention::w_v] {
            let columns = (0..N_HEADS).map(|head| matrix(&layer, head)).collect();
            assert_eq!(values(&Tensor::cat(columns, 1)), identity);
        }
    }
}

#[test]
fn one_head_without_projections_and_without_a_scale_is_basic_attention() {
    for place @ (_, dtype) in places() {
        let config = SelfAttentionConfig {
            projections: Projections::all(Projection::None),
            score: dot(),
            ..SelfAttentionConfig::new(D_IN, D_IN)
        };
        let x = input(place);
        let layer = build(place, &config);
        let context = layer.forward(x.clone(), &Mask::none(), Mode::Evaluate);
        let basic = BasicAttention.forward(x, &Mask::none()).output;
        assert_close("context", &values(&context), &values(&basic), tolerance(dtype, 1e-6, 1e-14));
    }
}

#[test]
fn a_transformer_with_nothing_left_to_learn_has_no_parameter_but_the_unembedding() {
    for place @ (device, _) in learning_places() {
        let config = TransformerConfig {
            embeddings: EmbeddingsConfig::Fixed,
            norm: NormConfig::None,
            positions: Choice::new("sinusoidal"),
            d_mlp: 0,
            w_o: false,
            ..transformer_config(Projections::all(Projection::None))
        };
        let model = transformer(&config, place);
        let expected =
            BTreeMap::from([("embedding.table".to_owned(), false), ("unembedding".to_owned(), true)]);
        assert_eq!(learned(&model), expected);
        let before = bytes(&model);
        let after = bytes(&train(model, |model| functional(model.forward(tokens(device), Mode::Evaluate))));
        assert_eq!(after["embedding.table"], before["embedding.table"]);
        assert_ne!(after["unembedding"], before["unembedding"]);
    }
}
