//! Texts in lines that fit.

/// Columns that every terminal has.
pub const COLUMNS: usize = 80;

/// The words of a text in lines of at most so many columns; a longer word has a line of its own.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    lines_of(text.split_whitespace(), columns)
}

/// The same with words that may have blanks in them.
pub fn lines_of<'a>(words: impl IntoIterator<Item = &'a str>, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= columns) {
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_lines_fit() {
        assert_eq!(wrapped("a bc  def\ng", 4), ["a bc", "def", "g"]);
        assert_eq!(wrapped("abcdef g", 3), ["abcdef", "g"]);
        assert!(wrapped("", 3).is_empty());
        assert_eq!(lines_of(["a", " ", "b"], 3), ["a  ", "b"]);
    }
}
