//! Finds attention layers by the names of their matrices and splits them into heads.

use std::collections::BTreeMap;

use crate::error::InspectError;
use crate::matrix::Matrix;
use crate::weights::Weights;

/// The matrices of one attention layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights {
    /// What stands before `.w_q`, such as `blocks.0.attention`; empty where the matrix is called just `w_q`.
    pub prefix: String,
    /// In the order of their columns.
    pub heads: Vec<HeadWeights>,
}

/// The matrices of one head. One that the file does not hold was the identity, or absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeadWeights {
    /// Makes queries, `[d_in, d_k]`.
    pub w_q: Option<Matrix>,
    /// Makes keys, `[d_in, d_k]`.
    pub w_k: Option<Matrix>,
    /// Makes values, `[d_in, d_v]`.
    pub w_v: Option<Matrix>,
    /// How the head's output enters the sum, `[d_v, d_out]`.
    pub w_o: Option<Matrix>,
}

/// Every attention layer of the file, in natural order (`blocks.2` before `blocks.10`).
///
/// A layer is any prefix under which there is a `w_q`, `w_k`, `w_v` or `w_o`. Columns `h·d_k .. (h+1)·d_k` of `w_q`
/// belong to head `h`, and so do those of `w_k` and `w_v`; of `w_o`, rows `h·d_v .. (h+1)·d_v` do.
///
/// # Errors
/// If `n_heads` is zero or does not divide a matrix, or one of these tensors is no matrix.
pub fn layers(weights: &Weights, n_heads: usize) -> Result<Vec<LayerWeights>, InspectError> {
    if n_heads == 0 {
        return Err(InspectError::NoHeads);
    }
    let mut layers: BTreeMap<Vec<Part>, LayerWeights> = BTreeMap::new();
    for name in weights.names() {
        let (prefix, last) = name.rsplit_once('.').unwrap_or(("", name));
        let Some(kind) = Kind::of(last) else { continue };
        let heads = kind.split(weights.matrix(name)?, name, n_heads)?;
        let layer = layers.entry(parts(prefix)).or_insert_with(|| LayerWeights {
            prefix: prefix.to_owned(),
            heads: vec![HeadWeights::default(); n_heads],
        });
        for (head, matrix) in layer.heads.iter_mut().zip(heads) {
            *kind.place(head) = Some(matrix);
        }
    }
    Ok(layers.into_values().collect())
}

impl HeadWeights {
    /// The four matrices under their names in the file.
    pub fn named(&self) -> [(&'static str, Option<&Matrix>); 4] {
        [
            ("w_q", self.w_q.as_ref()),
            ("w_k", self.w_k.as_ref()),
            ("w_v", self.w_v.as_ref()),
            ("w_o", self.w_o.as_ref()),
        ]
    }

    /// What attends to what: `score(x_i, x_j) ∝ x_i W_Q W_Kᵀ x_jᵀ`, so `W_Q W_Kᵀ`, `[d_in, d_in]`
    /// ([Elhage et al. 2021, QK circuit](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// Unlike its factors it does not depend on the basis in which queries and keys meet. `None` unless both are there
    /// with the same `d_k`.
    pub fn qk(&self) -> Option<Matrix> {
        let (w_q, w_k) = (self.w_q.as_ref()?, self.w_k.as_ref()?);
        (w_q.columns() == w_k.columns())
            .then(|| w_q.multiply(&w_k.transpose()).with_axes("d_in of the query", "d_in of the key"))
    }

    /// What is handed over once attended to: `W_V W_O`, `[d_in, d_out]`
    /// ([Elhage et al. 2021, OV circuit](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// `None` unless both are there with the same `d_v`.
    pub fn ov(&self) -> Option<Matrix> {
        let (w_v, w_o) = (self.w_v.as_ref()?, self.w_o.as_ref()?);
        (w_v.columns() == w_o.rows()).then(|| w_v.multiply(w_o))
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Query,
    Key,
    Value,
    Output,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        match name {
            "w_q" => Some(Self::Query),
            "w_k" => Some(Self::Key),
            "w_v" => Some(Self::Value),
            "w_o" => Some(Self::Output),
            _ => None,
        }
    }

    fn place(self, head: &mut HeadWeights) -> &mut Option<Matrix> {
        match self {
            Self::Query => &mut head.w_q,
            Self::Key => &mut head.w_k,
            Self::Value => &mut head.w_v,
            Self::Output => &mut head.w_o,
        }
    }

    fn split(self, matrix: Matrix, name: &str, n_heads: usize) -> Result<Vec<Matrix>, InspectError> {
        let (axis, length) = match self {
            Self::Output => ("rows", matrix.rows()),
            _ => ("columns", matrix.columns()),
        };
        if length % n_heads != 0 {
            return Err(InspectError::HeadsDoNotDivide { name: name.to_owned(), axis, length, n_heads });
        }
        let width = length / n_heads;
        let head = |h: usize| h * width..(h + 1) * width;
        Ok((0..n_heads)
            .map(|h| match self {
                Self::Query | Self::Key => matrix.slice_columns(head(h)).with_axes("d_in", "d_k"),
                Self::Value => matrix.slice_columns(head(h)).with_axes("d_in", "d_v"),
                Self::Output => matrix.slice_rows(head(h)).with_axes("d_v", "d_out"),
            })
            .collect())
    }
}

/// A name's parts, numbers compared as numbers; the text keeps `0` and `00` apart.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64, String),
    Text(String),
}

