//! The mechanism alone, of any shape and with any combination of steps and masks, against nested loops.

use burn::tensor::{DType, Device};
use proptest::prelude::{Just, Strategy, any};
use proptest::{option, prop_oneof};
use qkv_model::{
    AttentionSpec, Catalog, CausalAlign, Choice, HeadShape, Init, Mask, Place, Softmax, attention,
    attention_with_weights, parameters,
};

use crate::support::backends::tolerance;
use crate::support::drawn_cases::on_every_place;
use crate::support::layers::{additive, dot, scaled_by, scaled_dot};
use crate::support::numbers::{assert_close, bools, random, tensor, values};
use crate::support::reference::{Comparison, Inputs, Outputs, Sizes, Steps, attention as nested_loops};

/// Enough for every four choices to meet several times, in a few seconds.
const N_CASES: u32 = 4000;

#[derive(Debug, Clone)]
struct Case {
    sizes: Sizes,
    score: Choice,
    softcap: Option<f64>,
    alibi: bool,
    quiet: bool,
    causal: Option<CausalAlign>,
    padding: bool,
    /// Which axes of a Boolean mask are full; the others have size one.
    hidden: Option<[bool; 4]>,
    /// The same for a bias, which holds some minus infinities.
    bias: Option<[bool; 4]>,
    label: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1..4_usize, 1..4_usize, 1..4_usize, 1..8_usize, 1..8_usize, 1..6_usize, 1..6_usize)
        .prop_map(|(batch, kv_heads, group, q_len, k_len, d_k, d_v)| Sizes {
            batch,
            heads: kv_heads * group,
            kv_heads,
            q_len,
            k_len,
            d_k,
            d_v,
        });
    let score = prop_oneof![
        Just(dot()),
        Just(scaled_dot()),
        (-2.0..2.0).prop_map(scaled_by),
        (1..5_usize).prop_map(additive),
    ];
    let steps = (score, option::of(0.5..20.0), any::<bool>(), any::<bool>());
    let align = prop_oneof![Just(CausalAlign::TopLeft), Just(CausalAlign::BottomRight)];
    let axes = || option::of(any::<[bool; 4]>());
    (sizes, steps, option::of(align), any::<bool>(), axes(), axes(), any::<u64>()).prop_map(
        |(sizes, (score, softcap, alibi, quiet), causal, padding, hidden, bias, label)| Case {
            sizes,
            score,
            softcap,
            alibi,
            quiet,
            causal,
            padding,
            hidden,
            bias,
            label,
        },
    )
}

/// The numbers of a case, on the host.
struct Numbers {
    inputs: Inputs,
    lengths: Vec<usize>,
    hidden: Vec<bool>,
    bias: Vec<f64>,
}

impl Case {
    fn full(&self) -> [usize; 4] {
        let Sizes { batch, heads, q_len, k_len, .. } = self.sizes;
        [batch, heads, q_len, k_len]
    }

    fn shape(&self, axes: Option<[bool; 4]>) -> [usize; 4] {
        let full = self.full();
        std::array::from_fn(|axis| if axes.unwrap_or_default()[axis] { full[axis] } else { 1 })
    }

    fn numbers(&self) -> Numbers {
        let Sizes { batch, heads, kv_heads, q_len, k_len, d_k, d_v } = self.sizes;
        let draw = |what: &str, n: usize| random(&format!("{what} {}", self.label), n);
        let twice = |what: &str, n: usize| draw(what, n).iter().map(|value| 2.0 * value).collect();
        let volume = |axes| self.shape(axes).iter().product();
        Numbers {
            inputs: Inputs {
                q: twice("q", batch * heads * q_len * d_k),
                k: twice("k", batch * kv_heads * k_len * d_k),
                v: twice("v", batch * kv_heads * k_len * d_v),
            },
            // From nothing to everything.
            lengths: draw("lengths", batch)
                .iter()
                .map(|value| ((value + 1.0) / 2.0 * (k_len + 1) as f64) as usize)
                .collect(),
            hidden: draw("hidden", volume(self.hidden)).iter().map(|&value| value < -0.2).collect(),
            bias: draw("bias", volume(self.bias))
                .iter()
                .map(|&value| if value < -0.6 { f64::NEG_INFINITY } else { 3.0 * value })
                .collect(),
        }
    }

