//! How many numbers an encoder and a decoder hold at once.

use qkv_model::TransformerConfig;

use super::{ModelSizes, PassSizes, Passes, sizes};

/// `config` must be resolved; `source_len` of its positions are the source. Cross-attention counts as a layer over the
/// longer of the two sequences.
pub(crate) fn sizes_of_pair(config: &TransformerConfig, source_len: usize, passes: &Passes) -> ModelSizes {
    let target_len = config.seq_len - source_len;
    let longer = source_len.max(target_len);
    let of = |config: TransformerConfig| sizes(&config, passes);
    let decoder = of(TransformerConfig { seq_len: target_len, ..config.clone() });
    // The decoder alone has logits.
    let encoder = of(TransformerConfig { seq_len: source_len, vocab_size: 1, ..config.clone() });
    let cross = of(TransformerConfig { seq_len: longer, vocab_size: 1, d_mlp: 0, ..config.clone() });
    let held = [&encoder, &decoder, &cross].map(|sizes| sizes.passes.as_ref());
    let sum = |of: fn(&PassSizes) -> f64| held.into_iter().flatten().map(of).sum::<f64>();
    let passes = PassSizes {
        step: sum(|passes| passes.step),
        evaluation: sum(|passes| passes.evaluation),
        frame: sum(|passes| passes.frame),
        unknown: held[1].and_then(|passes| passes.unknown.clone()),
    };
    // Encoder, decoder and cross-attention have one table of tokens and one of positions.
    let whole = of(config.clone());
    let attention = of(TransformerConfig { d_mlp: 0, ..config.clone() });
    let tables = of(TransformerConfig { n_layers: 0, ..config.clone() });
    let all = |of: fn(&ModelSizes) -> f64| 2.0 * of(&whole) + of(&attention) - 2.0 * of(&tables);
    ModelSizes {
        parameters: all(|sizes| sizes.parameters),
        learned: all(|sizes| sizes.learned),
        learned_maps: all(|sizes| sizes.learned_maps),
        passes: Some(passes),
    }
}
