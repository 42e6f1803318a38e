//! What the commands print and the files they write for people: standard output, its colours, numbers, pictures.
//!
//! Nothing here decides what is trained or shown, and nothing takes the whole screen: that is `live`.

pub mod bars;
pub mod closing_summary;
pub mod colour;
pub mod describe;
pub mod figures;
pub mod format;
pub mod head_map;
pub mod ink;
pub mod loss_curve;
pub mod page_file;
pub mod picture_files;
pub mod portion;
pub mod progress;
pub mod rate;
pub mod replaceable;
pub mod series;
pub mod shell;
pub mod stdout;
pub mod table;
pub mod wrap;
