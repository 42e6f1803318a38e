//! A transformer that reads token by token gives the logits that it gives for whole sequences.

use burn::module::Module;
use burn::tensor::{Bool, DType, Device, Int, Tensor, TensorData};
use qkv_model::{
    AttentionLayer, Catalog, CausalAlign, Choice, Comparison, Decoding, EncoderDecoder, Hook, Init,
    LayerDescription, Mask, MaskConfig, MaskRule, Mode, NoSettings, NormConfig, Score, SelfAttention,
    SelfAttentionConfig, Softmax, SourceLayout, Transformer, TransformerConfig,
};

use crate::support::backends::{device, places, tolerance};
use crate::support::layers::{additive, dot, scaled_dot};
use crate::support::numbers::{assert_close, random, values};
use crate::support::panics::message;

const BATCH: usize = 2;
const LEN: usize = 7;
const VOCAB: usize = 5;
const STACK: usize = 3;

fn tokens(device: &Device, label: &str) -> Tensor<3, Int> {
    let drawn = random(label, BATCH * LEN * STACK);
    let drawn: Vec<i64> = drawn.iter().map(|x| ((x + 1.0) / 2.0 * VOCAB as f64) as i64).collect();
    Tensor::from_data(TensorData::new(drawn, [BATCH, LEN, STACK]), device)
}

fn base() -> TransformerConfig {
    TransformerConfig {
        n_heads: 4,
        n_layers: 2,
        d_mlp: 6,
        w_o: true,
        mask: MaskConfig::Causal.into(),
        ..TransformerConfig::new(VOCAB, LEN, 8)
    }
}

/// Every combination of positions, heads, groups, norms, QK-norm, scores, caps and softmax.
fn combinations() -> impl Iterator<Item = TransformerConfig> {
    const N: [usize; 7] = [5, 4, 3, 2, 3, 2, 2];
    (0..N.iter().product()).map(|mut index| {
        let [positions, heads, norm, qk_norm, score, softcap, softmax] = N.map(|n| {
            let digit = index % n;
            index /= n;
            digit
        });
        let (n_heads, n_kv_heads) = [(1, None), (4, None), (4, Some(2)), (4, Some(1))][heads];
        TransformerConfig {
            n_heads,
            n_kv_heads,
            positions: Choice::new(["none", "learned", "sinusoidal", "rope", "alibi"][positions]),
            norm: [NormConfig::Pre, NormConfig::Post, NormConfig::None][norm],
            qk_norm: qk_norm == 1,
            score: [scaled_dot(), dot(), additive(3)][score].clone(),
            softcap: [0.0, 2.0][softcap],
            softmax: [Softmax::Standard, Softmax::Quiet][softmax],
            ..base()
        }
    })
}

fn build((device, dtype): (&Device, DType), config: &TransformerConfig, catalog: &Catalog) -> Transformer {
    config.init_with(&Init::new(device, 1).with_dtype(dtype), catalog).unwrap()
}

/// The logits of `tokens`, read in these pieces.
fn in_pieces(model: &Transformer, tokens: &Tensor<3, Int>, pieces: &[usize]) -> Tensor<3> {
    let mut decoding = model.decoding().expect("causal, of built-in layers");
    let mut first = 0;
    let logits = pieces.iter().map(|&n| {
        let piece = tokens.clone().narrow(1, first, n);
        first += n;
        model.unembed(decoding.feed(piece))
    });
    Tensor::cat(logits.collect(), 1)
}

/// Token by token, and in pieces of several lengths.
#[track_caller]
fn check(model: &Transformer, (device, dtype): (&Device, DType), what: &str) {
    let tokens = tokens(device, "tokens");
    let whole = values(&model.forward(tokens.clone(), Mode::Evaluate));
    for pieces in [&[1; LEN][..], &[3, 1, 1, 2], &[1, 5, 1]] {
        let got = values(&in_pieces(model, &tokens, pieces));
        assert_close(&format!("{what}, {pieces:?}"), &got, &whole, tolerance(dtype, 1e-4, 1e-12));
    }
}

