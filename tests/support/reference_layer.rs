//! A whole attention layer as nested loops over `f64`: projections, norm, rotation, attention and output.

use std::collections::BTreeMap;

use qkv_model::{Choice, SelfAttention, SelfAttentionConfig, Softmax, parameters};

use crate::support::reference::{Comparison, Inputs, Outputs, Sizes, Steps, attention};

/// Numbers of a layer, row-major, `[in, out]`; a matrix that is `None` is the identity, a bias that is `None` zero.
pub struct Layer {
    pub d_in: usize,
    pub d_source: usize,
    pub w_q: Option<Vec<f64>>,
    pub w_k: Option<Vec<f64>>,
    pub w_v: Option<Vec<f64>>,
    pub w_o: Option<Vec<f64>>,
    pub b_q: Option<Vec<f64>>,
    pub b_k: Option<Vec<f64>>,
    pub b_v: Option<Vec<f64>>,
    pub b_o: Option<Vec<f64>>,
    /// `[γ_q, γ_k]`
    pub gammas: Option<[Vec<f64>; 2]>,
    /// Base of the rotation.
    pub rope: Option<f64>,
    pub steps: Steps,
}

/// Vectors of one width, row-major.
#[derive(Clone, Copy)]
struct Sequence<'a> {
    x: &'a [f64],
    width: usize,
    len: usize,
}

/// A matrix and its bias.
type Matrix<'a> = (&'a Option<Vec<f64>>, &'a Option<Vec<f64>>);

/// What a layer gives, and how near to zero the vectors came that it divided by.
pub struct Layered {
    /// `[batch, heads, q_len, k_len]`
    pub weights: Vec<f64>,
    /// `[batch, q_len, d_out]`
    pub context: Vec<f64>,
    /// The smallest root mean square of a query or key; 1 where there is no norm.
    pub least_rms: f64,
}

impl Layer {
    /// The layer of a config as loops, out of the parameters of `layer`.
    pub fn of(config: &SelfAttentionConfig, layer: &SelfAttention) -> Self {
        let mut of: BTreeMap<String, Vec<f64>> = parameters(layer)
            .into_iter()
            .map(|parameter| (parameter.path, parameter.data.iter::<f64>().collect()))
            .collect();
        let setting = |choice: &Choice, key: &str| choice.settings.get(key).and_then(|value| value.as_f64());
        let comparison = match config.score.name.as_str() {
            "additive" => Comparison::Additive {
                w_a: of.remove("score.w_a").unwrap(),
                u_a: of.remove("score.u_a").unwrap(),
                v_a: of.remove("score.v_a").unwrap(),
                d_hidden: setting(&config.score, "d_hidden").unwrap() as usize,
            },
            "dot" => Comparison::Dot { scale: 1.0 },
            _ => Comparison::Dot {
                scale: setting(&config.score, "scale").unwrap_or(1.0 / (config.d_k as f64).sqrt()),
            },
        };
        let positions = &config.positions;
        let reference = Self {
            d_in: layer.d_in(),
            d_source: layer.d_source(),
            w_q: of.remove("w_q"),
            w_k: of.remove("w_k"),
            w_v: of.remove("w_v"),
            w_o: of.remove("w_o"),
            b_q: of.remove("b_q"),
            b_k: of.remove("b_k"),
            b_v: of.remove("b_v"),
            b_o: of.remove("b_o"),
            gammas: of.remove("qk_norm.gamma_q").zip(of.remove("qk_norm.gamma_k")).map(|(q, k)| [q, k]),
            rope: (positions.name == "rope").then(|| setting(positions, "base").unwrap_or(10_000.0)),
            steps: Steps {
                comparison,
                softcap: Some(config.softcap).filter(|cap| *cap > 0.0),
                alibi: positions.name == "alibi",
                quiet: config.softmax == Softmax::Quiet,
            },
        };
        assert!(of.is_empty(), "the reference has no {:?}", of.keys());
        reference
    }

    /// Self-attention: `x` is `[batch, seq_len, d_in]`; `sizes.q_len` and `sizes.k_len` are its length.
    pub fn forward(&self, sizes: Sizes, x: &[f64], bias: impl Fn([usize; 4]) -> f64) -> Layered {
        self.forward_from(sizes, [x, x], bias)
    }

