//! What of a training is no longer finite; [`TrainError::Diverged`](crate::TrainError::Diverged) adds where and when.

/// A number, or the numbers of a tensor, that a training computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// The loss of the batch.
    Loss,
    /// The loss on the validation split.
    HeldOutLoss,
    /// The norm of all gradients together, whose values are each finite.
    GradientNorm,
    /// The gradient of a parameter.
    Gradient,
    /// A parameter.
    Parameter,
    /// What the optimizer remembers of a parameter, by its name in files.
    OptimizerState(&'static str),
}

impl Quantity {
    /// "the loss is NaN", or "the gradient of blocks.0.attention.w_q holds NaN".
    pub(crate) fn sentence(self, tensor: Option<&str>, value: f64) -> String {
        let name = match self {
            Self::Loss => "loss",
            Self::HeldOutLoss => "held-out loss",
            Self::GradientNorm => "norm of the gradients",
            Self::Gradient => "gradient",
            Self::Parameter => "parameter",
            Self::OptimizerState(_) => "optimizer state",
        };
        match (self, tensor) {
            (_, None) => format!("the {name} is {value}"),
            (Self::Parameter, Some(path)) => format!("the {name} {path} holds {value}"),
            (Self::OptimizerState(which), Some(path)) => format!("the {name} {path}.{which} holds {value}"),
            (_, Some(path)) => format!("the {name} of {path} holds {value}"),
        }
    }
}