#[test]
fn every_combination_gives_the_logits_of_the_whole_pass() {
    let place = places()[1];
    assert_eq!(place.1, DType::F64);
    let mut n = 0;
    for config in combinations() {
        check(&build(place, &config, &Catalog::default()), place, &format!("{config:?}"));
        n += 1;
    }
    assert_eq!(n, 1440);
}

#[test]
fn so_it_is_in_single_precision_and_with_the_other_parts() {
    for place in places() {
        for (activation, norm, tied, bias) in
            [("gelu", "layer", true, true), ("swiglu", "rms", false, false), ("relu", "rms", true, false)]
        {
            let config = TransformerConfig {
                activation: Choice::new(activation),
                norm_kind: Choice::new(norm),
                tied,
                bias,
                positions: Choice::new("rope"),
                ..base()
            };
            check(&build(place, &config, &Catalog::default()), place, activation);
        }
    }
}

/// A position sees itself and the two before it, but no tokens of which the first is 0, and what is near more.
#[derive(Debug)]
struct Near;

impl MaskRule for Near {
    fn mask(&self, tokens: &Tensor<3, Int>) -> Mask {
        let [batch, seq_len, _] = tokens.dims();
        let far = Tensor::<2, Bool>::triu_mask([seq_len; 2], -2, &tokens.device());
        let zero = tokens.clone().narrow(2, 0, 1).equal_elem(0).reshape([batch, 1, 1, seq_len]);
        let at = |shape: [usize; 4]| {
            Tensor::<1, Int>::arange(0..seq_len as i64, &tokens.device()).float().reshape(shape)
        };
        let distance = at([1, 1, seq_len, 1]) - at([1, 1, 1, seq_len]);
        let causal = Mask::causal(CausalAlign::BottomRight);
        causal.and(Mask::hidden(far.unsqueeze())).and(Mask::hidden(zero)).and(Mask::bias(distance * -0.3))
    }

    fn is_causal(&self) -> bool {
        true
    }
}

#[test]
fn a_mask_of_ones_own_works_if_it_is_causal() {
    let catalog = Catalog::default().mask("near", |_: &NoSettings| Ok(Near));
    for place in places() {
        for softcap in [0.0, 1.0] {
            let config = TransformerConfig { mask: Choice::new("near"), softcap, ..base() };
            check(&build(place, &config, &catalog), place, "near");
        }
    }
}

#[test]
fn entries_that_are_selected_go_on_alone() {
    for place @ (device, dtype) in places() {
        for mask in ["causal", "near"] {
            let catalog = Catalog::default().mask("near", |_: &NoSettings| Ok(Near));
            let config = TransformerConfig { mask: Choice::new(mask), ..base() };
            let model = build(place, &config, &catalog);
            let (tokens, entries) = (tokens(device, "tokens"), Tensor::<1, Int>::from_data([1], device));
            let whole = model.features(tokens.clone(), Mode::Evaluate);
            let mut decoding = model.decoding().unwrap();
            decoding.feed(tokens.clone().narrow(1, 0, 3));
            decoding.select(&entries);
            let rest = decoding.feed(tokens.narrow(0, 1, 1).narrow(1, 3, 4));
            let want = whole.narrow(0, 1, 1).narrow(1, 3, 4);
            assert_close(mask, &values(&rest), &values(&want), tolerance(dtype, 1e-5, 1e-13));
        }
    }
}

#[test]
fn what_is_longer_than_the_model_is_refused_as_in_a_whole_pass() {
    let device = device();
    for positions in ["learned", "sinusoidal"] {
        let config = TransformerConfig { positions: Choice::new(positions), ..base() };
        let model = config.init(&Init::new(&device, 1)).unwrap();
        let mut decoding = model.decoding().unwrap();
        decoding.feed(tokens(&device, "tokens"));
        let error = message(|| decoding.feed(tokens(&device, "tokens").narrow(1, 0, 1)));
        assert_eq!(error, "a sequence of 8 positions, but the model was built for 7");
    }
}

/// `s_ij = q_i · (k_j + k_(j-1))`: causal, but no matter of two vectors.
#[derive(Module, Debug)]
struct Pairs {
    #[module(skip)]
    is_pairwise: bool,
}

