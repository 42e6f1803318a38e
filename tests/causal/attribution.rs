//! The contributions of all parts of a model add up to what the model computes.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{Choice, Mode, NormConfig, NormKind, Source, Stage, Transformer, TransformerConfig};
use qkv_train::{Ablation, AnyModel, Batch, Replacement, Site, attribute};

use crate::support::backends::{places, tolerance};
use crate::support::numbers::{assert_close, values};
use crate::support::transformers::{
    EXAMPLES, N_EXAMPLES, N_HEADS, N_LAYERS, TASK, config, seen, transformer, with_every_part,
};

/// The contributions to the features of some inputs add up to these at every position.
#[track_caller]
fn assert_adds_up(what: &str, model: &Transformer, (device, dtype): (&Device, DType)) {
    let tokens = Batch::draw(EXAMPLES, 0, N_EXAMPLES as usize, device).unwrap().tokens;
    let features = model.features(tokens.clone(), Mode::Evaluate);
    let parts = model.contributions(tokens).unwrap().into_iter().map(|part| part.features);
    let sum = parts.reduce(|sum, part| sum + part).unwrap();
    assert_close(what, &values(&sum), &values(&features), tolerance(dtype, 1e-5, 1e-13));
}

#[test]
fn contributions_add_up_to_the_features_at_every_position() {
    for place in places() {
        for config in with_every_part() {
            let model = transformer(&config, place);
            assert_adds_up(&format!("{config:?}"), &model, place);
        }
    }
}

#[test]
fn a_block_whose_mlp_was_taken_out_still_adds_up() {
    for place in places() {
        for norm in [NormConfig::Pre, NormConfig::Post] {
            let config = TransformerConfig { d_mlp: 17, norm, ..config() };
            let mut model = transformer(&config, place);
            model.blocks[0].mlp = None;
            assert_adds_up(&format!("{norm:?}"), &model, place);
        }
    }
}

#[test]
fn every_contribution_is_that_of_its_source() {
    for place @ (device, dtype) in places() {
        let config = TransformerConfig { bias: true, d_mlp: 17, norm: NormConfig::None, ..config() };
        let model = transformer(&config, place);
        let tokens = Batch::draw(EXAMPLES, 0, 5, device).unwrap().tokens;
        let embedded = model.embedding.forward(tokens.clone());
        let of_stage = |layer, stage| seen(&model, tokens.clone(), (layer, stage));
        let stream_before = |layer| of_stage(layer, Stage::Residual).squeeze_dim::<3>(1);
        let biases =
            model.blocks.iter().map(|block| block.self_attention().unwrap().b_o.as_ref().unwrap().val());
        let biases = biases.reduce(|sum, bias| sum + bias).unwrap();
        let mut want = vec![
            (Source::Embedding, embedded.clone()),
            (Source::Positions, stream_before(0) - embedded.clone()),
        ];
        for (layer, block) in model.blocks.iter().enumerate() {
            let mut stream = stream_before(layer)
                + block.self_attention().unwrap().b_o.as_ref().unwrap().val().unsqueeze();
            for head in 0..N_HEADS {
                let context = of_stage(layer, Stage::Context).narrow(1, head, 1).squeeze_dim::<3>(1);
                let written = context.matmul(block.self_attention().unwrap().w_o(head).unwrap().unsqueeze());
                stream = stream + written.clone();
                want.push((Source::Head { layer, head }, written));
            }
            want.push((Source::Mlp { layer }, block.mlp.as_ref().unwrap().forward(stream)));
        }
        want.push((Source::Biases, embedded.zeros_like() + biases.unsqueeze()));
        let parts = model.contributions(tokens.clone()).unwrap();
        assert_eq!(parts.len(), want.len());
        for (part, (source, features)) in parts.iter().zip(want) {
            assert_eq!(part.source, source);
            let rounding = tolerance(dtype, 1e-5, 1e-13);
            assert_close(&format!("{source:?}"), &values(&part.features), &values(&features), rounding);
        }
    }
}

