//! The sizes of one head's attention, written as on the lecture's slide.

use qkv_run::tensor_names::WATCHED;

use crate::files::layer_kind::LayerKind;
use crate::film::frames::Film;
use crate::matrix::dense::Matrix;

impl Film {
    /// The sizes of a head of the [`main_layer`](Self::main_layer), one equation a line, what it computes on the left and
    /// the shapes on the right; `None` where the run lacks the length of an input or the width of x.
    ///
    /// ```text
    /// q = x W_Q      [16 × 24] = [16 × 32] [32 × 24]
    /// ```
    pub fn shapes(&self) -> Option<Vec<[String; 2]>> {
        let name = self.main_layer();
        let map = self.frames.iter().rev().find_map(|frame| {
            let maps = &frame.probes.first()?.maps;
            maps.iter().find(|map| Some(map.layer.as_str()) == name)
        });
        let whole = self.config.seq_len.filter(|_| map.is_none_or(|map| map.positions.is_none()));
        let lens = whole.map(|seq_len| [seq_len; 2]).or(map.map(|map| map.weights.size()))?;
        let last = self.frames.last()?;
        let layer = self
            .ends()
            .and_then(|[_, last]| last.layers.iter().find(|layer| Some(layer.prefix.as_str()) == name));
        let projections = WATCHED.map(|name| layer.and_then(|layer| layer.matrix(0, name)));
        let first = projections.into_iter().flatten().next();
        let d_in = first.map(Matrix::rows).or(last.embeddings.tokens.as_ref().map(Matrix::columns))?;
        let widths = projections.map(|matrix| matrix.map(Matrix::columns));
        let part = d_in / layer.map_or(self.config.heads().n_heads, |layer| layer.heads.len()).max(1);
        let product = match (self.config.score.as_deref().unwrap_or_default(), self.config.scale()) {
            ("dot", _) => Some("q kᵀ".to_owned()),
            ("scaled-dot", Some(scale)) => Some(format!("q kᵀ · {scale}")),
            ("scaled-dot", None) => Some(format!("q kᵀ / √{}", widths[1].unwrap_or(part))),
            _ => None,
        };
        let is_cross = name.is_some_and(|name| !LayerKind::of(name).reads_its_own_stream());
        let d_source = projections[1].or(projections[2]).map_or(d_in, Matrix::rows);
        let source = if is_cross { ("s", d_source) } else { ("x", d_in) };
        Some(lines(lens, [d_in, part], source, widths, product))
    }
}

/// `source` is what keys and values are made of, and its width. `widths` are those of queries, keys and values, where they
/// are projected; what is not is a part of the input, all of it where there is one head. `product` is the score, where it
/// is one.
fn lines(
    [q_len, k_len]: [usize; 2],
    [d_in, part]: [usize; 2],
    source: (&str, usize),
    widths: [Option<usize>; 3],
    product: Option<String>,
) -> Vec<[String; 2]> {
    let shape = |rows: usize, columns: usize| format!("[{rows} × {columns}]");
    let input = |name: &str, rows: usize, (x, d_in): (&str, usize), width: Option<usize>| match width {
        Some(width) => [
            format!("{name} = {x} W_{}", name.to_uppercase()),
            format!("{} = {} {}", shape(rows, width), shape(rows, d_in), shape(d_in, width)),
        ],
        None if part == d_in => [format!("{name} = {x}"), shape(rows, d_in)],
        None => [format!("{name} = columns of {x}"), shape(rows, part)],
    };
    let [d_q, d_k, d_v] = widths.map(|width| width.unwrap_or(part));
    let map = shape(q_len, k_len);
    vec![
        input("q", q_len, ("x", d_in), widths[0]),
        input("k", k_len, source, widths[1]),
        input("v", k_len, source, widths[2]),
        match product {
            Some(product) => [
                format!("scores = {product}"),
                format!("{map} = {} {}", shape(q_len, d_q), shape(d_k, k_len)),
            ],
            None => ["scores of q and k".to_owned(), map.clone()],
        },
        ["weights = softmax(scores)".to_owned(), map.clone()],
        ["context = weights v".to_owned(), format!("{} = {map} {}", shape(q_len, d_v), shape(k_len, d_v))],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::InspectError;
    use crate::files::config::CheckpointConfig;
    use crate::files::metrics::Metrics;
    use crate::fixtures::tensors;

    #[test]
    fn the_shapes_are_those_of_the_slide() {
        let projected =
            lines([6, 6], [16, 16], ("x", 16), [Some(24), Some(24), Some(28)], Some("q kᵀ / √24".to_owned()));
        assert_eq!(projected[0], ["q = x W_Q", "[6 × 24] = [6 × 16] [16 × 24]"]);
        assert_eq!(projected[3], ["scores = q kᵀ / √24", "[6 × 6] = [6 × 24] [24 × 6]"]);
        assert_eq!(projected[5], ["context = weights v", "[6 × 28] = [6 × 6] [6 × 28]"]);
        assert_eq!(lines([6, 6], [16, 16], ("x", 16), [None; 3], None)[2], ["v = x", "[6 × 16]"]);
        // Two heads, of which each has its part of the keys.
        let mixed = lines([6, 6], [16, 8], ("x", 16), [Some(8), None, Some(5)], Some("q kᵀ".to_owned()));
        assert_eq!(mixed[1], ["k = columns of x", "[6 × 8]"]);
        assert_eq!(mixed[3], ["scores = q kᵀ", "[6 × 6] = [6 × 8] [8 × 6]"]);
        // An answer of 5 positions reads a source of 7, which is 13 wide.
        let cross =
            lines([5, 7], [16, 16], ("s", 13), [Some(24), Some(24), Some(28)], Some("q kᵀ".to_owned()));
        assert_eq!(cross[1], ["k = s W_K", "[7 × 24] = [7 × 13] [13 × 24]"]);
        assert_eq!(cross[3], ["scores = q kᵀ", "[5 × 7] = [5 × 24] [24 × 7]"]);
        assert_eq!(cross[5], ["context = weights v", "[5 × 28] = [5 × 7] [7 × 28]"]);
    }

    #[test]
    fn the_scale_is_that_of_the_config() -> Result<(), InspectError> {
        let scores = |score: &str| {
            let config = CheckpointConfig::of_toml(&format!("[model]\nseq_len = 5\nscore = {score}"), &[])?;
            let file = tensors(&[("a.w_k", &[3, 4], vec![1.0; 12])], &[]);
            let film = Film::of_frames("x", config, Metrics::default(), [(0, file)])?;
            Ok::<_, InspectError>(film.shapes().expect("a width and a length")[3][0].clone())
        };
        assert_eq!(scores("{name = \"scaled-dot\", scale = 2.5}")?, "scores = q kᵀ · 2.5");
        assert_eq!(scores("\"scaled-dot\"")?, "scores = q kᵀ / √4");
        assert_eq!(scores("\"dot\"")?, "scores = q kᵀ");
        assert_eq!(scores("\"mine\"")?, "scores of q and k");
        Ok(())
    }
}
