//! A film as one HTML file: what the script inside it is given, and the template around it.
//!
//! Only what the page shows belongs here, and what keeps it small. Numbers of a head are computed in `heads`.

pub(crate) mod budget;
pub(crate) mod data;
pub(crate) mod html;
pub(crate) mod log_data;
pub(crate) mod logged_plot;
pub(crate) mod map_data;
pub(crate) mod matrix_data;
pub(crate) mod plot;
pub(crate) mod quantized;
pub(crate) mod run_data;
pub(crate) mod shapes;
mod tables;
pub(crate) mod trace_data;
