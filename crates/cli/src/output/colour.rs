//! Colours where somebody sees them, characters elsewhere.

use std::io::{IsTerminal, stdout};

use qkv_inspect::TextStyle;

/// Colour blocks on a terminal, unless `NO_COLOR` is set (<https://no-color.org>); readable characters elsewhere.
pub fn heat_maps() -> TextStyle {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stdout().is_terminal() && !no_colour { TextStyle::Colour } else { TextStyle::Plain }
}