impl Score for Pairs {
    fn comparison(&self) -> Comparison {
        Comparison::PreparedDot
    }

    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        let [.., k_len, _] = k.dims();
        let before = Tensor::cat(vec![k.zeros_like().narrow(2, 0, 1), k.clone()], 2).narrow(2, 0, k_len);
        [q, k + before]
    }

    fn is_pairwise(&self) -> bool {
        self.is_pairwise
    }
}

/// A layer of one's own around the built-in one.
#[derive(Module, Debug)]
struct Around {
    attention: SelfAttention,
}

impl AttentionLayer for Around {
    fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        self.attention.forward(x, mask, mode)
    }

    fn forward_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        layer: usize,
        hook: &mut dyn Hook,
    ) -> Tensor<3> {
        self.attention.forward_with_hook(x, mask, mode, layer, hook)
    }

    fn describe(&self) -> LayerDescription {
        self.attention.describe()
    }
}

#[test]
fn there_is_none_where_it_might_give_other_numbers() {
    let catalog = Catalog::default()
        .score("pairs", |_: &NoSettings, _, _| Ok(Pairs { is_pairwise: false }))
        .score("kept-pairs", |_: &NoSettings, _, _| Ok(Pairs { is_pairwise: true }))
        .attention("around", |_: &NoSettings, init: &Init, config: &SelfAttentionConfig, catalog| {
            Ok(Around { attention: config.init_with(init, catalog)? })
        });
    let place = places()[1];
    let has_one = |config: &TransformerConfig| build(place, config, &catalog).decoding().is_some();
    assert!(has_one(&base()));
    assert!(!has_one(&TransformerConfig { mask: MaskConfig::None.into(), ..base() }));
    assert!(!has_one(&TransformerConfig { layer: Choice::new("around"), ..base() }));
    assert!(!has_one(&TransformerConfig { score: Choice::new("pairs"), ..base() }));
    let kept = TransformerConfig { score: Choice::new("kept-pairs"), ..base() };
    assert!(has_one(&kept));
    // Keys are kept as they are before the score changes them, so this one is right, too.
    check(&build(place, &kept, &catalog), place, "pairs");
}

#[test]
fn an_encoder_and_decoder_read_the_source_once() {
    // Of seven positions the source has three; where its tokens are 0 there is padding.
    let layout = SourceLayout { source_len: 3, padding: Some(0) };
    for (device, dtype) in places() {
        for config in combinations().step_by(17) {
            let init = Init::new(device, 1).with_dtype(dtype);
            let config = TransformerConfig { n_layers: 2, ..config };
            let model = EncoderDecoder::new(&config, layout, &init, &Catalog::default()).unwrap();
            let mut drawn: Vec<i64> = tokens(device, "pair").into_data().iter::<i64>().collect();
            // The last position of the first source is padding.
            drawn[2 * STACK..3 * STACK].fill(0);
            let tokens = Tensor::<3, Int>::from_data(TensorData::new(drawn, [BATCH, LEN, STACK]), device);
            let whole = model.features(tokens.clone(), Mode::Evaluate);
            for pieces in [&[4, 1, 1, 1][..], &[5, 2], &[LEN]] {
                let mut decoding = model.decoding().unwrap();
                let mut first = 0;
                let features = pieces.iter().map(|&n| {
                    first += n;
                    decoding.feed(tokens.clone().narrow(1, first - n, n))
                });
                let got = Tensor::cat(features.collect(), 1);
                let what = format!("{config:?}, {pieces:?}");
                assert_close(&what, &values(&got), &values(&whole), tolerance(dtype, 1e-4, 1e-12));
            }
            let mut decoding = model.decoding().unwrap();
            decoding.feed(tokens.clone().narrow(1, 0, 4));
            decoding.select(&Tensor::from_data([1], device));
            let rest = decoding.feed(tokens.narrow(0, 1, 1).narrow(1, 4, 3));
            let want = whole.narrow(0, 1, 1).narrow(1, 4, 3);
            assert_close("rest", &values(&rest), &values(&want), tolerance(dtype, 1e-4, 1e-12));
        }
        let open = TransformerConfig { mask: MaskConfig::None.into(), ..base() };
        let model = EncoderDecoder::new(&open, layout, &Init::new(device, 1), &Catalog::default()).unwrap();
        assert!(model.decoding().is_none());
    }
}