    fn mask(&self, (device, dtype): (&Device, DType), numbers: &Numbers) -> Mask {
        let mut mask = Mask::none();
        if let Some(align) = self.causal {
            mask = mask.and(Mask::causal(align));
        }
        if self.padding {
            mask = mask.and(Mask::padding(numbers.lengths.clone()));
        }
        if self.hidden.is_some() {
            mask = mask.and(Mask::hidden(bools(device, &numbers.hidden, self.shape(self.hidden))));
        }
        if self.bias.is_some() {
            mask = mask.and(Mask::bias(tensor((device, dtype), &numbers.bias, self.shape(self.bias))));
        }
        mask
    }

    /// What is added to the score of query `i` and key `j`.
    fn added(&self, numbers: &Numbers, at: [usize; 4]) -> f64 {
        let [b, _, i, j] = at;
        let Sizes { q_len, k_len, .. } = self.sizes;
        let future = match self.causal {
            None => false,
            Some(CausalAlign::TopLeft) => j > i,
            Some(CausalAlign::BottomRight) => j + q_len > i + k_len,
        };
        let padded = self.padding && j >= numbers.lengths[b];
        let hidden = self.hidden.is_some() && numbers.hidden[offset(self.shape(self.hidden), at)];
        if future || padded || hidden {
            f64::NEG_INFINITY
        } else if self.bias.is_some() {
            numbers.bias[offset(self.shape(self.bias), at)]
        } else {
            0.0
        }
    }

    fn check(&self, (device, dtype): (&Device, DType)) {
        let Sizes { batch, heads, kv_heads, q_len, k_len, d_k, d_v } = self.sizes;
        let place = (device, dtype);
        let numbers = self.numbers();
        let Inputs { q, k, v } = &numbers.inputs;
        let init = Init::new(device, self.label).with_dtype(dtype);
        let (catalog, shape) = (Catalog::default(), HeadShape { n_heads: heads, d_k });
        let score = catalog.build_score(&self.score, &init, shape).unwrap();
        let learned: Vec<Vec<f64>> =
            parameters(&score).iter().map(|parameter| parameter.data.iter::<f64>().collect()).collect();
        let positions = Choice::new(if self.alibi { "alibi" } else { "none" });
        let positions = catalog.build_positions(&positions, &init, Place::Attention(shape)).unwrap();
        assert_eq!(positions.is_some(), self.alibi);
        let mask = self.mask(place, &numbers);
        let softmax = if self.quiet { Softmax::Quiet } else { Softmax::Standard };
        let [q, k, v] = [
            tensor(place, q, [batch, heads, q_len, d_k]),
            tensor(place, k, [batch, kv_heads, k_len, d_k]),
            tensor(place, v, [batch, kv_heads, k_len, d_v]),
        ];
        let (softcap, positions) = (self.softcap, positions.as_ref());
        let spec = AttentionSpec { positions, softcap, softmax, ..AttentionSpec::new(&score) };
        let attended = attention_with_weights(&spec, q.clone(), k.clone(), v.clone(), &mask);
        // By the fused kernels, whenever they can.
        let alone = attention(&spec, q, k, v, &mask);
        let comparison = match self.score.name.as_str() {
            "additive" => Comparison::Additive {
                w_a: learned[0].clone(),
                u_a: learned[1].clone(),
                v_a: learned[2].clone(),
                d_hidden: learned[2].len() / heads,
            },
            "dot" => Comparison::Dot { scale: 1.0 },
            _ => {
                let scale = self.score.settings.get("scale").map(|scale| scale.as_f64().unwrap());
                Comparison::Dot { scale: scale.unwrap_or(1.0 / (d_k as f64).sqrt()) }
            }
        };
        let steps = Steps { comparison, softcap: self.softcap, alibi: self.alibi, quiet: self.quiet };
        let Outputs { weights, context, .. } =
            nested_loops(self.sizes, &numbers.inputs, &steps, |at| self.added(&numbers, at));
        // Scores reach 40, so that one rounding of a score, 40 · 6e-8, is the relative error of its exponential.
        let tolerance = tolerance(dtype, 1e-5, 1e-13);
        let got = values(&attended.weights);
        assert_close("weights", &got, &weights, tolerance);
        assert_close("context", &values(&attended.context), &context, tolerance);
        assert_close("context alone", &values(&alone), &context, tolerance);
        for (got, want) in got.iter().zip(&weights) {
            assert!(*want != 0.0 || *got == 0.0, "{got} where the key is hidden");
        }
    }
}

/// Where `at` lies in a row-major tensor whose axes of size one are broadcast.
fn offset(shape: [usize; 4], at: [usize; 4]) -> usize {
    shape.iter().zip(at).fold(0, |offset, (&size, at)| offset * size + at % size)
}

#[test]
fn any_shape_with_any_steps_and_masks_agrees_with_nested_loops() {
    on_every_place(N_CASES, &cases(), Case::check);
}
