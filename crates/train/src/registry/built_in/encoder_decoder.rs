//! The built-in kind of model for pairs: an encoder of the source and a decoder of the answer.

use qkv_model::{Catalog, EncoderDecoder, Init, SourceLayout, TransformerConfig};
use serde::{Deserialize, Serialize};

use crate::error::{SettingFault, TrainError};
use crate::memory::{self, ModelSizes, Passes};
use crate::registry::ModelConfig;
use crate::task::Task;

/// The settings of a transformer; encoder and decoder each have `n_layers` blocks.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct EncoderDecoderConfig {
    config: TransformerConfig,
    #[serde(skip)]
    source_len: usize,
}

impl ModelConfig for EncoderDecoderConfig {
    type Model = EncoderDecoder;

    fn fit(self, task: &dyn Task, batch_size: usize, catalog: &Catalog) -> Result<Self, TrainError> {
        let source_len = task.source_len();
        if source_len == 0 {
            return Err(SettingFault::NeedsSource.into());
        }
        Ok(Self { config: self.config.fit(task, batch_size, catalog)?, source_len })
    }

    fn sizes(&self, passes: &Passes) -> Option<ModelSizes> {
        Some(memory::sizes_of_pair(&self.config, self.source_len, passes))
    }

    fn build(&self, task: &dyn Task, init: &Init, catalog: &Catalog) -> Result<EncoderDecoder, TrainError> {
        let layout = SourceLayout { source_len: task.source_len(), padding: task.padding() };
        Ok(EncoderDecoder::new(&self.config, layout, init, catalog)?)
    }
}
