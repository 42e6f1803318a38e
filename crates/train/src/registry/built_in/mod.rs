//! What a registry has from the start.

mod encoder_decoder;
mod transformer;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use qkv_model::{Catalog, Named, TransformerConfig};

use crate::error::TrainError;
use crate::registry::{Registry, TRANSFORMER};
use crate::task::{
    Chars, CharsConfig, Copy, Dates, Induction, Max, ModularAddition, Recall, Reverse, Sort, SortedList,
    Translate, TranslateConfig,
};
use crate::training::PartsCatalog;
use encoder_decoder::EncoderDecoderConfig;

impl Registry {
    /// The built-in tasks, models with their parts, and parts of a training.
    pub fn new() -> Self {
        Self::built_in(CharsConfig::load, TranslateConfig::load)
    }

    /// The same for what has no files, such as a page: `text` gives the bytes of the text or of the pairs that a config
    /// names.
    ///
    /// ```
    /// use qkv_train::{ConfigSource, Registry};
    ///
    /// let registry = Registry::with_texts(|_| Ok("la la la, ".repeat(5).into_bytes()));
    /// let settings = ["task.text=song.txt", "task.seq_len=4", "train.batch_size=2"];
    /// let experiment = registry.read(ConfigSource::Task("chars"), &settings)?;
    /// assert_eq!(experiment.task.vocabulary().len(), 4);
    /// # Ok::<(), qkv_train::TrainError>(())
    /// ```
    pub fn with_texts(text: impl Fn(&Path) -> io::Result<Vec<u8>> + Send + Sync + 'static) -> Self {
        let text = Arc::new(text);
        let of_chars = Arc::clone(&text);
        let load_text = move |config: &CharsConfig| {
            if config.text.as_os_str().is_empty() {
                return Err(TrainError::NoText);
            }
            let unread = |source| TrainError::TextUnread { path: config.text.clone(), source };
            config.of_bytes(of_chars(&config.text).map_err(unread)?)
        };
        Self::built_in(load_text, move |config: &TranslateConfig| {
            if config.pairs.as_os_str().is_empty() {
                return config.load();
            }
            let unread = |source| TrainError::PairsUnread { path: config.pairs.clone(), source };
            config.of_bytes(text(&config.pairs).map_err(unread)?)
        })
    }

    fn built_in(
        load_text: impl Fn(&CharsConfig) -> Result<Chars, TrainError> + Send + Sync + 'static,
        load_pairs: impl Fn(&TranslateConfig) -> Result<Translate, TrainError> + Send + Sync + 'static,
    ) -> Self {
        let empty = Self {
            catalog: Catalog::default(),
            tasks: Named::new("task"),
            defaults: BTreeMap::new(),
            models: Named::new("model"),
            parts: PartsCatalog::default(),
            observers: Named::new("observer"),
        };
        empty
            .built_in_observers()
            .model::<TransformerConfig>(TRANSFORMER)
            .model::<EncoderDecoderConfig>("encoder-decoder")
            .task("chars", include_str!("../../../configs/chars.toml"), load_text)
            .own_settings::<Copy>("copy", include_str!("../../../configs/copy.toml"))
            .own_settings::<Dates>("dates", include_str!("../../../configs/dates.toml"))
            .own_settings::<Induction>("induction", include_str!("../../../configs/induction.toml"))
            .own_settings::<Reverse>("letters", include_str!("../../../configs/letters.toml"))
            .own_settings::<Max>("max", include_str!("../../../configs/max.toml"))
            .own_settings::<ModularAddition>(
                "modular-addition",
                include_str!("../../../configs/modular-addition.toml"),
            )
            .own_settings::<Recall>("recall", include_str!("../../../configs/recall.toml"))
            .own_settings::<Recall>(
                "recall-interleaved",
                include_str!("../../../configs/recall-interleaved.toml"),
            )
            .own_settings::<Reverse>("reverse", include_str!("../../../configs/reverse.toml"))
            .own_settings::<Sort>("sort", include_str!("../../../configs/sort.toml"))
            .own_settings::<SortedList>("sorted-list", include_str!("../../../configs/sorted-list.toml"))
            .task("translate", include_str!("../../../configs/translate.toml"), load_pairs)
    }
}
