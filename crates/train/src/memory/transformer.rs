//! How many numbers a transformer holds at once: its parameters, and what a pass keeps for the backward.

use qkv_model::{Choice, EmbeddingsConfig, Implementation, NormConfig, Projection, TransformerConfig};

use super::{ModelSizes, PassSizes, Passes};
use crate::saving::MAX_VALUES;

/// Arrays of the size of the residual stream, `[batch, seq_len, d_model]`, that embedding, last norm and the backward
/// of the block that is under way hold at once; measured.
const STREAMS_UNDER_WAY: f64 = 11.0;

/// The same of a forward pass without a backward; measured.
const STREAMS_OF_EVALUATION: f64 = 8.0;

/// T × T maps that the reference implementation keeps of a layer for the backward: scores, weights and their copies;
/// measured.
const MAPS_KEPT: f64 = 4.0;

/// The same with dropout of the weights, whose mask is a map of its own; measured.
const MAPS_OF_DROPOUT: f64 = 4.0;

/// Maps that the backward of one layer holds beside them; measured.
const MAPS_UNDER_WAY: f64 = 3.0;

/// Maps that a forward pass without a backward holds; measured.
const MAPS_OF_EVALUATION: f64 = 2.0;

/// Arrays of `[batch, heads, T, T, d_hidden]` that an additive score keeps of a layer for the backward; measured.
const HIDDEN_OF_ADDITIVE: f64 = 5.0;

/// The same in a forward pass without a backward; measured.
const HIDDEN_OF_ADDITIVE_EVALUATION: f64 = 2.0;

/// Copies of logits in a step or an evaluation: themselves, their gradient, and softmax and its logarithm; measured.
const LOGITS: f64 = 4.0;

/// Examples that a frame of a command's runs shows at most.
const MAX_EXAMPLES_OF_FRAME: usize = 3;

/// Copies of the maps in a frame: of the pass, on the host, as bytes, and as the file; measured.
const MAPS_OF_FRAME: f64 = 7.0;

/// `config` must be resolved.
pub(crate) fn sizes(config: &TransformerConfig, passes: &Passes) -> ModelSizes {
    let layers = config.n_layers as f64;
    let Parameters { all, learned, learned_maps } = Parameters::of(config);
    let is_fused = is_fused(config) && !passes.shows_maps;
    let step = Pass::new(config, passes, passes.n_in_step);
    let evaluation = Pass::new(config, passes, passes.n_in_evaluation);
    // As many examples as fit into a frame, and one that each checkpoint has.
    let in_frame = MAX_VALUES / (config.n_layers * config.n_heads * config.seq_len.pow(2)).max(1);
    let frame = Pass::new(config, passes, in_frame.clamp(1, MAX_EXAMPLES_OF_FRAME));
    let maps_kept = MAPS_KEPT + if config.dropout > 0.0 { MAPS_OF_DROPOUT } else { 0.0 };
    let d_hidden = d_hidden_of_additive(config);
    let (kept, under_way, evaluated) = match is_fused {
        true => (0.0, 0.0, 0.0),
        false => (
            maps_kept + HIDDEN_OF_ADDITIVE * d_hidden,
            MAPS_UNDER_WAY,
            MAPS_OF_EVALUATION + HIDDEN_OF_ADDITIVE_EVALUATION * d_hidden,
        ),
    };
    let sizes = PassSizes {
        step: layers * (step.layer + kept * step.maps)
            + STREAMS_UNDER_WAY * step.stream
            + step.projected
            + 2.0 * step.hidden
            + under_way * step.maps
            + step.logits,
        evaluation: STREAMS_OF_EVALUATION * evaluation.stream
            + evaluation.hidden
            + evaluated * evaluation.maps
            + evaluation.logits,
        frame: (layers * MAPS_OF_FRAME + evaluated) * frame.maps
            + STREAMS_OF_EVALUATION * frame.stream
            + frame.logits,
        unknown: unknown(config, is_fused),
    };
    ModelSizes { parameters: all, learned, learned_maps, passes: Some(sizes) }
}

/// Numbers in the arrays of one pass.
struct Pass {
    /// `[batch, seq_len, d_model]`.
    stream: f64,
    /// Queries, keys, values and contexts of a layer.
    projected: f64,
    /// `[batch, seq_len, d_mlp]`, all that an MLP keeps of that size.
    hidden: f64,
    /// `[batch, heads, seq_len, seq_len]`.
    maps: f64,
    /// `[n_targets, vocab_size]`, with its copies.
    logits: f64,
    /// What a layer keeps for the backward, without maps.
    layer: f64,
}

