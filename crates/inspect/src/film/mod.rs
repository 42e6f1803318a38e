//! A training run step by step: its frames, its story in sentences, and pictures of its frames in one strip.
//!
//! Reading all frames of a run belongs here; one interactive document of them is in `page`.

pub(crate) mod about_task;
pub(crate) mod film_strip;
pub(crate) mod frame;
pub(crate) mod frames;
mod generalization;
mod logged;
pub(crate) mod page;
pub(crate) mod story;
