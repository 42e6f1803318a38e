//! The residual streams of source and answer as sums over their sources.

use burn::tensor::{Int, Tensor};

use super::EncoderDecoder;
use super::block::Source;
use crate::transformer::{Contribution, Ledger};

impl EncoderDecoder {
    /// The features as a sum over their sources; see [`Contribution`]. At the positions of the source they are parts of
    /// the encoder, at those of the answer parts of the decoder: what the encoder does for an answer is a part of what the
    /// heads of the cross-attention add. `None` where an attention layer or a norm of your own does not take its output
    /// apart.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`
    pub fn contributions(&self, tokens: Tensor<3, Int>) -> Option<Vec<Contribution>> {
        let begun = |tokens| Ledger::new(&self.embedding, self.positions.as_ref(), tokens);
        let [source, answer] = self.split(tokens);
        let (mask, answer_mask) = (self.source_mask(&source), self.mask.mask(&answer));
        let mut of_source = begun(source);
        for (layer, block) in self.encoder.iter().enumerate() {
            block.record(layer, &mut of_source, &mask)?;
        }
        of_source.norm(self.norm_encoder.as_ref())?;
        let source = Source { encoded: of_source.total(), mask };
        let mut of_answer = begun(answer);
        for (at, block) in self.decoder.iter().enumerate() {
            block.record(self.encoder.len() + 2 * at, &mut of_answer, &source, &answer_mask)?;
        }
        of_answer.norm(self.norm.as_ref())?;
        // Neither adds to positions of the other.
        let (rest_of_source, rest_of_answer) = (source.encoded.zeros_like(), of_answer.total().zeros_like());
        let whole = |Contribution { source, features }, before: &[Tensor<3>], behind: &[Tensor<3>]| {
            let features = Tensor::cat([before, &[features], behind].concat(), 1);
            Contribution { source, features }
        };
        let of_source = of_source.close().into_iter().map(|part| whole(part, &[], &[rest_of_answer.clone()]));
        let of_answer = of_answer.close().into_iter().map(|part| whole(part, &[rest_of_source.clone()], &[]));
        Some(of_source.chain(of_answer).collect())
    }
}
