//! The contributions of encoder and decoder add up to what these compute, each at its own positions.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use qkv_model::{
    Catalog, EncoderDecoder, Init, Mode, NormConfig, Source, SourceLayout, Stage, TransformerConfig,
};
use qkv_train::{AnyModel, Dates, Examples, Split, Task, attribute};

use crate::support::backends::{places, tolerance};
use crate::support::numbers::{assert_close, values};
use crate::support::transformers::{N_HEADS, N_LAYERS, config, shaken, with_every_part};

const LAYOUT: SourceLayout = SourceLayout { source_len: 3, padding: Some(4) };
const ANSWER_LEN: usize = 4;

/// Two sources, of which the second has one position of padding, and answers.
fn tokens(device: &Device) -> Tensor<3, Int> {
    let tokens = TensorData::from([[0, 1, 2, 3, 1, 0, 2], [2, 3, 4, 0, 0, 1, 3]]);
    Tensor::<2, Int>::from_data(tokens, device).unsqueeze_dim(2)
}

fn model(config: &TransformerConfig, (device, dtype): (&Device, DType)) -> EncoderDecoder {
    let init = Init::new(device, 1).with_dtype(dtype);
    shaken(EncoderDecoder::new(config, LAYOUT, &init, &Catalog::default()).unwrap(), (device, dtype))
}

#[test]
fn contributions_add_up_to_the_features_of_source_and_answer() {
    for place @ (device, dtype) in places() {
        for config in with_every_part() {
            let model = model(&config, place);
            let features = model.features(tokens(device), Mode::Evaluate);
            let parts = model.contributions(tokens(device)).unwrap();
            let last_of_all = parts.iter().rposition(|part| part.source != Source::Biases);
            assert!(parts[..=last_of_all.unwrap()].iter().all(|part| part.source != Source::Biases));
            let parts = parts.into_iter().map(|part| part.features);
            let sum = parts.reduce(|sum, part| sum + part).unwrap();
            let rounding = tolerance(dtype, 1e-5, 1e-13);
            assert_close(&format!("{config:?}"), &values(&sum), &values(&features), rounding);
        }
    }
}

/// What one stage of a layer is in a pass.
fn seen(model: &EncoderDecoder, device: &Device, at: (usize, Stage)) -> Tensor<4> {
    let mut seen = None;
    model.features_with(tokens(device), Mode::Evaluate, &mut |layer: usize, stage: Stage, x: Tensor<4>| {
        if (layer, stage) == at {
            seen = Some(x.clone());
        }
        x
    });
    seen.unwrap()
}

