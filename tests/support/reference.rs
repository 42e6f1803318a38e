//! Attention as nested loops over `f64`, written from the equations: the oracle of the property tests.

/// Lengths of all axes.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub batch: usize,
    pub heads: usize,
    /// Divides `heads`.
    pub kv_heads: usize,
    pub q_len: usize,
    pub k_len: usize,
    pub d_k: usize,
    pub d_v: usize,
}

/// How queries and keys are compared; parameters row-major.
#[derive(Debug, Clone)]
pub enum Comparison {
    /// `scale · q_i · k_j`
    Dot { scale: f64 },
    /// `v_a · tanh(q_i W_a + k_j U_a)`, with `w_a` and `u_a` `[heads, d_k, d_hidden]` and `v_a` `[heads, d_hidden]`
    Additive { w_a: Vec<f64>, u_a: Vec<f64>, v_a: Vec<f64>, d_hidden: usize },
}

/// What happens between the comparison and the weights.
#[derive(Debug, Clone)]
pub struct Steps {
    pub comparison: Comparison,
    /// `s = cap tanh(s / cap)`
    pub softcap: Option<f64>,
    /// `s = s - m_h |i + k_len - q_len - j|`
    pub alibi: bool,
    /// `w = exp(s) / (1 + Σ exp(s))`
    pub quiet: bool,
}

/// Queries, keys and values, row-major.
pub struct Inputs {
    pub q: Vec<f64>,
    pub k: Vec<f64>,
    pub v: Vec<f64>,
}

/// Context `[batch, heads, q_len, d_v]`, and what came before it, `[batch, heads, q_len, k_len]` each.
#[derive(Default)]
pub struct Outputs {
    /// As they are compared, before the cap.
    pub scores: Vec<f64>,
    pub capped: Vec<f64>,
    /// With ALiBi and bias.
    pub masked: Vec<f64>,
    pub weights: Vec<f64>,
    pub context: Vec<f64>,
}

/// `softmax(cap(score) + alibi + bias) v`, where a key is left out if `bias` is minus infinity; no key, no context.
pub fn attention(sizes: Sizes, inputs: &Inputs, steps: &Steps, bias: impl Fn([usize; 4]) -> f64) -> Outputs {
    let Sizes { batch, heads, kv_heads, q_len, k_len, d_k, d_v } = sizes;
    let mut outputs = Outputs::default();
    for b in 0..batch {
        for h in 0..heads {
            // With six heads of queries and two of keys, queries 0, 1, 2 share the first and 3, 4, 5 the second.
            let kv = h * kv_heads / heads;
            for i in 0..q_len {
                let q_i = &inputs.q[((b * heads + h) * q_len + i) * d_k..][..d_k];
                let mut weights: Vec<f64> = Vec::new();
                for j in 0..k_len {
                    let k_j = &inputs.k[((b * kv_heads + kv) * k_len + j) * d_k..][..d_k];
                    let mut score = steps.comparison.score(h, q_i, k_j);
                    outputs.scores.push(score);
                    if let Some(cap) = steps.softcap {
                        score = cap * (score / cap).tanh();
                    }
                    outputs.capped.push(score);
                    if steps.alibi {
                        let distance = (i + k_len) as f64 - (q_len + j) as f64;
                        score -= alibi_slopes(heads)[h] * distance.abs();
                    }
                    let masked = score + bias([b, h, i, j]);
                    outputs.masked.push(masked);
                    weights.push(masked.exp());
                }
                let mut sum: f64 = weights.iter().sum();
                if steps.quiet {
                    sum += 1.0;
                }
                let mut context = vec![0.0; d_v];
                for (j, weight) in weights.iter_mut().enumerate() {
                    if sum > 0.0 {
                        *weight /= sum;
                    }
                    let v_j = &inputs.v[((b * kv_heads + kv) * k_len + j) * d_v..][..d_v];
                    for (c, v) in context.iter_mut().zip(v_j) {
                        *c += *weight * v;
                    }
                }
                outputs.weights.extend(weights);
                outputs.context.extend(context);
            }
        }
    }
    outputs
}

/// `get_slopes` of the authors' code, <https://github.com/ofirpress/attention_with_linear_biases>.
pub fn alibi_slopes(n: usize) -> Vec<f64> {
    let of_power = |n: f64| {
        let start = 2_f64.powf(-(2_f64.powf(-(n.log2() - 3.0))));
        (0..n as i32).map(|i| start * start.powi(i)).collect::<Vec<f64>>()
    };
    let closest_power = 2_f64.powf((n as f64).log2().floor());
    let mut slopes = of_power(closest_power);
    if closest_power as usize != n {
        slopes.extend(alibi_slopes(2 * closest_power as usize).iter().step_by(2));
        slopes.truncate(n);
    }
    slopes
}

impl Comparison {
    fn score(&self, head: usize, q: &[f64], k: &[f64]) -> f64 {
        let d_k = q.len();
        match self {
            Self::Dot { scale } => {
                let mut dot = 0.0;
                for d in 0..d_k {
                    dot += q[d] * k[d];
                }
                scale * dot
            }
            Self::Additive { w_a, u_a, v_a, d_hidden } => {
                let mut score = 0.0;
                for n in 0..*d_hidden {
                    let mut hidden = 0.0;
                    for d in 0..d_k {
                        let at = (head * d_k + d) * d_hidden + n;
                        hidden += q[d] * w_a[at] + k[d] * u_a[at];
                    }
                    score += v_a[head * d_hidden + n] * hidden.tanh();
                }
                score
            }
        }
    }
}
