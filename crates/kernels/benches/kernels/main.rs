//! How long the kernels take at the shapes of the workloads of `qkv bench`, and attention beside a version made of
//! tensor operations: `cargo bench -p qkv-kernels --features mimalloc`. `RAYON_NUM_THREADS` sets the number of threads.

mod tensor_ops;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group};
use qkv_kernels::{
    AdamW, AdamWParameter, Attention, AttentionGradients, AttentionInputs, AttentionSaved, CausalAlign,
    CrossEntropySaved, Decay, GeluSaved, Norm, NormKind, NormSaved, View, ViewMut, attention_backward,
    attention_forward, cross_entropy_backward, cross_entropy_forward, embedding_backward, embedding_forward,
    gelu_backward, gelu_forward, global_norm, norm_backward, norm_forward, prepare_process, sum,
};

/// Name, batch, positions, width of a head, heads, and whether the mask is causal.
const WORKLOADS: [(&str, usize, usize, usize, usize, bool); 6] = [
    ("toy", 64, 16, 64, 1, true),
    ("reverse", 128, 16, 32, 1, false),
    ("small", 64, 64, 16, 4, true),
    ("char", 12, 64, 32, 4, true),
    ("lm", 32, 256, 32, 4, true),
    ("long-4096", 1, 4096, 64, 4, true),
];

/// Rows of `lm`: batch times positions.
const N: usize = 8192;
const D_MODEL: usize = 128;
const D_MLP: usize = 512;
const VOCAB: usize = 64;

fn random(n: usize, seed: u64) -> Vec<f32> {
    let mut x = seed;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn attention(c: &mut Criterion) {
    for (name, batch, seq_len, d, n_heads, causal) in WORKLOADS {
        let len = batch * seq_len * n_heads * d;
        let [q, k, v, d_context] = [1, 2, 3, 4].map(|seed| random(len, seed));
        let problem = Attention {
            causal: causal.then_some(CausalAlign::TopLeft),
            ..Attention::<f32>::new(batch, seq_len, n_heads, d)
        };
        let view = |data| View::contiguous(data, seq_len, n_heads, d);
        fn view_mut(data: &mut [f32], [seq_len, n_heads, d]: [usize; 3]) -> ViewMut<'_, f32> {
            ViewMut::contiguous(data, seq_len, n_heads, d)
        }
        let axes = [seq_len, n_heads, d];
        let inputs = AttentionInputs { q: view(&q), k: view(&k), v: view(&v) };
        let mut context = vec![0.0; len];
        let mut normalizer = vec![0.0; batch * n_heads * seq_len * 2];
        let mut group = c.benchmark_group(format!("attention/{name}"));
        group.bench_function("forward", |b| {
            b.iter(|| attention_forward(&problem, inputs, view_mut(&mut context, axes), &mut normalizer));
        });
        let mut gradients = [(); 3].map(|()| vec![0.0; len]);
        group.bench_function("backward", |b| {
            b.iter(|| {
                let [d_q, d_k, d_v] = &mut gradients;
                let saved = AttentionSaved {
                    inputs,
                    context: view(&context),
                    normalizer: &normalizer,
                    d_context: view(&d_context),
                };
                let gradients = AttentionGradients {
                    d_q: view_mut(d_q, axes),
                    d_k: view_mut(d_k, axes),
                    d_v: view_mut(d_v, axes),
                };
                attention_backward(&problem, saved, gradients);
            });
        });
        let shape = tensor_ops::Shape { batch, seq_len, n_heads, d, causal };
        group.bench_function("tensor-ops", |b| {
            b.iter(|| black_box(tensor_ops::forward_and_backward(shape, [&q, &k, &v, &d_context])));
        });
        group.finish();
    }
}

fn between_the_products(c: &mut Criterion) {
    let (x, d_out, bias) = (random(N * D_MLP, 1), random(N * D_MLP, 2), random(D_MLP, 3));
    let mut d_x = vec![0.0; N * VOCAB];
    c.bench_function("gelu/forward", |b| b.iter(|| gelu_forward(&x, &bias)));
    let saved = GeluSaved { x: &x, bias: &bias, d_out: &d_out };
    c.bench_function("gelu/backward", |b| b.iter(|| gelu_backward(saved)));

    let targets: Vec<i64> = (0..N as i64).map(|i| i * 7 % VOCAB as i64).collect();
    let (logits, mut normalizer) = (&x[..N * VOCAB], vec![0.0; N * 2]);
    c.bench_function("cross-entropy/forward", |b| {
        b.iter(|| black_box(cross_entropy_forward(logits, &targets, &mut normalizer)));
    });
    let saved = CrossEntropySaved { logits, targets: &targets, normalizer: &normalizer };
    c.bench_function("cross-entropy/backward", |b| {
        b.iter(|| cross_entropy_backward(saved, 1.0, &mut d_x));
    });

    let len = N * D_MODEL;
    let (gamma, beta) = (random(D_MODEL, 4), random(D_MODEL, 5));
    let norm = Norm { gamma: &gamma, epsilon: 1e-5, kind: NormKind::Layer { beta: &beta } };
    c.bench_function("layer-norm/forward", |b| {
        b.iter(|| norm_forward(norm, &x[..len]));
    });
    let statistics = norm_forward(norm, &x[..len]).statistics;
    let saved = NormSaved { x: &x[..len], statistics: &statistics, d_out: &d_out[..len] };
    c.bench_function("layer-norm/backward", |b| {
        b.iter(|| norm_backward(norm, saved));
    });

    c.bench_function("embedding/forward", |b| {
        b.iter(|| embedding_forward(&x[..VOCAB * D_MODEL], D_MODEL, &targets));
    });
    c.bench_function("embedding/backward", |b| {
        b.iter(|| embedding_backward(&targets, &d_out[..len], [VOCAB, D_MODEL]));
    });
}

fn optimizer(c: &mut Criterion) {
    // The parameters of `lm`: about 430,000 numbers in 40 slices.
    let mut slices: Vec<[Vec<f32>; 4]> =
        (0..40).map(|i| [0, 1, 2, 3].map(|part| random(10_000 + 37 * i, part))).collect();
    for [_, _, _, mean_square] in &mut slices {
        mean_square.iter_mut().for_each(|v| *v = v.abs());
    }
    let adam_w = AdamW {
        learning_rate: 1e-6,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.1,
        step: 10,
        gradient_factor: 1.0,
    };
    c.bench_function("adam-w/norm", |b| {
        let gradients: Vec<&[f32]> = slices.iter().map(|[_, gradient, ..]| &gradient[..]).collect();
        b.iter(|| black_box(global_norm(&gradients)));
    });
    c.bench_function("adam-w/update", |b| {
        b.iter(|| {
            adam_w.update(slices.iter_mut().map(|[weights, gradient, mean, mean_square]| AdamWParameter {
                weights,
                gradient,
                mean,
                mean_square,
                decay: Decay::On,
            }));
        });
    });
    let x = random(1 << 22, 1);
    c.bench_function("sum/4194304", |b| b.iter(|| black_box(sum(&x))));
}

fn quick() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = kernels; config = quick(); targets = attention, between_the_products, optimizer }

fn main() {
    prepare_process(None).expect("nothing was computed before");
    kernels();
    Criterion::default().configure_from_args().final_summary();
}
