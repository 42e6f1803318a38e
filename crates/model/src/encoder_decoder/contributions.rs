//! The residual streams of source and answer as sums over their sources.

use burn::tensor::{Int, Tensor};

use super::EncoderDecoder;
use super::block::Source;
use crate::transformer::{self, Contribution, Ledger};

impl EncoderDecoder {
    /// The features as a sum over their sources, each of them once; see [`Contribution`]. At the positions of the source
    /// they are parts of the encoder, at those of the answer parts of the decoder: what the encoder does for an answer is
    /// a part of what the heads of the cross-attention add. `None` where an attention layer or a norm of your own does not
    /// take its output apart.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`
    pub fn contributions(&self, tokens: Tensor<3, Int>) -> Option<Vec<Contribution>> {
        let ledger = |tokens| Ledger::new(&self.embedding, self.positions.as_ref(), tokens);
        let [source_tokens, answer_tokens] = self.split(tokens);
        let (mask, answer_mask) = (self.source_mask(&source_tokens), self.mask.mask(&answer_tokens));
        let mut encoder = ledger(source_tokens);
        for (layer, block) in self.encoder.iter().enumerate() {
            block.record(layer, &mut encoder, &mask)?;
        }
        encoder.norm(self.norm_encoder.as_ref())?;
        let read = Source { encoded: encoder.total(), mask };
        let mut decoder = ledger(answer_tokens);
        for (at, block) in self.decoder.iter().enumerate() {
            block.record(self.encoder.len() + 2 * at, &mut decoder, &read, &answer_mask)?;
        }
        decoder.norm(self.norm.as_ref())?;
        Some(beside(encoder, decoder))
    }
}

/// The contributions at the positions of two sequences, of which one stands behind the other.
fn beside(first: Ledger, second: Ledger) -> Vec<Contribution> {
    let nothing = [&first, &second].map(|ledger| ledger.total().zeros_like());
    let mut behind = second.close();
    let whole = |source, parts: [Option<Tensor<3>>; 2]| {
        let parts = parts.into_iter().zip(&nothing).map(|(part, nothing)| part.unwrap_or(nothing.clone()));
        Contribution { source, features: Tensor::cat(parts.collect(), 1) }
    };
    let mut all = Vec::new();
    for Contribution { source, features } in first.close() {
        let same = behind.iter().position(|part| part.source == source);
        all.push(whole(source, [Some(features), same.map(|at| behind.remove(at).features)]));
    }
    all.extend(behind.into_iter().map(|part| whole(part.source, [None, Some(part.features)])));
    // The biases of both come last, as in one sequence.
    all.sort_by_key(|part| part.source == transformer::Source::Biases);
    all
}
