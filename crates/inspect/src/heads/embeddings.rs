//! The circuits of a head as the model's input and output see them: from token to token, from position to position.

use qkv_run::ProbeLabels;
use qkv_run::tensor_names::{POSITION_TABLE, TOKEN_TABLE, UNEMBEDDING};

use crate::error::InspectError;
use crate::files::config::CheckpointConfig;
use crate::files::layer_kind::LayerKind;
use crate::files::weights::Weights;
use crate::heads::circuit::Circuit;
use crate::matrix::dense::Matrix;

/// What enters and leaves the residual stream, as far as the file holds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embeddings {
    /// Token vectors, `[vocab_size, d_model]`.
    pub tokens: Option<Matrix>,
    /// Position vectors, `[max_len, d_model]`: learned ones, or sinusoidal ones, which are in no file but follow from
    /// the config.
    pub positions: Option<Matrix>,
    /// From the residual stream to logits, `[d_model, vocab_size]`.
    pub unembedding: Option<Matrix>,
}

/// What stands at a position of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamInput {
    /// The token.
    Token,
    /// The position's own vector.
    Position,
}

/// A config that asks for more positions is damaged, or of a model that no picture has room for.
const MAX_POSITIONS: usize = 1 << 16;

impl Embeddings {
    /// Reads `embedding.table`, `positions.learned` and `unembedding`. Where the config says that the model is tied,
    /// the unembedding is the transposed table; where it says that positions are sinusoidal, they are computed.
    ///
    /// # Errors
    /// If one of them is no matrix of floating point numbers.
    pub fn read(weights: &Weights, model: &CheckpointConfig) -> Result<Self, InspectError> {
        let matrix = |name: &str| weights.shape(name).map(|_| weights.matrix(name)).transpose();
        let tokens = matrix(TOKEN_TABLE)?.map(|table| table.with_axes("token", "d_model"));
        let unembedding = match matrix(UNEMBEDDING)? {
            None if model.tied => tokens.as_ref().map(Matrix::transpose),
            found => found,
        };
        let positions = match (matrix(POSITION_TABLE)?, &tokens, n_positions(weights, model)) {
            (None, Some(tokens), Some(n @ 1..=MAX_POSITIONS))
                if model.positions.as_deref() == Some("sinusoidal") =>
            {
                Some(sinusoidal(n, tokens.columns())?)
            }
            (found, _, _) => found,
        };
        Ok(Self {
            tokens,
            positions: positions.map(|table| table.with_axes("position", "d_model")),
            unembedding: unembedding.map(|matrix| matrix.with_axes("d_model", "next token")),
        })
    }

    /// Which input attends to which: entry `(a, b)` is `a`'s part in the score of a query that holds `a` for a key that
    /// holds `b`, before scaling
    /// ([Elhage et al. 2021, QK circuit](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// ```text
    /// E W_Q W_Kᵀ Eᵀ      E W_Q W_Kᵀ Pᵀ      P W_Q W_Kᵀ Eᵀ      P W_Q W_Kᵀ Pᵀ
    /// ```
    ///
    /// Norms, biases and what earlier layers wrote are left out, so this is the whole score only in the first layer of
    /// a model without norms and biases; elsewhere it says which way the matrices pull. Adding a constant to a row
    /// changes no attention weight. `None` where the file lacks the vectors.
    ///
    /// # Errors
    /// If the vectors have not the width that `qk` reads.
    pub fn full_qk(
        &self,
        qk: &Circuit,
        query: StreamInput,
        key: StreamInput,
    ) -> Result<Option<Circuit>, InspectError> {
        let (Some(queries), Some(keys)) = (self.vectors(query), self.vectors(key)) else { return Ok(None) };
        let down = match query {
            StreamInput::Token => "query token",
            StreamInput::Position => "query position",
        };
        let across = match key {
            StreamInput::Token => "key token",
            StreamInput::Position => "key position",
        };
        let circuit = qk.of_inputs(queries)?.onto_outputs(&keys.transpose())?;
        Ok(Some(circuit.with_axes(down, across)))
    }

    /// Which input attends to which without W_Q and W_K: queries and keys are the vectors themselves, of which head
    /// `head` of `n_heads` compares its part. `None` where the file lacks the vectors, or they do not split.
    ///
    /// ```text
    /// E Eᵀ      P Pᵀ
    /// ```
    ///
    /// An entry on the diagonal is the squared length of a vector: unless another vector is longer, a token scores
    /// highest with itself. What [`full_qk`](Self::full_qk) leaves out is left out here.
    pub fn without_projections(&self, input: StreamInput, head: usize, n_heads: usize) -> Option<Circuit> {
        let vectors = self.vectors(input)?;
        let d_k = vectors.columns().checked_div(n_heads).filter(|d_k| d_k * n_heads == vectors.columns())?;
        let part = (head < n_heads).then(|| vectors.slice_columns(head * d_k..(head + 1) * d_k))?;
        Circuit::new(part.clone(), part.transpose()).ok()
    }

