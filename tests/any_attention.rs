//! Attention of any shape under any combination of masks, against nested loops.

use burn::tensor::{DType, Device};
use proptest::prelude::{Just, Strategy, any};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest::{option, prop_oneof};
use qkv_model::{CausalAlign, Init, Mask, ScoreConfig, attend, parameters};

use crate::backends::{places, tolerance};
use crate::numbers::{assert_close, bools, random, tensor, values};
use crate::reference::{Comparison, Inputs, Outputs, Sizes, attention};

/// Enough for every pair of choices to meet several times, in about a second.
const N_CASES: u32 = 400;

#[derive(Debug, Clone)]
struct Case {
    sizes: Sizes,
    score: ScoreConfig,
    causal: Option<CausalAlign>,
    padding: bool,
    /// Which axes of a Boolean mask are full; the others have size one.
    hidden: Option<[bool; 4]>,
    /// The same for a bias, which holds some minus infinities.
    bias: Option<[bool; 4]>,
    label: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1..4_usize, 1..4_usize, 1..8_usize, 1..8_usize, 1..6_usize, 1..6_usize)
        .prop_map(|(batch, heads, q_len, k_len, d_k, d_v)| Sizes { batch, heads, q_len, k_len, d_k, d_v });
    let score = prop_oneof![
        Just(ScoreConfig::Dot),
        Just(ScoreConfig::ScaledDot),
        (-2.0..2.0).prop_map(ScoreConfig::ScaledBy),
        (1..5_usize).prop_map(ScoreConfig::Additive),
    ];
    let align = prop_oneof![Just(CausalAlign::TopLeft), Just(CausalAlign::BottomRight)];
    let axes = || option::of(any::<[bool; 4]>());
    (sizes, score, option::of(align), any::<bool>(), axes(), axes(), any::<u64>()).prop_map(
        |(sizes, score, causal, padding, hidden, bias, label)| Case {
            sizes,
            score,
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
        let Sizes { batch, heads, q_len, k_len, d_k, d_v } = self.sizes;
        let draw = |what: &str, n: usize| random(&format!("{what} {}", self.label), n);
        let twice = |what: &str, n: usize| draw(what, n).iter().map(|value| 2.0 * value).collect();
        let volume = |axes| self.shape(axes).iter().product();
        Numbers {
            inputs: Inputs {
                q: twice("q", batch * heads * q_len * d_k),
                k: twice("k", batch * heads * k_len * d_k),
                v: twice("v", batch * heads * k_len * d_v),
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
        let Sizes { batch, heads, q_len, k_len, d_k, d_v } = self.sizes;
        let place = (device, dtype);
        let numbers = self.numbers();
        let Inputs { q, k, v } = &numbers.inputs;
        let init = Init::new(device, self.label).with_dtype(dtype);
        let score = self.score.init(&init, heads, d_k).unwrap();
        let learned: Vec<Vec<f64>> =
            parameters(&score).iter().map(|parameter| parameter.data.iter::<f64>().collect()).collect();
        let attended = attend(
            &score,
            tensor(place, q, [batch, heads, q_len, d_k]),
            tensor(place, k, [batch, heads, k_len, d_k]),
            tensor(place, v, [batch, heads, k_len, d_v]),
            &self.mask(place, &numbers),
        );
        let comparison = match self.score {
            ScoreConfig::Dot => Comparison::Dot { scale: 1.0 },
            ScoreConfig::ScaledDot => Comparison::Dot { scale: 1.0 / (d_k as f64).sqrt() },
            ScoreConfig::ScaledBy(scale) => Comparison::Dot { scale },
            ScoreConfig::Additive(d_hidden) => Comparison::Additive {
                w_a: learned[0].clone(),
                u_a: learned[1].clone(),
                v_a: learned[2].clone(),
                d_hidden,
            },
        };
        let Outputs { weights, context } =
            attention(self.sizes, &numbers.inputs, &comparison, |at| self.added(&numbers, at));
        // Scores reach 40, so that one rounding of a score, 40 · 6e-8, is the relative error of its exponential.
        let tolerance = tolerance(dtype, 1e-5, 1e-13);
        let got = values(&attended.weights);
        assert_close("weights", &got, &weights, tolerance);
        assert_close("context", &values(&attended.context), &context, tolerance);
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
fn any_shape_score_and_combination_of_masks_agrees_with_nested_loops() {
    let config = Config { cases: N_CASES, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let places = places();
    TestRunner::new_with_rng(config, rng)
        .run(&cases(), |case| {
            for (device, dtype) in &places {
                case.check((device, *dtype));
            }
            Ok(())
        })
        .unwrap();
}
