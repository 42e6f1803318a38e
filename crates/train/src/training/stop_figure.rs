//! By which figure a training ends early, and the best checkpoint is found.

use qkv_run::{Evaluation, Figure};

use super::parts::Parts;
use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::task::Task;

impl Parts {
    /// The figure that ends a training at [`TrainConfig::stop_at`](crate::TrainConfig::stop_at); `None` where no figure of
    /// that name is measured, and nothing asks for it.
    ///
    /// # Errors
    /// If it is asked for and not measured, or two figures of an evaluation on `task` have the same name.
    pub fn stop_figure(&self, task: &dyn Task) -> Result<Option<Figure>, TrainError> {
        let TrainConfig { stop_at, stop_metric, .. } = &self.recipe.train;
        let mut figures = self.measures().figures(task)?;
        if let Some(index) = figures.iter().position(|figure| figure.name == *stop_metric) {
            return Ok(Some(figures.swap_remove(index)));
        }
        if *stop_at == 0.0 && stop_metric == Evaluation::SEQUENCE_ACCURACY {
            return Ok(None);
        }
        let known = figures.into_iter().map(|figure| figure.name).collect();
        Err(TrainError::UnknownFigure { name: stop_metric.clone(), known })
    }

    /// By which figure the best checkpoint is found: by the held-out loss, unless
    /// [`TrainConfig::stop_metric`](crate::TrainConfig::stop_metric) names another figure than it does by default.
    ///
    /// # Errors
    /// As [`stop_figure`](Self::stop_figure).
    pub fn best_figure(&self, task: &dyn Task) -> Result<Figure, TrainError> {
        let named = self.stop_figure(task)?.filter(|figure| figure.name != Evaluation::SEQUENCE_ACCURACY);
        Ok(named.unwrap_or_else(Figure::loss))
    }
}
