//! Words beside and below the cells, made safe to print.

use unicode_width::UnicodeWidthStr;

/// `text` without anything that would move a cursor, change a colour, reverse the line or break an XML file: control
/// characters become their pictures, and a lone space becomes visible.
pub fn clean_label(text: &str) -> String {
    if text == " " {
        return "␣".to_owned();
    }
    text.chars().map(visible).collect()
}

fn visible(c: char) -> char {
    match c {
        // U+2400 and following are the pictures of U+0000 and following.
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\x7f' => '␡',
        '\u{80}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' => '\u{fffd}',
        '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        _ => c,
    }
}

/// `text` if it is at most `most` columns of a terminal wide, else its beginning and an ellipsis. East Asian characters
/// and emoji take two columns, combining marks none.
pub(crate) fn fit(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let beginnings = text.char_indices().map(|(at, c)| &text[..at + c.len_utf8()]);
    let fitting = beginnings.take_while(|beginning| beginning.width() < most).last();
    format!("{}…", fitting.unwrap_or_default())
}

/// `text` with spaces in front of it, to `to` columns.
pub(crate) fn pad_left(text: &str, to: usize) -> String {
    format!("{}{text}", " ".repeat(to.saturating_sub(text.width())))
}

/// `text` with spaces behind it, to `to` columns.
pub(crate) fn pad_right(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        assert_eq!(clean_label("\x1b[31mred\n"), "␛[31mred␊");
        assert_eq!(clean_label("a\u{202e}b\u{9b}"), "a\u{fffd}b\u{fffd}");
        assert_eq!((clean_label(" ").as_str(), clean_label("a b").as_str()), ("␣", "a b"));
    }

    #[test]
    fn labels_are_cut_to_columns() {
        assert_eq!(fit("attention", 9), "attention");
        assert_eq!(fit("attention", 5), "atte…");
        assert_eq!(fit("注意力机制", 6), "注意…");
        assert_eq!("注a".width(), 3);
        assert_eq!(pad_left("注", 4), "  注");
        assert_eq!(pad_right("e\u{301}", 2), "e\u{301} ");
    }
}
