//! A cross-attention of any config, over two sequences of any lengths and widths, against nested loops; and each way to
//! look into it gives the same numbers.

use burn::tensor::{DType, Device, Tensor};
use proptest::prelude::{Just, Strategy, any};
use proptest::{option, prop_oneof};
use qkv_model::{
    Catalog, CausalAlign, Choice, CrossAttention, Init, Mask, Mode, Projection, Query, SelfAttentionConfig,
    Softmax, Stage,
};

use crate::support::backends::tolerance;
use crate::support::drawn_cases::on_every_place;
use crate::support::layers::{additive, all_projections, dot, scaled_by, scaled_dot};
use crate::support::numbers::{assert_close, bools, random, tensor, values};
use crate::support::reference::Sizes;
use crate::support::reference_layer::Layer;

/// Enough for every three choices to meet several times, in a few seconds.
const N_CASES: u32 = 2000;

#[derive(Debug, Clone)]
struct Case {
    config: SelfAttentionConfig,
    d_source: usize,
    batch: usize,
    q_len: usize,
    k_len: usize,
    causal: Option<CausalAlign>,
    padding: bool,
    /// Whether there is a Boolean mask over queries and keys.
    hidden: bool,
    /// Whether there is a bias over heads, queries and keys, which holds some minus infinities.
    bias: bool,
    label: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let widths = (1..6_usize, 1..6_usize, 1..4_usize, 1..6_usize, option::of(1..6_usize));
    let heads = (1..3_usize, 1..4_usize, any::<bool>());
    let positions = prop_oneof![
        Just(Choice::new("none")),
        Just(Choice::new("alibi")),
        (1.5..1e5).prop_map(|base| Choice::new("rope").with("base", base)),
    ];
    let score = prop_oneof![
        Just(dot()),
        Just(scaled_dot()),
        (-2.0..2.0).prop_map(scaled_by),
        (1..5_usize).prop_map(additive),
    ];
    let softcap = prop_oneof![Just(0.0), 0.5..20.0];
    let projections = (0..27_usize).prop_map(|n| all_projections().nth(n).expect("one of 27"));
    let align = prop_oneof![Just(CausalAlign::TopLeft), Just(CausalAlign::BottomRight)];
    let lengths = (1..3_usize, 1..7_usize, 1..7_usize, any::<u64>());
    let layer = (widths, heads, positions, score, softcap, projections, any::<[bool; 3]>());
    (layer, option::of(align), any::<[bool; 3]>(), lengths).prop_map(
        |(layer, causal, [padding, hidden, has_bias], (batch, q_len, k_len, label))| {
            let (widths, (n_kv_heads, group, shared), positions, score, softcap, projections, switches) =
                layer;
            let (d_in, d_source, half, d_v, d_out) = widths;
            let [bias, qk_norm, quiet] = switches;
            let [q, k, v] = projections.each().map(|each| each == Projection::None);
            let group = if k || v { 1 } else { group };
            // Even, so that it can turn; odd ones where nothing turns.
            let d_k = if positions.name == "rope" { 2 * half } else { 2 * half - 1 };
            let d_v = if k && v { d_k } else { d_v };
            let n_heads = n_kv_heads * group;
            // What has no matrix is as wide as its input.
            let d_in = if q { n_heads * d_k } else { d_in };
            let d_source = match (k, v) {
                (true, _) => n_heads * d_k,
                (false, true) => n_heads * d_v,
                (false, false) => d_source,
            };
            let config = SelfAttentionConfig {
                d_v,
                d_out,
                n_heads,
                n_kv_heads: (shared || group > 1).then_some(n_kv_heads),
                bias: bias && !(q && k && v),
                projections,
                score,
                positions,
                qk_norm,
                softcap,
                softmax: if quiet { Softmax::Quiet } else { Softmax::Standard },
                ..SelfAttentionConfig::new(d_in, d_k)
            };
            Case { config, d_source, batch, q_len, k_len, causal, padding, hidden, bias: has_bias, label }
        },
    )
}

impl Case {
    fn sizes(&self) -> Sizes {
        let Self { batch, q_len, k_len, .. } = *self;
        let SelfAttentionConfig { d_k, d_v, n_heads: heads, n_kv_heads, .. } = self.config;
        Sizes { batch, heads, kv_heads: n_kv_heads.unwrap_or(heads), q_len, k_len, d_k, d_v }
    }

    fn draw(&self, what: &str, n: usize) -> Vec<f64> {
        random(&format!("{what} {}", self.label), n)
    }

    /// Real positions of the source of each entry; there may be none.
    fn lengths(&self) -> Vec<usize> {
        (0..self.batch).map(|entry| (self.label as usize / 7 + entry) % (self.k_len + 1)).collect()
    }

    /// `[1, 1, q_len, k_len]`
    fn hides(&self) -> Vec<bool> {
        self.draw("hidden", self.q_len * self.k_len).iter().map(|&x| x < -0.3).collect()
    }

    /// `[1, heads, q_len, k_len]`
    fn biases(&self) -> Vec<f64> {
        let drawn = self.draw("bias", self.config.n_heads * self.q_len * self.k_len);
        // Rounded to what single precision has.
        drawn
            .iter()
            .map(|&x| if x < -0.6 { f64::NEG_INFINITY } else { f64::from((3.0 * x) as f32) })
            .collect()
    }

