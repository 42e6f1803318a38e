//! How many colours standard output has.

use std::env;
use std::io::{IsTerminal, stdout};

use qkv_inspect::TextStyle;

use crate::processes::Launch;

/// The style of heat maps: in colour on a terminal that has them, in characters elsewhere. `NO_COLOR` counts unless it
/// is empty (<https://no-color.org>); `COLORTERM` is how a terminal announces 24-bit colour.
pub fn text_style() -> TextStyle {
    let variable =
        |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
    let [no_color, term, colorterm] = ["NO_COLOR", "TERM", "COLORTERM"].map(variable);
    match (is_terminal(), no_color.as_str(), term.as_str(), colorterm.as_str()) {
        (true, "", "dumb", _) => TextStyle::Plain,
        (true, "", _, "truecolor" | "24bit") => TextStyle::Colour,
        (true, "", _, _) => TextStyle::Colour256,
        _ => TextStyle::Plain,
    }
}

/// Whether a person may look at standard output.
pub fn is_terminal() -> bool {
    stdout().is_terminal() && !Launch::has_a_terminal_of_its_own()
}
