//! The tokenization `13a` of sacrebleu, which is that of NIST's `mteval-v13a.pl`.

/// What of a line is compared: words, numbers with their points and commas, and every other sign by itself.
pub(super) fn tokens(line: &str) -> Vec<String> {
    let line = line.trim_end_matches(is_space).replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    let line = entities(&line);
    let line: Vec<char> = [' '].into_iter().chain(line.chars()).chain([' ']).collect();
    let line = signs(&line);
    let line = between(&line, |before, sign| !before.is_ascii_digit() && is_point(sign), Gap::Around);
    let line = between(&line, |sign, after| is_point(sign) && !after.is_ascii_digit(), Gap::Before);
    let line = between(&line, |before, sign| before.is_ascii_digit() && sign == '-', Gap::Around);
    let line: String = line.into_iter().collect();
    line.split(is_space).filter(|token| !token.is_empty()).map(str::to_owned).collect()
}

fn entities(line: &str) -> String {
    line.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
}

/// White space of Python, which counts four separators of ASCII as well.
fn is_space(symbol: char) -> bool {
    symbol.is_whitespace() || ('\x1c'..='\x1f').contains(&symbol)
}

fn is_point(symbol: char) -> bool {
    matches!(symbol, '.' | ',')
}

/// Spaces around all signs of ASCII but `'`, `,`, `-` and `.`.
fn signs(line: &[char]) -> Vec<char> {
    let mut spaced = Vec::with_capacity(2 * line.len());
    for &symbol in line {
        match symbol {
            '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/' => {
                spaced.extend([' ', symbol, ' '])
            }
            _ => spaced.push(symbol),
        }
    }
    spaced
}

/// Where spaces are added to two symbols of which one is a sign.
#[derive(Clone, Copy)]
enum Gap {
    /// Before the second, which is the sign, and behind it.
    Around,
    /// Before the first, which is the sign, and behind it.
    Before,
}

/// Adds spaces to pairs of neighbours, from left to right; no symbol is in two of them.
fn between(line: &[char], is_pair: impl Fn(char, char) -> bool, gap: Gap) -> Vec<char> {
    let (mut spaced, mut rest) = (Vec::with_capacity(2 * line.len()), line);
    while let [first, after @ ..] = rest {
        rest = match after.first() {
            Some(&second) if is_pair(*first, second) => {
                spaced.extend(match gap {
                    Gap::Around => [*first, ' ', second, ' '],
                    Gap::Before => [' ', *first, ' ', second],
                });
                &after[1..]
            }
            _ => {
                spaced.push(*first);
                after
            }
        };
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_alone_but_points_in_numbers_and_hyphens_in_words() {
        for (line, expected) in [
            ("Hello, world!", "Hello , world !"),
            ("3.14, 1,000 and 5-6", "3.14 , 1,000 and 5 - 6"),
            ("well-known don't", "well-known don't"),
            ("a.b .5 6.", "a . b . 5 6 ."),
            ("&quot;A&amp;B&quot; (x)", "\" A & B \" ( x )"),
            ("  x\u{a0}y\x1cz  ", "x y z"),
            ("...", ". . ."),
        ] {
            assert_eq!(tokens(line).join(" "), expected);
        }
    }
}