    fn mask(&self, place @ (device, _): (&Device, DType)) -> Mask {
        let Self { q_len, k_len, .. } = *self;
        let mut mask = self.causal.map_or(Mask::none(), Mask::causal);
        if self.padding {
            mask = mask.and(Mask::padding(self.lengths()));
        }
        if self.hidden {
            mask = mask.and(Mask::hidden(bools(device, &self.hides(), [1, 1, q_len, k_len])));
        }
        if self.bias {
            let shape = [1, self.config.n_heads, q_len, k_len];
            mask = mask.and(Mask::bias(tensor(place, &self.biases(), shape)));
        }
        mask
    }

    fn check(&self, place @ (device, dtype): (&Device, DType)) {
        let Self { batch, q_len, k_len, d_source, .. } = *self;
        let d_in = self.config.d_in;
        let init = Init::new(device, self.label).with_dtype(dtype);
        let layer = CrossAttention::new(&self.config, d_source, &init, &Catalog::default()).unwrap();
        // Rounded to what single precision has, so that both start from the same numbers.
        let draw = |what: &str, n: usize| -> Vec<f64> {
            self.draw(what, n).iter().map(|value| f64::from((2.0 * value) as f32)).collect()
        };
        let x = draw("x", batch * q_len * d_in);
        let source = draw("source", batch * k_len * d_source);
        let (hides, biases, lengths) = (self.hides(), self.biases(), self.lengths());
        let want =
            Layer::of(&self.config, &layer.attention).forward_from(self.sizes(), [&x, &source], |at| {
                let [entry, head, query, key] = at;
                let latest = self.causal.map(|align| query as isize + align.offset(q_len, k_len));
                let is_hidden = latest.is_some_and(|latest| key as isize > latest)
                    || (self.padding && key >= lengths[entry])
                    || (self.hidden && hides[query * k_len + key]);
                let bias = if self.bias { biases[(head * q_len + query) * k_len + key] } else { 0.0 };
                if is_hidden { f64::NEG_INFINITY } else { bias }
            });

        let mask = self.mask(place);
        let [x, source]: [Tensor<3>; 2] =
            [tensor(place, &x, [batch, q_len, d_in]), tensor(place, &source, [batch, k_len, d_source])];
        // As for self-attention: scores reach 40, and QK-norm divides by lengths that are nearly zero.
        let rounding = tolerance(dtype, 1e-5, 1e-13) / want.least_rms;
        let shown = layer.forward_with_weights(x.clone(), source.clone(), &mask, Mode::Evaluate);
        let weights = values(&shown.weights);
        assert_close("weights", &weights, &want.weights, rounding);
        assert_close("output", &values(&shown.output), &want.context, rounding);
        for (got, want) in weights.iter().zip(&want.weights) {
            assert!(*want != 0.0 || *got == 0.0, "{got} where the key is hidden");
        }
        // By the kernels where they can.
        let output = layer.forward(x.clone(), source.clone(), &mask, Mode::Evaluate);
        assert_close("output alone", &values(&output), &want.context, rounding);
        self.look_into(&layer, [x, source], &mask, &want.context, rounding);
    }

    /// A hook that changes nothing changes nothing, heads add up, and the walk through one query has the same numbers.
    fn look_into(
        &self,
        layer: &CrossAttention,
        [x, source]: [Tensor<3>; 2],
        mask: &Mask,
        want: &[f64],
        rounding: f64,
    ) {
        let mut maps = Vec::new();
        let mut hook = |_: usize, stage: Stage, tensor: Tensor<4>| {
            if stage == Stage::Weights {
                maps.push(tensor.clone());
            }
            tensor
        };
        let inputs = [x.clone(), source.clone()];
        let hooked = layer.forward_with_hook(inputs, mask, Mode::Evaluate, 3, &mut hook);
        assert_close("with a hook", &values(&hooked), want, rounding);
        let parts = layer.head_outputs(x.clone(), source.clone(), mask);
        assert_eq!(parts.len(), self.config.n_heads);
        let sum = parts.into_iter().reduce(|sum, part| sum + part).unwrap();
        let sum = match &layer.attention.b_o {
            Some(b_o) => sum + b_o.val().unsqueeze(),
            None => sum,
        };
        assert_close("sum of the heads", &values(&sum), want, rounding);
        if self.batch > 1 {
            return;
        }
        let at = self.label as usize;
        let (head, position) = (at % self.config.n_heads, at / 5 % self.q_len);
        let mut nothing = |_: usize, _: Stage, tensor: Tensor<4>| tensor;
        let place = Query { layer: 0, head, position };
        let inputs = [x.squeeze_dim::<2>(0), source.squeeze_dim::<2>(0)];
        let trace = layer.trace_with_hook(inputs, mask, place, &mut nothing);
        let row = maps[0].clone().slice([0..1, head..head + 1, position..position + 1]);
        assert_eq!(values(&trace.weights), values(&row));
        let context = trace.weights.unsqueeze::<2>().matmul(trace.v);
        assert_close("context", &values(&trace.context), &values(&context), rounding);
        assert!(trace.changed.is_empty());
    }
}

#[test]
fn any_cross_attention_under_any_masks_agrees_with_nested_loops() {
    on_every_place(N_CASES, &cases(), Case::check);
}