    /// What attending to an input writes: entry `(a, b)` is how much a head that attends to `a` raises the logit of
    /// token `b` ([Elhage et al. 2021, OV circuit](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// ```text
    /// E W_V W_O U      P W_V W_O U
    /// ```
    ///
    /// Norms, biases and what later layers do are left out. `None` where the file lacks the vectors.
    ///
    /// # Errors
    /// If the vectors have not the width that `ov` reads, or the unembedding not the one that it writes.
    pub fn full_ov(&self, ov: &Circuit, input: StreamInput) -> Result<Option<Circuit>, InspectError> {
        let (Some(vectors), Some(unembedding)) = (self.vectors(input), &self.unembedding) else {
            return Ok(None);
        };
        let circuit = ov.of_inputs(vectors)?.onto_outputs(unembedding)?;
        Ok(Some(circuit.with_axes(vectors.axes()[0], unembedding.axes()[1])))
    }

    /// The same for a sequence of so many positions; a table may have more, for a longer one.
    pub(crate) fn with_positions(&self, n: usize) -> Self {
        let positions = self.positions.as_ref().map(|table| table.slice_rows(0..n.clamp(1, table.rows())));
        Self { positions, ..self.clone() }
    }

    fn vectors(&self, input: StreamInput) -> Option<&Matrix> {
        match input {
            StreamInput::Token => self.tokens.as_ref(),
            StreamInput::Position => self.positions.as_ref(),
        }
    }
}

/// How many positions the table of a model has; `None` where that is not known.
///
/// Of two sequences each begins at 0, and both have one table, which is as long as the longer one. How long they are stands
/// in a frame alone, beside the tokens.
fn n_positions(weights: &Weights, model: &CheckpointConfig) -> Option<usize> {
    let seq_len = model.seq_len?;
    if weights.names().all(|name| LayerKind::of(name) == LayerKind::Single) {
        return Some(seq_len);
    }
    let labels = ProbeLabels::from_metadata(|key| weights.metadata(key)).ok()?;
    let source_len = labels.first()?.source_len()?;
    Some(source_len.max(seq_len.checked_sub(source_len)?))
}

