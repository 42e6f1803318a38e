//! Dates as people write them, and as computers do: most spellings have another order than the answer.

mod calendar;
mod spelling;

use std::sync::LazyLock;

use qkv_model::random::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::alphabet::Alphabet;
use super::packing::{END, PADDING, Packing};
use crate::error::TrainError;
use crate::task::{Split, Task, Translation};
use calendar::Date;
use spelling::SPELLINGS;

/// Write a date as year, month and day.
///
/// ```text
/// source   Tuesday, 3 March 1987   Mar 3, 1987   3.3.1987   19870303   …        sixteen spellings
/// answer   1987-03-03
/// ```
///
/// Each spelling of a date gives the same answer, and every spelling names one date: between full stops the day stands
/// first, between slashes the month. The names of months become numbers, and the weekday must be passed over. A date is
/// held out in all its spellings.
///
/// ```
/// use qkv_train::{Dates, Split, Task, Translation, draw};
///
/// let task = Dates { first_year: 1900, last_year: 2099 };
/// let example = draw(&task, 0, Split::Test, 0)?;
/// let (source, answer) = example.tokens.split_at(task.source_len());
/// assert_eq!(task.text(answer).len(), "1987-03-03".len());
/// assert!(!task.text(source).is_empty());
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// The first year, at least 1000.
    pub first_year: usize,
    /// The last year, at most 9999.
    pub last_year: usize,
}

/// Characters of an answer.
const ANSWER_LEN: usize = 10;

/// Whatever the years are, inputs have the same form.
const PACKING: Packing = Packing { source_len: spelling::LONGEST, target_len: ANSWER_LEN + 1 };

/// All characters of sources and answers.
static ALPHABET: LazyLock<Alphabet> = LazyLock::new(|| {
    let days = (1..=31).flat_map(|day| (1..=12).map(move |month| Date { year: 1999, month, day }));
    let spelled = days.flat_map(|date| SPELLINGS.map(|spelling| spelling(&date)));
    let all: String = spelled.chain(["0123456789-".to_owned()]).collect();
    Alphabet::of([all.as_str()])
});

fn pack(source: &str, answer: &str) -> Result<Vec<u32>, TrainError> {
    let source = ALPHABET.tokens(source)?;
    TrainError::source_fits(source.len(), PACKING.source_len)?;
    Ok(PACKING.pack(&source, &ALPHABET.tokens(answer)?))
}

impl Task for Dates {
    fn summary(&self) -> String {
        let Self { first_year, last_year } = self;
        let n_spellings = SPELLINGS.len();
        format!("write a date of {first_year} to {last_year}, in {n_spellings} spellings, as year-month-day")
    }

    fn vocabulary(&self) -> Vec<String> {
        ALPHABET.labels()
    }

    fn seq_len(&self) -> usize {
        PACKING.seq_len()
    }

    fn source_len(&self) -> usize {
        PACKING.source_len
    }

    fn padding(&self) -> Option<u32> {
        Some(PADDING)
    }

    fn needs_causal_mask(&self) -> bool {
        true
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        let [first, after] =
            [self.first_year, self.last_year + 1].map(|year| Date::new_year(year).day_number());
        let date = Date::of_day_number(rng.random_range(first..after));
        let spelling = SPELLINGS[rng.random_range(0..SPELLINGS.len())];
        pack(&spelling(&date), &date.to_string()).expect("the alphabet is that of the spellings")
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        PACKING.targets(tokens)
    }

    fn slices(&self) -> Vec<String> {
        PACKING.slices()
    }

    fn slice(&self, _: &[u32], position: usize) -> Option<usize> {
        PACKING.slice(position)
    }

    fn check(&self) -> Result<(), TrainError> {
        TrainError::between("task.first_year", self.first_year, 1000, 9999)?;
        TrainError::between("task.last_year", self.last_year, self.first_year, 9999)
    }

    /// That of the date, in all its spellings.
    fn split(&self, tokens: &[u32]) -> Split {
        Split::of(PACKING.answer(tokens))
    }

    fn translation(&self) -> Option<&dyn Translation> {
        Some(self)
    }
}

impl Translation for Dates {
    fn end(&self) -> u32 {
        END
    }

    fn input(&self, source: &str) -> Result<Vec<u32>, TrainError> {
        pack(source, "")
    }

    fn text(&self, tokens: &[u32]) -> String {
        ALPHABET.text(PACKING.as_far_as_end(tokens))
    }
}
