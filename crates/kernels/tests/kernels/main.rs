//! What the kernels promise, each against a definition written as nested loops.
//!
//! | file | claim |
//! |---|---|
//! | `attention/` | error at most twice (gradients: three times) that of the plain `f32` loops; masks, infinities |
//! | `gelu.rs`, `cross_entropy.rs`, `norm.rs` | the same for what stands between the matrix products |
//! | `matrix.rs`, `mlp.rs` | products, and a whole MLP, against loops |
//! | `embedding.rs` | exactly the loops |
//! | `adam_w.rs` | PyTorch's formula; sums and norms that are rounded once |
//!
//! Each of them also holds: gradients against central differences in `f64`, the same bits for 1, 2, 3, 4 and 8 threads,
//! and every instruction set of this machine, but for the products of `gemm`, which always take the best one.

mod adam_w;
mod attention;
mod cross_entropy;
mod embedding;
mod gelu;
mod matrix;
mod mlp;
mod norm;
mod numbers;
