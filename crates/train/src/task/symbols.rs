//! What tasks share: drawing symbols and labelling them, and the labels of characters.

use qkv_model::random::Rng;
use rand::RngExt;
use rand::seq::index;

/// `len` independent symbols below `n_symbols`.
pub(super) fn sample(rng: &mut Rng, len: usize, n_symbols: usize) -> Vec<u32> {
    (0..len).map(|_| rng.random_range(0..n_symbols as u32)).collect()
}

/// `len` different symbols below `n_symbols`.
pub(super) fn sample_distinct(rng: &mut Rng, len: usize, n_symbols: usize) -> Vec<u32> {
    index::sample(rng, n_symbols, len).into_iter().map(|symbol| symbol as u32).collect()
}

/// The symbols in ascending order.
pub(super) fn sorted(symbols: &[u32]) -> Vec<u32> {
    let mut sorted = symbols.to_vec();
    sorted.sort_unstable();
    sorted
}

/// The labels of symbols that are numbers or have an order.
pub(super) fn numbers(n_symbols: usize) -> Vec<String> {
    (0..n_symbols).map(|symbol| symbol.to_string()).collect()
}

/// The labels of symbols without an order: letters, which are no positions and no values of a matrix; numbers where
/// there are more symbols than letters.
pub(super) fn letters(n_symbols: usize) -> Vec<String> {
    let letters = 'A'..='Z';
    match n_symbols <= letters.clone().count() {
        true => letters.take(n_symbols).map(String::from).collect(),
        false => numbers(n_symbols),
    }
}

/// The same labels with the number of every symbol that has its letter: those that older versions gave.
pub(crate) fn numbers_for_letters(labels: &[String]) -> Vec<String> {
    let mut letters = 'A'..='Z';
    let numbers = labels.iter().enumerate().map(|(symbol, label)| {
        let is_letter = letters.next().is_some_and(|letter| *label == letter.to_string());
        if is_letter { symbol.to_string() } else { label.clone() }
    });
    numbers.collect()
}

/// The labels of symbols, and that of the token after them.
pub(super) fn and(mut labels: Vec<String>, last: &str) -> Vec<String> {
    labels.push(last.to_owned());
    labels
}

/// A character as it can be shown, in one piece and different from all others: `\n`, `␣`, `\u{301}`, `a`.
pub(super) fn character(char: char) -> String {
    match char {
        ' ' => "␣".to_owned(),
        '␣' => char.escape_unicode().to_string(),
        '"' | '\'' | '\\' => char.to_string(),
        _ => char.escape_debug().to_string(),
    }
}

/// Longest input of a task: attention keeps T×T weights per head and example.
pub(super) const MAX_LEN: usize = 4096;

/// Most symbols of a task.
pub(super) const MAX_SYMBOLS: usize = 65_536;
