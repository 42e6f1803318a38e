//! From a name and its settings in a config to a module of any type: choices, names and boxes.
//!
//! Nothing here depends on scores, position schemes or models; `catalog.rs` lists those that have names.

mod bridge;
mod choice;
mod erased;
mod example;
mod named;
mod toml_text;
mod wrong_value;

pub use bridge::{Mapper, Visitor};
pub use choice::{Choice, NoSettings, Settings, one_of};
pub use erased::{Conversion, Erased, ErasedModule, Holds};
pub use named::{KnownNames, Named, Ready};
pub use wrong_value::{Unreadable, WrongValue, read_settings};
