//! How the learning rate changes over the steps: the trait, and the built-in schedules, a file each.
//!
//! A schedule is a pure function of the step: a resumed run asks it anew and has nothing of it to load.

mod constant;
mod cosine;
mod inverse_square_root;
mod linear;
mod warmup;
mod warmup_stable_decay;

pub use constant::Constant;
pub use cosine::Cosine;
pub use inverse_square_root::InverseSquareRoot;
pub use linear::Linear;
pub use warmup_stable_decay::WarmupStableDecay;

use std::fmt::Debug;

/// What the learning rate is multiplied by, as a function of the step.
///
/// ```
/// use qkv_train::Schedule;
///
/// /// Half the rate after every quarter of the run.
/// #[derive(Debug)]
/// struct Halving;
///
/// impl Schedule for Halving {
///     fn factor(&self, step: u64, steps: u64) -> f64 {
///         0.5_f64.powi((4 * step / steps) as i32)
///     }
/// }
///
/// assert_eq!([0, 24, 25, 99].map(|step| Halving.factor(step, 100)), [1.0, 1.0, 0.5, 0.125]);
/// ```
///
/// [`Registry::schedule`](crate::Registry::schedule) gives it a name in configs.
pub trait Schedule: Debug + Send + Sync {
    /// The factor of the update that follows `step` completed steps, in a run of `steps`; finite and not negative,
    /// which is checked before it is used. The same for the same numbers, because a run may be stopped and go on.
    fn factor(&self, step: u64, steps: u64) -> f64;
}