#[test]
fn the_parts_of_a_logit_add_up_to_it() {
    for place @ (device, dtype) in places() {
        for config in with_every_part() {
            let model = AnyModel::new(transformer(&config, place));
            let attribution = attribute(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
            let sum: f64 = attribution.parts.iter().map(|part| part.logit).sum();
            let rounding = tolerance(dtype, 1e-5, 1e-13);
            assert_close(&format!("{config:?}"), &[sum], &[attribution.logit], rounding);
            let has = |source| attribution.parts.iter().any(|part| part.source == source);
            let heads =
                (0..N_LAYERS).flat_map(|layer| (0..N_HEADS).map(move |head| Source::Head { layer, head }));
            assert!(heads.into_iter().all(has) && has(Source::Embedding));
            assert_eq!(has(Source::Mlp { layer: 1 }), config.d_mlp > 0);
            assert_eq!(has(Source::Positions), config.positions != Choice::new("rope"));
        }
    }
}

/// The mean logit of the right answer above all others' mean, with the model's inside changed.
fn logit(model: &Transformer, batch: &Batch, without: Option<usize>) -> f64 {
    let mut hook = |_, stage, x: Tensor<4>| match without.filter(|_| stage == Stage::Context) {
        Some(head) => {
            let [batch, _, seq_len, d_v] = x.dims();
            let there = [0..batch, head..head + 1, 0..seq_len, 0..d_v];
            let nothing = x.clone().slice(there.clone()).zeros_like();
            x.slice_assign(there, nothing)
        }
        None => x,
    };
    let features = model.features_with(batch.tokens.clone(), Mode::Evaluate, &mut hook);
    let logits = model.unembed(features).flatten::<2>(0, 1).select(0, batch.positions.clone());
    let above = logits.clone() - logits.mean_dim(1);
    let answers = values(&above.gather(1, batch.targets.clone().unsqueeze_dim(1)));
    answers.iter().sum::<f64>() / answers.len() as f64
}

#[test]
fn without_norms_a_head_of_the_last_layer_contributes_what_the_logit_lacks_without_it() {
    for place @ (device, dtype) in places() {
        for w_o in [true, false] {
            let base = TransformerConfig { n_layers: 1, norm: NormConfig::None, ..config() };
            let config = TransformerConfig { w_o, d_v: Some(4), ..base };
            let model = transformer(&config, place);
            let batch = Batch::draw(EXAMPLES, 0, N_EXAMPLES as usize, device).unwrap();
            let attribution = attribute(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
            let ablation = Ablation::new(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
            for head in 0..N_HEADS {
                let lacks = logit(&model, &batch, None) - logit(&model, &batch, Some(head));
                let source = Source::Head { layer: 0, head };
                let part = attribution.parts.iter().find(|part| part.source == source).unwrap();
                let rounding = tolerance(dtype, 1e-5, 1e-13);
                assert_close(&format!("head {head}"), &[part.logit], &[lacks], rounding);
                // Nothing comes after it, so that taking away its contribution takes it away.
                let site = Site { layer: 0, stage: Stage::Context, head };
                let ablated = ablation.without(&[site], Replacement::Zero).unwrap();
                let losses = [part.effect.before.loss, part.effect.after.loss];
                let ablated = [ablated.before.loss, ablated.after.loss];
                assert_close(&format!("losses without head {head}"), &losses, &ablated, rounding);
                assert!(part.effect.loss_change() != 0.0);
            }
        }
    }
}

#[test]
fn under_a_norm_the_scale_is_that_of_the_whole_run() {
    for place @ (device, dtype) in places() {
        for norm_kind in [NormKind::Layer, NormKind::Rms] {
            // Nothing but the embedding and three heads; the embedding and one head by hand.
            let positions = Choice::new("none");
            let config =
                TransformerConfig { n_layers: 1, positions, norm_kind: norm_kind.into(), ..config() };
            let model = transformer(&config, place);
            let tokens = Batch::draw(EXAMPLES, 0, 1, device).unwrap().tokens;
            let stream: Vec<f64> = {
                let mut plain = model.clone();
                plain.norm = None;
                values(&plain.features(tokens.clone(), Mode::Evaluate))
            };
            let embedded = values(&model.embedding.forward(tokens.clone()));
            let context =
                seen(&model, tokens.clone(), (0, Stage::Context)).narrow(1, 1, 1).squeeze_dim::<3>(1);
            let w_o = model.blocks[0].self_attention().unwrap().w_o(1).unwrap();
            let written = values(&context.matmul(w_o.unsqueeze()));
            let gamma = match model.norm.as_ref().and_then(|norm| norm.downcast_ref()).unwrap() {
                qkv_model::Norm::Layer(norm) => values(&norm.gamma.val()),
                qkv_model::Norm::Rms(norm) => values(&norm.gamma.val()),
            };
            let d_model = gamma.len();
            let mut want = [Vec::new(), Vec::new()];
            for position in 0..TASK.seq_len {
                let row = |of: &[f64]| of[position * d_model..(position + 1) * d_model].to_vec();
                let centred = |x: Vec<f64>| {
                    let mean = x.iter().sum::<f64>() / d_model as f64;
                    let mean = if norm_kind == NormKind::Layer { mean } else { 0.0 };
                    x.into_iter().map(|x| x - mean).collect::<Vec<_>>()
                };
                let whole = centred(row(&stream));
                let scale = (whole.iter().map(|x| x * x).sum::<f64>() / d_model as f64 + 1e-5).sqrt();
                for (want, part) in want.iter_mut().zip([&embedded, &written]) {
                    want.extend(centred(row(part)).iter().zip(&gamma).map(|(x, gamma)| x / scale * gamma));
                }
            }
            let parts = model.contributions(tokens).unwrap();
            let sources = [Source::Embedding, Source::Head { layer: 0, head: 1 }];
            for (source, want) in sources.into_iter().zip(want) {
                let part = parts.iter().find(|part| part.source == source).unwrap();
                let rounding = tolerance(dtype, 1e-5, 1e-13);
                assert_close(&format!("{source:?}"), &values(&part.features), &want, rounding);
            }
        }
    }
}

#[test]
fn a_boxed_model_is_changed_and_taken_apart_like_the_one_inside() {
    for place @ (device, _) in places() {
        let model = transformer(&config(), place);
        let boxed = AnyModel::new(model.clone());
        let of_both = (
            attribute(&model, EXAMPLES, N_EXAMPLES, device).unwrap(),
            attribute(&boxed, EXAMPLES, N_EXAMPLES, device).unwrap(),
        );
        assert_eq!(of_both.0, of_both.1);
        let plain = Ablation::new(&model, EXAMPLES, N_EXAMPLES, device).unwrap();
        let boxed = Ablation::new(&boxed, EXAMPLES, N_EXAMPLES, device).unwrap();
        assert_eq!((plain.sites(), plain.before()), (boxed.sites(), boxed.before()));
    }
}
