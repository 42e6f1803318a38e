//! How weights are updated: the trait, what it sees of a parameter, and the built-in optimizers, a file each.
//!
//! The state of an optimizer goes by the paths of parameters and by names, so that a checkpoint of it can be read back:
//! Burn's own keeps its state under parameter ids that are random in every process. Clipping, the learning rate, the
//! walk over a module (`walk.rs`), saving and the search for NaN are the same for all and belong to none of them.
//!
//! | optimizer | form | state of a value | nanoseconds for a value of 512 × 512 matrices |
//! |---|---|---|---|
//! | `adam-w`, `adam` | fused: the kernel of AdamW | 2 | 0.6 |
//! | `sgd` | plain tensor operations | 1, without momentum 0 | 0.7 |
//! | `lion` | plain | 1 | 2.8 |
//! | `muon` | plain; AdamW for what is no map | 1; 2 | 160 to 240: 15 products of matrices |
//!
//! Measured on two cores of a shared Xeon, with the test for NaN; a step of a model spends several times that of AdamW
//! on its forward and backward.

mod adam;
mod adam_w;
mod gradient;
mod lion;
mod muon;
mod parameter;
mod sgd;
mod state;
mod walk;

pub use adam::Adam;
pub use adam_w::AdamW;
pub use gradient::Gradient;
pub use lion::Lion;
pub use muon::{AdjustLr, Muon};
pub use parameter::{ParameterInfo, ParameterKind, Roles};
pub use sgd::Sgd;
pub use state::{OptimizerState, StateTensor, StateTensors};
pub use walk::ModuleUpdate;

use std::fmt::Debug;

use burn::tensor::Tensor;

/// A rule that makes new weights of weights, their gradient, and what it remembers.
///
/// It is a value of settings: everything that changes from step to step lies in the [`StateTensors`], which a
/// checkpoint saves by the parameter's path and the tensor's name, so that a resumed run is the uninterrupted one.
/// Parameters are updated one after the other, each as a vector `[n]` of its values, row-major; its shape is in the
/// [`ParameterInfo`].
///
/// ```
/// use burn::tensor::{DType, Device, Tensor, TensorData};
/// use qkv_train::{
///     Gradient, Optimizer, ParameterInfo, ParameterKind, StateTensor, StateTensors, Update, Updated,
/// };
///
/// /// Steps of one length each, against the sign of a running mean.
/// #[derive(Debug)]
/// struct SignOfMean {
///     memory: f64,
/// }
///
/// impl Optimizer for SignOfMean {
///     fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor> {
///         vec![StateTensor { name: "mean", n: parameter.n() }]
///     }
///
///     fn update(
///         &self,
///         update: &Update<'_>,
///         weights: Tensor<1>,
///         gradient: Gradient,
///         state: &mut StateTensors,
///     ) -> Updated {
///         let gradient = gradient.clipped().mul_scalar(1.0 - self.memory);
///         let mean = state.take("mean").mul_scalar(self.memory) + gradient;
///         state.put("mean", mean.clone());
///         Updated::from(weights - mean.sign().mul_scalar(update.learning_rate))
///     }
/// }
///
/// // One update, worked out by hand: half of the gradient is remembered, and its signs move the weights.
/// let (optimizer, device) = (SignOfMean { memory: 0.5 }, Device::flex());
/// let parameter = ParameterInfo { path: "w".to_owned(), shape: vec![2], kind: ParameterKind::Map };
/// let update = Update { parameter: &parameter, step: 1, learning_rate: 0.25 };
/// let mut state = StateTensors::zeros(&optimizer, &parameter, (&device, DType::F32));
/// let weights = Tensor::<1>::from_data([1.0, 1.0], &device);
/// let gradient = Gradient::new(Tensor::from_data([4.0, -2.0], &device), 1.0);
/// let updated = optimizer.update(&update, weights, gradient, &mut state);
/// assert_eq!(updated.weights.to_data(), TensorData::from([0.75_f32, 1.25]));
/// assert_eq!(state.take("mean").to_data(), TensorData::from([2.0_f32, -1.0]));
/// ```
///
/// [`Registry::optimizer`](crate::Registry::optimizer) gives it a name in configs.
pub trait Optimizer: Debug + Send + Sync {
    /// The tensors that it remembers of a parameter; zeros before the first update. The same for the same parameter,
    /// because a checkpoint is checked against it.
    fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor>;

    /// The new weights of a parameter. Every tensor that is taken out of `state` is put back, with its length and
    /// precision; whether the parameter decays is asked of it, by [`ParameterInfo::decay`].
    ///
    /// # Shapes
    /// - `weights`, `gradient`, and what is returned: `[n]`, without autodiff
    fn update(
        &self,
        update: &Update<'_>,
        weights: Tensor<1>,
        gradient: Gradient,
        state: &mut StateTensors,
    ) -> Updated;
}

/// Which update of which parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update<'a> {
    /// The parameter: its path, its shape, and what it does.
    pub parameter: &'a ParameterInfo,
    /// Number of the update; the first is 1.
    pub step: u64,
    /// The rate of this step: that of the config times the factor of the schedule.
    pub learning_rate: f64,
}

/// What an update made.
#[derive(Debug, Clone)]
pub struct Updated {
    /// The new weights, `[n]`.
    pub weights: Tensor<1>,
    /// Whether these and the whole state are finite, where the optimizer has tested it; otherwise it is tested after
    /// it.
    pub is_finite: Option<bool>,
}

impl From<Tensor<1>> for Updated {
    fn from(weights: Tensor<1>) -> Self {
        Self { weights, is_finite: None }
    }
}
