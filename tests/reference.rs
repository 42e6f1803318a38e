//! Attention as nested loops over `f64`, written from the equations: the oracle of the property test.

/// Lengths of all axes.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub batch: usize,
    pub heads: usize,
    pub q_len: usize,
    pub k_len: usize,
    pub d_k: usize,
    pub d_v: usize,
}

/// How queries and keys are compared; parameters row-major.
pub enum Comparison {
    /// `scale · q_i · k_j`
    Dot { scale: f64 },
    /// `v_a · tanh(q_i W_a + k_j U_a)`, with `w_a` and `u_a` `[heads, d_k, d_hidden]` and `v_a` `[heads, d_hidden]`
    Additive { w_a: Vec<f64>, u_a: Vec<f64>, v_a: Vec<f64>, d_hidden: usize },
}

/// Queries, keys and values, row-major.
pub struct Inputs {
    pub q: Vec<f64>,
    pub k: Vec<f64>,
    pub v: Vec<f64>,
}

/// Weights `[batch, heads, q_len, k_len]` and context `[batch, heads, q_len, d_v]`.
pub struct Outputs {
    pub weights: Vec<f64>,
    pub context: Vec<f64>,
}

/// `softmax(score + bias) v`, where a key is left out if `bias` is minus infinity; no key, no context.
pub fn attention(
    sizes: Sizes,
    inputs: &Inputs,
    comparison: &Comparison,
    bias: impl Fn([usize; 4]) -> f64,
) -> Outputs {
    let Sizes { batch, heads, q_len, k_len, d_k, d_v } = sizes;
    let mut outputs = Outputs { weights: Vec::new(), context: Vec::new() };
    for b in 0..batch {
        for h in 0..heads {
            let sequence = b * heads + h;
            let row = |t: &[f64], len: usize, width: usize, at: usize| {
                t[(sequence * len + at) * width..][..width].to_vec()
            };
            for i in 0..q_len {
                let q_i = row(&inputs.q, q_len, d_k, i);
                let mut weights: Vec<f64> = Vec::new();
                for j in 0..k_len {
                    let k_j = row(&inputs.k, k_len, d_k, j);
                    let score = comparison.score(h, &q_i, &k_j) + bias([b, h, i, j]);
                    weights.push(score.exp());
                }
                let sum: f64 = weights.iter().sum();
                let mut context = vec![0.0; d_v];
                for (j, weight) in weights.iter_mut().enumerate() {
                    if sum > 0.0 {
                        *weight /= sum;
                    }
                    for (c, v) in context.iter_mut().zip(row(&inputs.v, k_len, d_v, j)) {
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
