//! What attention must obey, whatever its settings: definitions as nested loops, identities, masks.

/// The mechanism of any shape, with any steps and masks, against nested loops.
mod any_attention;
/// A cross-attention of any config against nested loops.
mod any_cross;
/// A layer of any config against nested loops.
mod any_layer;
/// What is refused, in which words, and what is taken though it is empty.
mod at_the_door;
/// A layer that keeps keys and values against whole sequences.
mod cached;
/// A transformer that reads token by token against whole sequences.
mod decoding;
/// A query that may see nothing.
mod hidden_rows;
/// Rows sum to one, causality, permutations, gauge.
mod identities;
/// What each mask means, and that all apply.
mod masks;
/// NaN and infinity where a query does not look.
mod non_finite;
/// The walk through one query.
mod one_query;
/// Scores that are a dot product after a change of queries and keys.
mod prepared_scores;
/// Self-attention as the cross-attention of a sequence to itself.
mod source_is_x;
