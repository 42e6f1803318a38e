//! What the commands print and the files they write for people: standard output, its colours, numbers, pictures.
//!
//! Nothing here decides what is trained or shown, and nothing takes the whole screen: that is `live`.

pub mod colour;
pub mod files;
pub mod head_map;
pub mod ink;
pub mod stdout;
pub mod text;
pub mod training;
