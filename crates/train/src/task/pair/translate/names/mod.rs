//! The names of numbers, which languages make in different orders and with different exceptions.

mod english;
mod french;
mod german;

use serde::{Deserialize, Serialize};

/// A language in which a number can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// `21`.
    Digits,
    /// `twenty-one`.
    English,
    /// `vingt et un`, in the spelling before 1990.
    French,
    /// `einundzwanzig`, the ones before the tens.
    German,
}

/// The largest number that has a name here.
pub(super) const LARGEST: usize = 999_999;

impl Language {
    /// The name of a number of at most [`LARGEST`].
    pub(super) fn number(self, number: usize) -> String {
        match self {
            Self::Digits => number.to_string(),
            Self::English => english::number(number),
            Self::French => french::number(number),
            Self::German => german::number(number),
        }
    }

    /// The language as it is called in a sentence.
    pub(super) fn called(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::English => "English",
            Self::French => "French",
            Self::German => "German",
        }
    }
}

#[cfg(test)]
mod tests {
    use qkv_model::random::fnv1a;

    use super::*;

    /// Numbers with their names in three languages, read by eye.
    const NAMES: [(usize, [&str; 3]); 40] = [
        (0, ["zero", "zéro", "null"]),
        (1, ["one", "un", "eins"]),
        (2, ["two", "deux", "zwei"]),
        (7, ["seven", "sept", "sieben"]),
        (10, ["ten", "dix", "zehn"]),
        (11, ["eleven", "onze", "elf"]),
        (12, ["twelve", "douze", "zwölf"]),
        (16, ["sixteen", "seize", "sechzehn"]),
        (17, ["seventeen", "dix-sept", "siebzehn"]),
        (18, ["eighteen", "dix-huit", "achtzehn"]),
        (20, ["twenty", "vingt", "zwanzig"]),
        (21, ["twenty-one", "vingt et un", "einundzwanzig"]),
        (22, ["twenty-two", "vingt-deux", "zweiundzwanzig"]),
        (30, ["thirty", "trente", "dreißig"]),
        (36, ["thirty-six", "trente-six", "sechsunddreißig"]),
        (40, ["forty", "quarante", "vierzig"]),
        (60, ["sixty", "soixante", "sechzig"]),
        (61, ["sixty-one", "soixante et un", "einundsechzig"]),
        (70, ["seventy", "soixante-dix", "siebzig"]),
        (71, ["seventy-one", "soixante et onze", "einundsiebzig"]),
        (77, ["seventy-seven", "soixante-dix-sept", "siebenundsiebzig"]),
        (80, ["eighty", "quatre-vingts", "achtzig"]),
        (81, ["eighty-one", "quatre-vingt-un", "einundachtzig"]),
        (90, ["ninety", "quatre-vingt-dix", "neunzig"]),
        (91, ["ninety-one", "quatre-vingt-onze", "einundneunzig"]),
        (97, ["ninety-seven", "quatre-vingt-dix-sept", "siebenundneunzig"]),
        (100, ["one hundred", "cent", "einhundert"]),
        (101, ["one hundred one", "cent un", "einhunderteins"]),
        (180, ["one hundred eighty", "cent quatre-vingts", "einhundertachtzig"]),
        (200, ["two hundred", "deux cents", "zweihundert"]),
        (201, ["two hundred one", "deux cent un", "zweihunderteins"]),
        (321, ["three hundred twenty-one", "trois cent vingt et un", "dreihunderteinundzwanzig"]),
        (1000, ["one thousand", "mille", "eintausend"]),
        (1001, ["one thousand one", "mille un", "eintausendeins"]),
        (1100, ["one thousand one hundred", "mille cent", "eintausendeinhundert"]),
        (2000, ["two thousand", "deux mille", "zweitausend"]),
        (80_000, ["eighty thousand", "quatre-vingt mille", "achtzigtausend"]),
        (101_000, ["one hundred one thousand", "cent un mille", "einhunderteintausend"]),
        (
            200_200,
            [
                "two hundred thousand two hundred",
                "deux cent mille deux cents",
                "zweihunderttausendzweihundert",
            ],
        ),
        (
            999_999,
            [
                "nine hundred ninety-nine thousand nine hundred ninety-nine",
                "neuf cent quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf",
                "neunhundertneunundneunzigtausendneunhundertneunundneunzig",
            ],
        ),
    ];

    #[test]
    fn numbers_have_the_names_that_are_learned_at_school() {
        for (number, [english, french, german]) in NAMES {
            assert_eq!(Language::English.number(number), english);
            assert_eq!(Language::French.number(number), french);
            assert_eq!(Language::German.number(number), german);
            assert_eq!(Language::Digits.number(number), number.to_string());
        }
    }

    #[test]
    fn the_names_of_twenty_thousand_numbers_are_those_of_num2words() -> Result<(), serde_json::Error> {
        let recorded = include_str!("../../../../../../../tests/truth/number_names.json");
        let recorded: serde_json::Value = serde_json::from_str(recorded)?;
        let numbers: Vec<usize> = (0..10_000).chain((10_000..=LARGEST).step_by(97)).collect();
        assert_eq!(recorded["names"], numbers.len());
        for (language, name) in
            [(Language::English, "english"), (Language::French, "french"), (Language::German, "german")]
        {
            let names: String = numbers.iter().map(|&number| language.number(number) + "\n").collect();
            assert_eq!(recorded["fnv1a"][name], format!("{:016x}", fnv1a(names.as_bytes())), "{name}");
        }
        Ok(())
    }
}
