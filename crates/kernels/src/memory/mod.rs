//! Where numbers lie: strided views that callers pass in, outputs that tasks fill, and working memory of a task.
//!
//! What belongs here hands out slices and checks that they do not overlap. It computes nothing.

mod scratch;
mod shared_view;
mod size;
mod uninit;
mod view;

pub(crate) use scratch::with_scratch;
pub(crate) use shared_view::{RowsMut, SharedView};
pub(crate) use size::size;
pub(crate) use uninit::UninitVec;
pub use uninit::zeros;
pub(crate) use view::{Axes, Rows};
pub use view::{MaskView, View, ViewMut};
