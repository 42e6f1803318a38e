//! Attention as nested loops over materialised weights, in either precision: the oracle in `f64`, the yardstick in
//! `f32`.

use qkv_kernels::{
    Attention, AttentionGradients, AttentionInputs, AttentionSaved, CausalAlign, Dropout, Float, MaskView,
    Softmax, View, ViewMut, attention_backward, attention_forward,
};

use crate::numbers::{Random, convert};

/// A problem with its data, in `f64`; all tensors contiguous.
#[derive(Debug, Clone)]
pub struct Case {
    pub batch: usize,
    pub q_len: usize,
    pub k_len: usize,
    pub n_heads: usize,
    pub n_kv_heads: usize,
    pub d_k: usize,
    pub d_v: usize,
    pub scale: f64,
    pub softmax: Softmax,
    pub causal: Option<CausalAlign>,
    pub lengths: Option<Vec<usize>>,
    /// With the strides of batch, head, query and key.
    pub hidden: Option<(Vec<bool>, [usize; 4])>,
    pub bias: Option<(Vec<f64>, [usize; 4])>,
    pub dropout: Option<Dropout>,
    pub q: Vec<f64>,
    pub k: Vec<f64>,
    pub v: Vec<f64>,
    pub d_context: Vec<f64>,
}

/// Everything that attention gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Results<T> {
    pub context: Vec<T>,
    /// Logarithm of the softmax denominators.
    pub log_sum_exp: Vec<T>,
    pub d_q: Vec<T>,
    pub d_k: Vec<T>,
    pub d_v: Vec<T>,
}

impl<T> Results<T> {
    /// Each by its name.
    pub fn parts(&self) -> [(&'static str, &[T]); 5] {
        [
            ("context", &self.context),
            ("log_sum_exp", &self.log_sum_exp),
            ("d_q", &self.d_q),
            ("d_k", &self.d_k),
            ("d_v", &self.d_v),
        ]
    }
}

/// The sums that give the gradients, of absolute values: what cancels, and so what an error is measured by.
#[derive(Debug, Clone)]
pub struct Terms {
    pub context: f64,
    pub d_v: f64,
    pub d_q: f64,
    pub d_k: f64,
}

impl Case {
    /// Queries, keys and values with standard deviation `size`.
    pub fn new(
        [batch, q_len, k_len]: [usize; 3],
        [n_heads, n_kv_heads]: [usize; 2],
        [d_k, d_v]: [usize; 2],
        size: f64,
    ) -> Self {
        let mut random =
            Random::new((batch + 2 * q_len + 3 * k_len + 5 * n_heads + 7 * d_k + 11 * d_v) as u64);
        Self {
            batch,
            q_len,
            k_len,
            n_heads,
            n_kv_heads,
            d_k,
            d_v,
            scale: f64::from(1.0 / (d_k as f32).sqrt()),
            softmax: Softmax::Standard,
            causal: None,
            lengths: None,
            hidden: None,
            bias: None,
            dropout: None,
            q: random.normal(batch * q_len * n_heads * d_k, size),
            k: random.normal(batch * k_len * n_kv_heads * d_k, size),
            v: random.normal(batch * k_len * n_kv_heads * d_v, size),
            d_context: random.normal(batch * q_len * n_heads * d_v, size),
        }
    }

