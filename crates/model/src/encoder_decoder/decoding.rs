//! Writing an answer token by token: the source is read once.

use burn::tensor::{Int, Tensor};

use super::EncoderDecoder;
use super::block::DecoderBlock;
use crate::attention::{KeyValueCache, Mask, SelfAttention};
use crate::mode::Mode;
use crate::transformer::{Decoding, normed};

impl EncoderDecoder {
    /// A decoding that has read nothing; the first tokens that it is fed are the source and the beginning of the answer.
    /// `None` where an answer's position may see a later one, an attention layer of the decoder is one of your own, or a
    /// score does not [keep its keys](SelfAttention::keeps_keys).
    pub fn decoding(&self) -> Option<impl Decoding + use<'_>> {
        let layers = self.decoder.iter().map(Layer::new).collect::<Option<Vec<_>>>()?;
        self.mask.is_causal().then_some(Cached { model: self, layers, read: None })
    }
}

struct Cached<'a> {
    model: &'a EncoderDecoder,
    layers: Vec<Layer<'a>>,
    read: Option<Read>,
}

/// What was fed.
struct Read {
    /// `[batch, source_len, stack]`
    source: Tensor<3, Int>,
    /// Which positions of it are hidden.
    source_mask: Mask,
    /// `[batch, n, stack]`
    answer: Tensor<3, Int>,
}

/// A block with what its two attention layers keep.
struct Layer<'a> {
    block: &'a DecoderBlock,
    attention: &'a SelfAttention,
    answer: KeyValueCache,
    source: KeyValueCache,
}

impl<'a> Layer<'a> {
    fn new(block: &'a DecoderBlock) -> Option<Self> {
        let attention: &SelfAttention = block.attention.downcast_ref()?;
        let keeps_keys = attention.keeps_keys() && block.cross.attention.keeps_keys();
        let [answer, source] = [(); 2].map(|()| KeyValueCache::default());
        keeps_keys.then_some(Self { block, attention, answer, source })
    }
}

impl Cached<'_> {
    /// Reads the source; returns what the encoder makes of it.
    fn begin(&mut self, source: &Tensor<3, Int>) -> (Tensor<3>, Mask) {
        let mask = self.model.source_mask(source);
        let encoded = self.model.encode(source.clone(), &mask, Mode::Evaluate);
        for layer in &mut self.layers {
            layer.source = layer.block.cross.read(encoded.clone());
        }
        (encoded, mask)
    }

    /// The features of the last `n` positions of the answer so far.
    fn go_on(&mut self, read: &Read, n: usize) -> Tensor<3> {
        let [_, len, _] = read.answer.dims();
        let first = len - n;
        let mask = self.model.mask.mask(&read.answer).last_rows(n, len);
        let mut x = self.model.embed(read.answer.clone().narrow(1, first, n), first, Mode::Evaluate);
        for Layer { block, attention, answer, source } in &mut self.layers {
            x = block.attend_cached(attention, x, &mask, answer);
            x = block.read_cached(x, source, &read.source_mask, first);
        }
        normed(&self.model.norm, x)
    }
}

impl Decoding for Cached<'_> {
    fn feed(&mut self, tokens: Tensor<3, Int>) -> Tensor<3> {
        let [_, n, _] = tokens.dims();
        if let Some(Read { source, source_mask, answer }) = self.read.take() {
            let read = Read { source, source_mask, answer: Tensor::cat(vec![answer, tokens], 1) };
            let features = self.go_on(&read, n);
            self.read = Some(read);
            return features;
        }
        let [source, answer] = self.model.split(tokens);
        let (encoded, source_mask) = self.begin(&source);
        let [_, n, _] = answer.dims();
        let read = Read { source, source_mask, answer };
        let features = Tensor::cat(vec![encoded, self.go_on(&read, n)], 1);
        self.read = Some(read);
        features
    }

    fn select(&mut self, entries: &Tensor<1, Int>) {
        self.read = self.read.take().map(|Read { source, answer, .. }| {
            let [source, answer] = [source, answer].map(|tokens| tokens.select(0, entries.clone()));
            Read { source_mask: self.model.source_mask(&source), source, answer }
        });
        for Layer { answer, source, .. } in &mut self.layers {
            answer.select(entries);
            source.select(entries);
        }
    }
}
