//! The built-in kind of model, registered in the same way as a user's.

use qkv_model::{Catalog, Init, MaskConfig, Transformer, TransformerConfig};

use super::ModelConfig;
use crate::error::TrainError;
use crate::task::Task;

/// A gigabyte of entries, four of memory, for one layer's maps; a step keeps several.
const MAX_MAP_ENTRIES: usize = 1 << 30;

impl ModelConfig for TransformerConfig {
    type Model = Transformer;

    fn fit(mut self, task: &dyn Task, catalog: &Catalog) -> Result<Self, TrainError> {
        let needs = [
            ("vocab_size", &mut self.vocab_size, task.vocabulary().len()),
            ("seq_len", &mut self.seq_len, task.seq_len()),
        ];
        for (key, value, expected) in needs {
            if *value != 0 && *value != expected {
                return Err(TrainError::DoesNotFitTask { key, expected, got: *value });
            }
            *value = expected;
        }
        if task.needs_causal_mask() && self.mask != MaskConfig::Causal {
            return Err(TrainError::NeedsCausalMask);
        }
        Ok(self.resolve(catalog)?)
    }

    /// A step's attention maps have `batch · heads · T²` entries a layer.
    fn check_batch(&self, batch_size: usize) -> Result<(), TrainError> {
        let per_example = self.n_heads.saturating_mul(self.seq_len.pow(2));
        let most = (MAX_MAP_ENTRIES / per_example).max(1);
        if batch_size <= most {
            return Ok(());
        }
        let expected = format!("at most {most} for attention maps of this size");
        Err(TrainError::OutOfRange { key: "train.batch_size", expected, got: batch_size.to_string() })
    }

    fn build(&self, _: &dyn Task, init: &Init, catalog: &Catalog) -> Result<Transformer, TrainError> {
        Ok(self.init_with(init, catalog)?)
    }
}
