//! The lecture's worked example, step by step, against the numbers in the book.

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor};
use qkv_model::{
    BasicAttention, CausalAlign, Dot, Init, Mask, Mode, Score, SelfAttention, SelfAttentionConfig,
};
use qkv_train::{AdamW, ModuleUpdate, OptimizerState, Roles};

use crate::support::backends::{learning_places, places};
use crate::support::numbers::{assert_close, values};
use crate::support::truth::{Matrix, Truth};

/// The book's numbers are `f32`: a few roundings of 6e-8 on the way, in either precision of ours.
const TOLERANCE: f64 = 1e-6;

fn inputs(place: (&Device, DType)) -> Tensor<3> {
    Truth::raschka().matrix("inputs").tensor(place).unsqueeze()
}

/// `[W_Q, W_K, W_V]` of a step, `[in, out]`.
fn matrices(step: &str) -> [Matrix; 3] {
    ["W_query", "W_key", "W_value"].map(|name| {
        let matrix = Truth::raschka().matrix(&format!("{step}/{name}"));
        if step == "v1_seed123" { matrix } else { matrix.transposed() }
    })
}

fn layer(place: (&Device, DType), config: &SelfAttentionConfig, matrices: &[Matrix; 3]) -> SelfAttention {
    let (device, dtype) = place;
    let mut layer = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
    let [w_q, w_k, w_v] = matrices.each_ref().map(|matrix| Some(Param::from_tensor(matrix.tensor(place))));
    (layer.w_q, layer.w_k, layer.w_v) = (w_q, w_k, w_v);
    layer
}

#[track_caller]
fn check<const D: usize>(pointer: &str, got: &Tensor<D>) {
    assert_close(pointer, &values(got), &Truth::raschka().matrix(pointer).values, TOLERANCE);
}

#[track_caller]
fn check_scores_weights_and_context(step: &str) {
    for place in places() {
        let layer = layer(place, &SelfAttentionConfig::new(3, 2), &matrices(step));
        let x = inputs(place);
        let [q, k, _] = layer.project(x.clone());
        check(&format!("{step}/scores"), &layer.score.scores(q, k));
        let output = layer.forward_with_weights(x.clone(), &Mask::none(), Mode::Evaluate);
        check(&format!("{step}/weights"), &output.weights);
        check(&format!("{step}/context"), &output.output);
        check(&format!("{step}/context"), &layer.forward(x, &Mask::none(), Mode::Evaluate));
    }
}

#[track_caller]
fn check_causal(step: &str, matrices_of: &str) {
    for place in places() {
        let layer = layer(place, &SelfAttentionConfig::new(3, 2), &matrices(matrices_of));
        // As in the book: the same six tokens twice.
        let x = inputs(place).repeat_dim(0, 2);
        let output = layer.forward_with_weights(x, &Mask::causal(CausalAlign::TopLeft), Mode::Evaluate);
        let weights = output.weights;
        for entry in 0..2 {
            check(&format!("{step}/weights"), &weights.clone().slice(entry..entry + 1));
            check(&format!("{step}/context"), &output.output.clone().slice(entry..entry + 1));
        }
    }
}

#[test]
fn attention_without_parameters_gives_the_books_scores_weights_and_context() {
    for place in places() {
        let x = inputs(place);
        let heads = x.clone().unsqueeze_dim::<4>(1);
        check("basic/scores", &Dot {}.scores(heads.clone(), heads));
        let output = BasicAttention.forward(x, &Mask::none());
        check("basic/weights", &output.weights);
        check("basic/context", &output.output);
    }
}

#[test]
fn three_learnable_matrices_give_the_books_scores_weights_and_context() {
    check_scores_weights_and_context("v1_seed123");
}

#[test]
fn linear_layers_of_the_book_are_our_matrices_transposed() {
    check_scores_weights_and_context("v2_seed789");
}

#[test]
fn the_books_causal_mask_is_ours() {
    check_causal("v2_seed789_causal", "v2_seed789");
}

#[test]
fn a_batch_of_causal_attention_gives_the_books_weights_and_context_in_every_entry() {
    check_causal("causal_seed123", "causal_seed123");
}

