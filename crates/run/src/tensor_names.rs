//! Names of tensors in checkpoints and frames, behind the path of the layer: `blocks.0.attention.w_q`.

/// Makes queries, `[d_in, n_heads * d_k]`.
pub const W_Q: &str = "w_q";
/// Makes keys, `[d_in, n_kv_heads * d_k]`.
pub const W_K: &str = "w_k";
/// Makes values, `[d_in, n_kv_heads * d_v]`.
pub const W_V: &str = "w_v";
/// From the heads' outputs to the layer's, `[n_heads * d_v, d_out]`.
pub const W_O: &str = "w_o";
/// Added to queries.
pub const B_Q: &str = "b_q";
/// Added to keys.
pub const B_K: &str = "b_k";
/// Added to values.
pub const B_V: &str = "b_v";

/// Token vectors, `[vocab_size, d_model]`.
pub const TOKEN_TABLE: &str = "embedding.table";
/// Learned position vectors, `[max_len, d_model]`.
pub const POSITION_TABLE: &str = "positions.learned";
/// From the residual stream to logits, `[d_model, vocab_size]`.
pub const UNEMBEDDING: &str = "unembedding";

/// Behind the path of a layer: its attention weights in a frame.
pub const MAPS: &str = ".weights";
/// Behind the path of a layer: the input of W_Q, W_K and W_V in a frame, `[traced, seq_len, d_model]`.
pub const TRACE_X: &str = ".trace.x";
/// The input of W_K and W_V where that is another one, `[traced, k_len, d_source]`.
pub const TRACE_SOURCE: &str = ".trace.source";
/// Queries as they are compared, `[traced, heads, q_len, d_k]`.
pub const TRACE_Q: &str = ".trace.q";
/// Keys as they are compared, `[traced, kv_heads, k_len, d_k]`.
pub const TRACE_K: &str = ".trace.k";
/// Values, `[traced, kv_heads, k_len, d_v]`.
pub const TRACE_V: &str = ".trace.v";
/// Scores before scaling, `[traced, heads, q_len, k_len]`.
pub const TRACE_SCORES: &str = ".trace.scores";
/// Scores after scaling, with what is added to them; minus infinity at hidden keys, `[traced, heads, q_len, k_len]`.
pub const TRACE_SCALED: &str = ".trace.scaled";
/// The values mixed by the weights, before W_O, `[traced, heads, q_len, d_v]`.
pub const TRACE_CONTEXT: &str = ".trace.context";
/// The probability of each token as the answer at each position, NaN where none is asked for,
/// `[traced, seq_len, vocab_size]`.
pub const ANSWERS: &str = "answers";

/// Behind the path of a matrix: its gradient `[rows, columns]`, or where that is too large the norms of its columns.
pub const GRADIENT: &str = ".gradient";
/// Behind the path of a matrix: the norms of the columns of its last change.
pub const UPDATE: &str = ".update";

/// The last tensor of a frame, `[32]` of bytes: the SHA-256 of everything before it.
pub const SEAL: &str = "sha256";

/// What a frame has of an attention layer.
pub const PROJECTIONS: [&str; 7] = [W_Q, W_K, W_V, W_O, B_Q, B_K, B_V];
/// What a frame has of the model's input and output.
pub const TABLES: [&str; 3] = [TOKEN_TABLE, POSITION_TABLE, UNEMBEDDING];
/// The matrices whose updates a frame has, and at least the norms of their gradients.
pub const WATCHED: [&str; 3] = [W_Q, W_K, W_V];
/// The matrices whose gradients a frame has, where they are not too large.
pub const WITH_GRADIENT: [&str; 4] = [W_Q, W_K, W_V, W_O];

/// What an optimizer remembers of a parameter under `name`, in `optimizer.safetensors`.
///
/// ```
/// use qkv_run::tensor_names::of_optimizer;
///
/// assert_eq!(of_optimizer("blocks.0.attention.w_q", "m"), "blocks.0.attention.w_q.m");
/// ```
pub fn of_optimizer(path: &str, name: &str) -> String {
    format!("{path}.{name}")
}

/// The path of a layer and the last part of a name: `blocks.0.attention` and `w_q`; the path may be empty.
///
/// ```
/// use qkv_run::tensor_names::split;
///
/// assert_eq!(split("blocks.0.attention.w_q"), ("blocks.0.attention", "w_q"));
/// assert_eq!(split("w_q"), ("", "w_q"));
/// ```
pub fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}
