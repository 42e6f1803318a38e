//! An encoder and a decoder as a model that the trainer fits.

use burn::module::{ParamId, list_param_ids};
use burn::tensor::{Int, Tensor};
use qkv_model::{
    AnyAttention, AttentionLayer, Contribution, Decoding, EncoderDecoder, Hook, Mode, Query, Stage, Trace,
};

use super::{Layer, Model, Side};

impl Model for EncoderDecoder {
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        EncoderDecoder::features(self, tokens, mode)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.unembed(features)
    }

    fn attention_weights(&self, tokens: Tensor<3, Int>) -> Vec<Tensor<4>> {
        EncoderDecoder::attention_weights(self, tokens)
    }

    /// The embedding, and what the position schemes learn.
    fn tables(&self) -> Vec<ParamId> {
        let of_encoder = self.encoder.iter().flat_map(|block| block.attention.tables());
        let of_decoder = self.decoder.iter().flat_map(|block| block.attention.tables());
        let in_layers = of_encoder.chain(of_decoder);
        let at_input = list_param_ids(&self.positions);
        list_param_ids(&self.embedding).into_iter().chain(in_layers).chain(at_input).collect()
    }

    /// The unembedding, unless the embedding takes its place.
    fn outputs(&self) -> Vec<ParamId> {
        list_param_ids(&self.unembedding)
    }

    fn layers(&self) -> Vec<Layer> {
        let encoder = self.encoder.iter().enumerate().map(|(at, block)| {
            let path = format!("encoder.{at}.attention");
            let layer = Layer::of(path, &block.attention, block.is_pre_norm());
            Layer { queries: Side::Source, keys: Side::Source, ..layer }
        });
        let decoder = self.decoder.iter().enumerate().flat_map(|(at, block)| {
            let attention = |path, layer: &AnyAttention| Layer::of(path, layer, block.is_pre_norm());
            let own = attention(format!("decoder.{at}.attention"), &block.attention);
            let cross = &block.cross.attention;
            let cross = Layer {
                path: format!("decoder.{at}.cross.attention"),
                n_heads: cross.n_heads(),
                n_kv_heads: cross.n_kv_heads(),
                is_normed: block.is_pre_norm(),
                reference_reason: cross.reference_reason(),
                queries: Side::Answer,
                keys: Side::Source,
            };
            [Layer { queries: Side::Answer, keys: Side::Answer, ..own }, cross]
        });
        encoder.chain(decoder).collect()
    }

    fn trace(&self, tokens: Tensor<2, Int>, place: Query) -> Option<Trace> {
        self.trace_with(tokens, place, &mut |_: usize, _: Stage, x: Tensor<4>| x)
    }

    fn decoding(&self) -> Option<Box<dyn Decoding + '_>> {
        Some(Box::new(EncoderDecoder::decoding(self)?))
    }

    fn features_with(&self, tokens: Tensor<3, Int>, mode: Mode, hook: &mut dyn Hook) -> Option<Tensor<3>> {
        Some(EncoderDecoder::features_with(self, tokens, mode, hook))
    }

    fn contributions(&self, tokens: Tensor<3, Int>) -> Option<Vec<Contribution>> {
        EncoderDecoder::contributions(self, tokens)
    }
}
