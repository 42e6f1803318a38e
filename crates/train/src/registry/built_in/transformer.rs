//! The built-in kind of model, registered in the same way as a user's.

use qkv_model::{Catalog, Init, Transformer, TransformerConfig};

use crate::error::{SettingFault, TrainError};
use crate::memory::{self, ModelSizes, Passes};
use crate::registry::ModelConfig;
use crate::task::Task;

/// A gigabyte of entries, four of memory, for one layer's maps; a step keeps several.
const MAX_MAP_ENTRIES: usize = 1 << 30;

impl ModelConfig for TransformerConfig {
    type Model = Transformer;

    fn fit(mut self, task: &dyn Task, batch_size: usize, catalog: &Catalog) -> Result<Self, TrainError> {
        let needs = [
            ("vocab_size", &mut self.vocab_size, task.vocabulary().len()),
            ("seq_len", &mut self.seq_len, task.seq_len()),
        ];
        for (key, value, expected) in needs {
            if *value != 0 && *value != expected {
                return Err(SettingFault::DoesNotFitTask { key, expected, got: *value }.into());
            }
            *value = expected;
        }
        if task.needs_causal_mask() && !catalog.build_mask(&self.mask)?.is_causal() {
            return Err(SettingFault::NeedsCausalMask.into());
        }
        let fitted = self.resolve(catalog)?;
        // A step's attention maps have `batch · heads · T²` entries a layer.
        let per_example = fitted.n_heads.saturating_mul(fitted.seq_len.pow(2));
        let most = (MAX_MAP_ENTRIES / per_example).max(1);
        let expected = format!("at most {most} for attention maps of this size");
        TrainError::in_range(batch_size <= most, "train.batch_size", expected, batch_size)?;
        Ok(fitted)
    }

    fn sizes(&self, passes: &Passes) -> Option<ModelSizes> {
        Some(memory::sizes(self, passes))
    }

    fn build(&self, _: &dyn Task, init: &Init, catalog: &Catalog) -> Result<Transformer, TrainError> {
        Ok(self.init_with(init, catalog)?)
    }
}
