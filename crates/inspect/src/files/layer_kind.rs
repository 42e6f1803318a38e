//! What the name of a layer says of it: which of a model's attention layers it is, and when it is computed.

use crate::natural_order::NaturalKey;

/// Which attention a layer is, in a model of one sequence or of two
/// ([Vaswani et al. 2017, section 3.2.3](https://arxiv.org/abs/1706.03762)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// Of a model of one sequence.
    Single,
    /// The source to itself.
    Encoder,
    /// The answer to itself.
    Decoder,
    /// The answer to the source: queries come from the decoder, keys and values from what the encoder made.
    Cross,
}

/// The residual streams of a model; what is written into one is read by no layer of the other but through
/// cross-attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Single,
    Source,
    Answer,
}

impl LayerKind {
    /// That of the layer of this name; a part `encoder`, `decoder` or `cross` in it decides.
    ///
    /// ```
    /// use qkv_inspect::LayerKind;
    ///
    /// assert_eq!(LayerKind::of("decoder.0.cross.attention"), LayerKind::Cross);
    /// assert_eq!(LayerKind::of("blocks.0.attention"), LayerKind::Single);
    /// ```
    pub fn of(layer: &str) -> Self {
        let has = |wanted: &str| layer.split('.').any(|part| part == wanted);
        match (has("encoder"), has("decoder"), has("cross")) {
            (_, true, true) => Self::Cross,
            (_, true, false) => Self::Decoder,
            (true, false, _) => Self::Encoder,
            _ => Self::Single,
        }
    }

    /// Whether every one of its inputs comes from the stream that it writes into, which begins with token vectors.
    pub fn reads_its_own_stream(self) -> bool {
        self.keys() == self.queries()
    }

    /// Whether logits are made of the stream that it writes into.
    pub fn reaches_the_answer(self) -> bool {
        self.queries() != Stream::Source
    }

    /// The stream of its queries, which is also the one that it writes into.
    pub(crate) fn queries(self) -> Stream {
        match self {
            Self::Single => Stream::Single,
            Self::Encoder => Stream::Source,
            Self::Decoder | Self::Cross => Stream::Answer,
        }
    }

    /// The stream of its keys and values.
    pub(crate) fn keys(self) -> Stream {
        match self {
            Self::Cross => Stream::Source,
            _ => self.queries(),
        }
    }

    /// What a page calls it; `None` in a model of one sequence.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Single => None,
            Self::Encoder => Some("encoder"),
            Self::Decoder => Some("decoder"),
            Self::Cross => Some("cross"),
        }
    }

    /// What attends to what, where a model has both; empty where one word is enough.
    fn sequences(self) -> &'static str {
        match self {
            Self::Single | Self::Encoder => "",
            Self::Decoder => "answer to answer",
            Self::Cross => "answer to source",
        }
    }
}

/// "encoder, layer 0", or "decoder, layer 1: answer to source"; `None` for a name that says nothing of this.
pub(crate) fn layer_in_words(layer: &str) -> Option<String> {
    let kind = LayerKind::of(layer);
    let stack = if kind.queries() == Stream::Source { "encoder" } else { "decoder" };
    let block = block(layer)?;
    match kind {
        LayerKind::Single => None,
        LayerKind::Encoder => Some(format!("{stack}, layer {block}")),
        LayerKind::Decoder | LayerKind::Cross => {
            Some(format!("{stack}, layer {block}: {}", kind.sequences()))
        }
    }
}

/// The number of the block in a stack that a layer belongs to.
pub(crate) fn block(layer: &str) -> Option<usize> {
    layer.split('.').find_map(|part| part.parse().ok())
}

/// The order in which layers are computed: a decoder reads what the whole encoder made, and within a block its answer
/// before the source.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LayerKey {
    is_in_decoder: bool,
    name: NaturalKey,
}

impl LayerKey {
    pub(crate) fn of(layer: &str) -> Self {
        let is_in_decoder = LayerKind::of(layer).queries() == Stream::Answer;
        Self { is_in_decoder, name: NaturalKey::of(layer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_ordered_as_they_are_computed() {
        let expected = [
            "encoder.0.attention",
            "encoder.1.attention",
            "encoder.10.attention",
            "decoder.0.attention",
            "decoder.0.cross.attention",
            "decoder.1.attention",
            "decoder.1.cross.attention",
        ];
        let mut names = expected;
        names.reverse();
        names.sort_by_key(|name| LayerKey::of(name));
        assert_eq!(names, expected);
        let mut names = ["blocks.10.attention", "blocks.2.attention", ""];
        names.sort_by_key(|name| LayerKey::of(name));
        assert_eq!(names, ["", "blocks.2.attention", "blocks.10.attention"]);
    }

    #[test]
    fn a_layer_of_two_sequences_has_a_name_in_words() {
        let words = ["encoder.1.attention", "decoder.0.attention", "decoder.3.cross.attention"];
        let expected =
            ["encoder, layer 1", "decoder, layer 0: answer to answer", "decoder, layer 3: answer to source"];
        assert_eq!(words.map(|layer| layer_in_words(layer).unwrap_or_default()), expected);
        assert_eq!(["blocks.0.attention", "decoder", ""].map(layer_in_words), [None, None, None]);
    }
}
