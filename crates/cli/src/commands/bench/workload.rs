//! The workloads: five models in training, and attention alone on long sequences.

use qkv_model::{Choice, MaskConfig, TransformerConfig};

/// A training step of a small transformer.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    pub name: &'static str,
    pub batch: usize,
    pub seq_len: usize,
    pub d_model: usize,
    pub n_heads: usize,
    pub n_layers: usize,
    pub d_mlp: usize,
    pub vocab_size: usize,
    pub mask: MaskConfig,
}

const TOY: Workload = Workload {
    name: "toy",
    batch: 64,
    seq_len: 16,
    d_model: 64,
    n_heads: 1,
    n_layers: 1,
    d_mlp: 0,
    vocab_size: 32,
    mask: MaskConfig::Causal,
};

const LM: Workload = Workload {
    name: "lm",
    batch: 32,
    seq_len: 256,
    d_model: 128,
    n_heads: 4,
    n_layers: 2,
    d_mlp: 512,
    vocab_size: 64,
    ..TOY
};

pub const TRAINING: [Workload; 5] = [
    TOY,
    Workload {
        name: "reverse",
        batch: 128,
        d_model: 32,
        d_mlp: 128,
        vocab_size: 10,
        mask: MaskConfig::None,
        ..TOY
    },
    Workload { name: "small", seq_len: 64, n_heads: 4, n_layers: 2, vocab_size: 64, ..TOY },
    Workload { name: "char", batch: 12, seq_len: 64, n_layers: 4, vocab_size: 65, ..LM },
    LM,
];

/// Lengths of the long workloads that are timed unless others are asked for.
const LENGTHS: [usize; 2] = [4096, 16384];

/// The longest sequence: a million positions, hours for one step.
const MAX_LENGTH: usize = 1 << 20;

/// The kinds of workload.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A training step.
    Training(Workload),
    /// Forward and backward of causal attention alone, one sequence.
    Long { seq_len: usize },
}

impl Kind {
    /// `None` for an unknown name; every T has a `long-T`.
    pub fn find(name: &str) -> Option<Self> {
        if let Some(workload) = TRAINING.iter().find(|workload| workload.name == name) {
            return Some(Self::Training(*workload));
        }
        let seq_len = name.strip_prefix("long-")?.parse().ok()?;
        (1..=MAX_LENGTH).contains(&seq_len).then_some(Self::Long { seq_len })
    }
}

/// The names of the workloads that are timed unless others are asked for.
pub fn names() -> impl Iterator<Item = String> {
    let long = LENGTHS.into_iter().map(|seq_len| format!("long-{seq_len}"));
    TRAINING.iter().map(|workload| workload.name.to_owned()).chain(long)
}

impl Workload {
    /// Pre-norm, learned positions, W_O, biases in MLP and norms alone, no tied weights, no dropout.
    pub fn config(&self) -> TransformerConfig {
        TransformerConfig {
            n_heads: self.n_heads,
            n_layers: self.n_layers,
            d_mlp: self.d_mlp,
            mask: self.mask.into(),
            w_o: true,
            positions: Choice::new("learned"),
            ..TransformerConfig::new(self.vocab_size, self.seq_len, self.d_model)
        }
    }

    pub fn n_tokens(&self) -> usize {
        self.batch * self.seq_len
    }

    /// Additions and multiplications of the matrix products of a step. The backward makes two products for each of the
    /// forward; a pair of positions that the mask hides is not counted.
    pub fn flops(&self) -> f64 {
        let Self { d_model, n_heads, n_layers, d_mlp, vocab_size, .. } = *self;
        let weights = n_layers * (4 * d_model * d_model + 2 * d_model * d_mlp) + d_model * vocab_size;
        let products = 2.0 * (self.n_tokens() * weights) as f64;
        let attention = attention_flops(self.batch * n_heads, self.seq_len, d_model / n_heads, self.mask);
        3.0 * (products + n_layers as f64 * attention)
    }
}

/// The forward of `n_maps` attention maps: scores and mixing.
pub fn attention_flops(n_maps: usize, seq_len: usize, d: usize, mask: MaskConfig) -> f64 {
    let pairs = match mask {
        MaskConfig::None => seq_len * seq_len,
        MaskConfig::Causal => seq_len * (seq_len + 1) / 2,
    };
    4.0 * (n_maps * pairs * d) as f64
}
