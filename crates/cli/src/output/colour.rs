//! How many colours standard output has.

use std::env;
use std::io::{IsTerminal, stdout};

use qkv_inspect::TextStyle;

/// The style of heat maps: in colour on a terminal that has them, in characters elsewhere.
pub fn text_style() -> TextStyle {
    let variable =
        |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
    if stdout().is_terminal() {
        of_a_terminal(&variable("NO_COLOR"), &variable("TERM"), &variable("COLORTERM"))
    } else {
        TextStyle::Plain
    }
}

/// `NO_COLOR` counts unless it is empty (<https://no-color.org>); `COLORTERM` is how a terminal announces 24-bit
/// colour.
fn of_a_terminal(no_color: &str, term: &str, colorterm: &str) -> TextStyle {
    match (no_color, term, colorterm) {
        ("", "dumb", _) => TextStyle::Plain,
        ("", _, "truecolor" | "24bit") => TextStyle::Colour,
        ("", _, _) => TextStyle::Colour256,
        _ => TextStyle::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_that_the_terminal_announces() {
        assert_eq!(of_a_terminal("", "xterm-256color", "truecolor"), TextStyle::Colour);
        assert_eq!(of_a_terminal("", "xterm", "24bit"), TextStyle::Colour);
        assert_eq!(of_a_terminal("", "xterm", ""), TextStyle::Colour256);
        assert_eq!(of_a_terminal("", "dumb", "truecolor"), TextStyle::Plain);
        assert_eq!(of_a_terminal("1", "xterm", "truecolor"), TextStyle::Plain);
    }
}
