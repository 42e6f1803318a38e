//! Tasks of pairs: a text, and the text that a model is to write of it.
//!
//! Here belongs how a pair lies in one sequence, so that every model that reads sequences learns it, and the tasks that
//! are made of pairs, a folder each. How answers are written token by token lies in `measure/`.

mod alphabet;
mod dates;
mod packing;
mod translate;

pub use dates::Dates;
pub use translate::{Language, Level, Translate, TranslateConfig};
