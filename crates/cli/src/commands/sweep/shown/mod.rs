//! What a user sees of a study: where its runs stand, and their results.

mod board;
mod finished;
mod listing;
mod results;

pub use board::Board;
pub use finished::show as show_finished;
pub use listing::show as show_listing;
pub use results::Results;
