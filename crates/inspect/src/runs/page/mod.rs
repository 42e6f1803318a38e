//! Many runs as one HTML file: what the script inside it is given, and the template around it.
//!
//! Only what the page shows belongs here, and what keeps it small.

pub(crate) mod data;
pub(crate) mod html;
pub(crate) mod room;
pub(crate) mod story;
