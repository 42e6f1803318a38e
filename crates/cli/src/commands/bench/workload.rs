//! The workloads: five models in training, one with a score in two forms, attention alone on long sequences, and two
//! models that write.

use qkv_model::{Choice, MaskConfig, TransformerConfig};

use super::temperature::{PLAIN, PREPARED};

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
    /// Of [`catalog`](super::temperature::catalog).
    pub score: &'static str,
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
    score: "scaled-dot",
};

const SMALL: Workload =
    Workload { name: "small", seq_len: 64, n_heads: 4, n_layers: 2, vocab_size: 64, ..TOY };

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
    SMALL,
    Workload { name: "char", batch: 12, seq_len: 64, n_layers: 4, vocab_size: 65, ..LM },
    LM,
];

/// What a score of one's own costs, where the kernels compute it and where they do not. Timed if they are asked for.
const SCORES: [Workload; 2] = [
    Workload { name: "score-prepared", batch: 16, seq_len: 256, score: PREPARED, ..SMALL },
    Workload { name: "score-plain", batch: 16, seq_len: 256, score: PLAIN, ..SMALL },
];

/// Models that write, by the name of how they do it, with `-whole` where they keep nothing. Timed if they are asked for.
const WRITING: [(&str, Workload); 2] = [("write-small", SMALL), ("write-lm", LM)];

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
    /// Writing token by token, one sequence.
    Writing { model: Workload, keeps: bool },
}

impl Kind {
    /// `None` for an unknown name; every T has a `long-T`.
    pub fn find(name: &str) -> Option<Self> {
        if let Some(workload) = TRAINING.iter().chain(&SCORES).find(|workload| workload.name == name) {
            return Some(Self::Training(*workload));
        }
        let (keeps, how) = name.strip_suffix("-whole").map_or((true, name), |how| (false, how));
        if let Some((_, model)) = WRITING.iter().find(|(name, _)| *name == how) {
            return Some(Self::Writing { model: *model, keeps });
        }
        let seq_len = name.strip_prefix("long-")?.parse().ok()?;
        (1..=MAX_LENGTH).contains(&seq_len).then_some(Self::Long { seq_len })
    }
}

/// The names that are timed only if they are asked for, for a message.
pub fn others() -> String {
    let [prepared, plain] = SCORES.map(|workload| workload.name);
    let [small, lm] = WRITING.map(|(name, _)| name);
    format!("{prepared}, {plain}, {small}, {small}-whole, {lm}, {lm}-whole, and long-T for any T")
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
            score: Choice::new(self.score),
            ..TransformerConfig::new(self.vocab_size, self.seq_len, self.d_model)
        }
    }

    /// What its random tokens follow from: both forms of a score have the same.
    pub fn label(&self) -> &'static str {
        if [PREPARED, PLAIN].contains(&self.score) { "score" } else { self.name }
    }

    pub fn n_tokens(&self) -> usize {
        self.batch * self.seq_len
    }

    /// Numbers of the matrices that every position is multiplied by.
    pub fn n_weights(&self) -> usize {
        let Self { d_model, n_layers, d_mlp, vocab_size, .. } = *self;
        n_layers * (4 * d_model * d_model + 2 * d_model * d_mlp) + d_model * vocab_size
    }

    /// Additions and multiplications of the matrix products of a step. The backward makes two products for each of the
    /// forward; a pair of positions that the mask hides is not counted.
    pub fn flops(&self) -> f64 {
        let Self { d_model, n_heads, n_layers, .. } = *self;
        let products = 2.0 * (self.n_tokens() * self.n_weights()) as f64;
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