fn parts(prefix: &str) -> Vec<Part> {
    prefix
        .split('.')
        .map(|part| match part.parse() {
            Ok(number) => Part::Number(number, part.to_owned()),
            Err(_) => Part::Text(part.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{file, weights};

    /// Values that say where they stand: row.column in hundredths.
    fn counted(rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns).map(|i| ((i / columns) * 100 + i % columns) as f32).collect()
    }

    #[test]
    fn columns_of_w_q_and_rows_of_w_o_belong_to_heads() -> Result<(), InspectError> {
        // d_in = 2, n_heads = 3, d_k = 5, d_v = 7, d_out = 11.
        let weights = weights(&[
            ("blocks.0.attention.w_q", &[2, 15], counted(2, 15)),
            ("blocks.0.attention.w_k", &[2, 15], counted(2, 15)),
            ("blocks.0.attention.w_v", &[2, 21], counted(2, 21)),
            ("blocks.0.attention.w_o", &[21, 11], counted(21, 11)),
            ("blocks.0.attention.b_q", &[15], vec![0.0; 15]),
        ]);
        let layers = layers(&weights, 3)?;
        assert_eq!(layers.len(), 1);
        assert_eq!(layers[0].prefix, "blocks.0.attention");
        let head = &layers[0].heads[2];
        let sizes = head.named().map(|(_, m)| m.map(|m| (m.rows(), m.columns(), m.axes())));
        assert_eq!(
            sizes,
            [
                Some((2, 5, ["d_in", "d_k"])),
                Some((2, 5, ["d_in", "d_k"])),
                Some((2, 7, ["d_in", "d_v"])),
                Some((7, 11, ["d_v", "d_out"])),
            ]
        );
        let corner = head.named().map(|(_, m)| m.map(|m| m.at(1, 4)));
        assert_eq!(corner, [Some(114.0), Some(114.0), Some(118.0), Some(1504.0)]);
        let circuits = [head.qk(), head.ov()].map(|m| m.map(|m| (m.rows(), m.columns())));
        assert_eq!(circuits, [Some((2, 2)), Some((2, 11))]);
        Ok(())
    }

    #[test]
    fn the_circuits_are_products_of_a_heads_matrices() -> Result<(), InspectError> {
        let weights = weights(&[
            ("w_q", &[2, 1], vec![2.0, 3.0]),
            ("w_k", &[2, 1], vec![5.0, 7.0]),
            ("w_v", &[2, 1], vec![2.0, -1.0]),
            ("w_o", &[1, 3], vec![1.0, 10.0, 100.0]),
        ]);
        let head = &layers(&weights, 1)?[0].heads[0];
        let values = [head.qk(), head.ov()].map(|m| m.map(|m| m.values().to_vec()));
        assert_eq!(values[0].as_deref(), Some(&[10.0, 14.0, 15.0, 21.0][..]));
        assert_eq!(values[1].as_deref(), Some(&[2.0, 20.0, 200.0, -1.0, -10.0, -100.0][..]));
        Ok(())
    }

    #[test]
    fn layers_come_in_natural_order_and_may_lack_matrices() -> Result<(), InspectError> {
        let names = ["blocks.10.w_v", "blocks.2.w_o", "w_q", "encoder.w_k"];
        let tensors: Vec<_> = names.iter().map(|&name| (name, &[2, 2][..], vec![1.0; 4])).collect();
        let layers = layers(&weights(&tensors), 2)?;
        let prefixes: Vec<&str> = layers.iter().map(|layer| layer.prefix.as_str()).collect();
        assert_eq!(prefixes, ["", "blocks.2", "blocks.10", "encoder"]);
        assert_eq!((layers[1].heads[0].w_q.as_ref(), layers[1].heads[0].qk()), (None, None));
        Ok(())
    }

    #[test]
    fn heads_that_do_not_divide_are_refused_with_the_numbers() {
        let w_q = weights(&[("a.w_q", &[2, 15], vec![0.0; 30])]);
        let message = layers(&w_q, 7).expect_err("15 columns").to_string();
        assert!(message.starts_with("a.w_q has 15 columns, which n_heads = 7 does not divide"), "{message}");
        let w_o = weights(&[("w_o", &[15, 2], vec![0.0; 30])]);
        let message = layers(&w_o, 2).expect_err("15 rows").to_string();
        assert!(message.starts_with("w_o has 15 rows"), "{message}");
        assert!(matches!(layers(&w_o, 0), Err(InspectError::NoHeads)));
    }

    #[test]
    fn a_tensor_that_is_no_matrix_is_refused() {
        for shape in [&[6][..], &[1, 2, 3], &[0, 6], &[6, 0], &[]] {
            let count = shape.iter().product();
            let weights = weights(&[("w_k", shape, vec![0.0; count])]);
            let error = layers(&weights, 1);
            assert!(matches!(error, Err(InspectError::WrongShape { .. })), "{shape:?} {error:?}");
        }
    }

    #[test]
    fn an_empty_axis_costs_nothing() -> Result<(), InspectError> {
        let header = r#"{"w_q":{"dtype":"F32","shape":[9007199254740992,0],"data_offsets":[0,0]}}"#;
        let weights = Weights::from_bytes("empty", file(header, &[]))?;
        assert!(layers(&weights, 1).is_err());
        Ok(())
    }
}