    /// Queries of `x`, `[batch, q_len, d_in]`, keys and values of `source`, `[batch, k_len, d_source]`.
    pub fn forward_from(
        &self,
        sizes: Sizes,
        [x, source]: [&[f64]; 2],
        bias: impl Fn([usize; 4]) -> f64,
    ) -> Layered {
        let Sizes { batch, heads, kv_heads, q_len, k_len, d_k, d_v } = sizes;
        let mut least_rms: f64 = 1.0;
        let queries = Sequence { x, width: self.d_in, len: q_len };
        let keys = Sequence { x: source, width: self.d_source, len: k_len };
        let mut project = |Sequence { x, width: d_in, len }: Sequence<'_>,
                           (w, b): Matrix<'_>,
                           [heads, width]: [usize; 2],
                           gamma: Option<&Vec<f64>>,
                           turns| {
            let flat = linear(x, d_in, w, b, heads * width);
            let mut by_head = Vec::new();
            for entry in 0..batch {
                for head in 0..heads {
                    for t in 0..len {
                        let at = ((entry * len + t) * heads + head) * width;
                        let mut vector = flat[at..at + width].to_vec();
                        if let Some(gamma) = gamma {
                            let rms = rms(&vector);
                            least_rms = least_rms.min(rms);
                            vector = vector.iter().zip(gamma).map(|(x, gamma)| x / rms * gamma).collect();
                        }
                        if let (Some(base), true) = (self.rope, turns) {
                            vector = turned(&vector, t, base);
                        }
                        by_head.extend(vector);
                    }
                }
            }
            by_head
        };
        let gamma = |which: usize| self.gammas.as_ref().map(|gammas| &gammas[which]);
        let inputs = Inputs {
            q: project(queries, (&self.w_q, &self.b_q), [heads, d_k], gamma(0), true),
            k: project(keys, (&self.w_k, &self.b_k), [kv_heads, d_k], gamma(1), true),
            v: project(keys, (&self.w_v, &self.b_v), [kv_heads, d_v], None, false),
        };
        let Outputs { weights, context, .. } = attention(sizes, &inputs, &self.steps, bias);
        let mut merged = Vec::new();
        for entry in 0..batch {
            for t in 0..q_len {
                for head in 0..heads {
                    merged.extend(&context[((entry * heads + head) * q_len + t) * d_v..][..d_v]);
                }
            }
        }
        let d_out = self.w_o.as_ref().map_or(heads * d_v, |w_o| w_o.len() / (heads * d_v));
        let context = linear(&merged, heads * d_v, &self.w_o, &self.b_o, d_out);
        Layered { weights, context, least_rms }
    }
}

/// `y = x W + b` for every row of `x`.
fn linear(x: &[f64], d_in: usize, w: &Option<Vec<f64>>, b: &Option<Vec<f64>>, d_out: usize) -> Vec<f64> {
    let mut y = Vec::new();
    for row in x.chunks(d_in) {
        for column in 0..d_out {
            let mut sum = b.as_ref().map_or(0.0, |b| b[column]);
            for (i, x) in row.iter().enumerate() {
                sum += match w {
                    Some(w) => x * w[i * d_out + column],
                    None if i == column => *x,
                    None => 0.0,
                };
            }
            y.push(sum);
        }
    }
    y
}

fn rms(x: &[f64]) -> f64 {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    (mean + 1e-6).sqrt()
}

/// Turns each pair `(x_i, x_(i + d/2))` by `t · base^(-2i/d)`: the product with `e^(iφ)` in the complex plane.
fn turned(x: &[f64], t: usize, base: f64) -> Vec<f64> {
    let half = x.len() / 2;
    let mut turned = vec![0.0; x.len()];
    for i in 0..half {
        let angle = t as f64 / base.powf(i as f64 / half as f64);
        turned[i] = x[i] * angle.cos() - x[i + half] * angle.sin();
        turned[i + half] = x[i] * angle.sin() + x[i + half] * angle.cos();
    }
    turned
}