    pub fn fused<T: Float>(&self) -> Results<T> {
        let bias: Option<Vec<T>> = self.bias.as_ref().map(|(bias, _)| convert(bias));
        let attention = Attention {
            batch: self.batch,
            q_len: self.q_len,
            k_len: self.k_len,
            n_heads: self.n_heads,
            n_kv_heads: self.n_kv_heads,
            d_k: self.d_k,
            d_v: self.d_v,
            scale: T::from_f64(self.scale),
            softmax: self.softmax,
            causal: self.causal,
            lengths: self.lengths.as_deref(),
            hidden: self.hidden.as_ref().map(|(hidden, strides)| grid(hidden, *strides)),
            bias: bias.as_ref().zip(self.bias.as_ref()).map(|(bias, (_, strides))| grid(bias, *strides)),
            dropout: self.dropout,
        };
        let (q, k, v) = (convert::<T>(&self.q), convert(&self.k), convert(&self.v));
        let d_context = convert(&self.d_context);
        let inputs = AttentionInputs {
            q: view(&q, self.q_len, self.n_heads, self.d_k),
            k: view(&k, self.k_len, self.n_kv_heads, self.d_k),
            v: view(&v, self.k_len, self.n_kv_heads, self.d_v),
        };
        // NaN shows every number that is not written.
        let nan = |len| vec![T::from_f64(f64::NAN); len];
        let mut context = nan(self.d_context.len());
        let mut normalizer = nan(self.batch * self.n_heads * self.q_len * 2);
        let out = ViewMut::contiguous(&mut context, self.q_len, self.n_heads, self.d_v);
        attention_forward(&attention, inputs, out, &mut normalizer);
        let (mut d_q, mut d_k, mut d_v) = (nan(q.len()), nan(k.len()), nan(v.len()));
        let saved = AttentionSaved {
            inputs,
            context: view(&context, self.q_len, self.n_heads, self.d_v),
            normalizer: &normalizer,
            d_context: view(&d_context, self.q_len, self.n_heads, self.d_v),
        };
        let gradients = AttentionGradients {
            d_q: ViewMut::contiguous(&mut d_q, self.q_len, self.n_heads, self.d_k),
            d_k: ViewMut::contiguous(&mut d_k, self.k_len, self.n_kv_heads, self.d_k),
            d_v: ViewMut::contiguous(&mut d_v, self.k_len, self.n_kv_heads, self.d_v),
        };
        attention_backward(&attention, saved, gradients);
        let log_sum_exp = normalizer.chunks_exact(2).map(|pair| pair[0] + pair[1].ln()).collect();
        Results { context, log_sum_exp, d_q, d_k, d_v }
    }

    /// Whether query `i` sees key `j`.
    pub fn sees(&self, batch: usize, head: usize, i: usize, j: usize) -> bool {
        let causal = match self.causal {
            None => true,
            Some(CausalAlign::TopLeft) => j <= i,
            Some(CausalAlign::BottomRight) => j + self.q_len <= i + self.k_len,
        };
        let real = self.lengths.as_ref().is_none_or(|lengths| j < lengths[batch]);
        let shown = self
            .hidden
            .as_ref()
            .is_none_or(|(hidden, [b, h, q, k])| !hidden[batch * b + head * h + i * q + j * k]);
        causal && real && shown
    }

    /// Sums over all keys: a hidden one has a weight of zero.
    pub fn naive<T: Float>(&self) -> Results<T> {
        self.loops(|_, _, _, _| true).0
    }

    /// Sums over the keys that a query sees: a hidden NaN stays hidden.
    pub fn naive_over_seen<T: Float>(&self) -> Results<T> {
        self.loops(|batch, head, i, j| self.sees(batch, head, i, j)).0
    }

    /// The oracle, with the size of what was added up for it.
    pub fn oracle(&self) -> (Results<f64>, Terms) {
        self.loops(|_, _, _, _| true)
    }

