//! Numbers, tables and lines as text, without a terminal.

pub mod bars;
pub mod figures;
pub mod format;
pub mod portion;
pub mod shell;
pub mod table;
pub mod wrap;
