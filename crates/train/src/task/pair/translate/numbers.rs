//! Pairs that are made up: a number in one language, and the same in another.

use std::collections::HashSet;

use qkv_model::random::Rng;
use rand::RngExt;

use super::names::Language;
use crate::error::TrainError;
use crate::task::pair::alphabet::Alphabet;
use crate::task::pair::packing::Packing;
use crate::task::split::Split;

/// The numbers from zero on, in two languages.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    from: Language,
    to: Language,
    largest: usize,
    alphabet: Alphabet,
    packing: Packing,
    /// The answers that are never held out.
    words: HashSet<Vec<u32>>,
}

impl Numbers {
    /// # Errors
    /// If the languages are the same.
    pub fn new(from: Language, to: Language, largest: usize) -> Result<Self, TrainError> {
        let other = format!("another language than task.from, which is {}", from.called());
        TrainError::in_range(from != to, "task.to", other, to.called())?;
        let names = |language: Language| Names::of(language, largest);
        let [source, answer] = [from, to].map(names);
        let alphabet = Alphabet::of([source.characters.as_str(), answer.characters.as_str()]);
        let packing = Packing::of_longest(source.longest, answer.longest);
        let mut numbers = Self { from, to, largest, alphabet, packing, words: HashSet::new() };
        let is_long = largest >= 1000;
        let words = (0..if is_long { 100 } else { 10 }).map(|number| numbers.input(number));
        numbers.words = words.map(|input| packing.answer(&input).to_vec()).collect();
        Ok(numbers)
    }

    /// That of the number. The smallest numbers are words of their language, of which those of larger ones are made: they
    /// are always in training, because few as they are, a held-out one would be drawn again and again.
    pub fn split(&self, tokens: &[u32]) -> Split {
        let answer = self.packing.answer(tokens);
        if self.words.contains(answer) { Split::Train } else { Split::of(answer) }
    }

    pub fn summary(&self) -> String {
        let (from, to) = (self.from.called(), self.to.called());
        format!("translate the numbers from 0 to {} from {from} to {to}", self.largest)
    }

    pub fn labels(&self) -> Vec<String> {
        self.alphabet.labels()
    }

    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// A number of any length, so that short ones are learned as well as long ones, of which there are more.
    pub fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        let n_digits = rng.random_range(1..=n_digits(self.largest));
        let least = if n_digits == 1 { 0 } else { 10_usize.pow(n_digits - 1) };
        let most = (10_usize.pow(n_digits) - 1).min(self.largest);
        self.input(rng.random_range(least..=most))
    }

    fn input(&self, number: usize) -> Vec<u32> {
        let tokens = |language: Language| {
            self.alphabet.tokens(&language.number(number)).expect("the alphabet is that of all names")
        };
        self.packing.pack(&tokens(self.from), &tokens(self.to))
    }

    /// # Errors
    /// As [`Alphabet::tokens`].
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, TrainError> {
        self.alphabet.tokens(text)
    }

    pub fn text(&self, tokens: &[u32]) -> String {
        self.alphabet.text(tokens)
    }
}

/// What is known of the names of all numbers without a walk through a million of them.
struct Names {
    /// All that occur, some of them more than once.
    characters: String,
    /// Characters of the longest.
    longest: usize,
}

impl Names {
    /// The name of a number is made of those of its last three digits and of the digits before, each of which is one of a
    /// thousand.
    fn of(language: Language, largest: usize) -> Self {
        let all_ends = (0..=largest.min(999)).map(|number| language.number(number));
        let all_beginnings = (1..=largest / 1000).map(|thousands| language.number(1000 * thousands));
        let last = largest - largest % 1000;
        let longest_end = (0..1000).max_by_key(|&end| language.number(end).chars().count()).unwrap_or(0);
        let below_last = (1..last / 1000).map(|thousands| language.number(1000 * thousands + longest_end));
        let of_last = (last..=largest).map(|number| language.number(number));
        let all: Vec<String> = all_ends.chain(all_beginnings).chain(below_last).chain(of_last).collect();
        let longest = all.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        Self { characters: all.concat(), longest }
    }
}

fn n_digits(number: usize) -> u32 {
    number.max(1).ilog10() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_longer_than_the_longest_nor_has_other_characters() {
        for largest in [99, 100, 1000, 1021, 12_345, 250_021] {
            for language in [Language::Digits, Language::English, Language::French, Language::German] {
                let names = Names::of(language, largest);
                let all = (0..=largest).map(|number| language.number(number));
                let longest = all.clone().map(|name| name.chars().count()).max();
                assert_eq!(longest, Some(names.longest), "{language:?} {largest}");
                let alphabet = Alphabet::of([names.characters.as_str()]);
                assert!(all.clone().all(|name| alphabet.tokens(&name).is_ok()), "{language:?} {largest}");
            }
        }
    }
}
