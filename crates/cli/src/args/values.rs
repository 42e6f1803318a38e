//! Values of options.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use qkv_train::Split;

/// The largest integer that a TOML file can hold.
const MAX_SEED: u64 = i64::MAX as u64;

/// What a number may be, in the refusal of anything else.
pub const ANY_COUNT: &str = "a whole number of at least 0";
pub const ANY_THREADS: &str = "a whole number between 1 and 1024";

/// A whole number; `expected` has its range in words.
pub fn whole<T: FromStr>(
    expected: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| text.parse().map_err(|_| format!("expected {expected}"))
}

/// A count that is not zero.
pub fn at_least_one<T: FromStr + From<u8> + PartialEq>(text: &str) -> Result<T, String> {
    let count: Option<T> = text.parse().ok().filter(|count| *count != T::from(0));
    count.ok_or_else(|| "expected a whole number of at least 1".to_owned())
}

/// A share of one that is not zero.
pub fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "expected a number above 0 and at most 1".to_owned())
}

/// A temperature of samples.
pub fn temperature(text: &str) -> Result<f64, String> {
    let temperature: Option<f64> = text.parse().ok().filter(|x: &f64| *x >= 0.0 && x.is_finite());
    temperature.ok_or_else(|| "expected a number of at least 0, such as 0.8".to_owned())
}

/// A seed.
pub fn seed(text: &str) -> Result<u64, String> {
    let seed: Option<u64> = text.parse().ok().filter(|seed| *seed <= MAX_SEED);
    seed.ok_or_else(|| format!("expected a whole number between 0 and {MAX_SEED}"))
}

/// The name of a split.
pub fn split() -> impl TypedValueParser<Value = Split> {
    let all = [Split::Train, Split::Validation, Split::Test];
    let named = move |name: String| all.into_iter().find(|split| split.name() == name);
    PossibleValuesParser::new(all.map(Split::name))
        .map(move |name| named(name).expect("one of the possible values"))
}
