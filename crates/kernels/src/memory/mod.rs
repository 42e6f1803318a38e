//! Where numbers lie: strided views that callers pass in, outputs that tasks fill, and working memory of a task.
//!
//! What belongs here hands out slices and checks that they do not overlap. It computes nothing.

mod fresh;
mod scratch;
mod shared;
mod view;

pub(crate) use fresh::Fresh;
pub use fresh::zeros;
pub(crate) use scratch::with_scratch;
pub(crate) use shared::Shared;
pub(crate) use view::{Axes, Rows};
pub use view::{Grid, View, ViewMut};