#[test]
fn every_contribution_is_that_of_its_source_and_adds_nothing_elsewhere() {
    for place @ (device, dtype) in places() {
        let config = TransformerConfig { bias: true, d_mlp: 17, norm: NormConfig::None, ..config() };
        let model = model(&config, place);
        let features = |source| {
            let parts = model.contributions(tokens(device)).unwrap().into_iter();
            let of_source: Vec<_> = parts.filter(|part| part.source == source).collect();
            let [part] = &of_source[..] else { panic!("{} parts of {source:?}", of_source.len()) };
            part.features.clone()
        };
        let halves = |x: Tensor<3>| {
            let source = x.clone().narrow(1, 0, LAYOUT.source_len);
            [source, x.narrow(1, LAYOUT.source_len, ANSWER_LEN)]
        };
        let rounding = tolerance(dtype, 1e-5, 1e-13);
        let check = |source: Source, want: [Option<Tensor<3>>; 2]| {
            for (half, want) in halves(features(source)).into_iter().zip(want) {
                match want {
                    Some(want) => {
                        assert_close(&format!("{source:?}"), &values(&half), &values(&want), rounding)
                    }
                    None => assert!(values(&half).iter().all(|&x| x == 0.0), "{source:?} adds elsewhere"),
                }
            }
        };
        check(Source::Embedding, halves(model.embedding.forward(tokens(device))).map(Some));
        for layer in 0..N_LAYERS {
            let own = &model.decoder[layer];
            let attentions = [
                (layer, model.encoder[layer].self_attention().unwrap()),
                (N_LAYERS + 2 * layer, own.attention.downcast_ref().unwrap()),
                (N_LAYERS + 2 * layer + 1, &own.cross.attention),
            ];
            for (layer, attention) in attentions {
                let context = seen(&model, device, (layer, Stage::Context));
                for head in 0..N_HEADS {
                    let context = context.clone().narrow(1, head, 1).squeeze_dim::<3>(1);
                    let written = context.matmul(attention.w_o(head).unwrap().unsqueeze());
                    let at = if layer < N_LAYERS { [Some(written), None] } else { [None, Some(written)] };
                    check(Source::Head { layer, head }, at);
                }
            }
        }
        let biases = |of: &[&qkv_model::SelfAttention]| {
            let sum = of.iter().map(|layer| layer.b_o.as_ref().unwrap().val()).reduce(|sum, b| sum + b);
            sum.unwrap().unsqueeze::<3>()
        };
        let encoder: Vec<_> = model.encoder.iter().map(|block| block.self_attention().unwrap()).collect();
        let decoder: Vec<_> = (model.decoder.iter())
            .flat_map(|block| [block.attention.downcast_ref().unwrap(), &block.cross.attention])
            .collect();
        let [of_source, of_answer] = halves(features(Source::Biases));
        let at = [of_source.zeros_like() + biases(&encoder), of_answer.zeros_like() + biases(&decoder)];
        check(Source::Biases, at.map(Some));
        let mlp_of = |stage: Tensor<4>, layer: &qkv_model::SelfAttention, of: &[Source]| {
            let heads = of.iter().map(|&source| features(source)).reduce(|sum, x| sum + x).unwrap();
            let bias = layer.b_o.as_ref().unwrap().val().unsqueeze::<3>();
            (stage.squeeze_dim::<3>(1) + bias, halves(heads))
        };
        let heads_of = |layer| (0..N_HEADS).map(|head| Source::Head { layer, head }).collect::<Vec<_>>();
        for layer in 0..N_LAYERS {
            let stream = seen(&model, device, (layer, Stage::Residual));
            let (stream, [heads, _]) = mlp_of(stream, encoder[layer], &heads_of(layer));
            let mlp = model.encoder[layer].mlp.as_ref().unwrap();
            check(Source::Mlp { layer }, [Some(mlp.forward(stream + heads)), None]);
            let cross = N_LAYERS + 2 * layer + 1;
            let stream = seen(&model, device, (cross, Stage::Residual));
            let (stream, [_, heads]) = mlp_of(stream, decoder[2 * layer + 1], &heads_of(cross));
            let mlp = model.decoder[layer].mlp.as_ref().unwrap();
            check(Source::Mlp { layer: cross }, [None, Some(mlp.forward(stream + heads))]);
        }
    }
}

#[test]
fn the_encoder_adds_to_a_logit_only_through_the_cross_attention() {
    let task = Dates { first_year: 1950, last_year: 2049 };
    let (source_len, padding) = (task.source_len(), task.padding());
    for place @ (device, dtype) in places() {
        let config = TransformerConfig {
            vocab_size: task.vocabulary().len(),
            seq_len: task.seq_len(),
            d_mlp: 17,
            ..config()
        };
        let init = Init::new(device, 1).with_dtype(dtype);
        let layout = SourceLayout { source_len, padding };
        let model = EncoderDecoder::new(&config, layout, &init, &Catalog::default()).unwrap();
        let model = AnyModel::new(shaken(model, place));
        let examples = Examples { task: &task, seed: 0, split: Split::Test };
        let attribution = attribute(&model, examples, 20, device).unwrap();
        let sum: f64 = attribution.parts.iter().map(|part| part.logit).sum();
        let rounding = tolerance(dtype, 1e-5, 1e-13);
        assert_close("the logit", &[sum], &[attribution.logit], rounding);
        for layer in 0..3 * N_LAYERS {
            for head in 0..N_HEADS {
                let source = Source::Head { layer, head };
                let part = attribution.parts.iter().find(|part| part.source == source).unwrap();
                assert_eq!(part.logit == 0.0, layer < N_LAYERS, "{source:?}: {}", part.logit);
            }
        }
    }
}
