//! What the attention layers of a model are called where a user reads or types it.

use super::{Layer, Side};

/// The last part of a path, such as `blocks.0.attention`, that every block has under the same name.
const IN_BLOCK: &str = ".attention";

impl Layer {
    /// The part of the model that it is: its path as far as that differs between layers, such as `blocks.0` or
    /// `decoder.0.cross`.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use qkv_train::{ConfigSource, Layer, Model, Registry};
    ///
    /// let settings = ["model.name=encoder-decoder", "model.n_layers=1"];
    /// let layers = Registry::new().read(ConfigSource::Task("dates"), &settings)?.model(&Device::flex())?.layers();
    /// assert_eq!(layers.iter().map(Layer::name).collect::<Vec<_>>(), ["encoder.0", "decoder.0", "decoder.0.cross"]);
    /// assert_eq!(Layer::titles(&layers)[2], "decoder.0.cross");
    /// assert_eq!(Layer::position(&layers, "decoder.0.cross.attention"), Some(2));
    /// assert_eq!(Layer::shown_first(&layers), 2);
    /// # Ok::<(), qkv_train::TrainError>(())
    /// ```
    pub fn name(&self) -> &str {
        let is_end = |end: usize| self.path[end..].is_empty() || self.path[end..].starts_with('.');
        let found = self.path.rmatch_indices(IN_BLOCK).find(|(at, part)| is_end(at + part.len()));
        found.map_or(&self.path, |(at, _)| &self.path[..at])
    }

    /// Whether its queries are positions of one sequence and its keys those of another.
    pub fn is_cross(&self) -> bool {
        self.queries != self.keys
    }

    /// Whether it reads a part of the input as a sequence of its own.
    pub fn reads_a_part(&self) -> bool {
        [self.queries, self.keys] != [Side::Whole; 2]
    }

    /// What each layer of a model is called: its index, or its name where the model reads more than one sequence.
    pub fn titles(layers: &[Self]) -> Vec<String> {
        let are_named = layers.iter().any(Self::reads_a_part);
        let title = |(index, layer): (usize, &Self)| match are_named {
            true => layer.name().to_owned(),
            false => index.to_string(),
        };
        layers.iter().enumerate().map(title).collect()
    }

    /// The index of the layer that a text names by its index, its path or its [`name`](Self::name).
    pub fn position(layers: &[Self], text: &str) -> Option<usize> {
        let index = text.parse().ok().filter(|index| *index < layers.len());
        index.or_else(|| layers.iter().position(|layer| layer.path == text || layer.name() == text))
    }

    /// The index of the layer that is shown where a user names none: the last in which an answer reads its source, or
    /// else the first.
    pub fn shown_first(layers: &[Self]) -> usize {
        layers.iter().rposition(Self::is_cross).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, name: &str) {
        let side = Side::Whole;
        let layer = Layer {
            path: path.to_owned(),
            n_heads: 1,
            n_kv_heads: 1,
            is_normed: false,
            reference_reason: None,
            queries: side,
            keys: side,
        };
        assert_eq!(layer.name(), name);
    }

    #[test]
    fn a_name_ends_before_what_all_layers_have() {
        check("blocks.10.attention", "blocks.10");
        check("decoder.0.cross.attention", "decoder.0.cross");
        // A model around another one, and a layer of one's own around another one.
        check("inner.blocks.0.attention", "inner.blocks.0");
        check("blocks.0.attention.inner", "blocks.0");
        check("attention_stack.2", "attention_stack.2");
        check("attention.w", "attention.w");
    }
}