    fn loops<T: Float>(&self, counts: impl Fn(usize, usize, usize, usize) -> bool) -> (Results<T>, Terms) {
        let (q, k, v) = (convert::<T>(&self.q), convert::<T>(&self.k), convert::<T>(&self.v));
        let d_context = convert::<T>(&self.d_context);
        let scale = T::from_f64(self.scale);
        let zeros = |len| vec![T::ZERO; len];
        let mut results = Results {
            context: zeros(d_context.len()),
            log_sum_exp: zeros(self.batch * self.n_heads * self.q_len),
            d_q: zeros(q.len()),
            d_k: zeros(k.len()),
            d_v: zeros(v.len()),
        };
        let (mut terms_q, mut terms_k) = (vec![0.0; q.len()], vec![0.0; k.len()]);
        let (mut terms_o, mut terms_v) = (vec![0.0; d_context.len()], vec![0.0; v.len()]);
        let (d_k, d_v) = (self.d_k, self.d_v);
        for batch in 0..self.batch {
            for head in 0..self.n_heads {
                let kv_head = head / (self.n_heads / self.n_kv_heads);
                for i in 0..self.q_len {
                    let at_q = ((batch * self.q_len + i) * self.n_heads + head) * d_k;
                    let at_o = ((batch * self.q_len + i) * self.n_heads + head) * d_v;
                    let at_k = |j: usize| ((batch * self.k_len + j) * self.n_kv_heads + kv_head) * d_k;
                    let at_v = |j: usize| ((batch * self.k_len + j) * self.n_kv_heads + kv_head) * d_v;
                    let mut scores = zeros(self.k_len);
                    for (j, score) in scores.iter_mut().enumerate() {
                        for c in 0..d_k {
                            *score += q[at_q + c] * k[at_k(j) + c];
                        }
                        *score *= scale;
                        if let Some((bias, [b, h, q, k])) = &self.bias {
                            *score += T::from_f64(bias[batch * b + head * h + i * q + j * k]);
                        }
                        if !self.sees(batch, head, i, j) {
                            *score = T::NEG_INFINITY;
                        }
                    }
                    let (first_max, first_sum) = match self.softmax {
                        Softmax::Standard => (T::NEG_INFINITY, T::ZERO),
                        Softmax::Quiet => (T::ZERO, T::ONE),
                    };
                    let max = scores.iter().fold(first_max, |m, &s| if s > m { s } else { m });
                    let base = if max == T::NEG_INFINITY { T::ZERO } else { max };
                    let exp = |x: T| T::from_f64(x.to_f64().exp());
                    let exps: Vec<T> = scores.iter().map(|&s| exp(s - base)).collect();
                    let mut sum = first_sum * exp(T::ZERO - base);
                    exps.iter().for_each(|&e| sum += e);
                    let seen = sum != T::ZERO;
                    results.log_sum_exp[(batch * self.n_heads + head) * self.q_len + i] = max + sum.ln();
                    let weights: Vec<T> =
                        exps.iter().map(|&e| if seen { e / sum } else { T::ZERO }).collect();
                    let factors: Vec<T> = (0..self.k_len)
                        .map(|j| match self.dropout {
                            None => T::ONE,
                            Some(dropout) if dropout.keeps(batch, head, i, j) => {
                                T::from_f64(dropout.factor())
                            }
                            Some(_) => T::ZERO,
                        })
                        .collect();
                    let keys = || (0..self.k_len).filter(|&j| counts(batch, head, i, j));
                    for j in keys() {
                        for c in 0..d_v {
                            terms_o[at_o + c] += (weights[j] * factors[j] * v[at_v(j) + c]).to_f64().abs();
                            results.context[at_o + c] += weights[j] * factors[j] * v[at_v(j) + c];
                        }
                    }
                    let mut d_weights = zeros(self.k_len);
                    let mut delta = T::ZERO;
                    for j in keys() {
                        for c in 0..d_v {
                            d_weights[j] += d_context[at_o + c] * v[at_v(j) + c];
                            terms_v[at_v(j) + c] +=
                                (weights[j] * factors[j] * d_context[at_o + c]).to_f64().abs();
                            results.d_v[at_v(j) + c] += weights[j] * factors[j] * d_context[at_o + c];
                        }
                        d_weights[j] *= factors[j];
                        delta += weights[j] * d_weights[j];
                    }
                    for j in keys() {
                        let d_score = weights[j] * (d_weights[j] - delta) * scale;
                        let [w, d, e, s] = [weights[j], d_weights[j], delta, scale].map(|x| x.to_f64().abs());
                        let term = w * (d + e) * s;
                        for c in 0..d_k {
                            terms_q[at_q + c] += term * k[at_k(j) + c].to_f64().abs();
                            terms_k[at_k(j) + c] += term * q[at_q + c].to_f64().abs();
                            results.d_q[at_q + c] += d_score * k[at_k(j) + c];
                            results.d_k[at_k(j) + c] += d_score * q[at_q + c];
                        }
                    }
                }
            }
        }
        let largest = |terms: Vec<f64>| terms.into_iter().fold(0.0, f64::max);
        let terms = Terms {
            context: largest(terms_o),
            d_v: largest(terms_v),
            d_q: largest(terms_q),
            d_k: largest(terms_k),
        };
        (results, terms)
    }
}

/// A contiguous `[batch, seq_len, n_heads, d]`; one without numbers gets strides that lead out of memory.
fn view<T>(data: &[T], seq_len: usize, n_heads: usize, d: usize) -> View<'_, T> {
    let far = usize::MAX - 2;
    match data.is_empty() {
        true => View { data, batch_stride: far, seq_stride: far, head_stride: far },
        false => View::contiguous(data, seq_len, n_heads, d),
    }
}

fn grid<T>(data: &[T], [batch_stride, head_stride, q_stride, k_stride]: [usize; 4]) -> MaskView<'_, T> {
    MaskView { data, batch_stride, head_stride, q_stride, k_stride }
}
