//! What a user sees of a study: where its runs stand, and their results.

mod board;
mod finished;
mod left_out;
mod listing;
mod results;

pub use board::Board;
pub use finished::show as show_finished;
pub use left_out::show as show_left_out;
pub use listing::show as show_listing;
pub use results::Results;
