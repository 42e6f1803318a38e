//! The sizes of one head's attention, written as on the lecture's slide.

use qkv_run::tensor_names::WATCHED;

use crate::film::frames::Film;
use crate::matrix::dense::Matrix;

/// How large everything in one head is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shapes {
    /// Positions of the input.
    pub seq_len: usize,
    /// Width of x.
    pub d_in: usize,
    /// Width of queries and keys; that of x where there is neither W_Q nor W_K.
    pub d_k: usize,
    /// Width of values; that of x where there is no W_V.
    pub d_v: usize,
    /// Whether W_Q, W_K and W_V are there.
    pub projected: [bool; 3],
    /// How scores are made of queries and keys.
    score: String,
}

impl Shapes {
    /// One equation a line, what it says on the left and the shapes on the right.
    ///
    /// ```text
    /// q = x W_Q      [16 × 32] = [16 × 32] [32 × 24]
    /// ```
    pub fn lines(&self) -> Vec<[String; 2]> {
        let Self { seq_len, d_in, d_k, d_v, .. } = *self;
        let shape = |rows: usize, columns: usize| format!("[{rows} × {columns}]");
        let x = shape(seq_len, d_in);
        let projected = |index: usize, name: &str, matrix: &str, width: usize| match self.projected[index] {
            true => [
                format!("{name} = x {matrix}"),
                format!("{} = {x} {}", shape(seq_len, width), shape(d_in, width)),
            ],
            false => [format!("{name} = x"), x.clone()],
        };
        let map = shape(seq_len, seq_len);
        let (q, k, v) = (shape(seq_len, d_k), shape(d_k, seq_len), shape(seq_len, d_v));
        vec![
            projected(0, "q", "W_Q", d_k),
            projected(1, "k", "W_K", d_k),
            projected(2, "v", "W_V", d_v),
            match self.score.as_str() {
                "dot" => ["scores = q kᵀ".to_owned(), format!("{map} = {q} {k}")],
                "scaled-dot" => [format!("scores = q kᵀ / √{d_k}"), format!("{map} = {q} {k}")],
                _ => ["scores of q and k".to_owned(), map.clone()],
            },
            ["weights = softmax(scores)".to_owned(), map.clone()],
            ["context = weights v".to_owned(), format!("{v} = {map} {v}")],
        ]
    }
}

impl Film {
    /// The sizes of the first head; `None` where nothing in the run says how long an input or how wide x is.
    pub fn shapes(&self) -> Option<Shapes> {
        let probe = self.frames.iter().rev().find_map(|frame| frame.probes.first()?.maps.first());
        let seq_len = self.config.seq_len.or(probe.map(|map| map.weights.rows()))?;
        let last = self.frames.last()?;
        let head = self.ends().and_then(|[_, last]| last.layers.first()?.heads.first());
        let [w_q, w_k, w_v] = WATCHED.map(|name| head.and_then(|head| head.matrix(name)));
        let first = w_q.or(w_k).or(w_v);
        let d_in = first.map(Matrix::rows).or(last.embeddings.tokens.as_ref().map(Matrix::columns))?;
        Some(Shapes {
            seq_len,
            d_in,
            d_k: w_q.or(w_k).map_or(d_in, Matrix::columns),
            d_v: w_v.map_or(d_in, Matrix::columns),
            projected: [w_q, w_k, w_v].map(|matrix| matrix.is_some()),
            score: self.config.score.clone().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_are_those_of_the_slide() {
        let mut shapes = Shapes {
            seq_len: 6,
            d_in: 16,
            d_k: 24,
            d_v: 28,
            projected: [true; 3],
            score: "scaled-dot".to_owned(),
        };
        let lines = shapes.lines();
        assert_eq!(lines[0], ["q = x W_Q", "[6 × 24] = [6 × 16] [16 × 24]"]);
        assert_eq!(lines[3], ["scores = q kᵀ / √24", "[6 × 6] = [6 × 24] [24 × 6]"]);
        assert_eq!(lines[5], ["context = weights v", "[6 × 28] = [6 × 6] [6 × 28]"]);
        shapes.projected = [false; 3];
        assert_eq!(shapes.lines()[2], ["v = x", "[6 × 16]"]);
    }
}