impl Pass {
    fn new(config: &TransformerConfig, passes: &Passes, n_examples: usize) -> Self {
        let &Passes { n_targets, shows_maps, .. } = passes;
        let [n_heads, n_kv_heads, d_k, d_v] = heads(config);
        let n_tokens = n_examples as f64 * config.seq_len as f64;
        let stream = n_tokens * config.d_model as f64;
        let projected = n_tokens * (n_heads * (d_k + d_v) + n_kv_heads * (d_k + d_v));
        // Norm and scores of a head take copies of queries and keys, and so may a score of the user's own.
        let is_plain = is_fused(config) && !shows_maps && SCORES.contains(&&*config.score.name);
        let copies = if config.qk_norm || !is_plain { 2.0 } else { 1.0 };
        // The kernel keeps one; measured for the others, of which a user's may need as many as the largest.
        let per_hidden = match &*config.activation.name {
            "gelu" => 1.0,
            "relu" => 2.0,
            _ => 4.0,
        };
        let hidden = per_hidden * n_tokens * config.d_mlp as f64;
        let of_norm = if config.norm == NormConfig::None { 0.0 } else { 1.0 };
        let sublayers = if config.d_mlp > 0 { 2.0 } else { 1.0 };
        let of_dropout = if config.dropout > 0.0 { 1.0 } else { 0.0 };
        Self {
            stream,
            projected,
            hidden,
            maps: n_examples as f64 * n_heads * (config.seq_len as f64).powi(2),
            logits: LOGITS * n_examples as f64 * n_targets as f64 * config.vocab_size as f64,
            layer: sublayers * (1.0 + of_norm + of_dropout) * stream + copies * projected + hidden,
        }
    }
}

/// Numbers in matrices; vectors are too short to count.
struct Parameters {
    all: f64,
    learned: f64,
    learned_maps: f64,
}

impl Parameters {
    fn of(config: &TransformerConfig) -> Self {
        let [n_heads, n_kv_heads, d_k, d_v] = heads(config);
        let (d_model, vocab_size) = (config.d_model as f64, config.vocab_size as f64);
        let of = |wanted: fn(Projection) -> bool| {
            let widths = [n_heads * d_k, n_kv_heads * d_k, n_kv_heads * d_v];
            let wanted = config.projections.each().into_iter().zip(widths).filter(|(each, _)| wanted(*each));
            d_model * wanted.map(|(_, width)| width).sum::<f64>()
        };
        let projections = of(|each| each != Projection::None);
        let w_o = if config.w_o { n_heads * d_v * d_model } else { 0.0 };
        let maps_of_mlp = if config.activation.name == "swiglu" { 3.0 } else { 2.0 };
        let mlp = maps_of_mlp * d_model * config.d_mlp as f64;
        let table = vocab_size * d_model;
        let positions =
            if config.positions.name == "learned" { config.seq_len as f64 * d_model } else { 0.0 };
        let unembedding = if config.tied { 0.0 } else { table };
        let layers = config.n_layers as f64;
        let maps = layers * (projections + w_o + mlp);
        let all = maps + table + positions + unembedding;
        let frozen_projections = layers * of(|each| each == Projection::Frozen);
        let fixed_table = if config.embeddings == EmbeddingsConfig::Fixed { table } else { 0.0 };
        Self { all, learned: all - frozen_projections - fixed_table, learned_maps: maps - frozen_projections }
    }
}

fn heads(config: &TransformerConfig) -> [f64; 4] {
    let resolved = |size: Option<usize>| size.expect("a resolved config has its head sizes") as f64;
    [config.n_heads as f64, resolved(config.n_kv_heads), resolved(config.d_k), resolved(config.d_v)]
}

/// The width of an additive score; 0 for others.
fn d_hidden_of_additive(config: &TransformerConfig) -> f64 {
    let d_hidden = config.score.settings.get("d_hidden").and_then(serde_json::Value::as_f64);
    d_hidden.filter(|_| config.score.name == ADDITIVE).unwrap_or(0.0)
}

const ADDITIVE: &str = "additive";

const SCORES: [&str; 3] = ["dot", "scaled-dot", ADDITIVE];

/// What types of the user's own compute: maps count for a score that the kernels do not, and nothing for the others.
fn unknown(config: &TransformerConfig, is_fused: bool) -> Option<String> {
    let of_score = if is_fused { "computes" } else { "computes besides its maps" };
    let parts: [(&str, &Choice, &[&str], &str); 6] = [
        ("score", &config.score, &SCORES, of_score),
        ("positions", &config.positions, &["none", "learned", "sinusoidal", "rope", "alibi"], "compute"),
        ("layer", &config.layer, &["self-attention"], "computes"),
        ("mask", &config.mask, &["none", "causal"], "computes"),
        ("norm", &config.norm_kind, &["layer", "rms"], "computes"),
        ("activation", &config.activation, &["gelu", "relu", "swiglu"], "computes"),
    ];
    let own = parts.into_iter().filter(|(_, choice, built_in, _)| !built_in.contains(&choice.name.as_str()));
    let all = own.map(|(kind, choice, _, computes)| format!("what the {kind} `{}` {computes}", choice.name));
    let all: Vec<String> = all.collect();
    (!all.is_empty()).then(|| all.join(", and "))
}

/// Whether the kernels can compute attention, which keep no map, as far as names tell: a score of the user's own may be
/// a dot product of what it prepares.
fn is_fused(config: &TransformerConfig) -> bool {
    config.score.name != ADDITIVE && config.softcap == 0.0 && config.attention != Implementation::Reference
}
