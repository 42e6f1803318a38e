//! A whole attention layer as nested loops over `f64`: projections, norm, rotation, attention and output.

use crate::support::reference::{Inputs, Outputs, Sizes, Steps, attention};

/// Numbers of a layer, row-major, `[in, out]`; a matrix that is `None` is the identity, a bias that is `None` zero.
pub struct Layer {
    pub d_in: usize,
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

/// What a layer gives, and how near to zero the vectors came that it divided by.
pub struct Layered {
    /// `[batch, heads, seq_len, seq_len]`
    pub weights: Vec<f64>,
    /// `[batch, seq_len, d_out]`
    pub context: Vec<f64>,
    /// The smallest root mean square of a query or key; 1 where there is no norm.
    pub least_rms: f64,
}

impl Layer {
    /// `x` is `[batch, seq_len, d_in]`; `sizes.q_len` and `sizes.k_len` are its length.
    pub fn forward(&self, sizes: Sizes, x: &[f64], bias: impl Fn([usize; 4]) -> f64) -> Layered {
        let Sizes { batch, heads, kv_heads, q_len: seq_len, d_k, d_v, .. } = sizes;
        let mut least_rms: f64 = 1.0;
        let mut project =
            |w: &Option<Vec<f64>>, b: &Option<Vec<f64>>, heads, width, gamma: Option<&Vec<f64>>, turns| {
                let flat = linear(x, self.d_in, w, b, heads * width);
                let mut by_head = Vec::new();
                for entry in 0..batch {
                    for head in 0..heads {
                        for t in 0..seq_len {
                            let at = ((entry * seq_len + t) * heads + head) * width;
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
            q: project(&self.w_q, &self.b_q, heads, d_k, gamma(0), true),
            k: project(&self.w_k, &self.b_k, kv_heads, d_k, gamma(1), true),
            v: project(&self.w_v, &self.b_v, kv_heads, d_v, None, false),
        };
        let Outputs { weights, context, .. } = attention(sizes, &inputs, &self.steps, bias);
        let mut merged = Vec::new();
        for entry in 0..batch {
            for t in 0..seq_len {
                for head in 0..heads {
                    merged.extend(&context[((entry * heads + head) * seq_len + t) * d_v..][..d_v]);
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