#[test]
fn two_heads_are_the_books_two_single_heads_side_by_side() {
    let first = matrices("causal_seed123");
    let second = matrices("wrapper_head2_seed123");
    for place in places() {
        let mut config = SelfAttentionConfig::new(3, 2);
        config.n_heads = 2;
        let mut both = layer(place, &config, &first);
        let beside = |idx: usize| {
            let columns = vec![first[idx].tensor(place), second[idx].tensor(place)];
            Some(Param::from_tensor(Tensor::cat(columns, 1)))
        };
        (both.w_q, both.w_k, both.w_v) = (beside(0), beside(1), beside(2));
        let mask = Mask::causal(CausalAlign::TopLeft);
        let context = both.forward(inputs(place), &mask, Mode::Evaluate);
        check("wrapper_head2_seed123/context_concat", &context);
    }
}

#[test]
fn two_heads_with_an_output_projection_give_the_books_output() {
    let truth = Truth::raschka();
    for place in places() {
        let mut config = SelfAttentionConfig::new(3, 1);
        config.n_heads = 2;
        config.d_out = Some(2);
        let mut layer = layer(place, &config, &matrices("mha_seed123"));
        // The book's projections have no bias, its output projection has one.
        let w_o = truth.matrix("mha_seed123/out_proj.weight").transposed();
        let b_o = truth.matrix("mha_seed123/out_proj.bias");
        layer.w_o = Some(Param::from_tensor(w_o.tensor(place)));
        layer.b_o = Some(Param::from_tensor(b_o.tensor(place).squeeze_dim(0)));
        let mask = Mask::causal(CausalAlign::TopLeft);
        let output = layer.forward(inputs(place), &mask, Mode::Evaluate);
        check("mha_seed123/output", &output);
    }
}

#[test]
fn the_gradients_of_half_the_squared_context_are_the_published_ones() {
    let step = "v1_seed123_grads_of_half_sq_sum";
    for place in learning_places() {
        let layer = layer(place, &SelfAttentionConfig::new(3, 2), &matrices("v1_seed123"));
        let x = inputs(place).require_grad();
        let context = layer.forward(x.clone(), &Mask::none(), Mode::Evaluate);
        let loss = (context.clone() * context).sum().div_scalar(2.0);
        assert_close("loss", &values(&loss), &[2.216_889_619_827_270_5], TOLERANCE);
        let gradients = loss.backward();
        for (name, param) in [("dW_query", &layer.w_q), ("dW_key", &layer.w_k), ("dW_value", &layer.w_v)] {
            let gradient = param.as_ref().unwrap().val().grad(&gradients).unwrap();
            check(&format!("{step}/{name}"), &gradient);
        }
        check(&format!("{step}/dX"), &x.grad(&gradients).unwrap());
    }
}

#[test]
fn adamw_walks_down_the_published_losses() {
    // With its relative tolerance: the published losses are `f32`, whose roundings add up over the steps and weigh
    // more the nearer the minimum is. Each is within 1e-6 in absolute terms.
    let published = [
        (0, 0.369_481_59, 1e-6),
        (1, 0.349_660_31, 1e-6),
        (2, 0.330_609_41, 1e-6),
        (9, 0.218_320_00, 4e-6),
        (99, 1.974_05e-5, 2e-4),
    ];
    for place in learning_places() {
        let config = SelfAttentionConfig::new(3, 2);
        let mut layer = layer(place, &config, &matrices("v1_seed123"));
        let x = inputs(place);
        let optimizer = &AdamW { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.1 };
        let update = ModuleUpdate { optimizer, learning_rate: 0.01, clip: 0.0, roles: &Roles::default() };
        let mut state = OptimizerState::default();
        for step in 0..100 {
            let context = layer.forward(x.clone(), &Mask::none(), Mode::Evaluate);
            let loss = (context.clone() * context).mean();
            if let Some((_, want, tolerance)) = published.iter().find(|(at, ..)| *at == step) {
                let ratio = values(&loss)[0] / want;
                assert_close(
                    &format!("loss at step {step} over the published"),
                    &[ratio],
                    &[1.0],
                    *tolerance,
                );
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &layer);
            layer = update.apply(&mut state, layer, gradients).unwrap().0;
        }
    }
}
