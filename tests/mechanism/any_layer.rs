//! A layer of any config, with its weights read out of it, against nested loops.

use burn::module::Param;
use burn::tensor::{DType, Device};
use proptest::prelude::{Just, Strategy, any};
use proptest::{option, prop_oneof};
use qkv_model::{
    CausalAlign, Choice, Init, Mask, Mode, Projection, SelfAttention, SelfAttentionConfig, Softmax,
};

use crate::support::backends::tolerance;
use crate::support::drawn_cases::on_every_place;
use crate::support::layers::{additive, all_projections, dot, scaled_by, scaled_dot};
use crate::support::numbers::{assert_close, bools, random, tensor, values};
use crate::support::reference::Sizes;
use crate::support::reference_layer::{Layer, Layered};

/// Enough for every four choices to meet several times, in a few seconds.
const N_CASES: u32 = 4000;

#[derive(Debug, Clone)]
struct Case {
    config: SelfAttentionConfig,
    batch: usize,
    seq_len: usize,
    causal: bool,
    padding: bool,
    /// A query from which every key is hidden.
    blind: Option<usize>,
    label: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1..6_usize, 1..3_usize, 1..4_usize, 1..4_usize, 1..6_usize, option::of(1..6_usize));
    let positions = prop_oneof![
        Just(Choice::new("none")),
        // These two stand at a model's input and do nothing in a layer.
        Just(Choice::new("learned")),
        Just(Choice::new("sinusoidal")),
        Just(Choice::new("alibi")),
        Just(Choice::new("rope")),
        (1.5..1e5).prop_map(|base| Choice::new("rope").with("base", base)),
    ];
    let score = prop_oneof![
        Just(dot()),
        Just(scaled_dot()),
        (-2.0..2.0).prop_map(scaled_by),
        (1..5_usize).prop_map(additive),
    ];
    let softcap = prop_oneof![Just(0.0), 0.5..20.0];
    let switches = any::<[bool; 4]>();
    let projections = (0..27_usize).prop_map(|n| all_projections().nth(n).expect("one of 27"));
    let rest = (1..3_usize, 1..8_usize, any::<bool>(), any::<bool>(), option::of(0..8_usize), any::<u64>());
    (sizes, positions, score, softcap, switches, projections, rest).prop_map(
        |(sizes, positions, score, softcap, [bias, qk_norm, quiet, shared], projections, rest)| {
            let (d_in, n_kv_heads, group, half, d_v, d_out) = sizes;
            let (batch, seq_len, causal, padding, blind, label) = rest;
            let [q, k, v] = projections.each().map(|each| each == Projection::None);
            let group = if k || v { 1 } else { group };
            // Even, so that it can turn; odd ones where nothing turns.
            let d_k = if positions.name == "rope" { 2 * half } else { 2 * half - 1 };
            let d_v = if v && (q || k) { d_k } else { d_v };
            let n_heads = n_kv_heads * group;
            // What has no matrix is as wide as the input.
            let d_in = match (q || k, v) {
                (true, _) => n_heads * d_k,
                (false, true) => n_heads * d_v,
                (false, false) => d_in,
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
            Case { config, batch, seq_len, causal, padding, blind: blind.map(|at| at % seq_len), label }
        },
    )
}

impl Case {
    fn sizes(&self) -> Sizes {
        let SelfAttentionConfig { d_k, d_v, n_heads: heads, n_kv_heads, .. } = self.config;
        let kv_heads = n_kv_heads.unwrap_or(heads);
        Sizes { batch: self.batch, heads, kv_heads, q_len: self.seq_len, k_len: self.seq_len, d_k, d_v }
    }

    /// Real positions of each entry; the first may have none.
    fn lengths(&self) -> Vec<usize> {
        (0..self.batch).map(|entry| (self.label as usize / 7 + entry) % (self.seq_len + 1)).collect()
    }

    fn mask(&self, device: &Device) -> Mask {
        let mut mask = Mask::none();
        if self.causal {
            mask = mask.and(Mask::causal(CausalAlign::BottomRight));
        }
        if self.padding {
            mask = mask.and(Mask::padding(self.lengths()));
        }
        if let Some(blind) = self.blind {
            let hidden: Vec<bool> = (0..self.seq_len).map(|query| query == blind).collect();
            mask = mask.and(Mask::hidden(bools(device, &hidden, [1, 1, self.seq_len, 1])));
        }
        mask
    }

    fn bias(&self, [entry, _, query, key]: [usize; 4]) -> f64 {
        let hidden = (self.causal && key > query)
            || (self.padding && key >= self.lengths()[entry])
            || self.blind == Some(query);
        if hidden { f64::NEG_INFINITY } else { 0.0 }
    }

    fn layer(&self, place: (&Device, DType)) -> SelfAttention {
        let (device, dtype) = place;
        let init = Init::new(device, self.label).with_dtype(dtype);
        let mut layer = self.config.init(&init).unwrap();
        if let Some(norm) = &mut layer.qk_norm {
            // They start at one, where all of them are alike.
            let gamma = |what: &str| {
                let values = random(&format!("{what} {}", self.label), self.config.d_k);
                let values: Vec<f64> = values.iter().map(|value| 1.0 + value / 2.0).collect();
                Param::from_tensor(tensor(place, &values, [self.config.d_k]))
            };
            (norm.gamma_q, norm.gamma_k) = (gamma("gamma_q"), gamma("gamma_k"));
        }
        layer
    }

    fn check(&self, (device, dtype): (&Device, DType)) {
        let place = (device, dtype);
        let shape = [self.batch, self.seq_len, self.config.d_in];
        // Rounded to what single precision has, so that both start from the same numbers.
        let x: Vec<f64> = random(&format!("x {}", self.label), shape.iter().product())
            .iter()
            .map(|value| f64::from((2.0 * value) as f32))
            .collect();
        let layer = self.layer(place);
        let output = layer.forward_with_weights(tensor(place, &x, shape), &self.mask(device), Mode::Evaluate);
        let context = layer.forward(tensor(place, &x, shape), &self.mask(device), Mode::Evaluate);
        let want: Layered = Layer::of(&self.config, &layer).forward(self.sizes(), &x, |at| self.bias(at));
        // Scores reach 40, so that one rounding of a score is the relative error of its exponential; and where a
        // query is nearly zero, QK-norm divides its rounding by its length.
        let tolerance = tolerance(dtype, 1e-5, 1e-13) / want.least_rms;
        let weights = values(&output.weights);
        assert_close("weights", &weights, &want.weights, tolerance);
        // One of these made the whole map, the other may have come out of the fused kernels.
        assert_close("context", &values(&output.output), &want.context, tolerance);
        assert_close("context alone", &values(&context), &want.context, tolerance);
        for (got, want) in weights.iter().zip(&want.weights) {
            assert!(*want != 0.0 || *got == 0.0, "{got} where the key is hidden");
        }
    }
}

#[test]
fn any_layer_under_any_masks_agrees_with_nested_loops() {
    on_every_place(N_CASES, &cases(), Case::check);
}