/// Fixed positions ([Vaswani et al. 2017, section 3.5](https://arxiv.org/abs/1706.03762)).
///
/// ```text
/// p(t, 2i) = sin(t / 10000^(2i/d))      p(t, 2i+1) = cos(t / 10000^(2i/d))
/// ```
fn sinusoidal(seq_len: usize, d_model: usize) -> Result<Matrix, InspectError> {
    let value = |t: usize, column: usize| {
        let angle = t as f64 / 10_000_f64.powf((column - column % 2) as f64 / d_model as f64);
        if column.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    };
    let values = (0..seq_len).flat_map(|t| (0..d_model).map(move |column| value(t, column)));
    Matrix::new(seq_len, d_model, values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{tensors, weights};

    /// Two tokens, one position, `d_model` = 2; a head that looks from the first dimension to the second.
    fn sample(tied: bool) -> Result<(Embeddings, Circuit), InspectError> {
        let mut list = vec![
            ("embedding.table", &[2, 2][..], vec![1.0, 2.0, 3.0, 5.0]),
            ("positions.learned", &[1, 2], vec![7.0, 11.0]),
        ];
        if !tied {
            list.push(("unembedding", &[2, 3], vec![1.0, 0.0, 2.0, 0.0, 1.0, 2.0]));
        }
        let table = CheckpointConfig { tied, ..CheckpointConfig::default() };
        let circuit = Circuit::new(Matrix::new(2, 1, vec![1.0, 0.0])?, Matrix::new(1, 2, vec![0.0, 1.0])?)?;
        Ok((Embeddings::read(&weights(&list), &table)?, circuit))
    }

    #[test]
    fn a_head_is_seen_through_the_vectors_of_tokens_and_positions() -> Result<(), InspectError> {
        let (embeddings, circuit) = sample(false)?;
        let product = |circuit: Option<Circuit>| circuit.map(|circuit| circuit.product());
        let looks = |query, key| embeddings.full_qk(&circuit, query, key).map(product);
        let (token, position) = (StreamInput::Token, StreamInput::Position);
        let tokens = looks(token, token)?.expect("the file has tokens");
        assert_eq!(tokens.values(), [2.0, 5.0, 6.0, 15.0]);
        assert_eq!(tokens.axes(), ["query token", "key token"]);
        let mixed = looks(position, token)?.expect("the file has both");
        assert_eq!(mixed.axes(), ["query position", "key token"]);
        assert_eq!(looks(token, position)?.map(|m| m.values().to_vec()), Some(vec![11.0, 33.0]));
        assert_eq!(looks(position, token)?.map(|m| m.values().to_vec()), Some(vec![14.0, 35.0]));
        assert_eq!(looks(position, position)?.map(|m| m.values().to_vec()), Some(vec![77.0]));
        let written = product(embeddings.full_ov(&circuit, token)?).expect("the file has all three");
        assert_eq!(written.values(), [0.0, 1.0, 2.0, 0.0, 3.0, 6.0]);
        assert_eq!(written.axes(), ["token", "next token"]);
        Ok(())
    }

    #[test]
    fn without_projections_a_head_compares_its_part_of_the_vectors() -> Result<(), InspectError> {
        let (embeddings, _) = sample(false)?;
        let values = |input, head, n_heads| {
            embeddings
                .without_projections(input, head, n_heads)
                .map(|circuit| circuit.product().values().to_vec())
        };
        // The tokens are (1, 2) and (3, 5).
        assert_eq!(values(StreamInput::Token, 0, 1), Some(vec![5.0, 13.0, 13.0, 34.0]));
        assert_eq!(values(StreamInput::Token, 1, 2), Some(vec![4.0, 10.0, 10.0, 25.0]));
        assert_eq!(values(StreamInput::Position, 0, 2), Some(vec![49.0]));
        assert_eq!(values(StreamInput::Token, 0, 3), None);
        assert_eq!(values(StreamInput::Token, 2, 2), None);
        Ok(())
    }

    #[test]
    fn a_tied_model_writes_through_its_table() -> Result<(), InspectError> {
        let (embeddings, circuit) = sample(true)?;
        let written = embeddings.full_ov(&circuit, StreamInput::Token)?.map(|circuit| circuit.product());
        assert_eq!(written.map(|m| m.values().to_vec()), Some(vec![2.0, 5.0, 6.0, 15.0]));
        Ok(())
    }

    #[test]
    fn sinusoidal_positions_follow_from_the_config() -> Result<(), InspectError> {
        let weights = weights(&[("embedding.table", &[1, 4], vec![0.0; 4])]);
        let positions = Some("sinusoidal".to_owned());
        let table = CheckpointConfig { positions, seq_len: Some(3), ..CheckpointConfig::default() };
        let found = Embeddings::read(&weights, &table)?.positions.expect("they are computed");
        // d = 4: the frequencies are 1 and 1/100.
        let expected = [2_f64.sin(), 2_f64.cos(), 0.02_f64.sin(), 0.02_f64.cos()];
        for (got, want) in found.row(2).iter().zip(expected) {
            assert!((got - want).abs() < 1e-15, "{got} instead of {want}");
        }
        // A source of two and an answer of one, which a frame alone tells.
        let list = [
            ("embedding.table", &[1, 4][..], vec![0.0; 4]),
            ("decoder.0.attention.w_q", &[4, 4], vec![0.0; 16]),
        ];
        let range = r#"{"start":2,"end":3}"#;
        let labels = format!(
            r#"[{{"tokens":["a","b","="],"layers":{{"decoder.0.attention":{{"queries":{range},"keys":{range}}}}}}}]"#
        );
        let n_positions = |metadata: &[(&str, &str)]| {
            let file = Weights::from_bytes("frame", tensors(&list, metadata))?;
            Ok::<_, InspectError>(Embeddings::read(&file, &table)?.positions.map(|found| found.rows()))
        };
        assert_eq!((n_positions(&[("probes", &labels)])?, n_positions(&[])?), (Some(2), None));
        let learned = CheckpointConfig { seq_len: Some(3), ..CheckpointConfig::default() };
        assert_eq!(Embeddings::read(&weights, &learned)?.positions, None);
        Ok(())
    }

    #[test]
    fn what_the_file_lacks_is_not_made_up() -> Result<(), InspectError> {
        let (_, circuit) = sample(true)?;
        let empty = Embeddings::read(&weights(&[("w_q", &[1, 1], vec![1.0])]), &CheckpointConfig::default())?;
        assert_eq!(empty, Embeddings::default());
        assert_eq!(empty.full_qk(&circuit, StreamInput::Token, StreamInput::Token)?, None);
        assert_eq!(empty.full_ov(&circuit, StreamInput::Token)?, None);
        let narrow = Embeddings { tokens: Some(Matrix::new(2, 1, vec![1.0; 2])?), ..Embeddings::default() };
        assert!(narrow.full_qk(&circuit, StreamInput::Token, StreamInput::Token).is_err());
        Ok(())
    }
}
