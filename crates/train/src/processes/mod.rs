//! The processes that train one run together: the trait, what they agree on by it, and the process that is alone.
//!
//! How a batch is divided among them lies in `training/shards.rs`, how an evaluation in `measure/evaluate.rs`. What carries
//! the bytes from one to the other is the program's choice; this crate opens no connection.

mod agreement;
mod alone;

pub use agreement::check_equal;
pub(crate) use agreement::{agreed, shared};
pub use alone::Alone;

use crate::error::TrainError;

/// The processes of a run, as each of them sees them.
///
/// Every process draws its own examples, computes its shards of each batch, and updates a copy of the weights that is the
/// same bit for bit on all of them, because gradients are added in the order of the shards and the same program runs on
/// processors of one model; what else has to be alike a program compares with [`check_equal`]. So all of them call the
/// methods below equally often and in the same order. A process that fails calls none of them any more: an implementation
/// then ends the others, or gives them an error.
///
/// ```
/// use qkv_train::{Alone, Processes};
///
/// let processes = Alone;
/// assert_eq!((processes.rank(), processes.size()), (0, 1));
/// assert_eq!(processes.gather(vec![1, 2])?, [[1, 2]]);
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
pub trait Processes {
    /// Which of them this is, from 0. Files are written and lines printed by the first alone.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// What each of them gives, in the order of their ranks; the same on all. Each may give another number of bytes.
    ///
    /// # Errors
    /// If one of them is lost.
    fn gather(&self, mine: Vec<u8>) -> Result<Vec<Vec<u8>>, TrainError>;

    /// What each of them gives to this one, in the order of their ranks; `to_each` is what this one gives to each.
    ///
    /// # Errors
    /// If one of them is lost.
    fn exchange(&self, to_each: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, TrainError>;
}
