//! German: one word, in which the ones stand before the tens.

const SMALL: [&str; 20] = [
    "null",
    "eins",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
];

/// From twenty on.
const TENS: [&str; 8] =
    ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"];

/// One before another part of the word.
const ONE: &str = "ein";

pub(super) fn number(number: usize) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => below_thousand(rest, SMALL[1]),
        (thousands, 0) => format!("{}tausend", below_thousand(thousands, ONE)),
        (thousands, rest) => {
            format!("{}tausend{}", below_thousand(thousands, ONE), below_thousand(rest, SMALL[1]))
        }
    }
}

/// With the form of a one at its end.
fn below_thousand(number: usize, one: &str) -> String {
    match (number / 100, number % 100) {
        (0, rest) => below_hundred(rest, one),
        (hundreds, 0) => format!("{}hundert", digit(hundreds, ONE)),
        (hundreds, rest) => format!("{}hundert{}", digit(hundreds, ONE), below_hundred(rest, one)),
    }
}

fn below_hundred(number: usize, one: &str) -> String {
    match (number / 10, number % 10) {
        (0, ones) => digit(ones, one).to_owned(),
        (1, _) => SMALL[number].to_owned(),
        (tens, 0) => TENS[tens - 2].to_owned(),
        (tens, ones) => format!("{}und{}", digit(ones, ONE), TENS[tens - 2]),
    }
}

fn digit(digit: usize, one: &str) -> &str {
    if digit == 1 { one } else { SMALL[digit] }
}
