//! The circuits of a head as the model's input and output see them: from token to token, from position to position.

use crate::circuit::Circuit;
use crate::config::ModelTable;
use crate::error::InspectError;
use crate::matrix::Matrix;
use crate::weights::Weights;

/// What enters and leaves the residual stream, as far as the file holds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embeddings {
    /// Token vectors, `[vocab_size, d_model]`.
    pub tokens: Option<Matrix>,
    /// Learned position vectors, `[max_len, d_model]`; fixed ones are in no file.
    pub positions: Option<Matrix>,
    /// From the residual stream to logits, `[d_model, vocab_size]`.
    pub unembedding: Option<Matrix>,
}

/// What stands at a position of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The token.
    Token,
    /// The position's own vector.
    Position,
}

impl Embeddings {
    /// Reads `embedding.table`, `positions.learned` and `unembedding`. Where the config says that the model is tied, the
    /// unembedding is the transposed table.
    ///
    /// # Errors
    /// If one of them is no matrix of floating point numbers.
    pub fn read(weights: &Weights, model: &ModelTable) -> Result<Self, InspectError> {
        let matrix = |name: &str| weights.shape(name).map(|_| weights.matrix(name)).transpose();
        let tokens = matrix("embedding.table")?.map(|table| table.with_axes("token", "d_model"));
        let unembedding = match matrix("unembedding")? {
            None if model.tied => tokens.as_ref().map(Matrix::transpose),
            found => found,
        };
        Ok(Self {
            tokens,
            positions: matrix("positions.learned")?.map(|table| table.with_axes("position", "d_model")),
            unembedding: unembedding.map(|matrix| matrix.with_axes("d_model", "next token")),
        })
    }

    /// Who looks for whom: entry `(a, b)` is `a`'s part in the score of a query that holds `a` for a key that holds `b`,
    /// before scaling ([Elhage et al. 2021, QK circuit](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// ```text
    /// E W_Q W_Kᵀ Eᵀ      E W_Q W_Kᵀ Pᵀ      P W_Q W_Kᵀ Eᵀ      P W_Q W_Kᵀ Pᵀ
    /// ```
    ///
    /// Norms, biases and what earlier layers wrote are left out, so this is the whole score only in the first layer of a
    /// model without norms and biases; elsewhere it says which way the matrices pull. Adding a constant to a row changes
    /// no attention weight. `None` where the file lacks the vectors.
    ///
    /// # Errors
    /// If the vectors have not the width that `qk` reads.
    pub fn looks_for(&self, qk: &Circuit, query: Seen, key: Seen) -> Result<Option<Circuit>, InspectError> {
        let (Some(query), Some(key)) = (self.vectors(query), self.vectors(key)) else { return Ok(None) };
        let [down, across] = [query, key].map(|vectors| vectors.axes()[0]);
        let circuit = qk.of_inputs(query)?.onto_outputs(&key.transpose())?;
        Ok(Some(circuit.with_axes(down, across)))
    }

    /// What seeing something says: entry `(a, b)` is how much a head that attends to `a` raises the logit of token `b`
    /// ([Elhage et al. 2021, OV circuit](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// ```text
    /// E W_V W_O U      P W_V W_O U
    /// ```
    ///
    /// Norms, biases and what later layers do are left out. `None` where the file lacks the vectors.
    ///
    /// # Errors
    /// If the vectors have not the width that `ov` reads, or the unembedding not the one that it writes.
    pub fn writes(&self, ov: &Circuit, seen: Seen) -> Result<Option<Circuit>, InspectError> {
        let (Some(vectors), Some(unembedding)) = (self.vectors(seen), &self.unembedding) else {
            return Ok(None);
        };
        let circuit = ov.of_inputs(vectors)?.onto_outputs(unembedding)?;
        Ok(Some(circuit.with_axes(vectors.axes()[0], unembedding.axes()[1])))
    }

    fn vectors(&self, seen: Seen) -> Option<&Matrix> {
        match seen {
            Seen::Token => self.tokens.as_ref(),
            Seen::Position => self.positions.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::weights;

    /// Two tokens, one position, `d_model` = 2; a head that looks from the first dimension to the second.
    fn sample(tied: bool) -> Result<(Embeddings, Circuit), InspectError> {
        let mut list = vec![
            ("embedding.table", &[2, 2][..], vec![1.0, 2.0, 3.0, 5.0]),
            ("positions.learned", &[1, 2], vec![7.0, 11.0]),
        ];
        if !tied {
            list.push(("unembedding", &[2, 3], vec![1.0, 0.0, 2.0, 0.0, 1.0, 2.0]));
        }
        let table = ModelTable { tied, ..ModelTable::default() };
        let circuit = Circuit::new(Matrix::new(2, 1, vec![1.0, 0.0])?, Matrix::new(1, 2, vec![0.0, 1.0])?)?;
        Ok((Embeddings::read(&weights(&list), &table)?, circuit))
    }

    #[test]
    fn a_head_is_seen_through_the_vectors_of_tokens_and_positions() -> Result<(), InspectError> {
        let (embeddings, circuit) = sample(false)?;
        let product = |circuit: Option<Circuit>| circuit.map(|circuit| circuit.product());
        let looks = |query, key| embeddings.looks_for(&circuit, query, key).map(product);
        let (token, position) = (Seen::Token, Seen::Position);
        let tokens = looks(token, token)?.expect("the file has tokens");
        assert_eq!(tokens.values(), [2.0, 5.0, 6.0, 15.0]);
        assert_eq!(tokens.axes(), ["token", "token"]);
        assert_eq!(looks(token, position)?.map(|m| m.values().to_vec()), Some(vec![11.0, 33.0]));
        assert_eq!(looks(position, token)?.map(|m| m.values().to_vec()), Some(vec![14.0, 35.0]));
        assert_eq!(looks(position, position)?.map(|m| m.values().to_vec()), Some(vec![77.0]));
        let written = product(embeddings.writes(&circuit, token)?).expect("the file has all three");
        assert_eq!(written.values(), [0.0, 1.0, 2.0, 0.0, 3.0, 6.0]);
        assert_eq!(written.axes(), ["token", "next token"]);
        Ok(())
    }

    #[test]
    fn a_tied_model_writes_through_its_table() -> Result<(), InspectError> {
        let (embeddings, circuit) = sample(true)?;
        let written = embeddings.writes(&circuit, Seen::Token)?.map(|circuit| circuit.product());
        assert_eq!(written.map(|m| m.values().to_vec()), Some(vec![2.0, 5.0, 6.0, 15.0]));
        Ok(())
    }

    #[test]
    fn what_the_file_lacks_is_not_made_up() -> Result<(), InspectError> {
        let (_, circuit) = sample(true)?;
        let empty = Embeddings::read(&weights(&[("w_q", &[1, 1], vec![1.0])]), &ModelTable::default())?;
        assert_eq!(empty, Embeddings::default());
        assert_eq!(empty.looks_for(&circuit, Seen::Token, Seen::Token)?, None);
        assert_eq!(empty.writes(&circuit, Seen::Token)?, None);
        let narrow = Embeddings { tokens: Some(Matrix::new(2, 1, vec![1.0; 2])?), ..Embeddings::default() };
        assert!(narrow.looks_for(&circuit, Seen::Token, Seen::Token).is_err());
        Ok(())
    }
}
